//! The VP9 payload descriptor (RFC 9628).

use super::picture_id::PictureId;
use super::prefix::Prefix;

/// Where a packet stands in the layers (RFC 9628 4.2, layer indices).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vp9Layer {
    pub temporal: u8,
    pub spatial: u8,
    /// U: a receiver may move up to this temporal layer here.
    pub switching_up: bool,
    /// D: predicted from the spatial layer below, in the same picture.
    pub inter_layer: bool,
}

/// Sizes are read of so many spatial layers.
const MAX_SPATIAL: usize = 4;
/// More bytes than a descriptor has before its scalability structure.
const LONGEST: usize = 64;

/// RFC 9628 4.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vp9Descriptor {
    pub picture_id: Option<PictureId>,
    /// P: predicted from an earlier picture.
    pub inter_picture: bool,
    /// F: references are written out as differences of picture ids.
    pub flexible: bool,
    /// B: the first packet of a frame (of one spatial layer).
    pub frame_start: bool,
    /// E: the last packet of a frame (of one spatial layer).
    pub frame_end: bool,
    /// Z: no spatial layer above is predicted from this one.
    pub not_reference_above: bool,
    pub layer: Option<Vp9Layer>,
    /// Only in non-flexible mode.
    pub tl0_picture_index: Option<u8>,
    /// V: a scalability structure is there.
    pub scalability_structure: bool,
    /// Spatial layers the scalability structure announces.
    pub spatial_layers: Option<u8>,
    /// Width and height of the spatial layers, from the scalability structure; zeros where it does
    /// not tell.
    pub sizes: [(u16, u16); MAX_SPATIAL],
    /// Bytes of the descriptor, at most 1,100 or so; the VP9 payload follows.
    pub len: u16,
}

impl Vp9Descriptor {
    /// Bytes of a descriptor before its scalability structure, which comes last (RFC 9628 4.2).
    pub fn without_structure(payload: &[u8]) -> Option<usize> {
        let first = *payload.first()?;
        let mut bare = payload.get(..payload.len().min(LONGEST))?.to_vec();
        *bare.first_mut()? = first & !0x02;
        Self::parse(&bare).map(|descriptor| usize::from(descriptor.len))
    }

    /// `None` when the payload is cut short or breaks a rule of the RFC.
    pub fn parse(payload: &[u8]) -> Option<Vp9Descriptor> {
        let first = *payload.first()?;
        let mut descriptor = Vp9Descriptor {
            picture_id: None,
            inter_picture: first & 0x40 != 0,
            flexible: first & 0x10 != 0,
            frame_start: first & 0x08 != 0,
            frame_end: first & 0x04 != 0,
            not_reference_above: first & 0x01 != 0,
            layer: None,
            tl0_picture_index: None,
            scalability_structure: first & 0x02 != 0,
            spatial_layers: None,
            sizes: [(0, 0); MAX_SPATIAL],
            len: 0,
        };
        let mut at = 1;
        if first & 0x80 != 0 {
            let (picture_id, len) = PictureId::parse(payload.get(at..)?)?;
            descriptor.picture_id = Some(picture_id);
            at += len;
        } else if descriptor.flexible {
            // "If the flexible mode is used, the picture id MUST be present" (F bit).
            return None;
        }
        if first & 0x20 != 0 {
            let layer = *payload.get(at)?;
            at += 1;
            descriptor.layer = Some(Vp9Layer {
                temporal: layer >> 5,
                spatial: layer >> 1 & 0x07,
                switching_up: layer & 0x10 != 0,
                inter_layer: layer & 0x01 != 0,
            });
            if !descriptor.flexible {
                descriptor.tl0_picture_index = Some(*payload.get(at)?);
                at += 1;
            }
        }
        if descriptor.flexible && descriptor.inter_picture {
            at = skip_references(payload, at)?;
        }
        if descriptor.scalability_structure {
            at = descriptor.parse_scalability_structure(payload, at)?;
        }
        descriptor.len = u16::try_from(at).ok()?;
        Some(descriptor)
    }

    /// RFC 9628 4.2.1.
    fn parse_scalability_structure(&mut self, payload: &[u8], mut at: usize) -> Option<usize> {
        let header = *payload.get(at)?;
        at += 1;
        let layers = (header >> 5) + 1;
        self.spatial_layers = Some(layers);
        if header & 0x10 != 0 {
            let sizes = payload.get(at..at + 4 * usize::from(layers))?;
            at += sizes.len();
            for (size, bytes) in self.sizes.iter_mut().zip(sizes.chunks_exact(4)) {
                *size = (
                    u16::from_be_bytes([bytes[0], bytes[1]]),
                    u16::from_be_bytes([bytes[2], bytes[3]]),
                );
            }
        }
        if header & 0x08 != 0 {
            let pictures = *payload.get(at)?;
            at += 1;
            for _ in 0..pictures {
                let references = *payload.get(at)? >> 2 & 0x03;
                at += 1 + usize::from(references);
            }
            // The last references may lie past the end.
            payload.get(..at)?;
        }
        Some(at)
    }

    /// Width and height of the highest spatial layer, when the structure tells.
    pub fn size(&self) -> Option<(u16, u16)> {
        let highest = usize::from(self.spatial_layers?).checked_sub(1)?;
        self.sizes.get(highest).copied().filter(|(width, height)| *width > 0 && *height > 0)
    }

    fn spatial(&self) -> u8 {
        self.layer.map_or(0, |layer| layer.spatial)
    }

