//! RR (RFC 3550 6.4.2).

use super::writer::PacketWriter;
use super::{Packet, RawPacket, ReportBlock, ReportBlocks, payload_type, read_u32};

pub(super) fn parse<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    let (ssrc, rest) = read_u32(raw.body)?;
    Some(Packet::ReceiverReport { ssrc, reports: ReportBlocks::new(rest, raw.count)? })
}

/// Without blocks it is what a compound begins with when there is nothing to report
/// (RFC 3550 6.1). Returns the length of the packet; `None` when `out` is too short or there are
/// more than 31 blocks.
pub fn write_receiver_report(out: &mut [u8], ssrc: u32, blocks: &[ReportBlock]) -> Option<usize> {
    let mut out = PacketWriter::new(out, blocks.len(), payload_type::RECEIVER_REPORT)?;
    out.u32(ssrc)?;
    blocks.iter().try_for_each(|block| block.write(&mut out))?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    #[test]
    fn an_empty_report_is_eight_bytes() {
        let mut out = [0xff; 9];
        assert_eq!(write_receiver_report(&mut out, 0x0102_0304, &[]), Some(8));
        assert_eq!(out, [0x80, 201, 0, 1, 1, 2, 3, 4, 0xff]);
        assert_eq!(write_receiver_report(&mut out[..7], 1, &[]), None);
    }

    #[test]
    fn blocks_are_read_in_their_order() {
        let blocks: Vec<_> =
            (0..31).map(|ssrc| ReportBlock { ssrc, ..Default::default() }).collect();
        let mut out = [0; 8 + 31 * 24];
        assert_eq!(write_receiver_report(&mut out, 5, &blocks), Some(out.len()));
        let Some(Packet::ReceiverReport { ssrc: 5, reports }) = packets(&out).next() else {
            panic!("a receiver report");
        };
        assert!(reports.eq(blocks));
    }
}
