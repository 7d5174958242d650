//! What is cut comes together again, and bytes of anybody's making do no harm.

use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};

use super::*;
use crate::codec::packet::MadePacket;
use crate::codec::{Codec, Description};

fn packetize(codec: Codec, data: &[u8], keyframe: bool) -> Result<Vec<MadePacket>, Malformed> {
    let (width, height, timestamp, captured) = (640, 360, 3000, Instant::now());
    let encoded = Encoded { data, keyframe, width, height, timestamp, captured };
    let mut packets = Vec::new();
    Packetizer::new(codec).packetize(&encoded, |packet| packets.push(packet))?;
    Ok(packets)
}

fn reassemble(codec: Codec, packets: &[MadePacket]) -> Vec<u8> {
    let mut parts = Parts::default();
    for packet in packets {
        assert!(packet.payload.len() <= MAX_PAYLOAD, "{} bytes", packet.payload.len());
        parts.push(codec, &packet.payload).unwrap();
    }
    assert!(parts.is_complete());
    assert!(packets.iter().rev().enumerate().all(|(i, p)| p.marker == (i == 0)));
    parts.data
}

fn payloads(packets: &[MadePacket]) -> Vec<&[u8]> {
    packets.iter().map(|packet| &packet.payload[..]).collect()
}

/// A unit of this type without anything like a start code in it.
fn h265_nal(kind: u8, len: usize) -> Vec<u8> {
    let mut nal = vec![0, 0, 0, 1, kind << 1, 1];
    nal.extend((0..len).map(|i| (i % 255) as u8 + 1));
    nal
}

/// An OBU with a size.
fn obu(header: &[u8], len: usize) -> Vec<u8> {
    let (size, used) = crate::codec::av1::size(len);
    let body = (0..len).map(|i| i as u8);
    header.iter().copied().chain(size[..used].iter().copied()).chain(body).collect()
}

const SEQUENCE_HEADER: u8 = 0x0a;
const TEMPORAL_DELIMITER: u8 = 0x12;
const FRAME: u8 = 0x32;

#[test]
fn h265_parameter_sets_go_together_and_large_units_in_fragments() {
    let sets = [h265_nal(32, 20), h265_nal(33, 40), h265_nal(34, 5)].concat();
    let data = [sets, h265_nal(39, 10), h265_nal(19, 5000), h265_nal(19, 1148)].concat();
    let packets = packetize(Codec::H265, &data, true).unwrap();
    let kinds: Vec<u8> = packets.iter().map(|p| p.payload[0] >> 1 & 0x3f).collect();
    assert_eq!(kinds, [48, 39, 49, 49, 49, 49, 49, 19]);
    assert!(Description::parse(Codec::H265, &packets[0].payload, None).keyframe_complete);
    // S and E (RFC 7798 4.4.3) on the first and the last fragment.
    assert_eq!(payloads(&packets)[2][..3], [49 << 1, 1, 0x80 | 19]);
    assert_eq!(payloads(&packets)[3][..3], [49 << 1, 1, 19]);
    assert_eq!(payloads(&packets)[6][..3], [49 << 1, 1, 0x40 | 19]);
    assert_eq!(reassemble(Codec::H265, &packets), data);
}

#[test]
fn a_single_h265_parameter_set_is_no_aggregate() {
    let data = [h265_nal(34, 5), h265_nal(1, 9)].concat();
    let packets = packetize(Codec::H265, &data, false).unwrap();
    assert_eq!(payloads(&packets)[0][..2], [34 << 1, 1]);
    assert_eq!(reassemble(Codec::H265, &packets), data);
}

#[test]
fn nothing_is_left_of_h265_layers_that_are_not_decoded() {
    let mut parts = Parts::default();
    // nuh_layer_id 1, alone and in an aggregate beside a slice.
    parts.push(Codec::H265, &[1 << 1, 1 << 3 | 1, 9]).unwrap();
    assert!(parts.is_empty());
    let aggregate = [48 << 1, 1, 0, 3, 1 << 1, 1 << 3 | 1, 9, 0, 3, 1 << 1, 1, 7];
    parts.push(Codec::H265, &aggregate).unwrap();
    // A fragmented one, start to end.
    for flags in [0x80, 0, 0x40] {
        parts.push(Codec::H265, &[49 << 1, 1 << 3 | 1, flags | 1, 5]).unwrap();
    }
    assert_eq!(parts.data, [0, 0, 0, 1, 1 << 1, 1, 7]);
    assert!(parts.is_complete());
}

