//! A port's stream of packets, on its way to even sound: waits for what comes late, makes up what
//! does not come, and follows the sender's clock.
//!
//! One resampler does all that has to do with time. It follows the drift, and when the delay is not
//! what it should be it runs a little faster or slower: where somebody speaks by two percent, where
//! it is quiet by twenty, which nobody hears. Pauses of the sender (DTX) are stretched or shortened
//! as is.

mod playback;

use std::time::{Duration, Instant};

use playback::Playing;

use super::decoder::{Decoder, payload_samples};
use super::drift::SenderClock;
use super::jitter_buffer::{JitterBuffer, Waiting};
use super::resampler::Resampler;
use super::sink::PortStats;
use super::target_delay::TargetDelay;
use super::{FRAME, RATE};
use crate::codec::{Codec, red};
use crate::mcu::TakenPacket;

/// A sender's clock does not jump by so much, in samples: two seconds.
const CLOCK_JUMP: i64 = 2 * RATE as i64;
/// A later packet does not hold earlier sound by so much, in samples: 100 ms.
const MIXED_UP: i64 = RATE as i64 / 10;
/// Opus packets of so many bytes and less say that the sender is silent (opus.h).
const DTX: usize = 2;

/// What a packet tells before it is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// RFC 6464.
    Level(i8),
    /// Sound of unknown loudness.
    Unknown,
    /// Nothing that counts.
    Nothing,
}

pub(super) struct Stream {
    codec: Codec,
    stereo: bool,
    /// Zero of arrivals.
    epoch: Instant,
    /// The newest timestamp, as it came and extended.
    newest: (u32, i64),
    newest_sequence: u64,
    newest_captured: Instant,
    clock: SenderClock,
    target: TargetDelay,
    buffer: JitterBuffer,
    decoder: Decoder,
    resampler: Resampler,
    playing: Option<Playing>,
    /// One channel on its way to two.
    scratch: Vec<f32>,
    counters: PortStats,
}

