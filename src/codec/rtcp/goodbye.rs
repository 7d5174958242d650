//! BYE (RFC 3550 6.6).

use super::writer::PacketWriter;
use super::{Packet, RawPacket, Ssrcs, payload_type};

/// The reason that may follow is not read.
pub(super) fn parse<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    Some(Packet::Goodbye(Ssrcs::new(raw.body, raw.count)?))
}

/// Returns the length of the packet; `None` when `out` is too short or there are more than 31
/// SSRCs.
pub fn write_goodbye(out: &mut [u8], ssrcs: &[u32]) -> Option<usize> {
    let mut out = PacketWriter::new(out, ssrcs.len(), payload_type::GOODBYE)?;
    ssrcs.iter().try_for_each(|&ssrc| out.u32(ssrc))?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    #[track_caller]
    fn left(bytes: &[u8]) -> Vec<u32> {
        match packets(bytes).next() {
            Some(Packet::Goodbye(ssrcs)) => ssrcs.collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_that_leave_are_named() {
        let mut out = [0; 200];
        for count in [0, 1, 31] {
            let ssrcs: Vec<u32> = (100..100 + count).collect();
            let len = write_goodbye(&mut out, &ssrcs).unwrap();
            assert_eq!(len, 4 + ssrcs.len() * 4);
            assert_eq!(left(&out[..len]), ssrcs);
        }
        assert_eq!(write_goodbye(&mut out, &[1; 32]), None);
        assert_eq!(write_goodbye(&mut out[..7], &[1]), None);
    }

    #[test]
    fn a_reason_is_passed_over() {
        assert_eq!(left(&[0x81, 203, 0, 2, 0, 0, 0, 9, 3, b'b', b'y', b'e']), [9]);
    }

    #[test]
    fn fewer_than_announced_is_malformed() {
        assert_eq!(packets(&[0x82, 203, 0, 1, 0, 0, 0, 9]).next(), None);
    }
}
