//! Time of a file: it begins with what was captured first, and stands still during pauses.

use std::time::{Duration, Instant};

/// How long the first frames are waited for, so that none is older than the file.
const GATHER: Duration = Duration::from_millis(200);

#[derive(Default, Debug)]
pub(super) struct Clock {
    /// When the first packet came.
    begun: Option<Instant>,
    /// The moment of capture that is the beginning of the file.
    origin: Option<Instant>,
    paused: Option<Instant>,
    /// What was captured before the last pause ended is in no file.
    resumed: Option<Instant>,
}

impl Clock {
    /// A packet came.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// Whether frames are taken.
    pub(super) fn has_begun(&self, now: Instant) -> bool {
        self.begun.is_some_and(|at| now.saturating_duration_since(at) >= GATHER)
    }

    /// Stops or goes on. Says whether it goes on now.
    pub(super) fn pause(&mut self, now: Instant, paused: bool) -> bool {
        if paused {
            self.paused.get_or_insert(now);
            return false;
        }
        let Some(since) = self.paused.take() else { return false };
        self.resumed = Some(now);
        self.origin = self.origin.map(|origin| origin + now.saturating_duration_since(since));
        true
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Where in the file something is that was captured then; the first one is its beginning. `None`:
    /// in no place.
    pub(super) fn place(&mut self, captured: Instant) -> Option<Duration> {
        if self.is_paused() || self.resumed.is_some_and(|resumed| captured < resumed) {
            return None;
        }
        let origin = *self.origin.get_or_insert(captured);
        Some(captured.saturating_duration_since(origin))
    }

    /// Where in the file this moment is.
    pub(super) fn now(&self, now: Instant) -> Duration {
        self.position(now).unwrap_or_default()
    }

    /// The same; `None` while there is no beginning.
    pub(super) fn position(&self, now: Instant) -> Option<Duration> {
        let at = self.paused.unwrap_or(now);
        self.origin.map(|origin| at.saturating_duration_since(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_file_begins_with_what_was_captured_first() {
        let now = Instant::now();
        let mut clock = Clock::default();
        assert!(!clock.has_begun(now));
        clock.begin(now);
        assert!(!clock.has_begun(now + 199 * MS));
        assert_eq!(clock.position(now + 199 * MS), None);
        assert!(clock.has_begun(now + 200 * MS));
        assert_eq!(clock.place(now), Some(Duration::ZERO));
        assert_eq!(clock.place(now + 40 * MS), Some(40 * MS));
        assert_eq!(clock.position(now + 300 * MS), Some(300 * MS));
        assert_eq!(clock.place(now - 40 * MS), Some(Duration::ZERO));
    }

    #[test]
    fn a_pause_takes_no_time_of_the_file() {
        let now = Instant::now();
        let mut clock = Clock::default();
        clock.place(now);
        clock.pause(now + 1_000 * MS, true);
        assert_eq!(clock.place(now + 1_001 * MS), None);
        assert_eq!(clock.now(now + 5_000 * MS), 1_000 * MS);
        assert!(clock.pause(now + 6_000 * MS, false));
        assert!(!clock.pause(now + 6_000 * MS, false), "once");
        assert_eq!(clock.place(now + 5_990 * MS), None, "captured in the pause");
        assert_eq!(clock.place(now + 6_010 * MS), Some(1_010 * MS));
    }
}
