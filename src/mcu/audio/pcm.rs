//! Sound of the application on its way in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::resampler::Resampler;
use super::signal::{convert_channels, from_i16};
use super::sink::{PcmError, PcmFrame};
use super::{FRAME, RATE};

/// Samples of each channel that are queued at most: a second.
const MAX_QUEUED: usize = RATE as usize;
/// Samples in which sound fades when nothing follows in time, 5 ms.
const FADE: usize = RATE as usize / 200;

pub(super) struct PcmQueue {
    channels: usize,
    /// Interleaved at 48 kHz.
    samples: VecDeque<f32>,
    /// From the rate that was written last.
    rate: u32,
    resampler: Resampler,
    scratch: Vec<f32>,
    /// When what is written next was captured.
    captured: Instant,
    /// Plays on until nothing is left; begins again when a whole tick is there.
    running: bool,
}

impl PcmQueue {
    pub(super) fn new(channels: usize, now: Instant) -> Self {
        Self {
            channels,
            samples: VecDeque::new(),
            rate: RATE,
            resampler: Resampler::new(channels),
            scratch: Vec::new(),
            captured: now,
            running: false,
        }
    }

    fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    pub(super) fn queued(&self) -> Duration {
        Duration::from_micros(self.frames() as u64 * 125 / 6)
    }

    /// Whether the next tick has something of it.
    pub(super) fn is_playing(&self) -> bool {
        self.running && !self.is_empty() || self.frames() >= FRAME
    }

    /// Throws away what was not played, but for what it fades out by.
    pub(super) fn clear(&mut self) {
        let kept = if self.running { FADE * self.channels } else { 0 };
        self.samples.truncate(kept);
        self.resampler.reset();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    pub(super) fn write(&mut self, frame: &PcmFrame<'_>) -> Result<(), PcmError> {
        let channels = usize::from(frame.channels);
        if !matches!(channels, 1 | 2)
            || !matches!(frame.rate, 8_000 | 16_000 | 24_000 | 48_000)
            || !frame.samples.len().is_multiple_of(channels)
        {
            return Err(PcmError::Format);
        }
        let count = frame.samples.len() / channels;
        if count > frame.rate as usize
            || self.frames() + count * (RATE / frame.rate) as usize > MAX_QUEUED
        {
            return Err(PcmError::Full);
        }
        self.captured =
            frame.timestamp + Duration::from_secs_f64(count as f64 / f64::from(frame.rate));
        self.scratch.clear();
        self.scratch.extend(frame.samples.iter().map(|&sample| from_i16(sample)));
        if frame.rate == RATE {
            let mut converted = Vec::with_capacity(count * self.channels);
            convert_channels(&self.scratch, channels, &mut converted, self.channels);
            self.samples.extend(converted);
            self.rate = RATE;
            return Ok(());
        }
        if frame.rate != self.rate {
            self.resampler.reset();
            self.rate = frame.rate;
        }
        convert_channels(&self.scratch, channels, self.resampler.input(), self.channels);
        let step = f64::from(frame.rate) / f64::from(RATE);
        let mut converted = [0.0; 512];
        loop {
            match self.resampler.read(step, &mut converted) {
                0 => return Ok(()),
                count => self.samples.extend(&converted[..count]),
            }
        }
    }

    /// Adds a tick.
    pub(super) fn add(&mut self, output: &mut [f32]) {
        let wanted = FRAME * self.channels;
        let there = self.samples.len().min(wanted);
        self.running |= there == wanted;
        if !self.running {
            return;
        }
        let fade = FADE * self.channels;
        for (index, (to, from)) in output.iter_mut().zip(self.samples.drain(..there)).enumerate() {
            let left = if there < wanted { there - index } else { fade };
            *to += from * (left as f32 / fade as f32).min(1.0);
        }
        self.running = there == wanted;
    }

    /// Age of what is played at a moment; `None` when there is nothing.
    pub(super) fn playout_delay(&self, now: Instant) -> Option<Duration> {
        let left = !self.is_empty();
        left.then(|| (now + self.queued()).saturating_duration_since(self.captured))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_fits_and_no_more() {
        let now = Instant::now();
        let mut queue = PcmQueue::new(1, now);
        let samples = [1000; 800];
        let frame = PcmFrame { samples: &samples, channels: 1, rate: 8_000, timestamp: now };
        for _ in 0..10 {
            queue.write(&frame).unwrap();
        }
        assert_eq!(queue.write(&frame), Err(PcmError::Full));
        assert!(queue.queued() > Duration::from_millis(990));
        let mut output = [0.0; FRAME];
        queue.add(&mut output);
        assert!((output[500] - 1000.0 / 32_768.0).abs() < 1e-3);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let now = Instant::now();
        let mut queue = PcmQueue::new(2, now);
        let frame = PcmFrame { samples: &[0; 3], channels: 2, rate: 48_000, timestamp: now };
        for wrong in [
            frame,
            PcmFrame { channels: 0, ..frame },
            PcmFrame { channels: 3, ..frame },
            PcmFrame { rate: 44_100, channels: 1, ..frame },
            PcmFrame { rate: 0, channels: 1, ..frame },
        ] {
            assert_eq!(queue.write(&wrong), Err(PcmError::Format));
        }
    }

    #[test]
    fn it_ends_softly() {
        let now = Instant::now();
        let mut queue = PcmQueue::new(1, now);
        let samples = [16_384; 1440];
        let frame = PcmFrame { samples: &samples, channels: 1, rate: 48_000, timestamp: now };
        queue.write(&frame).unwrap();
        let mut output = [0.0; 2 * FRAME];
        queue.add(&mut output[..FRAME]);
        queue.add(&mut output[FRAME..]);
        assert_eq!((output[1200], output[1440]), (0.5, 0.0));
        assert!(output[1439] < 0.01);
        assert!(queue.is_empty());
    }
}
