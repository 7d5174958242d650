//! Payloads that are too large for a path, cut into several that say the same. Who sends to a network
//! of its own fills its packets to the brim of that; what is added on the way to a browser, and what
//! carries it there, needs room.

use super::h264::H264;
use super::h265::{self, H265};
use super::nal::{self, NalFormat};
use super::pieces::pieces;
use super::{MAX_PAYLOAD, Malformed};
use crate::codec::av1::Elements;
use crate::codec::vp8::Vp8Descriptor;
use crate::codec::vp9::Vp9Descriptor;
use crate::codec::{Codec, h264};

/// A payload above this is cut; what comes of it is of [`MAX_PAYLOAD`] at most.
pub const CUT_ABOVE: usize = 1200;

/// In the header of a fragment (RFC 6184 5.8, RFC 7798 4.4.3).
const START: u8 = 0x80;
const END: u8 = 0x40;

/// Cuts a payload. `emit` gets the parts of each payload in turn: what goes first, and what follows.
///
/// # Errors
/// [`Malformed`] when the payload breaks the rules of its format, or cannot be cut; what was emitted
/// before is of no use then.
pub fn cut(
    codec: Codec,
    payload: &[u8],
    emit: &mut impl FnMut(&[u8], &[u8]),
) -> Result<(), Malformed> {
    match codec {
        Codec::H264 => {
            let (&header, body) = payload.split_first().ok_or(Malformed)?;
            match header & 0x1f {
                h264::STAP_A => split::<H264>(body, emit),
                h264::FU_A => {
                    let (&fragment, body) = body.split_first().ok_or(Malformed)?;
                    refragment(&[header], fragment, body, emit);
                    Ok(())
                }
                1..h264::STAP_A => {
                    fragment::<H264>(payload, emit);
                    Ok(())
                }
                _ => Err(Malformed),
            }
        }
        Codec::H265 => {
            let (header, body) = payload.split_first_chunk::<2>().ok_or(Malformed)?;
            match h265::kind(*header) {
                h265::AGGREGATION => split::<H265>(body, emit),
                h265::FRAGMENTATION => {
                    let (&fragment, body) = body.split_first().ok_or(Malformed)?;
                    refragment(header, fragment, body, emit);
                    Ok(())
                }
                _ => {
                    fragment::<H265>(payload, emit);
                    Ok(())
                }
            }
        }
        Codec::Vp8 => cut_vp8(payload, emit),
        Codec::Vp9 => cut_vp9(payload, emit),
        Codec::Av1 => cut_av1(payload, emit),
        // A packet of sound is what it is (RFC 7587 4.2).
        Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => Err(Malformed),
    }
}

/// The units of an aggregation packet, each by itself.
fn split<F: NalFormat>(body: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    nal::split_aggregate(body, |nal| {
        if nal.len() > MAX_PAYLOAD {
            fragment::<F>(nal, emit);
        } else if nal.len() >= F::HEADER {
            emit(&[], nal);
        }
    })
}

/// A unit in fragments.
fn fragment<F: NalFormat>(nal: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) {
    let Some(body) = nal.get(F::HEADER..) else { return };
    for piece in pieces(body, MAX_PAYLOAD - F::HEADER - 1) {
        emit(&F::fragment_headers(nal, piece.first, piece.last), piece.data);
    }
}

/// A fragment in smaller ones: only the first begins the unit, and only the last ends it.
fn refragment(header: &[u8], fragment: u8, body: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) {
    for piece in pieces(body, MAX_PAYLOAD - header.len() - 1) {
        let mut flags = fragment;
        if !piece.first {
            flags &= !START;
        }
        if !piece.last {
            flags &= !END;
        }
        emit(&[header, &[flags]].concat(), piece.data);
    }
}

/// RFC 7741 4.2: a partition goes on in packets that do not begin one.
fn cut_vp8(payload: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    const S: u8 = 0x10;
    let descriptor = Vp8Descriptor::parse(payload).ok_or(Malformed)?;
    let (head, body) = payload.split_at_checked(usize::from(descriptor.len)).ok_or(Malformed)?;
    let mut head = head.to_vec();
    for piece in pieces(body, MAX_PAYLOAD - head.len()) {
        if let Some(first) = head.first_mut().filter(|_| !piece.first) {
            *first &= !S;
        }
        emit(&head, piece.data);
    }
    Ok(())
}

/// RFC 9628 4.2: only the first piece begins the frame and tells of layers, only the last ends it.
fn cut_vp9(payload: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    const B: u8 = 0x08;
    const E: u8 = 0x04;
    const V: u8 = 0x02;
    let descriptor = Vp9Descriptor::parse(payload).ok_or(Malformed)?;
    let (head, body) = payload.split_at_checked(usize::from(descriptor.len)).ok_or(Malformed)?;
    let short = Vp9Descriptor::without_structure(payload).ok_or(Malformed)?;
    let most = MAX_PAYLOAD.checked_sub(head.len()).filter(|most| *most > 0).ok_or(Malformed)?;
    for piece in pieces(body, most) {
        let mut head = if piece.first { head.to_vec() } else { head[..short].to_vec() };
        if let Some(flags) = head.first_mut() {
            if !piece.first {
                *flags &= !(B | V);
            }
            if !piece.last {
                *flags &= !E;
            }
        }
        emit(&head, piece.data);
    }
    Ok(())
}

