//! The RTP header as it goes out (RFC 3550 5.1), with its extension (RFC 8285).

use crate::codec::dependency_descriptor::set_frame_number;
use crate::sfu::Extensions;

const FIXED: usize = 12;
/// Where the elements of the extension begin, behind its profile and length (RFC 3550 5.3.1): at a
/// word, as they have to end.
const EXTENSION: usize = FIXED + 4;
/// Largest element of the one-byte form (RFC 8285 4.2), and its largest id.
const MAX_ONE_BYTE_LENGTH: usize = 16;
const MAX_ONE_BYTE_ID: u8 = 14;
/// Largest element of the two-byte form (RFC 8285 4.3).
const MAX_LENGTH: usize = 255;

/// The fixed part.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub pt: u8,
    pub marker: bool,
    /// Padding follows the payload.
    pub padding: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// The ids that the receiver's m-line gave to the extensions it takes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ExtensionIds {
    pub mid: Option<u8>,
    pub transport_sequence: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub audio_level: Option<u8>,
    pub video_orientation: Option<u8>,
    pub playout_delay: Option<u8>,
    pub abs_capture_time: Option<u8>,
    pub dependency_descriptor: Option<u8>,
}

/// What the extension of one packet says.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    pub mid: &'a str,
    /// Counts the packets of a peer, whatever stream they are of.
    pub transport_sequence: u16,
    /// Six bits of seconds, 18 of fractions.
    pub abs_send_time: u32,
    /// What the source said.
    pub source: &'a Extensions,
    /// Goes into a copy of the dependency descriptor.
    pub frame_number: Option<u16>,
}

impl Header {
    /// Writes the header; gives its length, or `None` when `out` has no room.
    pub fn write(
        &self,
        ids: &ExtensionIds,
        elements: &Elements<'_>,
        out: &mut [u8],
    ) -> Option<usize> {
        let two_byte = elements.two_byte(ids);
        let mut at = EXTENSION;
        let mut fits = true;
        elements.each(ids, |id, value| {
            let ahead = if two_byte { 2 } else { 1 };
            let end = at + ahead + value.len();
            let Some(room) = out.get_mut(at..end) else {
                fits = false;
                return;
            };
            if two_byte {
                (room[0], room[1]) = (id, value.len() as u8);
            } else {
                room[0] = id << 4 | (value.len() - 1) as u8;
            }
            room[ahead..].copy_from_slice(value);
            at = end;
        });
        let length = if at == EXTENSION { FIXED } else { at.next_multiple_of(4) };
        let out = out.get_mut(..length).filter(|_| fits)?;
        out[0] = 0x80 | u8::from(self.padding) << 5 | u8::from(length > FIXED) << 4;
        out[1] = u8::from(self.marker) << 7 | self.pt & 0x7f;
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        if length > FIXED {
            let profile: u16 = if two_byte { 0x1000 } else { 0xbede };
            out[12..14].copy_from_slice(&profile.to_be_bytes());
            let words = (length - EXTENSION) / 4;
            out[14..16].copy_from_slice(&(words as u16).to_be_bytes());
            // Padding of the extension up to a word is zeros (RFC 8285 4.1.1).
            out[at..].fill(0);
        }
        Some(length)
    }

    /// Length of the header that [`Header::write`] writes.
    pub fn length(ids: &ExtensionIds, elements: &Elements<'_>) -> usize {
        let overhead = if elements.two_byte(ids) { 2 } else { 1 };
        let mut length = 0;
        elements.each(ids, |_, value| length += overhead + value.len());
        if length == 0 { FIXED } else { EXTENSION + length.next_multiple_of(4) }
    }
}

impl Elements<'_> {
    /// One element that does not fit the one-byte form makes all of them take the other one.
    fn two_byte(&self, ids: &ExtensionIds) -> bool {
        let long = self.source.dependency_descriptor.as_ref().is_some_and(|descriptor| {
            ids.dependency_descriptor.is_some() && descriptor.len() > MAX_ONE_BYTE_LENGTH
        });
        long || ids.any_above(MAX_ONE_BYTE_ID)
    }

    #[inline]
    fn each(&self, ids: &ExtensionIds, mut take: impl FnMut(u8, &[u8])) {
        if let Some(id) = ids.mid
            && !self.mid.is_empty()
        {
            take(id, self.mid.as_bytes());
        }
        if let Some(id) = ids.transport_sequence {
            take(id, &self.transport_sequence.to_be_bytes());
        }
        if let Some(id) = ids.abs_send_time {
            take(id, &self.abs_send_time.to_be_bytes()[1..]);
        }
        if let (Some(id), Some((level, voice))) = (ids.audio_level, self.source.audio_level) {
            // RFC 6464 3: -dBov in seven bits behind the voice flag.
            take(id, &[u8::from(voice) << 7 | level.unsigned_abs().min(127)]);
        }
        if let (Some(id), Some(orientation)) =
            (ids.video_orientation, self.source.video_orientation)
        {
            take(id, &[orientation]);
        }
        if let (Some(id), Some((min, max))) = (ids.playout_delay, self.source.playout_delay) {
            let both = u32::from(min & 0xfff) << 12 | u32::from(max & 0xfff);
            take(id, &both.to_be_bytes()[1..]);
        }
        if let (Some(id), Some((ntp, offset))) =
            (ids.abs_capture_time, self.source.abs_capture_time)
        {
            let mut value = [0; 16];
            value[..8].copy_from_slice(&ntp.to_be_bytes());
            value[8..].copy_from_slice(&offset.unwrap_or(0).to_be_bytes());
            take(id, if offset.is_some() { &value } else { &value[..8] });
        }
        if let (Some(id), Some(descriptor)) =
            (ids.dependency_descriptor, self.source.dependency_descriptor.as_deref())
            && !descriptor.is_empty()
            && descriptor.len() <= MAX_LENGTH
        {
            match self.frame_number {
                None => take(id, descriptor),
                Some(frame_number) => {
                    let mut copy = [0; MAX_LENGTH];
                    let copy = &mut copy[..descriptor.len()];
                    copy.copy_from_slice(descriptor);
                    set_frame_number(copy, frame_number);
                    take(id, copy);
                }
            }
        }
    }
}

