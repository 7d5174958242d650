//! What is left of a thread for those who wait.

use std::time::{Duration, Instant};

use super::super::occupancy::weight;

/// They get what the others leave of this share of the thread, and at least that.
const FULL: f32 = 0.7;
pub(super) const SHARE: f32 = 0.1;
/// In one turn, unless a single datagram takes longer; that then counts for more.
pub(super) const SLICE: Duration = Duration::from_millis(2);
/// Saved up at most, and owed at most, in seconds.
const SAVED: f64 = 0.02;
const OWED: f64 = 2.0;

/// What those who wait may take together.
pub(super) struct Leftover {
    share: f32,
    /// Seconds that they may still take.
    saved: f64,
    as_of: Instant,
    /// Taken in this turn, since the load was told, and as a share of the thread.
    slice: Duration,
    taken: Duration,
    pub(super) taking: f32,
    told: Instant,
}

impl Leftover {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            share: SHARE,
            saved: 0.0,
            as_of: now,
            slice: Duration::ZERO,
            taken: Duration::ZERO,
            taking: 0.0,
            told: now,
        }
    }

    /// Somebody has to wait, after nobody had to.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.saved, self.as_of) = (0.0, now);
    }

    /// How busy the thread is. Gives the share that goes to others.
    pub(super) fn handle_load(&mut self, now: Instant, busy: f32) -> f32 {
        let passed = now.saturating_duration_since(self.told).as_secs_f32();
        let taken = std::mem::take(&mut self.taken).as_secs_f32();
        self.told = now;
        if passed > 0.0 {
            self.taking += ((taken / passed).min(1.0) - self.taking) * weight(passed);
        }
        let others = (busy - self.taking).max(0.0);
        self.share = (FULL - others).clamp(SHARE, FULL);
        others
    }

    /// A turn has taken everything of the others.
    pub(super) fn begin_slice(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        self.saved = (self.saved + passed * f64::from(self.share)).min(SAVED);
        (self.as_of, self.slice) = (now, Duration::ZERO);
    }

    /// Whether one more datagram may be handled.
    pub(super) fn is_open(&self) -> bool {
        self.saved > 0.0 && self.slice < SLICE
    }

    /// Handling a datagram that waited took so long. Others on their way wait for the rest of it:
    /// half of it on average, if they come while it lasts. So twice as long is four times as bad.
    pub(super) fn take(&mut self, took: Duration) {
        self.note(took);
        let slices = took.as_secs_f64() / SLICE.as_secs_f64();
        self.saved = (self.saved - took.as_secs_f64() * slices.max(1.0)).max(-OWED);
    }

    /// Something else was done for one who waits.
    pub(super) fn note(&mut self, took: Duration) {
        self.taken += took;
        self.slice += took;
    }

    /// When there is something for them again.
    pub(super) fn next(&self) -> Instant {
        let missing = (-self.saved / f64::from(self.share)).max(0.0);
        self.as_of + Duration::from_secs_f64(missing) + Duration::from_micros(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_they_take_is_not_held_against_them_and_what_others_take_is() {
        let start = Instant::now();
        let share = |others: f32| {
            let mut leftover = Leftover::new(start);
            for second in 1..10 {
                leftover.note(SECOND / 5);
                leftover.handle_load(start + SECOND * second, others + 0.2);
            }
            leftover.share
        };
        assert!((share(0.3) - (FULL - 0.3)).abs() < 0.01);
        assert_eq!(share(0.95), SHARE);
    }

    #[test]
    fn a_slice_ends_and_what_was_owed_is_waited_for() {
        let start = Instant::now();
        let mut leftover = Leftover::new(start);
        leftover.begin_slice(start + SECOND);
        assert!(leftover.is_open());
        leftover.take(SLICE);
        assert!(!leftover.is_open(), "until the next turn");
        leftover.begin_slice(start + SECOND);
        leftover.take(SLICE * 100);
        let next = leftover.next();
        assert!(next > start + SECOND * 10, "a datagram of 200 ms counts a hundredfold");
        leftover.begin_slice(next);
        assert!(leftover.is_open());
    }
}
