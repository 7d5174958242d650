//! What one packet says about its frame, read once when it comes in.

use super::Codec;
use super::dependency_descriptor::Frame;
use super::layer::Layer;
use super::vp8::Vp8Descriptor;
use super::vp9::Vp9Descriptor;
use super::{av1, h264, h265};

/// The payload descriptor, for codecs that have one with numbers in it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Descriptor {
    #[default]
    None,
    Vp8(Vp8Descriptor),
    Vp9(Vp9Descriptor),
}

/// What one packet says about its frame.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Description {
    /// The packet begins a keyframe, or one of the parts a keyframe begins with.
    pub keyframe: bool,
    /// With `keyframe`: nothing of the keyframe can come before this packet. In H.264 and H.265 a
    /// keyframe may begin with parameter sets in packets of their own, so a slice alone does not
    /// tell.
    pub keyframe_complete: bool,
    /// The packet starts a frame, as far as it tells.
    pub frame_start: bool,
    /// The packet ends a frame, of one spatial layer where there are several, as far as it tells.
    pub frame_end: bool,
    /// Width and height, of the highest spatial layer, when the packet tells.
    pub size: Option<(u16, u16)>,
    /// The layer that the packet belongs to; the lowest when nothing tells.
    pub layer: Layer,
    /// The Dependency Descriptor.
    pub frame: Option<Frame>,
    pub descriptor: Descriptor,
}

impl Description {
    /// Reads a payload and its Dependency Descriptor extension. Says nothing of audio, and nothing
    /// of payloads that are cut short or break the rules of their format.
    pub fn parse(codec: Codec, payload: &[u8], frame: Option<Frame>) -> Self {
        let mut description = match codec {
            Codec::Vp8 => Self::vp8(payload),
            Codec::Vp9 => Self::vp9(payload),
            Codec::H264 => Self::nal_units(h264::scan(payload)),
            Codec::H265 => Self::nal_units(h265::scan(payload)),
            Codec::Av1 => Self::av1(payload),
            Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => return Self::default(),
        };
        if let Some(frame) = frame {
            description.describe_frame(frame);
        }
        description
    }

    /// The descriptor knows better than a payload, which may be encrypted end to end and look like
    /// anything. Only without a structure, which every keyframe has to bring, it knows too little.
    fn describe_frame(&mut self, frame: Frame) {
        self.frame = Some(frame);
        self.frame_start |= frame.start;
        self.frame_end = frame.end;
        let Some(dependencies) = frame.dependencies else { return };
        self.keyframe = frame.keyframe();
        self.keyframe_complete = self.keyframe;
        self.frame_start = frame.start;
        self.layer = dependencies.layer;
        if self.keyframe {
            self.size = dependencies.size.or(self.size);
        }
    }

    fn vp8(payload: &[u8]) -> Self {
        let Some(descriptor) = Vp8Descriptor::parse(payload) else { return Self::default() };
        let keyframe = descriptor.keyframe(payload);
        Self {
            keyframe,
            keyframe_complete: keyframe,
            frame_start: descriptor.frame_start(),
            size: descriptor.size(payload),
            layer: Layer::new(0, descriptor.temporal_layer.unwrap_or(0)),
            descriptor: Descriptor::Vp8(descriptor),
            ..Self::default()
        }
    }

    fn vp9(payload: &[u8]) -> Self {
        let Some(descriptor) = Vp9Descriptor::parse(payload) else { return Self::default() };
        let keyframe = descriptor.keyframe();
        Self {
            keyframe,
            keyframe_complete: keyframe,
            frame_start: descriptor.picture_start(),
            frame_end: descriptor.frame_end,
            size: descriptor.size(),
            layer: descriptor.layer.map_or(Layer::default(), |l| Layer::new(l.spatial, l.temporal)),
            descriptor: Descriptor::Vp9(descriptor),
            ..Self::default()
        }
    }

    fn av1(payload: &[u8]) -> Self {
        let scan = av1::scan(payload);
        Self {
            keyframe: scan.keyframe,
            keyframe_complete: scan.keyframe,
            frame_start: scan.frame_start,
            size: scan.size,
            ..Self::default()
        }
    }

    fn nal_units(scan: super::nal::Scan) -> Self {
        Self {
            keyframe: scan.keyframe,
            keyframe_complete: scan.parameter_sets,
            frame_start: scan.frame_start,
            size: scan.size,
            ..Self::default()
        }
    }
}

