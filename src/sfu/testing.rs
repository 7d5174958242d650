//! A sender to test with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::packet::{EncodingIndex, Extensions, SourcePacket};
use crate::codec::dependency_descriptor::DescriptorReader;
use crate::codec::dependency_descriptor::testing::{self, Place};
use crate::codec::{Codec, Description};
use crate::control::ids::SourceId;

/// One encoding of a sender that makes 30 frames, or 50 audio packets, a second.
pub(crate) struct Source {
    pub(crate) encoding: EncodingIndex,
    pub(crate) codec: Codec,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) picture_id: u16,
    pub(crate) picture_id_bits: u8,
    pub(crate) tl0_index: u8,
    pub(crate) frame_number: u16,
    reader: DescriptorReader,
    now: Instant,
}

impl Source {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            encoding: EncodingIndex(0),
            codec,
            sequence: 1000,
            timestamp: 50_000,
            picture_id: 100,
            picture_id_bits: 15,
            tl0_index: 10,
            frame_number: 1,
            reader: DescriptorReader::default(),
            now: Instant::now(),
        }
    }

    /// Another encoding, with numbers of its own.
    pub(crate) fn encoding(codec: Codec, index: u8, now: Instant) -> Self {
        let far = u16::from(index) + 1;
        Self {
            encoding: EncodingIndex(index),
            sequence: 20_000 * u64::from(far),
            timestamp: 0x4000_0000u32.wrapping_mul(u32::from(far)),
            picture_id: 9000u16.wrapping_mul(far) & 0x7fff,
            tl0_index: 77u16.wrapping_mul(far) as u8,
            frame_number: 13_000u16.wrapping_mul(far),
            now,
            ..Self::new(codec)
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        let ticks = time.as_nanos() * u128::from(self.codec.clock_rate()) / 1_000_000_000;
        self.timestamp = self.timestamp.wrapping_add(ticks as u32);
    }

    /// The packets of one frame; time moves on after it.
    pub(crate) fn frame(&mut self, keyframe: bool, packets: usize) -> Vec<SourcePacket> {
        let frame = (0..packets).map(|i| self.next(keyframe, i == 0, i + 1 == packets)).collect();
        let modulus = 1u32 << self.picture_id_bits;
        self.picture_id = ((u32::from(self.picture_id) + 1) % modulus) as u16;
        self.tl0_index = self.tl0_index.wrapping_add(1);
        self.frame_number = self.frame_number.wrapping_add(1);
        let audio = self.codec == Codec::Opus;
        self.wait(Duration::from_micros(if audio { 20_000 } else { 33_333 }));
        frame
    }

    /// A frame of one packet, and no keyframe.
    pub(crate) fn packet(&mut self) -> SourcePacket {
        self.frame(false, 1).remove(0)
    }

    pub(crate) fn keyframe(&mut self) -> SourcePacket {
        self.frame(true, 1).remove(0)
    }

    pub(crate) fn padding(&mut self) -> SourcePacket {
        self.sequence += 1;
        self.make(self.sequence - 1, Vec::new(), false, None)
    }

    fn next(&mut self, keyframe: bool, first: bool, last: bool) -> SourcePacket {
        self.sequence += 1;
        let dependency_descriptor = (self.codec == Codec::Av1).then(|| {
            Bytes::from(match keyframe && first {
                true => testing::structure(1, 1, self.frame_number),
                false => {
                    let place = if keyframe { Place::Key } else { Place::InGroup(0) };
                    let template = testing::template(0, place, 1);
                    testing::plain(first, last, template, self.frame_number)
                }
            })
        });
        let payload = self.payload(keyframe, first);
        self.make(self.sequence - 1, payload, last, dependency_descriptor)
    }

    fn payload(&self, keyframe: bool, first: bool) -> Vec<u8> {
        let picture_id = match self.picture_id_bits {
            7 => vec![self.picture_id as u8],
            _ => vec![0x80 | (self.picture_id >> 8) as u8, self.picture_id as u8],
        };
        match self.codec {
            Codec::Vp8 => {
                let start = if first { 0x10 } else { 0 };
                let mut payload = vec![0x80 | start, 0xc0];
                payload.extend(picture_id);
                payload.push(self.tl0_index);
                match (first, keyframe) {
                    (true, true) => payload
                        .extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 1, 2, 3]),
                    _ => payload.extend([0x11, 1, 2, 3]),
                }
                payload
            }
            Codec::Vp9 => {
                let start = if first { 0x08 } else { 0 } | if keyframe { 0 } else { 0x40 };
                let mut payload = vec![0xa0 | start];
                payload.extend(picture_id);
                payload.extend([0, self.tl0_index, 1, 2, 3]);
                payload
            }
            // A keyframe's parameter sets take its first packet.
            Codec::H264 => match (first, keyframe) {
                (true, true) => vec![0x67, 0x42, 0xc0, 0x1f],
                (false, true) => vec![0x65, 0x88, 0x80],
                (true, false) => vec![0x41, 0x9a],
                (false, false) => vec![0x41, 0x1a],
            },
            Codec::Av1 => vec![if first { 0x10 } else { 0x90 }, 6 << 3, 1, 2],
            _ => vec![1, 2, 3, 4],
        }
    }

    fn make(
        &mut self,
        sequence: u64,
        payload: Vec<u8>,
        marker: bool,
        dependency_descriptor: Option<Bytes>,
    ) -> SourcePacket {
        let reader = &mut self.reader;
        let frame = dependency_descriptor.as_deref().and_then(|bytes: &[u8]| reader.read(bytes));
        SourcePacket {
            track: SourceId(1),
            encoding: self.encoding,
            ssrc: 7000 + u32::from(self.encoding.0),
            sequence,
            timestamp: self.timestamp,
            marker,
            codec: self.codec,
            red: false,
            telephone_event: false,
            source_pt: 96,
            description: Description::parse(self.codec, &payload, frame),
            payload: Arc::from(payload),
            arrival: self.now,
            captured: self.now,
            to_reported: Some(0),
            extensions: Extensions { dependency_descriptor, ..Extensions::default() },
        }
    }
}

