//! Full intra request (RFC 5104 4.3.1).

use super::feedback::{Feedback, payload_format};
use super::writer::PacketWriter;
use super::{Packet, payload_type};

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

/// A request with one entry. Returns the length of the packet; `None` when `out` is too short.
pub fn write_fir(out: &mut [u8], sender: u32, media: u32, number: u8) -> Option<usize> {
    let format = usize::from(payload_format::FIR);
    let mut out = PacketWriter::new(out, format, payload_type::PAYLOAD_FEEDBACK)?;
    out.u32(sender)?;
    out.u32(0)?;
    out.u32(media)?;
    out.u32(u32::from(number) << 24)?;
    out.finish()
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
    fn what_was_written_is_read() {
        let mut out = [0; 20];
        assert_eq!(write_fir(&mut out, 1, 2, 255), Some(20));
        assert_eq!(read(&out), (1, vec![(2, 255)]));
        assert_eq!(write_fir(&mut out[..19], 1, 2, 255), None);
    }

    #[test]
    fn half_an_entry_is_none() {
        let bytes = [0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(read(&bytes), (1, vec![]));
    }
}
