//! Generic NACK (RFC 4585 6.2.1).

use super::feedback::{Feedback, transport_format};
use super::writer::PacketWriter;
use super::{Packet, payload_type};

pub(super) fn parse<'a>(feedback: &Feedback<'a>) -> Packet<'a> {
    Packet::Nack {
        sender: feedback.sender,
        media: feedback.media,
        lost: Lost { rest: feedback.information, next: 0, bitmask: 0 },
    }
}

/// The sequence numbers that a NACK lists, in its order: up to 17 for every four bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost<'a> {
    rest: &'a [u8],
    /// The sequence number that the lowest bit of `bitmask` stands for.
    next: u16,
    /// What is left of BLP: a bit for each packet that follows.
    bitmask: u16,
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.bitmask != 0 {
            let skipped = self.bitmask.trailing_zeros();
            let sequence = self.next.wrapping_add(skipped as u16);
            // In two steps, for it may be all 16 bits.
            self.bitmask = self.bitmask >> skipped >> 1;
            self.next = sequence.wrapping_add(1);
            return Some(sequence);
        }
        let (&[p0, p1, b0, b1], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        self.bitmask = u16::from_be_bytes([b0, b1]);
        let sequence = u16::from_be_bytes([p0, p1]);
        self.next = sequence.wrapping_add(1);
        Some(sequence)
    }
}

/// Lists the sequence numbers in the order they are given; in ascending order they take the least
/// room. Returns the length of the packet, `None` when `out` is too short.
pub fn write_nack(out: &mut [u8], sender: u32, media: u32, lost: &[u16]) -> Option<usize> {
    let format = usize::from(transport_format::NACK);
    let mut out = PacketWriter::new(out, format, payload_type::TRANSPORT_FEEDBACK)?;
    out.u32(sender)?;
    out.u32(media)?;
    let mut lost = lost.iter().copied().peekable();
    while let Some(first) = lost.next() {
        let mut bitmask = 0_u16;
        while let Some(bit) = lost.peek().map(|next| next.wrapping_sub(first).wrapping_sub(1))
            && bit < 16
            && bitmask >> bit == 0
        {
            bitmask |= 1 << bit;
            lost.next();
        }
        out.u32(u32::from(first) << 16 | u32::from(bitmask))?;
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    #[track_caller]
    fn read(bytes: &[u8]) -> (u32, u32, Vec<u16>) {
        match packets(bytes).next() {
            Some(Packet::Nack { sender, media, lost }) => (sender, media, lost.collect()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_bit_of_the_mask_is_a_packet() {
        let bytes = [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0x05, 0, 100, 0, 0];
        assert_eq!(read(&bytes), (1, 2, vec![10, 11, 13, 26, 100]));
        let bytes = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0xff, 0xff];
        assert_eq!(read(&bytes).2, (10..=26).collect::<Vec<_>>());
    }

    #[test]
    fn sequence_numbers_wrap() {
        let bytes = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0, 0x07];
        assert_eq!(read(&bytes).2, [65_534, 65_535, 0, 1]);
    }

    #[test]
    fn a_list_may_be_empty() {
        let bytes = [0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        assert!(read(&bytes).2.is_empty());
    }

    #[test]
    fn what_was_written_is_read() {
        let mut out = [0; 100];
        for (lost, words) in [
            (&[][..], 0),
            (&[5], 1),
            (&[5, 6, 21], 1),
            (&[5, 22], 2),
            (&[65_530, 65_535, 0, 10], 1),
            (&[65_530, 11], 2),
            (&[9, 3], 2),
            (&[7, 7], 2),
            (&[10, 12, 11, 11], 3),
        ] {
            let len = write_nack(&mut out, 1, 2, lost).unwrap();
            assert_eq!(len, 12 + words * 4, "{lost:?}");
            assert_eq!(read(&out[..len]), (1, 2, lost.to_vec()));
        }
        assert_eq!(write_nack(&mut out[..15], 1, 2, &[5]), None);
    }
}
