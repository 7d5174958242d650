//! SR (RFC 3550 6.4.1).

use super::writer::PacketWriter;
use super::{Packet, RawPacket, ReportBlock, ReportBlocks, payload_type, read_u32};

pub(super) fn parse<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    let (ssrc, rest) = read_u32(raw.body)?;
    let (ntp, rest) = rest.split_first_chunk()?;
    let (rtp, rest) = read_u32(rest)?;
    let (packets, rest) = read_u32(rest)?;
    let (octets, rest) = read_u32(rest)?;
    Some(Packet::SenderReport {
        ssrc,
        ntp: u64::from_be_bytes(*ntp),
        rtp,
        packets,
        octets,
        reports: ReportBlocks::new(rest, raw.count)?,
    })
}

/// Returns the length of the packet; `None` when `out` is too short or there are more than 31
/// blocks.
pub fn write_sender_report(
    out: &mut [u8],
    ssrc: u32,
    ntp: u64,
    rtp: u32,
    packets: u32,
    octets: u32,
    blocks: &[ReportBlock],
) -> Option<usize> {
    let mut out = PacketWriter::new(out, blocks.len(), payload_type::SENDER_REPORT)?;
    out.u32(ssrc)?;
    out.bytes(&ntp.to_be_bytes())?;
    out.u32(rtp)?;
    out.u32(packets)?;
    out.u32(octets)?;
    blocks.iter().try_for_each(|block| block.write(&mut out))?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 2,
        fraction_lost: 3,
        packets_lost: 4,
        highest_sequence: 5,
        jitter: 6,
        last_sr: 7,
        delay_since_last_sr: 8,
    };

    #[test]
    fn a_sender_report_is_written_as_in_rfc_3550() {
        let mut out = [0; 100];
        let len = write_sender_report(&mut out, 1, 0x0102_0304_0506_0708, 9, 10, 11, &[BLOCK]);
        let expected = [
            0x81, 200, 0, 12, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0,
            11, 0, 0, 0, 2, 3, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8,
        ];
        assert_eq!(out[..len.unwrap()], expected);
    }

    #[test]
    fn what_was_written_is_read() {
        let blocks = [BLOCK; 31];
        let mut out = [0; 28 + 31 * 24];
        let len = write_sender_report(&mut out, 1, u64::MAX, 3, 4, 5, &blocks);
        assert_eq!(len, Some(out.len()));
        let Some(Packet::SenderReport { ssrc, ntp, rtp, packets, octets, reports }) =
            packets(&out).next()
        else {
            panic!("a sender report");
        };
        assert_eq!((ssrc, ntp, rtp, packets, octets), (1, u64::MAX, 3, 4, 5));
        assert!(reports.eq(blocks));
    }

    #[test]
    fn without_room_or_with_too_many_blocks_nothing_is_written() {
        let mut out = [0; 2000];
        assert_eq!(write_sender_report(&mut out[..27], 1, 2, 3, 4, 5, &[]), None);
        assert_eq!(write_sender_report(&mut out[..51], 1, 2, 3, 4, 5, &[BLOCK]), None);
        assert_eq!(write_sender_report(&mut out, 1, 2, 3, 4, 5, &[BLOCK; 32]), None);
    }

    #[test]
    fn a_report_with_fewer_blocks_than_announced_is_malformed() {
        let mut out = [0; 28];
        write_sender_report(&mut out, 1, 2, 3, 4, 5, &[]).unwrap();
        out[0] |= 1;
        assert_eq!(packets(&out).next(), None);
    }

    #[test]
    fn an_extension_behind_the_blocks_is_passed_over() {
        let mut out = [0; 32];
        write_sender_report(&mut out, 1, 2, 3, 4, 5, &[]).unwrap();
        out[3] += 1;
        let Some(Packet::SenderReport { mut reports, .. }) = packets(&out).next() else {
            panic!("a sender report");
        };
        assert_eq!(reports.next(), None);
    }
}
