//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 2.2).

use super::feedback::{Feedback, payload_format};
use super::writer::PacketWriter;
use super::{Packet, Ssrcs, payload_type};

const UNIQUE_IDENTIFIER: &[u8] = b"REMB";

/// Whether application layer feedback is REMB.
pub(super) fn is_remb(feedback: &Feedback<'_>) -> bool {
    feedback.information.starts_with(UNIQUE_IDENTIFIER)
}

pub(super) fn parse<'a>(feedback: &Feedback<'a>) -> Option<Packet<'a>> {
    let rest = feedback.information.strip_prefix(UNIQUE_IDENTIFIER)?;
    let (&[count, rate @ ..], rest) = rest.split_first_chunk::<4>()?;
    // 6 bits of exponent, 18 of mantissa.
    let exponent = rate[0] >> 2;
    let mantissa = u64::from(u32::from_be_bytes([0, rate[0] & 3, rate[1], rate[2]]));
    Some(Packet::Remb {
        sender: feedback.sender,
        bitrate: mantissa.saturating_mul(1 << exponent),
        ssrcs: Ssrcs::new(rest, count)?,
    })
}

/// Says how much all of `ssrcs` together may send, in bits per second; what 18 bits do not hold is
/// cut. Returns the length of the packet; `None` when `out` is too short or there are more than 255
/// SSRCs.
pub fn write_remb(out: &mut [u8], sender: u32, bitrate: u64, ssrcs: &[u32]) -> Option<usize> {
    let format = usize::from(payload_format::APPLICATION);
    let mut out = PacketWriter::new(out, format, payload_type::PAYLOAD_FEEDBACK)?;
    out.u32(sender)?;
    out.u32(0)?;
    out.bytes(UNIQUE_IDENTIFIER)?;
    let exponent = (u64::BITS - bitrate.leading_zeros()).saturating_sub(18);
    let mantissa = (bitrate >> exponent) as u32;
    let count = u32::from(u8::try_from(ssrcs.len()).ok()?);
    out.u32(count << 24 | exponent << 18 | mantissa)?;
    ssrcs.iter().try_for_each(|ssrc| out.u32(*ssrc))?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    fn remb(count: u8, rate: [u8; 3], ssrcs: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x8f, 206, 0, 4 + ssrcs.len() as u8, 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend(b"REMB");
        bytes.push(count);
        bytes.extend(rate);
        bytes.extend(ssrcs.iter().flat_map(|ssrc| ssrc.to_be_bytes()));
        bytes
    }

    #[track_caller]
    fn bitrate(rate: [u8; 3]) -> u64 {
        match packets(&remb(0, rate, &[])).next() {
            Some(Packet::Remb { bitrate, .. }) => bitrate,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bitrate_is_a_mantissa_and_an_exponent() {
        assert_eq!(bitrate([0, 0, 0]), 0);
        assert_eq!(bitrate([0, 0, 1]), 1);
        assert_eq!(bitrate([0x03, 0xff, 0xff]), 262_143);
        // 250,000 * 2^2.
        assert_eq!(bitrate([2 << 2 | 0x03, 0xd0, 0x90]), 1_000_000);
        assert_eq!(bitrate([46 << 2 | 0x03, 0xff, 0xff]), 0x3_ffff << 46);
    }

    #[test]
    fn more_than_64_bits_saturate() {
        assert_eq!(bitrate([47 << 2 | 0x03, 0xff, 0xff]), u64::MAX);
        assert_eq!(bitrate([0xff, 0xff, 0xff]), u64::MAX);
        assert_eq!(bitrate([63 << 2, 0, 1]), 1 << 63);
        assert_eq!(bitrate([63 << 2, 0, 0]), 0);
    }

    #[test]
    fn what_was_written_is_read() {
        for rate in [0, 1, 262_143, 262_144, 1_000_000, 0x3_ffff << 46] {
            let mut out = [0; 28];
            assert_eq!(write_remb(&mut out, 1, rate, &[5, 6]), Some(28));
            match packets(&out).next() {
                Some(Packet::Remb { sender: 1, bitrate, ssrcs }) => {
                    assert!(bitrate == rate && ssrcs.eq([5, 6]));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(write_remb(&mut [0; 27], 1, 1, &[5, 6]), None);
        assert_eq!(write_remb(&mut [0; 2000], 1, 1, &[5; 256]), None);
    }

    #[test]
    fn the_streams_are_named() {
        let bytes = remb(2, [0, 0, 1], &[5, 6]);
        match packets(&bytes).next() {
            Some(Packet::Remb { sender: 1, bitrate: 1, ssrcs }) => assert!(ssrcs.eq([5, 6])),
            other => panic!("{other:?}"),
        }
        assert_eq!(packets(&remb(3, [0, 0, 1], &[5, 6])).next(), None, "one is missing");
    }

    #[test]
    fn other_feedback_of_applications_is_passed_over() {
        let mut bytes = remb(0, [0, 0, 1], &[]);
        bytes[12] = b'X';
        assert_eq!(packets(&bytes).next(), Some(Packet::Other { payload_type: 206 }));
        let nothing = [0x8f, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(packets(&nothing).next(), Some(Packet::Other { payload_type: 206 }));
    }
}
