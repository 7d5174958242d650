//! VP8 in RTP (RFC 7741).

use super::pieces::pieces;
use super::{MAX_PAYLOAD, Malformed, Parts};
use crate::codec::vp8::Vp8Descriptor;

/// Appends a payload without its descriptor.
pub(super) fn depacketize(parts: &mut Parts, payload: &[u8]) -> Result<(), Malformed> {
    let descriptor = Vp8Descriptor::parse(payload).ok_or(Malformed)?;
    if descriptor.frame_start() != parts.is_empty() {
        return Err(Malformed);
    }
    let data = payload.get(usize::from(descriptor.len)..).ok_or(Malformed)?;
    parts.data.extend_from_slice(data);
    Ok(())
}

/// RFC 7741 4.2: X, S on the first one; I with 15 bits of `picture_id`.
pub(super) fn packetize(data: &[u8], picture_id: u16, emit: &mut impl FnMut(&[u8], &[u8], bool)) {
    let [high, low] = (0x8000 | picture_id).to_be_bytes();
    for piece in pieces(data, MAX_PAYLOAD - 4) {
        let start = if piece.first { 0x10 } else { 0 };
        emit(&[0x80 | start, 0x80, high, low], piece.data, piece.last);
    }
}
