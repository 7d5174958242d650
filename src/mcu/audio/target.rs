//! Who listens to a mix: in which codecs, whether somebody looks at how loud it is, and the numbers
//! of what they are sent.

use std::time::Instant;

use super::clock::MediaClock;
use super::loudness::AUDIBLE;
use super::options::{AudioTarget, CodecSet};
use super::output::{Encoded, index};
use super::signal::rounded;
use super::sink::{AudioSink, TargetStats};
use crate::mcu::MadePacket;

/// Of one codec.
#[derive(Clone, Copy)]
struct Lane {
    sequence: u64,
    /// Nothing was sent of the last tick.
    paused: bool,
}

pub(super) struct Target {
    pub wanted: CodecSet,
    pub metered: bool,
    lanes: [Lane; CodecSet::CODECS.len()],
    pub stats: TargetStats,
}

impl Target {
    pub(super) fn new() -> Self {
        let lane = Lane { sequence: 0, paused: true };
        let lanes = [lane; CodecSet::CODECS.len()];
        Self { wanted: CodecSet::EMPTY, metered: false, lanes, stats: TargetStats::default() }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.metered || !self.wanted.is_empty()
    }

    /// Sends a tick.
    pub(super) fn send(
        &mut self,
        target: AudioTarget,
        encoded: &Encoded,
        clock: &MediaClock,
        captured: Instant,
        sink: &mut impl AudioSink,
    ) {
        let (level, voice) = (rounded(encoded.level), encoded.level >= AUDIBLE);
        if self.metered {
            sink.level(target, level, voice);
        }
        for codec in self.wanted.iter() {
            let Some(lane) = index(codec).and_then(|index| self.lanes.get_mut(index)) else {
                continue;
            };
            let Some(payload) = encoded.get(codec) else {
                lane.paused = true;
                continue;
            };
            sink.packet(
                target,
                MadePacket {
                    sequence: lane.sequence,
                    timestamp: clock.timestamp(codec.clock_rate()),
                    // The first behind a pause (RFC 3551 4.1).
                    marker: lane.paused,
                    codec,
                    payload: payload.clone(),
                    captured,
                    audio_level: Some((level, voice)),
                },
            );
            lane.sequence += 1;
            lane.paused = false;
            self.stats.packets += 1;
        }
    }
}
