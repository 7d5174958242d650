//! Writing one RTCP packet into a slice.

/// The most that the five bits of a header can count.
const MAX_COUNT: usize = 31;

/// Writes one packet; its length is filled in at the end.
pub(super) struct PacketWriter<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> PacketWriter<'a> {
    /// `count` is RC, SC or FMT. `None` when it does not fit into five bits or the header not into
    /// `out`.
    pub(super) fn new(out: &'a mut [u8], count: usize, payload_type: u8) -> Option<Self> {
        if count > MAX_COUNT {
            return None;
        }
        let mut writer = Self { out, len: 0 };
        writer.bytes(&[2 << 6 | count as u8, payload_type, 0, 0])?;
        Some(writer)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        self.out.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    pub(super) fn u32(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    /// The length of the packet. `None` when its header cannot tell it.
    pub(super) fn finish(self) -> Option<usize> {
        debug_assert!(self.len.is_multiple_of(4));
        let words = u16::try_from(self.len / 4 - 1).ok()?;
        self.out[2..4].copy_from_slice(&words.to_be_bytes());
        Some(self.len)
    }
}
