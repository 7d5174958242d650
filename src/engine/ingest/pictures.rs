//! The pictures of an input: from encoded frames to packets of its track.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::InputError;
use super::order::{Order, Ordered};
use super::timeline::Placed;
use crate::codec::Codec;
use crate::codec::configuration::Configuration;
use crate::codec::frame::{Encoded, Packetizer};
use crate::control::ids::SourceId;
use crate::control::ingest::InputTrackStats;
use crate::engine::tap::{Class, Made};
use crate::ingest::VideoFrame;
use crate::sfu::{EncodingIndex, SourcePacket};

/// What viewers' links are asked for before it is known how much comes.
const BITRATE: u32 = 2_500_000;
const FRAME_RATE: u8 = 30;
/// Milliseconds. A picture waits for 16 others at most (H.264 A.3.1), of which there are more than eight
/// a second.
const MAX_COMPOSITION: i32 = 2_000;
/// RTP ticks of a millisecond.
const TICKS: u64 = 90;

/// Pictures of one codec, in the order in which they are shown.
pub struct Pictures {
    codec: Codec,
    id: SourceId,
    track: Option<Made>,
    packetizer: Packetizer,
    size: (u16, u16),
    order: Order,
    /// Pictures in another order than that in which they are shown are taken, for mixers.
    mix: bool,
    reordered: bool,
    /// Another stream begins with its next keyframe.
    anew: bool,
    stats: InputTrackStats,
}

/// What became of a frame.
pub enum Outcome {
    /// It is in the packets. The track is new.
    Began,
    /// It is in the packets, or left out.
    Went,
    /// The track is over.
    Refused(InputError),
}

impl Pictures {
    /// With the first keyframe it gets a track of this id. `mix`: pictures with B-frames are taken,
    /// where a mixer can decode them.
    pub fn new(codec: Codec, id: SourceId, mix: bool) -> Self {
        Self {
            codec,
            id,
            track: None,
            packetizer: Packetizer::new(codec),
            size: (0, 0),
            order: Order::default(),
            // The decoder of H.264 gives pictures in the order in which they are shown.
            mix: mix && codec == Codec::H264,
            reordered: false,
            anew: false,
            stats: InputTrackStats { codec: codec.name(), ..InputTrackStats::default() },
        }
    }

    /// The track, from its first keyframe on.
    pub fn track(&self) -> Option<&Made> {
        self.track.as_ref()
    }

    /// The same, to change it.
    pub fn track_mut(&mut self) -> Option<&mut Made> {
        self.track.as_mut()
    }

    /// Whether they come in another order than that in which they are shown, for mixers alone.
    pub fn is_reordered(&self) -> bool {
        self.reordered
    }

    /// Whether a mixer could take them in another order.
    pub fn may_be_reordered(&self) -> bool {
        self.mix
    }

    /// What comes next is another stream.
    pub fn begin_anew(&mut self) {
        self.anew = true;
    }

    /// Milliseconds from when a frame is decoded to when it is shown, where that is the same for all: it is
    /// to be placed by when it is shown.
    pub fn delay(&self, frame: &VideoFrame<'_>) -> i32 {
        match (self.anew, self.reordered) {
            (_, true) => 0,
            (true, false) => Order::default().delay(frame),
            (false, false) => self.order.delay(frame),
        }
    }

    /// Whether pictures of this codec are those of another stream, for which there is to be another track.
    pub fn are_others(&self, codec: Codec) -> bool {
        self.anew && codec != self.codec
    }

    /// Counts.
    pub fn stats(&self) -> &InputTrackStats {
        &self.stats
    }

    /// A damaged frame was left out.
    pub fn lost(&mut self) {
        self.stats.frames_dropped += 1;
    }

    /// Appends the packets of a frame to `packets`.
    pub fn receive(
        &mut self,
        now: Instant,
        placed: Placed,
        frame: &VideoFrame<'_>,
        packets: &mut Vec<Arc<SourcePacket>>,
    ) -> Outcome {
        if frame.codec != self.codec {
            return Outcome::Refused(InputError::CodecChanged);
        }
        if self.track.is_none() && !frame.keyframe && !self.order.is_holding() {
            self.stats.frames_dropped += 1;
            return Outcome::Went;
        }
        if std::mem::take(&mut self.anew) {
            if !frame.keyframe {
                self.anew = true;
                self.stats.frames_dropped += 1;
                return Outcome::Went;
            }
            self.order = Order::default();
        }
        let held_delay = self.order.held_delay();
        let order =
            if self.reordered { Ordered::Shown(None) } else { self.order.take(placed, frame) };
        let held = match order {
            Ordered::Held => return Outcome::Went,
            Ordered::Shown(held) => held,
            Ordered::Reordered(held) if self.mix && self.track.is_none() => {
                self.reordered = true;
                // It was placed as if all were shown as much later.
                held.map(|(placed, data)| (placed.moved(-held_delay), data))
            }
            Ordered::Reordered(_) => return Outcome::Refused(InputError::BFrames),
        };
        let mut began = false;
        if let Some((placed, data)) = held {
            let first = VideoFrame { keyframe: true, data: &data, ..*frame };
            match self.begin(now, &first) {
                Ok(new) => began |= new,
                Err(error) => return Outcome::Refused(error),
            }
            self.send(now, placed, &first, packets);
        }
        match self.begin(now, frame) {
            Ok(new) => began |= new,
            Err(error) => return Outcome::Refused(error),
        }
        self.send(now, placed, frame, packets);
        if began { Outcome::Began } else { Outcome::Went }
    }

    /// Makes the track with the first keyframe. Whether it is new.
    fn begin(&mut self, now: Instant, frame: &VideoFrame<'_>) -> Result<bool, InputError> {
        if !frame.keyframe {
            return Ok(false);
        }
        let size = Configuration::of(frame.codec, frame.data).and_then(|known| known.size);
        if let Some(size) = size {
            self.size = size;
        }
        if self.track.is_some() {
            return Ok(false);
        }
        let size = size.ok_or(InputError::NoSize)?;
        let class = Class {
            codec: self.codec,
            rung: 0,
            size: Some(size),
            bitrate: BITRATE,
            frame_rate: FRAME_RATE,
        };
        self.track = Some(Made::new(now, self.id, &[class]).without_keyframes_on_request());
        Ok(true)
    }

    fn send(
        &mut self,
        now: Instant,
        placed: Placed,
        frame: &VideoFrame<'_>,
        packets: &mut Vec<Arc<SourcePacket>>,
    ) {
        let Self { track, packetizer, stats, size: (width, height), reordered, .. } = self;
        let Some(track) = track else { return };
        // The order is that of decoding; the moment, by which a mixer shows it, that of showing.
        let later = if *reordered { frame.composition.clamp(0, MAX_COMPOSITION) } else { 0 };
        let captured = placed.captured + Duration::from_millis(later as u64);
        let encoded = Encoded {
            data: frame.data,
            keyframe: frame.keyframe,
            width: *width,
            height: *height,
            timestamp: (placed.media * TICKS) as u32,
            captured,
        };
        let before = packets.len();
        let made = packetizer.packetize(&encoded, |packet| {
            packets.extend(track.packet(now, EncodingIndex(0), packet));
        });
        if made.is_err() {
            stats.frames_dropped += 1;
            return;
        }
        stats.frames += 1;
        stats.keyframes += u64::from(frame.keyframe);
        stats.packets += (packets.len() - before) as u64;
    }
}
