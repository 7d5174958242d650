//! Packets of a stream (ISO/IEC 13818-1 2.4.3).

use super::PACKET;

pub(super) const SYNC: u8 = 0x47;
const HEADER: usize = 4;

/// One packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// A section or a PES packet begins in it.
    pub(super) begins: bool,
    pub(super) scrambled: bool,
    /// Damaged on its way to whoever made the stream.
    pub(super) damaged: bool,
    pub(super) counter: u8,
    /// Counter and times have nothing to do with those before.
    pub(super) discontinuity: bool,
    /// It has less payload than it has room for: with it what it belongs to ends, as multiplexers do it.
    pub(super) stuffed: bool,
    /// `None` when it has nothing but an adaptation field, and its counter stands still.
    pub(super) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// `None` when it does not add up.
    pub(super) fn parse(bytes: &'a [u8; PACKET]) -> Option<Self> {
        let (&[sync, high, low, control], rest) = bytes.split_first_chunk::<HEADER>()?;
        if sync != SYNC {
            return None;
        }
        let mut packet = Self {
            pid: u16::from_be_bytes([high & 0x1f, low]),
            begins: high & 0x40 != 0,
            scrambled: control & 0xc0 != 0,
            damaged: high & 0x80 != 0,
            counter: control & 0x0f,
            discontinuity: false,
            stuffed: false,
            payload: None,
        };
        let payload = if control & 0x20 != 0 { packet.adaptation(rest)? } else { rest };
        packet.payload = (control & 0x10 != 0).then_some(payload);
        Some(packet)
    }

    /// Reads the adaptation field. Gives what is behind it.
    fn adaptation(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (&length, rest) = bytes.split_first()?;
        let (field, payload) = rest.split_at_checked(length.into())?;
        let Some((&flags, mut rest)) = field.split_first() else {
            self.stuffed = true;
            return Some(payload);
        };
        self.discontinuity = flags & 0x80 != 0;
        // Program clock references and a splice countdown.
        for (flag, length) in [(0x10, 6), (0x08, 6), (0x04, 1)] {
            if flags & flag != 0 {
                rest = rest.get(length..)?;
            }
        }
        // Private data and an extension, each behind its length.
        for flag in [0x02, 0x01] {
            if flags & flag != 0 {
                let (&length, after) = rest.split_first()?;
                rest = after.get(usize::from(length)..)?;
            }
        }
        self.stuffed = !rest.is_empty();
        Some(payload)
    }
}
