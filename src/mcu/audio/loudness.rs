//! How loud a port is of late.

use std::time::Instant;

use super::signal::SILENCE;
use crate::speakers::THRESHOLD;

/// What is quieter is nobody speaking, in dBov.
pub(super) const AUDIBLE: f32 = THRESHOLD as f32;
/// Loudness is forgotten by so many dB a second.
const FORGET: f32 = 20.0;

/// How loud a port was of late: peaks that fall slowly. Costs nothing while nothing comes.
#[derive(Clone, Copy)]
pub(super) struct Loudness {
    level: f32,
    at: Instant,
}

impl Loudness {
    pub(super) fn new(level: f32, at: Instant) -> Self {
        Self { level, at }
    }

    pub(super) fn at(&self, now: Instant) -> f32 {
        let since = now.saturating_duration_since(self.at).as_secs_f32();
        (self.level - since * FORGET).max(SILENCE)
    }

    pub(super) fn hear(&mut self, level: f32, now: Instant) {
        if level >= self.at(now) {
            *self = Self::new(level, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn loudness_fades() {
        let now = Instant::now();
        let mut loudness = Loudness::new(-20.0, now);
        loudness.hear(-50.0, now + Duration::from_millis(500));
        assert!((loudness.at(now + Duration::from_secs(1)) + 40.0).abs() < 0.01);
        loudness.hear(-50.0, now + Duration::from_secs(2));
        assert_eq!(loudness.at(now + Duration::from_secs(2)), -50.0);
        assert_eq!(loudness.at(now + Duration::from_secs(200)), SILENCE);
    }
}
