//! The part of extended reports by which who only receives measures the round trip: a reference
//! time (RRTR, RFC 3611 4.4), and what answers it (DLRR, RFC 3611 4.5).

use super::writer::PacketWriter;
use super::{Packet, RawPacket, payload_type, read_u32};

/// RFC 3611 4.4.
const REFERENCE_TIME: u8 = 4;
/// RFC 3611 4.5.
const DELAY: u8 = 5;

pub(super) fn parse<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    let (ssrc, blocks) = read_u32(raw.body)?;
    Some(Packet::ExtendedReport { ssrc, delays: DelayBlocks { blocks, delays: &[] } })
}

/// Whom a sender answers: for each the SSRC, the middle of the reference time that came last, and
/// the delay since then in 1/65,536 s.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelayBlocks<'a> {
    blocks: &'a [u8],
    delays: &'a [u8],
}

impl Iterator for DelayBlocks<'_> {
    type Item = (u32, u32, u32);

    fn next(&mut self) -> Option<(u32, u32, u32)> {
        loop {
            if let Some((delay, rest)) = self.delays.split_first_chunk::<12>() {
                self.delays = rest;
                let (ssrc, rest) = read_u32(delay)?;
                let (reference, rest) = read_u32(rest)?;
                let (delay, _) = read_u32(rest)?;
                return Some((ssrc, reference, delay));
            }
            // A block that is cut short ends the list.
            let (&[kind, _, l0, l1], rest) = self.blocks.split_first_chunk::<4>()?;
            let length = 4 * usize::from(u16::from_be_bytes([l0, l1]));
            let (body, rest) = rest.split_at_checked(length)?;
            self.blocks = rest;
            self.delays = if kind == DELAY { body } else { &[] };
        }
    }
}

/// A report with the NTP time of its sending. Returns the length of the packet; `None` when `out`
/// is too short.
pub fn write_reference_time(out: &mut [u8], ssrc: u32, ntp: u64) -> Option<usize> {
    let mut out = PacketWriter::new(out, 0, payload_type::EXTENDED_REPORT)?;
    out.u32(ssrc)?;
    out.u32(u32::from(REFERENCE_TIME) << 24 | 2)?;
    out.bytes(&ntp.to_be_bytes())?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    fn delays(bytes: &[u8]) -> Vec<(u32, u32, u32)> {
        match packets(bytes).next() {
            Some(Packet::ExtendedReport { ssrc: 1, delays }) => delays.collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reference_time_is_written_as_in_rfc_3611() {
        let mut out = [0; 20];
        assert_eq!(write_reference_time(&mut out, 1, 0x0102_0304_0506_0708), Some(20));
        let expected = [0x80, 207, 0, 4, 0, 0, 0, 1, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(out, expected);
        assert!(delays(&out).is_empty(), "it answers nothing");
        assert_eq!(write_reference_time(&mut out[..19], 1, 2), None);
    }

    #[test]
    fn answers_are_read_among_other_blocks() {
        let mut bytes = vec![0x80, 207, 0, 11, 0, 0, 0, 1];
        bytes.extend([7, 0, 0, 1, 9, 9, 9, 9]);
        bytes.extend([5, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]);
        bytes.extend([0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7]);
        bytes.extend([0; 4]);
        bytes[3] = (bytes.len() / 4 - 1) as u8;
        assert_eq!(delays(&bytes), [(2, 3, 4), (5, 6, 7)]);
    }

    #[test]
    fn a_block_that_is_cut_short_ends_the_list() {
        let bytes = [0x80, 207, 0, 3, 0, 0, 0, 1, 5, 0, 0, 3, 0, 0, 0, 2];
        assert!(delays(&bytes).is_empty());
        let bytes = [0x80, 207, 0, 3, 0, 0, 0, 1, 5, 0, 0, 1, 0, 0, 0, 2];
        assert!(delays(&bytes).is_empty(), "less than an answer");
    }
}
