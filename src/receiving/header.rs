//! The header of an RTP packet and its extensions (RFC 3550 5.1, RFC 8285), as they came, in the
//! clear even under SRTP.

/// Without CSRCs and extension.
const FIXED: usize = 12;
/// One-byte elements (RFC 8285 4.2).
const ONE_BYTE: u16 = 0xbede;
/// Two-byte elements; the last four bits are the application's (RFC 8285 4.3).
const TWO_BYTES: u16 = 0x1000;
/// Ends the one-byte form (RFC 8285 4.2).
const RESERVED_ID: u8 = 15;

/// The header of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpHeader<'a> {
    pub pt: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Bytes in the clear: fixed part, CSRCs and extension.
    pub length: usize,
    padding: bool,
    profile: u16,
    extension: &'a [u8],
}

impl<'a> RtpHeader<'a> {
    /// `None` when the version is not 2 or the packet shorter than its header says.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let (&[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3], rest) =
            packet.split_first_chunk::<FIXED>()?;
        if first >> 6 != 2 {
            return None;
        }
        let sources = 4 * usize::from(first & 0x0f);
        let rest = rest.get(sources..)?;
        let (mut profile, mut extension) = (0, &[][..]);
        let mut length = FIXED + sources;
        if first & 0x10 != 0 {
            let (&[p0, p1, l0, l1], rest) = rest.split_first_chunk::<4>()?;
            extension = rest.get(..4 * usize::from(u16::from_be_bytes([l0, l1])))?;
            profile = u16::from_be_bytes([p0, p1]);
            length += 4 + extension.len();
        }
        Some(Self {
            pt: second & 0x7f,
            marker: second & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            length,
            padding: first & 0x20 != 0,
            profile,
            extension,
        })
    }

    /// The header extensions in their order. Ends at the first that is cut short; a profile that
    /// is none of RFC 8285 has none.
    pub fn elements(&self) -> Elements<'a> {
        match self.profile {
            ONE_BYTE => Elements { rest: self.extension, one_byte: true },
            profile if profile & 0xfff0 == TWO_BYTES => {
                Elements { rest: self.extension, one_byte: false }
            }
            _ => Elements { rest: &[], one_byte: true },
        }
    }

    /// What follows the header, without padding. `None` when the padding is longer than what is
    /// there, or says that it is none (RFC 3550 5.1).
    pub fn payload<'b>(&self, decrypted: &'b [u8]) -> Option<&'b [u8]> {
        if !self.padding {
            return Some(decrypted);
        }
        let count = usize::from(*decrypted.last()?);
        if count == 0 {
            return None;
        }
        decrypted.get(..decrypted.len().checked_sub(count)?)
    }
}

/// One header extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element<'a> {
    /// 1 to 255.
    pub id: u8,
    pub value: &'a [u8],
}

/// What [`RtpHeader::elements`] returns.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    one_byte: bool,
}

