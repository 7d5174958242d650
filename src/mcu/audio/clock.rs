//! The time of a mixer: ticks of exactly 20 ms, whenever they are called.

use std::time::{Duration, Instant};

use super::TICK;

/// Ticks that are called late by up to that stay even; behind a longer gap time jumps. Whoever
/// makes up for ticks calls them at the moments they stand for. A gap that was not jumped over
/// would stay for good: sound would be said to be that much older than it is.
const GAP: Duration = TICK;

#[derive(Default)]
pub(super) struct MediaClock {
    now: Option<Instant>,
    /// Of the tick at present, with those that were left out.
    ticks: u64,
}

impl MediaClock {
    /// Begins a tick. Gives the moment it stands for.
    pub(super) fn advance(&mut self, called: Instant) -> Instant {
        let Some(before) = self.now else {
            self.now = Some(called);
            return called;
        };
        let mut next = before + TICK;
        self.ticks += 1;
        let late = called.saturating_duration_since(next);
        if late > GAP {
            let missed = (late.as_nanos() / TICK.as_nanos()) as u64;
            self.ticks += missed;
            next +=
                Duration::from_millis(20).saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
        }
        self.now = Some(next);
        next
    }

    /// Of the last tick.
    pub(super) fn now(&self) -> Option<Instant> {
        self.now
    }

    /// RTP timestamp of the tick at a clock rate in Hz.
    pub(super) fn timestamp(&self, rate: u32) -> u32 {
        self.ticks.wrapping_mul(u64::from(rate / 50)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_ticks_are_even_and_pauses_are_jumps() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut clock = MediaClock::default();
        assert_eq!(clock.advance(at(0)), at(0));
        assert_eq!(clock.advance(at(27)), at(20));
        assert_eq!(clock.advance(at(39)), at(40));
        assert_eq!(clock.advance(at(1045)), at(1040));
        assert_eq!((clock.timestamp(48_000), clock.timestamp(8_000)), (52 * 960, 52 * 160));
        assert_eq!(clock.advance(at(1215)), at(1200));
        assert_eq!(clock.advance(at(1235)), at(1220));
    }
}
