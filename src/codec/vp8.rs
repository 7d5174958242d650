//! The VP8 payload descriptor (RFC 7741).

use super::picture_id::PictureId;
use super::prefix::Prefix;

/// RFC 7741 4.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vp8Descriptor {
    /// S: the packet starts a partition.
    pub start_of_partition: bool,
    /// PID: which one.
    pub partition: u8,
    /// N: no other frame depends on this one.
    pub non_reference: bool,
    pub picture_id: Option<PictureId>,
    pub tl0_picture_index: Option<u8>,
    pub temporal_layer: Option<u8>,
    /// Y: depends on the base layer only, so a receiver may move up here.
    pub layer_sync: bool,
    pub key_index: Option<u8>,
    /// Bytes of the descriptor; the VP8 payload follows.
    pub len: u8,
}

impl Vp8Descriptor {
    /// `None` when the payload is cut short.
    pub fn parse(payload: &[u8]) -> Option<Vp8Descriptor> {
        let first = *payload.first()?;
        let mut descriptor = Vp8Descriptor {
            start_of_partition: first & 0x10 != 0,
            partition: first & 0x07,
            non_reference: first & 0x20 != 0,
            picture_id: None,
            tl0_picture_index: None,
            temporal_layer: None,
            layer_sync: false,
            key_index: None,
            len: 1,
        };
        if first & 0x80 == 0 {
            return Some(descriptor);
        }
        let extension = *payload.get(1)?;
        let mut at = 2;
        if extension & 0x80 != 0 {
            let (picture_id, len) = PictureId::parse(payload.get(at..)?)?;
            descriptor.picture_id = Some(picture_id);
            at += len;
        }
        if extension & 0x40 != 0 {
            descriptor.tl0_picture_index = Some(*payload.get(at)?);
            at += 1;
        }
        if extension & 0x30 != 0 {
            let layer = *payload.get(at)?;
            at += 1;
            if extension & 0x20 != 0 {
                descriptor.temporal_layer = Some(layer >> 6);
                descriptor.layer_sync = layer & 0x20 != 0;
            }
            if extension & 0x10 != 0 {
                descriptor.key_index = Some(layer & 0x1f);
            }
        }
        descriptor.len = at as u8;
        Some(descriptor)
    }

    /// Whether the packet starts a frame: the first packet of partition 0 (RFC 7741 4.2).
    pub fn frame_start(&self) -> bool {
        self.start_of_partition && self.partition == 0
    }

    /// Whether `payload`, which this descriptor was parsed from, begins a keyframe: the P bit of
    /// the VP8 payload header is 0 (RFC 7741 4.3).
    pub fn keyframe(&self, payload: &[u8]) -> bool {
        self.frame_start() && payload.get(usize::from(self.len)).is_some_and(|b| b & 1 == 0)
    }