#[test]
fn an_h265_fragment_out_of_place_is_malformed() {
    let push = |payloads: &[&[u8]]| {
        let mut parts = Parts::default();
        payloads.iter().try_for_each(|payload| parts.push(Codec::H265, payload))
    };
    assert!(push(&[&[49 << 1, 1, 1, 5]]).is_err(), "no beginning");
    assert!(push(&[&[49 << 1, 1, 0x81, 5], &[1 << 1, 1, 5]]).is_err(), "no end");
    assert!(push(&[&[48 << 1, 1, 0, 9, 2]]).is_err(), "a size past the end");
    assert!(push(&[&[50 << 1, 1, 0, 9]]).is_err(), "PACI, which is not negotiated");
    assert!(push(&[&[1 << 1]]).is_err(), "half a header");
}

#[test]
fn av1_obus_lose_their_sizes_and_delimiters_and_get_them_back() {
    for len in [1, 31, 32, 100, 1100, 1146, 1147, 1148, 1149, 3000, 100_000] {
        let sent = [obu(&[SEQUENCE_HEADER], 11), obu(&[FRAME], len)].concat();
        let data = [obu(&[TEMPORAL_DELIMITER], 0), sent.clone()].concat();
        let packets = packetize(Codec::Av1, &data, true).unwrap();
        assert_eq!(reassemble(Codec::Av1, &packets), sent, "{len} bytes");
        // N on the first packet only (AV1 RTP 4.4); obu_has_size_field is cleared.
        assert!(packets.iter().enumerate().all(|(i, p)| (p.payload[0] & 0x08 != 0) == (i == 0)));
        assert_eq!(packets[0].payload[2], SEQUENCE_HEADER & !0x02);
    }
}

#[test]
fn more_obus_than_w_counts_have_a_length_each() {
    let data: Vec<u8> = (1..=9).flat_map(|len| obu(&[FRAME], len)).collect();
    let packets = packetize(Codec::Av1, &data, false).unwrap();
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].payload[0], 0, "W is 0, and no keyframe begins");
    assert_eq!(reassemble(Codec::Av1, &packets), data);
}

#[test]
fn av1_layers_do_not_share_packets() {
    // obu_extension_flag; spatial layers 0 and 1.
    let layers = [obu(&[FRAME | 0x04, 0], 50), obu(&[FRAME | 0x04, 0x08], 50)];
    let packets = packetize(Codec::Av1, &layers.concat(), false).unwrap();
    assert_eq!(packets.len(), 2);
    assert_eq!(reassemble(Codec::Av1, &packets), layers.concat());
}

#[test]
fn av1_that_is_no_row_of_obus_is_refused_and_nothing_sent() {
    for data in [&[0x30, 1, 2][..], &[0x32, 9, 1], &[0x36], &[0x32, 1, 1, 0x32]] {
        assert_eq!(packetize(Codec::Av1, data, false).err(), Some(Malformed), "{data:?}");
    }
}

#[test]
fn a_packet_of_sound_is_a_frame() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::G722] {
        let packets = packetize(codec, &[1, 2, 3], true).unwrap();
        assert_eq!(payloads(&packets), [[1, 2, 3]]);
        let mut parts = Parts::default();
        parts.push(codec, &packets[0].payload).unwrap();
        assert!(parts.is_complete());
        assert!(parts.push(codec, &[4]).is_err(), "the next one is another frame");
    }
}

#[test]
fn whatever_is_cut_or_put_together_nothing_panics() {
    let mut random = SmallRng::seed_from_u64(7);
    for round in 0..20_000 {
        let codec = Codec::ALL[round % Codec::ALL.len()];
        let mut data = vec![0; random.random_range(0..300)];
        random.fill_bytes(&mut data);
        if let Ok(packets) = packetize(codec, &data, round % 2 == 0) {
            let mut parts = Parts::default();
            let _ = packets.iter().try_for_each(|packet| parts.push(codec, &packet.payload));
        }
        let mut parts = Parts::default();
        for piece in data.chunks(random.random_range(1..60)) {
            let _ = parts.push(codec, piece);
        }
    }
}
