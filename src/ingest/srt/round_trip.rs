//! How long a packet and its answer take (4.10).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Acknowledgements whose answers are waited for.
const MAX_WAITING: usize = 128;

/// Measured by acknowledgements and what answers them.
#[derive(Debug)]
pub(super) struct RoundTrip {
    smoothed: Duration,
    variance: Duration,
    measured: bool,
    waiting: VecDeque<(u32, Instant)>,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self {
            smoothed: Duration::from_millis(100),
            variance: Duration::from_millis(50),
            measured: false,
            waiting: VecDeque::new(),
        }
    }
}

impl RoundTrip {
    pub(super) fn smoothed(&self) -> Duration {
        self.smoothed
    }

    pub(super) fn variance(&self) -> Duration {
        self.variance
    }

    /// How long to wait for what was asked for before asking again (4.8.2).
    pub(super) fn patience(&self) -> Duration {
        ((self.smoothed + 4 * self.variance) / 2).max(Duration::from_millis(20))
    }

    pub(super) fn sent(&mut self, now: Instant, number: u32) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((number, now));
    }

    pub(super) fn answered(&mut self, now: Instant, number: u32) {
        let Some(at) = self.waiting.iter().position(|(known, _)| *known == number) else { return };
        let sent = self.waiting.drain(..=at).next_back();
        if let Some((_, sent)) = sent {
            self.sample(now.saturating_duration_since(sent));
        }
    }

    /// What the other end measured, where this one only sends.
    pub(super) fn told(&mut self, smoothed: u32) {
        // An hour is what no link takes.
        if smoothed < 3_600_000_000 && self.waiting.is_empty() {
            self.sample(Duration::from_micros(smoothed.into()));
        }
    }

    fn sample(&mut self, sample: Duration) {
        if !std::mem::replace(&mut self.measured, true) {
            (self.smoothed, self.variance) = (sample, sample / 2);
            return;
        }
        self.variance = (3 * self.variance + self.smoothed.abs_diff(sample)) / 4;
        self.smoothed = (7 * self.smoothed + sample) / 8;
    }
}