impl Stream {
    /// `None` when it is no sound.
    pub(super) fn new(packet: &TakenPacket, stereo: bool) -> Option<Self> {
        let decoder = Decoder::new(packet.codec, stereo)?;
        let channels = if packet.codec == Codec::Opus && stereo { 2 } else { 1 };
        Some(Self {
            codec: packet.codec,
            stereo,
            epoch: packet.arrival,
            newest: (packet.timestamp, 0),
            newest_sequence: packet.sequence,
            newest_captured: packet.captured,
            clock: SenderClock::default(),
            target: TargetDelay::default(),
            buffer: JitterBuffer::default(),
            decoder,
            resampler: Resampler::new(channels),
            playing: None,
            scratch: Vec::new(),
            counters: PortStats::default(),
        })
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// From the stream that was there before: counts go on.
    pub(super) fn with_counters(self, counters: PortStats) -> Self {
        Self { counters, ..self }
    }

    pub(super) fn counters(&self) -> PortStats {
        self.counters
    }

    /// Samples at 48 kHz since the epoch.
    fn samples_at(&self, at: Instant) -> i64 {
        let samples =
            |duration: Duration| (duration.as_nanos() * u128::from(RATE) / 1_000_000_000) as i64;
        match at.checked_duration_since(self.epoch) {
            Some(since) => samples(since),
            None => -samples(self.epoch.duration_since(at)),
        }
    }

    /// Timestamp of what should be heard at a moment.
    fn due(&self, at: i64) -> i64 {
        at - self.clock.base().unwrap_or(0) - self.target.get()
    }

    /// Timestamp of what is heard next.
    fn heard(&self, position: i64) -> i64 {
        let per_sample = f64::from(RATE / self.decoder.rate());
        position - (self.resampler.queued() * per_sample) as i64
    }

    pub(super) fn receive(&mut self, packet: &TakenPacket) -> Heard {
        self.counters.packets += 1;
        let scale = i64::from(RATE / self.codec.clock_rate());
        let ahead = i64::from(packet.timestamp.wrapping_sub(self.newest.0).cast_signed());
        let timestamp = self.newest.1 + ahead * scale;
        let arrival = self.samples_at(packet.arrival);
        let transit = arrival - timestamp;
        let in_order = packet.sequence >= self.newest_sequence;
        let backwards = packet.sequence > self.newest_sequence && ahead * scale < -MIXED_UP;
        if backwards || self.clock.base().is_some_and(|base| (transit - base).abs() > CLOCK_JUMP) {
            if !in_order {
                self.counters.late += 1;
                return Heard::Nothing;
            }
            self.restart(packet);
            return self.take(packet, 0, self.samples_at(packet.arrival));
        }
        if in_order && ahead >= 0 {
            self.newest = (packet.timestamp, timestamp);
            self.newest_sequence = packet.sequence;
            self.newest_captured = packet.captured;
        }
        self.take(packet, timestamp, arrival)
    }

    /// The sender's clock jumped.
    fn restart(&mut self, packet: &TakenPacket) {
        let playing = self.playing.is_some();
        if let Some(stream) = Self::new(packet, self.stereo) {
            *self = stream.with_counters(self.counters);
            self.playing = playing.then(Playing::default);
        }
    }

    fn take(&mut self, packet: &TakenPacket, timestamp: i64, arrival: i64) -> Heard {
        let Some(data) = self.unwrap_red(packet, timestamp) else {
            self.counters.discarded += 1;
            return Heard::Nothing;
        };
        let payload = packet.payload.get(data.clone()).unwrap_or(&[]);
        let Some(samples) = payload_samples(self.codec, payload) else {
            self.counters.discarded += 1;
            return Heard::Nothing;
        };
        let silent = self.codec == Codec::Opus && payload.len() <= DTX;
        let transit = arrival - timestamp;
        self.clock.observe(arrival, transit);
        self.target.observe(transit - self.clock.base().unwrap_or(transit));
        self.insert(Waiting {
            timestamp,
            samples: samples as i64,
            sequence: Some(packet.sequence),
            payload: packet.payload.clone(),
            data,
        });
        if self.playing.is_none() {
            self.buffer.drop_before(self.due(arrival));
        }
        match packet.audio_level {
            _ if silent => Heard::Nothing,
            Some(level) => Heard::Level(level),
            None => Heard::Unknown,
        }
    }

    /// Where the packet's own data is, after what it repeats of others was put in their place.
    fn unwrap_red(
        &mut self,
        packet: &TakenPacket,
        timestamp: i64,
    ) -> Option<std::ops::Range<usize>> {
        if !packet.red {
            return Some(0..packet.payload.len());
        }
        let red = red::Red::parse(&packet.payload)?;
        let count = red.redundant().len();
        let scale = i64::from(RATE / self.codec.clock_rate());
        for (index, block) in red.redundant().iter().enumerate() {
            let data = red.start_of(index)..red.start_of(index) + usize::from(block.length);
            let Some(samples) =
                packet.payload.get(data.clone()).and_then(|data| payload_samples(self.codec, data))
            else {
                continue;
            };
            if block.pt != red.pt || block.offset == 0 {
                continue;
            }
            let timestamp = timestamp - i64::from(block.offset) * scale;
            let samples = samples as i64;
            let position = self.playing.and_then(|playing| playing.position);
            // Never missed, or too late to be of use.
            if position.is_none_or(|position| timestamp < position) {
                continue;
            }
            let payload = packet.payload.clone();
            let waiting = Waiting { timestamp, samples, sequence: None, payload, data };
            if self.buffer.insert(waiting).is_some() {
                self.counters.redundant += 1;
            }
        }
        Some(red.start_of(count)..packet.payload.len())
    }

    fn insert(&mut self, packet: Waiting) {
        let position = self.playing.and_then(|playing| playing.position);
        if position.is_some_and(|position| packet.end() <= position) {
            self.counters.late += 1;
            return;
        }
        self.counters.discarded += self.buffer.insert(packet).unwrap_or(1);
    }

    /// Age of what is heard at a moment.
    pub(super) fn playout_delay(&self, now: Instant) -> Duration {
        let due = self.due(self.samples_at(now));
        let heard = match self.playing {
            // The last tick has been read already.
            Some(Playing { position: Some(position), waited: 0, .. }) => {
                self.heard(position) - FRAME as i64
            }
            _ => due,
        };
        let newer = self.newest.1 - heard;
        let distance = Duration::from_micros(newer.unsigned_abs() * 125 / 6);
        let since = now.saturating_duration_since(self.newest_captured);
        if newer >= 0 { since + distance } else { since.saturating_sub(distance) }
    }

    pub(super) fn stats(&self, now: Instant) -> PortStats {
        let duration = |samples: i64| Duration::from_micros(samples.max(0) as u64 * 125 / 6);
        let heard = match self.playing.and_then(|playing| playing.position) {
            Some(position) => self.heard(position),
            None => self.due(self.samples_at(now)),
        };
        PortStats {
            target_delay: duration(self.target.get()),
            buffered: duration(self.buffer.end().map_or(0, |end| end - heard)),
            drift_ppm: (self.clock.drift() * 1e6) as f32,
            ..self.counters
        }
    }
}

#[cfg(test)]
impl Stream {
    /// Only time is simulated.
    pub(super) fn silent(mut self) -> Self {
        self.resampler.silent = true;
        self
    }
}