    /// Whether the packet begins a keyframe: a base layer frame that is predicted from nothing.
    pub fn keyframe(&self) -> bool {
        self.frame_start && !self.inter_picture && self.spatial() == 0
    }

    /// Whether the packet begins a picture, which all its spatial layers make together.
    pub fn picture_start(&self) -> bool {
        self.frame_start && self.spatial() == 0
    }

    /// The start of `payload` with other numbers in it, the picture id in 15 bits. `None` when the
    /// descriptor carries neither.
    pub fn rewrite(&self, payload: &[u8], picture_id: u16, tl0_index: u8) -> Option<Prefix> {
        if self.picture_id.is_none() && self.tl0_picture_index.is_none() {
            return None;
        }
        let layer_at = 1 + self.picture_id.map_or(0, PictureId::len);
        let replaces = match self.tl0_picture_index {
            Some(_) => layer_at + 2,
            None => layer_at,
        };
        let start = payload.get(..replaces)?;
        let mut prefix = Prefix::new(replaces);
        prefix.push(start[0]);
        if self.picture_id.is_some() {
            PictureId::write(picture_id, &mut prefix);
        }
        if self.tl0_picture_index.is_some() {
            prefix.push(start[layer_at]);
            prefix.push(tl0_index);
        }
        Some(prefix)
    }
}

/// P_DIFF: up to three references, each saying whether another follows.
fn skip_references(payload: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..3 {
        let reference = *payload.get(at)?;
        at += 1;
        if reference & 0x01 == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Non-flexible keyframe of three spatial layers: I, L, B, V; picture id 0x0102, SID 0,
    /// TL0PICIDX 9, sizes 320x180, 640x360, 1280x720 and a group of two pictures.
    const KEYFRAME: [u8; 25] = [
        0xaa, 0x81, 0x02, 0x00, 9, 0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x05,
        0x00, 0x02, 0xd0, 2, 0x00, 0x24, 0x01, 0x82, 0x49, 0x83,
    ];

    #[test]
    fn a_keyframe_with_a_scalability_structure_is_read() {
        let d = Vp9Descriptor::parse(&KEYFRAME).unwrap();
        assert!(d.keyframe() && d.picture_start());
        assert_eq!(d.picture_id, Some(PictureId { value: 0x0102, bits: 15 }));
        assert_eq!(d.tl0_picture_index, Some(9));
        assert_eq!(d.spatial_layers, Some(3));
        assert_eq!(d.size(), Some((1280, 720)));
        assert_eq!(d.sizes[..3], [(320, 180), (640, 360), (1280, 720)]);
        assert_eq!(d.len, 22);
    }

    #[test]
    fn every_cut_of_a_descriptor_is_refused() {
        for len in 0..22 {
            assert_eq!(Vp9Descriptor::parse(&KEYFRAME[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn an_upper_spatial_layer_begins_no_keyframe() {
        // SID 1, D: predicted from the layer below only.
        let d = Vp9Descriptor::parse(&[0xa8, 0x05, 0x03, 9, 0]).unwrap();
        assert_eq!(d.layer.unwrap().spatial, 1);
        assert!(d.layer.unwrap().inter_layer);
        assert!(!d.keyframe());
        assert!(!d.picture_start());
    }

    #[test]
    fn a_flexible_descriptor_has_references_and_no_tl0_index() {
        // I, P, L, F, B, E; picture id 7 bit 5; TID 2, U, SID 0; P_DIFF 1 then 3.
        let d = Vp9Descriptor::parse(&[0xfc, 0x05, 0x50, 0x03, 0x06, 0xff]).unwrap();
        assert!(d.flexible && d.frame_start && d.frame_end && d.inter_picture);
        assert_eq!(d.layer.unwrap().temporal, 2);
        assert!(d.layer.unwrap().switching_up);
        assert_eq!(d.tl0_picture_index, None);
        assert_eq!(d.len, 5);
        assert!(!d.keyframe());
    }

    #[test]
    fn flexible_mode_needs_a_picture_id_and_at_most_three_references() {
        assert_eq!(Vp9Descriptor::parse(&[0x18, 0, 0]), None);
        assert_eq!(Vp9Descriptor::parse(&[0xd8, 0x05, 1, 1, 1, 1, 0]), None);
    }

    #[test]
    fn rewriting_changes_the_numbers_and_nothing_else() {
        let d = Vp9Descriptor::parse(&KEYFRAME).unwrap();
        let mut out = Vec::new();
        d.rewrite(&KEYFRAME, 0, 255).unwrap().write(&KEYFRAME, &mut out);
        let again = Vp9Descriptor::parse(&out).unwrap();
        assert_eq!(again.picture_id, Some(PictureId { value: 0, bits: 15 }));
        assert_eq!(again.tl0_picture_index, Some(255));
        assert_eq!(again.sizes, d.sizes);
        assert_eq!(out[5..], KEYFRAME[5..]);
    }

    #[test]
    fn a_seven_bit_picture_id_of_flexible_mode_grows() {
        let payload = [0xfc, 0x05, 0x50, 0x03, 0x06, 0xff];
        let d = Vp9Descriptor::parse(&payload).unwrap();
        let mut out = Vec::new();
        d.rewrite(&payload, 0x4001, 0).unwrap().write(&payload, &mut out);
        assert_eq!(out, [0xfc, 0xc0, 0x01, 0x50, 0x03, 0x06, 0xff]);
    }
}