/// A sender of several layers, one packet a frame: VP8 by its payload descriptor, VP9 by its own,
/// AV1 by the dependency descriptor.
pub(crate) struct Scalable {
    pub(crate) source: Source,
    spatial_layers: u8,
    temporal_layers: u8,
    /// Frames of upper spatial layers refer to those below in keyframes only (`_KEY`).
    pub(crate) key_only: bool,
    /// Since the keyframe.
    pictures: u8,
}

impl Scalable {
    pub(crate) fn new(codec: Codec, spatial_layers: u8, temporal_layers: u8) -> Self {
        let source = Source::new(codec);
        Self { source, spatial_layers, temporal_layers, key_only: false, pictures: 0 }
    }

    /// The packets of the next picture, the lowest spatial layer first.
    pub(crate) fn picture(&mut self, keyframe: bool) -> Vec<SourcePacket> {
        let group = [1, 2, 4][usize::from(self.temporal_layers) - 1];
        self.pictures = if keyframe { 0 } else { (self.pictures + 1) % group };
        let place = if keyframe { Place::Key } else { Place::InGroup(self.pictures) };
        let temporal = testing::temporal(self.pictures, self.temporal_layers).0;
        let packets =
            (0..self.spatial_layers).map(|spatial| self.frame(spatial, temporal, place)).collect();
        self.source.picture_id = (self.source.picture_id + 1) & 0x7fff;
        if temporal == 0 {
            self.source.tl0_index = self.source.tl0_index.wrapping_add(1);
        }
        self.source.wait(Duration::from_micros(33_333));
        packets
    }

    /// A picture that gets lost before anybody here sees it.
    pub(crate) fn lose_picture(&mut self) {
        let reader = self.source.reader.clone();
        self.picture(false);
        self.source.reader = reader;
    }

    fn frame(&mut self, spatial: u8, temporal: u8, place: Place) -> SourcePacket {
        let keyframe = place == Place::Key;
        let source = &mut self.source;
        let [high, low] = (0x8000 | source.picture_id).to_be_bytes();
        // Only the second picture of the highest layer needs one that is not of the lowest.
        let sync = place != Place::InGroup(3);
        let payload = match source.codec {
            Codec::Vp8 => {
                let layer = temporal << 6 | u8::from(sync) << 5;
                vec![0x90, 0xe0, high, low, source.tl0_index, layer, u8::from(!keyframe), 1]
            }
            Codec::Vp9 => {
                let inter_layer = spatial > 0 && (keyframe || !self.key_only);
                let layer =
                    temporal << 5 | u8::from(sync) << 4 | spatial << 1 | u8::from(inter_layer);
                let top = spatial + 1 == self.spatial_layers;
                let needless = top || self.key_only && !keyframe;
                let first = 0xac | u8::from(!keyframe) << 6 | u8::from(needless);
                vec![first, high, low, layer, source.tl0_index, 1, 2]
            }
            _ => vec![1, 2, 3],
        };
        let temporal_layers = self.temporal_layers;
        let layers = (self.spatial_layers, temporal_layers);
        let descriptor = (source.codec == Codec::Av1).then(|| {
            Bytes::from(match keyframe && spatial == 0 {
                true => testing::structure_of(layers, self.key_only, source.frame_number),
                false => {
                    let template = testing::template(spatial, place, temporal_layers);
                    testing::plain(true, true, template, source.frame_number)
                }
            })
        });
        source.sequence += 1;
        source.frame_number = source.frame_number.wrapping_add(1);
        let marker = spatial + 1 == self.spatial_layers;
        source.make(source.sequence - 1, payload, marker, descriptor)
    }
}
