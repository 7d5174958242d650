//! VP9 in RTP (RFC 9628).

use super::pieces::pieces;
use super::{Encoded, MAX_PAYLOAD, Malformed, Parts};
use crate::codec::vp9::Vp9Descriptor;

/// Most frames of spatial layers in a picture (RFC 9628 4.2: SID has three bits).
const MAX_LAYERS: usize = 8;

/// Appends a payload without its descriptor, and notes where frames of layers begin.
pub(super) fn depacketize(parts: &mut Parts, payload: &[u8]) -> Result<(), Malformed> {
    let descriptor = Vp9Descriptor::parse(payload).ok_or(Malformed)?;
    if descriptor.frame_start {
        if parts.starts.len() == MAX_LAYERS {
            return Err(Malformed);
        }
        parts.starts.push(parts.data.len());
    }
    if parts.starts.is_empty() {
        return Err(Malformed);
    }
    let data = payload.get(usize::from(descriptor.len)..).ok_or(Malformed)?;
    parts.data.extend_from_slice(data);
    Ok(())
}

/// RFC 9628 4.2, non-flexible mode: each picture is predicted from the one before, which the
/// scalability structure of every keyframe says.
pub(super) fn packetize(
    frame: &Encoded<'_>,
    picture_id: u16,
    tl0_picture_index: u8,
    emit: &mut impl FnMut(&[u8], &[u8], bool),
) {
    const I: u8 = 0x80;
    const P: u8 = 0x40;
    const L: u8 = 0x20;
    const B: u8 = 0x08;
    const E: u8 = 0x04;
    const V: u8 = 0x02;
    let [high, low] = (0x8000 | picture_id).to_be_bytes();
    let [width_high, width_low] = frame.width.to_be_bytes();
    let [height_high, height_low] = frame.height.to_be_bytes();
    // One layer with a size (Y), a group (G) of one picture: temporal layer 0, switching up
    // point, one reference, which is one picture back.
    let structure = [0x18, width_high, width_low, height_high, height_low, 1, 0x14, 1];
    let inter = if frame.keyframe { 0 } else { P };
    for piece in pieces(frame.data, MAX_PAYLOAD - 5 - structure.len()) {
        let mut flags = I | L | inter;
        flags |= if piece.first { B } else { 0 } | if piece.last { E } else { 0 };
        let mut descriptor = [0; 13];
        let len = if frame.keyframe && piece.first {
            flags |= V;
            descriptor[5..].copy_from_slice(&structure);
            13
        } else {
            5
        };
        descriptor[..5].copy_from_slice(&[flags, high, low, 0, tl0_picture_index]);
        emit(&descriptor[..len], piece.data, piece.last);
    }
}