impl ExtensionIds {
    fn any_above(&self, limit: u8) -> bool {
        [
            self.mid,
            self.transport_sequence,
            self.abs_send_time,
            self.audio_level,
            self.video_orientation,
            self.playout_delay,
            self.abs_capture_time,
            self.dependency_descriptor,
        ]
        .into_iter()
        .flatten()
        .any(|id| id > limit)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const HEADER: Header = Header {
        pt: 96,
        marker: true,
        padding: false,
        sequence: 0x1234,
        timestamp: 0xdead_beef,
        ssrc: 0x0102_0304,
    };

    fn elements(source: &Extensions) -> Elements<'_> {
        Elements {
            mid: "0",
            transport_sequence: 0xabcd,
            abs_send_time: 0x0012_3456,
            source,
            frame_number: Some(0x0707),
        }
    }

    fn written(ids: &ExtensionIds, elements: &Elements<'_>) -> Vec<u8> {
        let mut out = vec![0xff; 512];
        let length = HEADER.write(ids, elements, &mut out).unwrap();
        assert_eq!(length, Header::length(ids, elements));
        assert_eq!(length % 4, 0);
        out.truncate(length);
        out
    }

    #[test]
    fn without_extensions_it_is_the_fixed_header() {
        let header = written(&ExtensionIds::default(), &elements(&Extensions::default()));
        assert_eq!(header, [0x80, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]);
    }

    #[test]
    fn every_extension_has_the_form_of_its_document() {
        let source = Extensions {
            audio_level: Some((-30, true)),
            video_orientation: Some(1),
            playout_delay: Some((10, 50)),
            abs_capture_time: Some((0x8000_0001_4000_0000, None)),
            dependency_descriptor: None,
        };
        let ids = ExtensionIds {
            mid: Some(4),
            transport_sequence: Some(3),
            abs_send_time: Some(2),
            audio_level: Some(1),
            video_orientation: Some(13),
            playout_delay: Some(6),
            abs_capture_time: Some(5),
            dependency_descriptor: Some(12),
        };
        let bytes = written(&ids, &elements(&source));
        assert_eq!(bytes[12..16], [0xbe, 0xde, 0, 7]);
        let mut expected = vec![4 << 4, b'0'];
        expected.extend([3 << 4 | 1, 0xab, 0xcd]);
        expected.extend([2 << 4 | 2, 0x12, 0x34, 0x56]);
        expected.extend([1 << 4, 0x80 | 30]);
        expected.extend([13 << 4, 1]);
        expected.extend([6 << 4 | 2, 0x00, 0xa0, 0x32]);
        expected.extend([5 << 4 | 7, 0x80, 0, 0, 1, 0x40, 0, 0, 0]);
        expected.extend([0, 0]);
        assert_eq!(bytes[16..], expected);
        let offset = Extensions { abs_capture_time: Some((1, Some(-1))), ..Default::default() };
        let only = ExtensionIds { abs_capture_time: Some(5), ..Default::default() };
        let with_offset = written(&only, &elements(&offset));
        assert_eq!(with_offset[16], 5 << 4 | 15);
        assert_eq!(with_offset[25..33], [0xff; 8]);
    }

    #[test]
    fn a_long_descriptor_makes_all_elements_two_byte_and_gets_its_frame_number() {
        let source = Extensions {
            dependency_descriptor: Some(Bytes::from(vec![
                0x80, 1, 1, 0x55, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 9,
            ])),
            ..Extensions::default()
        };
        let ids =
            ExtensionIds { mid: Some(4), dependency_descriptor: Some(12), ..Default::default() };
        let bytes = written(&ids, &elements(&source));
        assert_eq!(bytes[12..16], [0x10, 0x00, 0, 6]);
        assert_eq!(bytes[16..19], [4, 1, b'0']);
        assert_eq!(bytes[19..25], [12, 17, 0x80, 7, 7, 0x55]);
        let same = Elements { frame_number: None, ..elements(&source) };
        assert_eq!(written(&ids, &same)[21..25], [0x80, 1, 1, 0x55]);
    }

    #[test]
    fn an_id_beyond_the_one_byte_form_takes_the_other() {
        let ids = ExtensionIds { transport_sequence: Some(15), ..Default::default() };
        let bytes = written(&ids, &elements(&Extensions::default()));
        assert_eq!(bytes[12..], [0x10, 0, 0, 1, 15, 2, 0xab, 0xcd]);
    }

    #[test]
    fn without_room_nothing_is_written() {
        let ids = ExtensionIds { mid: Some(4), ..Default::default() };
        assert_eq!(HEADER.write(&ids, &elements(&Extensions::default()), &mut [0; 19]), None);
    }
}