impl<'a> Elements<'a> {
    fn split(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            let (id, length, rest) = match self.one_byte {
                true if first == 0 => {
                    self.rest = rest;
                    continue;
                }
                // An id of 0 with a length is no padding, and ends it as 15 does (RFC 8285 4.2).
                true if first >> 4 == 0 || first >> 4 == RESERVED_ID => return None,
                true => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                // Padding has no length (RFC 8285 4.3).
                false if first == 0 => {
                    self.rest = rest;
                    continue;
                }
                false => {
                    let (&length, rest) = rest.split_first()?;
                    (first, usize::from(length), rest)
                }
            };
            let (value, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            return Some(Element { id, value });
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let element = self.split();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, sources: usize, extension: &[u8]) -> Vec<u8> {
        let mut packet = vec![first, 0x80 | 96, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 7];
        packet.resize(12 + 4 * sources, 0xcc);
        packet.extend(extension);
        packet
    }

    fn elements(profile: [u8; 2], bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut extension = vec![profile[0], profile[1], 0, (bytes.len() / 4) as u8];
        extension.extend(bytes);
        let packet = packet(0x90, 0, &extension);
        let header = RtpHeader::parse(&packet).unwrap();
        header.elements().map(|element| (element.id, element.value.to_vec())).collect()
    }

    #[test]
    fn every_field_is_read() {
        let bytes = packet(0x92, 2, &[0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        let header = RtpHeader::parse(&bytes).unwrap();
        assert_eq!((header.pt, header.marker, header.sequence), (96, true, 0x1234));
        assert_eq!((header.timestamp, header.ssrc), (0x0102_0304, 7));
        assert_eq!(header.length, 12 + 8 + 8);
        assert!(header.elements().eq([Element { id: 1, value: &[5] }]));
    }

    #[test]
    fn a_header_that_is_cut_short_is_none() {
        let whole = packet(0x92, 2, &[0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        for length in 0..whole.len() {
            assert_eq!(RtpHeader::parse(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(RtpHeader::parse(&packet(0x50, 0, &[0; 8])), None, "version 1");
    }

    #[test]
    fn elements_of_one_byte_have_up_to_16_bytes_and_padding_between() {
        let bytes = [0x10, 7, 0, 0x31, 8, 9, 0, 0];
        assert_eq!(elements([0xbe, 0xde], &bytes), [(1, vec![7]), (3, vec![8, 9])]);
        let mut long = vec![0x4f];
        long.extend(0..16);
        long.resize(20, 0);
        assert_eq!(elements([0xbe, 0xde], &long), [(4, (0..16).collect())]);
    }

    #[test]
    fn id_15_and_an_id_of_0_with_a_length_end_the_one_byte_form() {
        assert_eq!(elements([0xbe, 0xde], &[0x10, 7, 0xf0, 1, 0x20, 8, 0, 0]), [(1, vec![7])]);
        assert_eq!(elements([0xbe, 0xde], &[0x10, 7, 0x02, 1, 2, 3, 0x20, 8]), [(1, vec![7])]);
    }

    #[test]
    fn elements_of_two_bytes_have_ids_up_to_255_and_may_be_empty() {
        let bytes = [255, 2, 8, 9, 0, 15, 0, 16, 1, 7, 0, 0];
        let expected = [(255, vec![8, 9]), (15, vec![]), (16, vec![7])];
        assert_eq!(elements([0x10, 0x00], &bytes), expected);
        assert_eq!(elements([0x10, 0x0f], &bytes), expected, "bits of the application");
    }

    #[test]
    fn an_element_that_is_cut_short_ends_the_list() {
        assert_eq!(elements([0xbe, 0xde], &[0x10, 7, 0x23, 8]), [(1, vec![7])]);
        assert_eq!(elements([0x10, 0x00], &[1, 1, 7, 5]), [(1, vec![7])]);
        assert_eq!(elements([0x10, 0x00], &[1, 1, 7, 5, 200, 0, 0, 0]), [(1, vec![7])]);
        assert!(elements([0x12, 0x34], &[0x10, 7, 0, 0]).is_empty(), "no form of RFC 8285");
    }

    #[test]
    fn padding_is_taken_off_when_it_is_what_it_says() {
        let (padded, plain) = (packet(0xa0, 0, &[]), packet(0x80, 0, &[]));
        let (padded, plain) =
            (RtpHeader::parse(&padded).unwrap(), RtpHeader::parse(&plain).unwrap());
        assert_eq!(plain.payload(&[1, 2, 9]), Some(&[1, 2, 9][..]));
        assert_eq!(padded.payload(&[1, 2, 0, 2]), Some(&[1, 2][..]));
        assert_eq!(padded.payload(&[0, 0, 3]), Some(&[][..]), "nothing but padding");
        assert_eq!(padded.payload(&[1, 2, 4]), None);
        assert_eq!(padded.payload(&[1, 2, 0]), None);
        assert_eq!(padded.payload(&[]), None);
    }
}
