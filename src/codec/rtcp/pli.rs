//! Picture loss indication (RFC 4585 6.3.1): nothing but the header of all feedback.

use super::feedback::payload_format;
use super::payload_type;
use super::writer::PacketWriter;

/// Returns the length of the packet; `None` when `out` is too short.
pub fn write_pli(out: &mut [u8], sender: u32, media: u32) -> Option<usize> {
    let format = usize::from(payload_format::PLI);
    let mut out = PacketWriter::new(out, format, payload_type::PAYLOAD_FEEDBACK)?;
    out.u32(sender)?;
    out.u32(media)?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, packets};
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut out = [0; 12];
        assert_eq!(write_pli(&mut out, 1, 2), Some(12));
        assert_eq!(out, [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(packets(&out).next(), Some(Packet::Pli { sender: 1, media: 2 }));
        assert_eq!(write_pli(&mut out[..11], 1, 2), None);
    }

    #[test]
    fn one_without_the_streams_ssrc_is_malformed() {
        assert_eq!(packets(&[0x81, 206, 0, 1, 0, 0, 0, 1]).next(), None);
    }
}