/// Whether a payload begins a keyframe.
pub fn keyframe_start(codec: Codec, payload: &[u8]) -> bool {
    Description::parse(codec, payload, None).keyframe
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, RngCore, SeedableRng};

    use super::super::dependency_descriptor::{DescriptorReader, testing};
    use super::*;

    #[test]
    fn audio_has_nothing_to_say() {
        assert_eq!(Description::parse(Codec::Opus, &[0x10; 40], None), Description::default());
    }

    #[test]
    fn a_dependency_descriptor_tells_a_keyframe_that_the_payload_hides() {
        let mut reader = DescriptorReader::default();
        let keyframe = reader.read(&testing::structure(1, 3, 0x0102));
        let encrypted = [0x80, 1, 2, 3];
        let d = Description::parse(Codec::Av1, &encrypted, keyframe);
        assert!(d.keyframe && d.keyframe_complete && d.frame_start);
        assert_eq!(d.frame.map(|frame| frame.number), Some(0x0102));
    }

    #[test]
    fn a_payload_that_only_looks_like_a_keyframe_is_none_where_there_is_a_descriptor() {
        let mut reader = DescriptorReader::default();
        reader.read(&testing::structure(1, 1, 1));
        let frame = reader.read(&[0xc1, 0, 2]);
        assert!(Description::parse(Codec::Vp8, &[0x10, 0x10], None).keyframe);
        assert!(!Description::parse(Codec::Vp8, &[0x10, 0x10], frame).keyframe);
    }

    #[test]
    fn a_keyframe_of_each_codec_is_recognised() {
        assert!(keyframe_start(Codec::Vp8, &[0x10, 0x10]));
        assert!(keyframe_start(Codec::Vp9, &[0x88, 0x01]));
        assert!(keyframe_start(Codec::H264, &[0x65, 0x88]));
        assert!(keyframe_start(Codec::H265, &[19 << 1, 1, 0x80]));
        assert!(keyframe_start(Codec::Av1, &[0x18, 0x08]));
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::H265, Codec::Av1] {
            assert!(!keyframe_start(codec, &[]));
        }
    }

    /// What the fuzz targets do for hours, for a moment: no payload makes a parser panic, and a
    /// rewritten payload reads as what was written.
    #[test]
    fn random_payloads_do_no_harm() {
        let mut rng = SmallRng::seed_from_u64(0x6d65_6469);
        let mut payload = [0u8; 96];
        for _ in 0..60_000 {
            let len = rng.random_range(0..=payload.len());
            rng.fill_bytes(&mut payload[..len]);
            let payload = &payload[..len];
            for codec in Codec::ALL {
                check(codec, payload);
            }
        }
    }

    /// Random bytes seldom reach deep; headers that lead there with random bytes after them do.
    #[test]
    fn random_bytes_after_a_likely_header_do_no_harm() {
        let headers: [(Codec, &[u8]); 8] = [
            (Codec::H264, &[0x67, 100, 0, 31]),
            (Codec::H264, &[0x67, 66, 0, 31]),
            (Codec::H264, &[0x78, 0, 60, 0x67, 100]),
            (Codec::H265, &[33 << 1, 1]),
            (Codec::H265, &[48 << 1, 1, 0, 70, 33 << 1, 1]),
            (Codec::Av1, &[0x18, 0x08]),
            (Codec::Av1, &[0x00, 0x30, 0x08]),
            (Codec::Vp9, &[0xfe, 0x81, 0x02]),
        ];
        let mut rng = SmallRng::seed_from_u64(0x6c6f_6f6d);
        for _ in 0..20_000 {
            for (codec, header) in headers {
                let mut payload = header.to_vec();
                let len = rng.random_range(0..90);
                payload.extend((0..len).map(|_| rng.random::<u8>()));
                check(codec, &payload);
            }
        }
    }

    fn check(codec: Codec, payload: &[u8]) {
        let frame = DescriptorReader::default().read(payload);
        Description::parse(codec, payload, frame);
        let d = Description::parse(codec, payload, None);
        assert!(d.size.is_none_or(|(width, height)| width > 0 && height > 0));
        assert!(!d.keyframe || d.frame_start);
        let (prefix, read): (_, fn(&[u8]) -> _) = match d.descriptor {
            Descriptor::None => return,
            Descriptor::Vp8(vp8) => (vp8.rewrite(payload, 0x2abc, 0x5a), |p| {
                let d = Vp8Descriptor::parse(p).unwrap();
                (d.picture_id.map(|p| p.value), d.tl0_picture_index)
            }),
            Descriptor::Vp9(vp9) => (vp9.rewrite(payload, 0x2abc, 0x5a), |p| {
                let d = Vp9Descriptor::parse(p).unwrap();
                (d.picture_id.map(|p| p.value), d.tl0_picture_index)
            }),
        };
        if let Some(prefix) = prefix {
            let mut out = Vec::new();
            prefix.write(payload, &mut out);
            let (picture_id, tl0_index) = read(&out);
            assert!(picture_id.is_none_or(|v| v == 0x2abc));
            assert!(tl0_index.is_none_or(|v| v == 0x5a));
            assert!(picture_id.is_some() || tl0_index.is_some());
        }
    }
}
