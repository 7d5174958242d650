//! RTP made by hand (RFC 3550).

use super::World;
use super::bare_peer::{BarePeer, VIDEO_SSRC};

/// A finished header, with extensions in the one-byte or the two-byte form (RFC 8285). `pt` has the
/// marker in its highest bit.
pub fn header(
    ssrc: u32,
    pt: u8,
    sequence: u16,
    one_byte: bool,
    extension: &[u8],
    padding: bool,
) -> Vec<u8> {
    let mut header = vec![0x90 | u8::from(padding) << 5, pt];
    header.extend(sequence.to_be_bytes());
    header.extend((u32::from(sequence) * 1000).to_be_bytes());
    header.extend(ssrc.to_be_bytes());
    header.extend(if one_byte { [0xbe, 0xde] } else { [0x10, 0x00] });
    header.extend((extension.len().div_ceil(4) as u16).to_be_bytes());
    header.extend(extension);
    header.resize(header.len().next_multiple_of(4), 0);
    header
}

/// Sends a picture of one packet in VP8 (RFC 7741), number `frame` of those on the line that has
/// announced its SSRC.
pub fn picture(world: &mut World, peer: &BarePeer, frame: u64, keyframe: bool) {
    picture_with(world, peer, frame, keyframe, |_| ());
}

/// As [`picture`], with something done to the payload before it is sealed.
pub fn picture_with(
    world: &mut World,
    peer: &BarePeer,
    frame: u64,
    keyframe: bool,
    change: impl FnOnce(&mut Vec<u8>),
) {
    let index = 1000 + frame;
    // What the line has the MID in: extension 4.
    let mut header = header(VIDEO_SSRC, 0x80 | 96, index as u16, true, &[0x40, b'2', 0, 0], false);
    header[4..8].copy_from_slice(&(frame as u32).wrapping_mul(1800).to_be_bytes());
    // Picture id of 15 bits, TL0PICIDX, and the frame header (RFC 6386 9.1): 320 by 180.
    let id = (frame & 0x7fff) as u16 | 0x8000;
    let mut payload = vec![0x90, 0xe0, (id >> 8) as u8, id as u8, frame as u8, 0];
    payload.extend([if keyframe { 0x10 } else { 0x11 }, 0, 0]);
    if keyframe {
        payload.extend([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
    }
    payload.resize(60, 0);
    change(&mut payload);
    peer.send_rtp(world, &header, index, &payload);
}