    /// Width and height of a keyframe (RFC 6386 9.1), without the scaling bits.
    pub fn size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        if !self.keyframe(payload) {
            return None;
        }
        let header = payload.get(usize::from(self.len)..)?.get(..10)?;
        if header[3..6] != [0x9d, 0x01, 0x2a] {
            return None;
        }
        let width = u16::from_le_bytes([header[6], header[7]]) & 0x3fff;
        let height = u16::from_le_bytes([header[8], header[9]]) & 0x3fff;
        (width > 0 && height > 0).then_some((width, height))
    }

    /// The start of `payload` with other numbers in it, the picture id in 15 bits. `None` when the
    /// descriptor carries neither.
    pub fn rewrite(&self, payload: &[u8], picture_id: u16, tl0_index: u8) -> Option<Prefix> {
        if self.picture_id.is_none() && self.tl0_picture_index.is_none() {
            return None;
        }
        let replaces = 2
            + self.picture_id.map_or(0, PictureId::len)
            + usize::from(self.tl0_picture_index.is_some());
        let start = payload.get(..replaces)?;
        let mut prefix = Prefix::new(replaces);
        prefix.push(start[0]);
        prefix.push(start[1]);
        if self.picture_id.is_some() {
            PictureId::write(picture_id, &mut prefix);
        }
        if self.tl0_picture_index.is_some() {
            prefix.push(tl0_index);
        }
        Some(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X set, all of I, L, T, K; 15 bit picture id 0x1234, TL0PICIDX 77, TID 2, Y, KEYIDX 9; then a
    /// keyframe of 640x480.
    const FULL: [u8; 16] =
        [0x90, 0xf0, 0x92, 0x34, 77, 0xa9, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x41];

    #[test]
    fn a_full_descriptor_is_read() {
        let d = Vp8Descriptor::parse(&FULL).unwrap();
        assert_eq!(d.picture_id, Some(PictureId { value: 0x1234, bits: 15 }));
        assert_eq!(d.tl0_picture_index, Some(77));
        assert_eq!(d.temporal_layer, Some(2));
        assert!(d.layer_sync);
        assert_eq!(d.key_index, Some(9));
        assert_eq!(d.len, 6);
        assert!(d.keyframe(&FULL));
        // The upper two bits of the height are a scaling factor.
        assert_eq!(d.size(&FULL), Some((640, 480)));
    }

    #[test]
    fn a_one_byte_descriptor_has_no_numbers() {
        let d = Vp8Descriptor::parse(&[0x10, 0x01]).unwrap();
        assert_eq!((d.len, d.picture_id, d.tl0_picture_index), (1, None, None));
        assert!(d.frame_start());
        assert!(!d.keyframe(&[0x10, 0x01]), "the P bit says inter frame");
        assert_eq!(d.rewrite(&[0x10, 0x01], 1, 1), None);
    }

    #[test]
    fn only_the_first_packet_of_the_first_partition_begins_a_keyframe() {
        for first in [0x00, 0x11, 0x17] {
            let payload = [first, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
            let d = Vp8Descriptor::parse(&payload).unwrap();
            assert!(!d.keyframe(&payload));
            assert_eq!(d.size(&payload), None);
        }
    }

    #[test]
    fn a_keyframe_without_the_start_code_has_no_size() {
        let payload = [0x10, 0x10, 0, 0, 1, 2, 3, 0x80, 0x02, 0xe0, 0x01];
        let d = Vp8Descriptor::parse(&payload).unwrap();
        assert!(d.keyframe(&payload));
        assert_eq!(d.size(&payload), None);
    }

    #[test]
    fn every_cut_of_a_descriptor_is_refused() {
        for len in 0..6 {
            assert_eq!(Vp8Descriptor::parse(&FULL[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn rewriting_changes_the_numbers_and_nothing_else() {
        let d = Vp8Descriptor::parse(&FULL).unwrap();
        let prefix = d.rewrite(&FULL, 0x7fff, 3).unwrap();
        let mut out = Vec::new();
        prefix.write(&FULL, &mut out);
        let again = Vp8Descriptor::parse(&out).unwrap();
        assert_eq!(again.picture_id, Some(PictureId { value: 0x7fff, bits: 15 }));
        assert_eq!(again.tl0_picture_index, Some(3));
        assert_eq!((again.temporal_layer, again.key_index), (Some(2), Some(9)));
        assert_eq!(out[5..], FULL[5..]);
    }

    #[test]
    fn a_seven_bit_picture_id_grows_to_fifteen_bits() {
        let payload = [0x90, 0x80, 0x7f, 0x11, 0x22];
        let d = Vp8Descriptor::parse(&payload).unwrap();
        assert_eq!(d.picture_id, Some(PictureId { value: 127, bits: 7 }));
        let mut out = Vec::new();
        d.rewrite(&payload, 128, 0).unwrap().write(&payload, &mut out);
        assert_eq!(out, [0x90, 0x80, 0x80, 0x80, 0x11, 0x22]);
    }

    #[test]
    fn a_tl0_index_alone_is_rewritten() {
        let payload = [0x90, 0x60, 5, 0x40, 0x01];
        let d = Vp8Descriptor::parse(&payload).unwrap();
        let mut out = Vec::new();
        d.rewrite(&payload, 0, 6).unwrap().write(&payload, &mut out);
        assert_eq!(out, [0x90, 0x60, 6, 0x40, 0x01]);
    }
}
