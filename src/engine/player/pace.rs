//! Time that was played, and the moments it stands for: it goes on by the clock, or stands still.

use std::time::{Duration, Instant};

#[derive(Default, Debug)]
pub(super) struct Pace {
    /// How much was played when time last began to go on or to stand still.
    played: Duration,
    /// Since when it goes on.
    since: Option<Instant>,
    /// The first moment of all.
    begun: Option<Instant>,
}

impl Pace {
    /// Time goes on from now.
    pub(super) fn start(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
        self.since.get_or_insert(now);
    }

    /// It stands still from now on.
    pub(super) fn stop(&mut self, now: Instant) {
        self.played = self.played(now);
        self.since = None;
    }

    /// Whether it goes on.
    pub(super) fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// How much was played.
    pub(super) fn played(&self, now: Instant) -> Duration {
        let running = self.since.map(|since| now.saturating_duration_since(since));
        self.played.saturating_add(running.unwrap_or_default())
    }

    /// When a moment of what is played is, or would be if it went on now.
    pub(super) fn moment(&self, now: Instant, at: Duration) -> Instant {
        let since = self.since.unwrap_or(now);
        match at.checked_sub(self.played) {
            Some(later) => since.checked_add(later).unwrap_or(now),
            None => since.checked_sub(self.played.saturating_sub(at)).unwrap_or(now),
        }
    }

    /// It stood still for so long without anybody's wish.
    pub(super) fn shift(&mut self, now: Instant, late: Duration) {
        self.played = self.played(now).saturating_sub(late);
        self.since = self.since.map(|_| now);
    }

    /// Since the first moment of all.
    pub(super) fn since_begun(&mut self, moment: Instant) -> Duration {
        moment.saturating_duration_since(*self.begun.get_or_insert(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn time_goes_on_by_the_clock_and_stands_still_in_pauses() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.played(now), Duration::ZERO);
        pace.start(now);
        assert_eq!(pace.played(now + 100 * MS), 100 * MS);
        assert_eq!(pace.moment(now + 100 * MS, 140 * MS), now + 140 * MS);
        pace.stop(now + 100 * MS);
        assert_eq!(pace.played(now + 900 * MS), 100 * MS);
        pace.start(now + 900 * MS);
        pace.start(now + 910 * MS);
        assert_eq!(pace.played(now + 1_000 * MS), 200 * MS);
        assert_eq!(pace.moment(now + 1_000 * MS, 140 * MS), now + 940 * MS);
        assert_eq!(pace.since_begun(now + 940 * MS), 940 * MS);
    }

    #[test]
    fn what_was_late_is_due_now() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.start(now);
        pace.shift(now + 500 * MS, 300 * MS);
        assert_eq!(pace.moment(now + 500 * MS, 200 * MS), now + 500 * MS);
        assert_eq!(pace.played(now + 600 * MS), 300 * MS);
    }
}
