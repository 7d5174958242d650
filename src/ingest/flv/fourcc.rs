//! What Enhanced RTMP's tags of sound and pictures have in common.

use super::error::FlvError;

/// Packet types of sound and pictures alike (Enhanced RTMP v2).
pub(super) const SEQUENCE_START: u8 = 0;
pub(super) const CODED_FRAMES: u8 = 1;
const MULTITRACK_VIDEO: u8 = 6;
const MULTITRACK_AUDIO: u8 = 5;
const MODIFIERS: u8 = 7;

/// An enhanced tag behind its first byte.
pub(super) struct Enhanced<'a> {
    pub(super) packet: u8,
    pub(super) code: [u8; 4],
    pub(super) body: &'a [u8],
}

/// Reads the header behind the first byte, whose low bits are the packet type.
pub(super) fn enhanced(first: u8, body: &[u8], video: bool) -> Result<Enhanced<'_>, FlvError> {
    let mut packet = first & 0x0f;
    let mut rest = body;
    // Modifiers come before what they modify; of the one that is there, nanoseconds, nothing is lost.
    while packet == MODIFIERS {
        let (&short, after) = rest.split_first().ok_or(FlvError::Malformed)?;
        let mut size = usize::from(short) + 1;
        rest = after;
        if size == 256 {
            let (&long, after) = rest.split_first_chunk().ok_or(FlvError::Malformed)?;
            size = usize::from(u16::from_be_bytes(long)) + 1;
            rest = after;
        }
        let after = rest.get(size..).ok_or(FlvError::Malformed)?;
        let (&next, after) = after.split_first().ok_or(FlvError::Malformed)?;
        (packet, rest) = (next & 0x0f, after);
    }
    if packet == if video { MULTITRACK_VIDEO } else { MULTITRACK_AUDIO } {
        return Err(FlvError::Multitrack);
    }
    let (&code, body) = rest.split_first_chunk().ok_or(FlvError::Malformed)?;
    Ok(Enhanced { packet, code, body })
}
