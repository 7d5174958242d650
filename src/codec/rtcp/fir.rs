//! Full intra request (RFC 5104 4.3.1).

use super::Packet;
use super::feedback::Feedback;

/// The stream is named in the entries; that of the common header is to be ignored
/// (RFC 5104 4.3.1.2).
pub(super) fn parse<'a>(feedback: &Feedback<'a>) -> Packet<'a> {
    Packet::Fir { sender: feedback.sender, entries: FirEntries(feedback.information) }
}

/// SSRCs of which a keyframe is wanted, each with the number of the request: one that repeats the
/// number of the request before it is a repetition of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirEntries<'a>(&'a [u8]);

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (&[s0, s1, s2, s3, number, _, _, _], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some((u32::from_be_bytes([s0, s1, s2, s3]), number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    #[track_caller]
    fn read(bytes: &[u8]) -> (u32, Vec<(u32, u8)>) {
        match packets(bytes).next() {
            Some(Packet::Fir { sender, entries }) => (sender, entries.collect()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_entry_names_a_stream_and_a_number() {
        let mut bytes = vec![0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend([0, 0, 0, 2, 7, 0, 0, 0, 0xff, 0, 0, 3, 255, 1, 2, 3]);
        assert_eq!(read(&bytes), (1, vec![(2, 7), (0xff00_0003, 255)]));
    }

    #[test]
    fn half_an_entry_is_none() {
        let bytes = [0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(read(&bytes), (1, vec![]));
    }
}
