//! Payload descriptors, RTP headers, RTCP compounds, STUN and the frames of a stream: functions of
//! bytes.

use medialoom::codec::dependency_descriptor::DescriptorReader;
use medialoom::codec::frame::Parts;
use medialoom::codec::red::{self, Red};
use medialoom::codec::vp9::Vp9Descriptor;
use medialoom::codec::{Codec, Description, multiplex, wrapped};
use medialoom::net::FrameDecoder;
use medialoom::receiving::RtpHeader;

use super::measure::reads_linearly;

/// The smaller of the two sizes: the larger one is the longest datagram there is.
const SIZE: usize = 16_000;

/// So much of something again and again, after something else.
fn filled(start: &[u8], unit: &[u8], times: usize) -> Vec<u8> {
    let mut bytes = start.to_vec();
    while bytes.len() + unit.len() <= SIZE * times {
        bytes.extend(unit);
    }
    bytes
}

#[test]
fn payloads_of_pictures() {
    let cases: [(&str, Codec, &[u8], &[u8]); 11] = [
        ("H.264, STAP-A of tiny units", Codec::H264, &[24], &[0, 1, 9]),
        ("H.264, STAP-A of empty units", Codec::H264, &[24], &[0, 0]),
        ("H.264, STAP-A of parameter sets", Codec::H264, &[24], &[0, 5, 0x67, 66, 0, 31, 0xff]),
        ("H.264, zeros of a parameter set", Codec::H264, &[0x67, 66, 0, 31], &[0]),
        ("H.265, aggregation of tiny units", Codec::H265, &[48 << 1, 1], &[0, 2, 2, 1]),
        ("H.265, zeros of a parameter set", Codec::H265, &[33 << 1, 1], &[0]),
        ("AV1, tiny elements", Codec::Av1, &[0x00], &[1, 0x10]),
        ("AV1, empty elements", Codec::Av1, &[0x08], &[0]),
        ("AV1, lengths without an end", Codec::Av1, &[0x00], &[0x80]),
        ("VP9, layers", Codec::Vp9, &[0x0a, 0xff], &[0xff]),
        ("VP8, extensions", Codec::Vp8, &[0x90, 0xf0, 0xff], &[0xff]),
    ];
    for (what, codec, start, unit) in cases {
        let make = |times| filled(start, unit, times);
        reads_linearly(what, make, |payload| Description::parse(codec, payload, None));
        reads_linearly(what, make, |payload| Parts::default().push(codec, payload).is_ok());
    }
    let layers = |times| filled(&[0xff; 30], &[0xff, 0x01], times);
    reads_linearly("VP9, a scalability structure", layers, Vp9Descriptor::parse);
}

#[test]
fn extensions() {
    let structure = |unit: &'static [u8]| move |times| filled(&[0xc0, 0, 1, 0x80], unit, times);
    for unit in [&[0xff][..], &[0x00], &[0xaa], &[0x55]] {
        reads_linearly("dependency descriptors", structure(unit), |extension| {
            DescriptorReader::default().read(extension)
        });
    }
    // Of one byte and of two, and sources that contributed.
    let header = |start: &'static [u8], unit: &'static [u8]| {
        move |times: usize| {
            let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
            packet.extend(start);
            let words = SIZE * times / 4;
            packet.extend((words as u16).to_be_bytes());
            packet.extend(unit.iter().cycle().take(words * 4));
            packet
        }
    };
    let read = |packet: &[u8]| RtpHeader::parse(packet).map(|header| header.elements().count());
    reads_linearly("one-byte elements", header(&[0xbe, 0xde], &[0x10, 1]), read);
    reads_linearly("two-byte elements", header(&[0x10, 0], &[1, 0]), read);
    reads_linearly("padding between elements", header(&[0xbe, 0xde], &[0]), read);
}

#[test]
fn redundancy() {
    let blocks = |times| filled(&[], &red::header(111, 1, 1), times);
    reads_linearly("RED blocks", blocks, |payload| Red::parse(payload).is_some());
    reads_linearly("RED blocks", blocks, |payload| red::primary(payload).is_some());
}

#[test]
fn stun() {
    let message = |attribute: &'static [u8]| {
        move |times: usize| {
            let mut message = filled(&[], attribute, times);
            let mut header = vec![0, 1];
            header.extend((message.len() as u16).to_be_bytes());
            header.extend([0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
            header.append(&mut message);
            header
        }
    };
    for attribute in [&[0x80, 0x22, 0, 0][..], &[0, 6, 0, 4, b'a', b':', b'b', b'c'], &[0, 8, 0, 0]]
    {
        let make = message(attribute);
        reads_linearly("STUN", make, |message| multiplex::stun_local_ufrag(message).is_some());
        reads_linearly("STUN", make, |message| multiplex::stun_request(message).is_some());
        reads_linearly("STUN", make, |message| wrapped::unwrap(message).is_some());
        reads_linearly("STUN", make, |message| str0m::ice::StunMessage::parse(message).is_ok());
    }
}

#[test]
fn frames_of_a_stream() {
    let whole = |unit: &'static [u8]| move |times| filled(&[], unit, times * 4);
    for unit in [&[0, 1, 7][..], &[0, 0], &[0, 100]] {
        reads_linearly("frames at once", whole(unit), |stream| {
            let mut frames = 0;
            FrameDecoder::default().push(stream, |_| frames += 1).map(|()| frames)
        });
        reads_linearly("frames byte by byte", whole(unit), |stream| {
            let (mut decoder, mut frames) = (FrameDecoder::default(), 0);
            for byte in stream {
                decoder.push(std::slice::from_ref(byte), |_| frames += 1).unwrap();
            }
            frames
        });
    }
}
