//! What a receiver says about one stream (RFC 3550 6.4.1).

use super::writer::PacketWriter;

/// A report about one stream.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ReportBlock {
    /// The stream that is reported on.
    pub ssrc: u32,
    /// Since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Since the beginning, of 24 bits; negative when more came than was expected, by duplicates.
    pub packets_lost: i32,
    /// The cycles of the sequence number in the upper 16 bits.
    pub highest_sequence: u32,
    /// In units of the RTP timestamp.
    pub jitter: u32,
    /// The compact NTP time of the last sender report, or 0 (see [`crate::codec::ntp`]).
    pub last_sr: u32,
    /// Between that report's arrival and this one, in 1/65,536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    const LEN: usize = 24;

    fn parse(bytes: &[u8; Self::LEN]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            ssrc: word(0),
            fraction_lost: bytes[4],
            // Shifting to and fro extends the sign.
            packets_lost: (word(4) << 8) as i32 >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sr: word(16),
            delay_since_last_sr: word(20),
        }
    }

    /// What does not fit into 24 bits is written as the nearest that does (RFC 3550 A.3).
    pub(super) fn write(&self, out: &mut PacketWriter<'_>) -> Option<()> {
        let lost = self.packets_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        out.u32(self.ssrc)?;
        out.u32(u32::from(self.fraction_lost) << 24 | lost)?;
        out.u32(self.highest_sequence)?;
        out.u32(self.jitter)?;
        out.u32(self.last_sr)?;
        out.u32(self.delay_since_last_sr)
    }
}

/// The blocks of one report; at most 31.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

impl<'a> ReportBlocks<'a> {
    /// `None` when `bytes` are not so many. What is behind them is an extension that a profile
    /// may define (RFC 3550 6.4.3).
    pub(super) fn new(bytes: &'a [u8], count: u8) -> Option<Self> {
        bytes.get(..usize::from(count) * ReportBlock::LEN).map(Self)
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(ReportBlock::parse(block))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, packets, write_receiver_report};
    use super::*;

    fn through_the_wire(block: ReportBlock) -> ReportBlock {
        let mut out = [0; 32];
        assert_eq!(write_receiver_report(&mut out, 1, &[block]), Some(32));
        let Some(Packet::ReceiverReport { mut reports, .. }) = packets(&out).next() else {
            panic!("a receiver report");
        };
        reports.next().unwrap()
    }

    #[test]
    fn the_number_of_lost_packets_may_be_negative() {
        for packets_lost in [0, 1, -1, 0x7f_ffff, -0x80_0000] {
            let block = ReportBlock { fraction_lost: 0xff, packets_lost, ..Default::default() };
            assert_eq!(through_the_wire(block), block);
        }
    }

    #[test]
    fn more_lost_packets_than_24_bits_hold_are_cut() {
        let lost = |packets_lost| {
            through_the_wire(ReportBlock { packets_lost, ..Default::default() }).packets_lost
        };
        assert_eq!(lost(i32::MAX), 0x7f_ffff);
        assert_eq!(lost(i32::MIN), -0x80_0000);
    }
}
