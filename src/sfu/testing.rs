//! A sender to test with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::packet::{EncodingIndex, Extensions, SourcePacket};
use crate::codec::{Codec, Description};
use crate::control::ids::IncomingTrackId;

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
            let [high, low] = self.frame_number.to_be_bytes();
            let flags = if first { 0x80 } else { 0 };
            let structure: &[u8] = if keyframe && first { &[0x80, 0] } else { &[] };
            Bytes::from([&[flags, high, low], structure].concat())
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
        &self,
        sequence: u64,
        payload: Vec<u8>,
        marker: bool,
        dependency_descriptor: Option<Bytes>,
    ) -> SourcePacket {
        SourcePacket {
            track: IncomingTrackId(1),
            encoding: self.encoding,
            ssrc: 7000 + u32::from(self.encoding.0),
            sequence,
            timestamp: self.timestamp,
            marker,
            codec: self.codec,
            red: false,
            source_pt: 96,
            description: Description::parse(self.codec, &payload, dependency_descriptor.as_deref()),
            payload: Arc::from(payload),
            arrival: self.now,
            captured: self.now,
            extensions: Extensions { dependency_descriptor, ..Extensions::default() },
        }
    }
}
