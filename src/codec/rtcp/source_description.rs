//! SDES (RFC 3550 6.5). Only written: whom an SSRC belongs to is known from signaling.

use super::payload_type;
use super::writer::PacketWriter;

/// CNAME (RFC 3550 6.5.1).
const CNAME: u8 = 1;

/// One chunk with the CNAME of `ssrc`. Returns the length of the packet; `None` when `out` is too
/// short or the name longer than 255 bytes.
pub fn write_source_description(out: &mut [u8], ssrc: u32, cname: &str) -> Option<usize> {
    let mut out = PacketWriter::new(out, 1, payload_type::SOURCE_DESCRIPTION)?;
    out.u32(ssrc)?;
    out.bytes(&[CNAME, u8::try_from(cname.len()).ok()?])?;
    out.bytes(cname.as_bytes())?;
    // The list of items ends with a zero at least, and at 32 bits.
    let item = 2 + cname.len();
    out.bytes(&[0; 4][..4 - item % 4])?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, packets};
    use super::*;

    #[test]
    fn the_list_of_items_ends_with_zeros_up_to_32_bits() {
        for (cname, chunk) in [
            ("", &[1, 0, 0, 0][..]),
            ("a", &[1, 1, b'a', 0]),
            ("ab", &[1, 2, b'a', b'b', 0, 0, 0, 0]),
            ("abc", &[1, 3, b'a', b'b', b'c', 0, 0, 0]),
            ("abcd", &[1, 4, b'a', b'b', b'c', b'd', 0, 0]),
        ] {
            let mut out = [0xff; 40];
            let len = write_source_description(&mut out, 7, cname).unwrap();
            assert_eq!(out[..8], [0x81, 202, 0, chunk.len() as u8 / 4 + 1, 0, 0, 0, 7]);
            assert_eq!(&out[8..len], chunk);
            assert_eq!(packets(&out[..len]).collect::<Vec<_>>(), [Packet::SourceDescription]);
        }
    }

    #[test]
    fn a_name_may_have_255_bytes() {
        let name = "x".repeat(256);
        let mut out = [0; 300];
        assert_eq!(write_source_description(&mut out, 7, &name[1..]), Some(8 + 260));
        assert_eq!(write_source_description(&mut out, 7, &name), None);
        assert_eq!(write_source_description(&mut out[..267], 7, &name[1..]), None);
    }
}