/// The AV1 RTP payload format 4.4: each element by itself, in as many packets as it takes.
fn cut_av1(payload: &[u8], emit: &mut impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    const Z: u8 = 0x80;
    const Y: u8 = 0x40;
    const ONE: u8 = 0x10;
    const N: u8 = 0x08;
    let (&header, body) = payload.split_first().ok_or(Malformed)?;
    let mut elements = Elements::new(header, body);
    let all: Vec<&[u8]> = elements.by_ref().collect();
    if !elements.rest().is_empty() || all.is_empty() {
        return Err(Malformed);
    }
    for (place, element) in all.iter().enumerate() {
        let (first, last) = (place == 0, place + 1 == all.len());
        for piece in pieces(element, MAX_PAYLOAD - 1) {
            let mut flags = ONE;
            if !piece.first || (first && header & Z != 0) {
                flags |= Z;
            }
            if !piece.last || (last && header & Y != 0) {
                flags |= Y;
            }
            if first && piece.first {
                flags |= header & N;
            }
            emit(&[flags], piece.data);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::{Encoded, Packetizer, Parts};
    use super::*;

    fn cut_all(codec: Codec, payload: &[u8]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        cut(codec, payload, &mut |head, body| payloads.push([head, body].concat())).unwrap();
        payloads
    }

    fn frame(codec: Codec, payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut parts = Parts::default();
        payloads.iter().for_each(|payload| parts.push(codec, payload).unwrap());
        assert!(parts.is_complete());
        parts.data
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|n| (n % 251) as u8 + 1).collect()
    }

    #[track_caller]
    fn says_the_same(codec: Codec, payloads: &[Vec<u8>]) {
        let cut: Vec<Vec<u8>> =
            payloads.iter().flat_map(|payload| cut_all(codec, payload)).collect();
        assert!(cut.len() > payloads.len());
        assert!(cut.iter().all(|payload| payload.len() <= MAX_PAYLOAD));
        assert_eq!(frame(codec, &cut), frame(codec, payloads));
    }

    #[test]
    fn units_fragments_and_aggregates_of_h264_say_the_same_in_smaller_packets() {
        says_the_same(Codec::H264, &[[&[0x65][..], &bytes(1459)].concat()]);
        let fragments = [[0x7c, 0x85], [0x7c, 0x05], [0x7c, 0x45]];
        says_the_same(Codec::H264, &fragments.map(|head| [&head[..], &bytes(1458)].concat()));
        let unit = |kind: u8, len: u16| {
            [&(len + 1).to_be_bytes()[..], &[kind], &bytes(usize::from(len))].concat()
        };
        let together = [&[0x78][..], &unit(0x67, 20), &unit(0x68, 6), &unit(0x65, 1300)].concat();
        says_the_same(Codec::H264, &[together]);
    }

    #[test]
    fn those_of_h265_do_too() {
        says_the_same(Codec::H265, &[[&[0x26, 1][..], &bytes(1459)].concat()]);
        let fragments = [[0x62, 1, 0x93], [0x62, 1, 0x13], [0x62, 1, 0x53]];
        says_the_same(Codec::H265, &fragments.map(|head| [&head[..], &bytes(1457)].concat()));
    }

    #[test]
    fn pictures_of_vp8_and_vp9_do_too() {
        let head = [0x90, 0x80, 0x80, 7];
        let vp8 = cut_all(Codec::Vp8, &[&head[..], &bytes(1456)].concat());
        assert_eq!(vp8.iter().map(|p| p[0] & 0x10 != 0).collect::<Vec<_>>(), [true, false]);
        says_the_same(Codec::Vp8, &[[&head[..], &bytes(1456)].concat()]);
        // A keyframe of one packet, with its structure: I, L, B, E, V.
        let structure = [0x18, 1, 0, 1, 0, 1, 0x14, 1];
        let head = [&[0xae, 0x80, 7, 0, 1][..], &structure].concat();
        let vp9 = cut_all(Codec::Vp9, &[&head[..], &bytes(1456)].concat());
        let read: Vec<_> = vp9.iter().map(|p| Vp9Descriptor::parse(p).unwrap()).collect();
        assert!(read[0].frame_start && !read[0].frame_end && read[0].scalability_structure);
        assert!(!read[1].frame_start && read[1].frame_end && !read[1].scalability_structure);
        says_the_same(Codec::Vp9, &[[&head[..], &bytes(1456)].concat()]);
    }

    #[test]
    fn elements_of_av1_do_too() {
        // A temporal unit: a sequence header and a frame, both with sizes.
        let data = [&[0x0a, 3, 1, 2, 3, 0x32, 0xd0, 0x0f][..], &bytes(2000)].concat();
        let mut packets = Vec::new();
        let encoded = Encoded {
            data: &data,
            keyframe: true,
            width: 0,
            height: 0,
            timestamp: 0,
            captured: Instant::now(),
        };
        let emit = |packet: crate::codec::packet::MadePacket| packets.push(packet.payload.to_vec());
        Packetizer::new(Codec::Av1).packetize(&encoded, emit).unwrap();
        // Larger than anybody would send, but that does not matter here.
        let whole = [&[0x28][..], &[4, 0x08, 1, 2, 3], &[0x30], &bytes(2000)].concat();
        assert_eq!(frame(Codec::Av1, &cut_all(Codec::Av1, &whole)), frame(Codec::Av1, &packets));
    }

    #[test]
    fn what_breaks_the_rules_is_not_cut() {
        let mut nothing = |_: &[u8], _: &[u8]| {};
        for codec in [Codec::H264, Codec::H265, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::Opus] {
            assert!(cut(codec, &[], &mut nothing).is_err(), "{codec}");
        }
        assert!(cut(Codec::H264, &[0x78, 9, 9, 1], &mut nothing).is_err(), "a size past the end");
        assert!(cut(Codec::H264, &[0x7d; 1400], &mut nothing).is_err(), "FU-B");
        assert!(cut(Codec::Opus, &[0; 1400], &mut nothing).is_err());
    }
}
