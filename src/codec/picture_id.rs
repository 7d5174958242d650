//! The picture id that VP8 (RFC 7741 4.2) and VP9 (RFC 9628 4.2) write the same way.

use super::prefix::Prefix;

/// A picture id and how many bits the sender spends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PictureId {
    pub value: u16,
    /// 7 or 15.
    pub bits: u8,
}

impl PictureId {
    /// Reads the M bit and the 7 or 15 bits after it; the same in VP8 and VP9.
    pub(super) fn parse(bytes: &[u8]) -> Option<(PictureId, usize)> {
        let first = *bytes.first()?;
        if first & 0x80 == 0 {
            return Some((PictureId { value: u16::from(first), bits: 7 }, 1));
        }
        let value = u16::from(first & 0x7f) << 8 | u16::from(*bytes.get(1)?);
        Some((PictureId { value, bits: 15 }, 2))
    }

    pub(super) fn len(self) -> usize {
        if self.bits == 7 { 1 } else { 2 }
    }

    /// Writes `value` in 15 bits, however short the one it replaces was.
    pub(super) fn write(value: u16, prefix: &mut Prefix) {
        prefix.push(0x80 | (value >> 8) as u8);
        prefix.push(value as u8);
    }
}
