//! Patience after steps up that had to be undone.
//!
//! An estimate that moves around the bitrate of a step would make the picture change with it. A
//! step that is undone soon makes the next attempt wait, twice as long each time; one that lasts
//! makes up for a failure.

use std::time::{Duration, Instant};

/// A step that was undone within this has failed, one that was not has succeeded.
const SOON: Duration = Duration::from_secs(10);
const MIN_WAIT: Duration = Duration::from_secs(2);
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Without a failure for this long the wait is halved.
const RELAX: Duration = Duration::from_secs(60);
/// Sums below this share of the one that failed need not wait.
const BELOW: f64 = 0.8;
/// Nor does anything when this many times of what is needed is there: it is another link now.
const PLENTY: f64 = 1.5;

#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// The last step up that has neither failed nor succeeded.
    up: Option<Instant>,
    wait: Duration,
    failed: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    until: Instant,
    /// Bits a second in all that did not last.
    total: f64,
    relaxes: Instant,
}

impl Backoff {
    /// Something went up.
    pub(super) fn up(&mut self, now: Instant) {
        self.up = Some(now);
    }

    /// A sum of `total` had to be given up. Returns whether that undoes a step up.
    pub(super) fn down(&mut self, now: Instant, total: f64) -> bool {
        if self.up.take().is_none() {
            return false;
        }
        self.wait = (self.wait * 2).clamp(MIN_WAIT, MAX_WAIT);
        let (until, relaxes) = (now + self.wait, now + RELAX);
        self.failed = Some(Failure { until, total, relaxes });
        true
    }

    /// Lets time pass. Returns whether the last step up has just succeeded.
    pub(super) fn settle(&mut self, now: Instant) -> bool {
        if let Some(failed) = self.failed.as_mut().filter(|failed| failed.relaxes <= now) {
            failed.relaxes = now + RELAX;
            self.wait /= 2;
        }
        let lasted = self.up.is_some_and(|up| up + SOON <= now);
        if lasted {
            self.up = None;
            self.wait /= 2;
        }
        lasted
    }

    /// Whether a step up to a sum of `total` may be taken.
    pub(super) fn allows(&self, now: Instant, total: f64, available: f64) -> bool {
        self.failed.as_ref().is_none_or(|failed| {
            failed.until <= now || total < failed.total * BELOW || total * PLENTY <= available
        })
    }

    /// When the answer changes with time alone; `waits` says that a step is being held back.
    pub(super) fn next(&self, now: Instant, waits: bool) -> Option<Instant> {
        let retry = self.failed.as_ref().filter(|_| waits).map(|failed| failed.until);
        let settles = self.up.map(|up| up + SOON);
        retry.into_iter().chain(settles).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn failing(backoff: &mut Backoff, now: Instant) -> Duration {
        backoff.up(now);
        assert!(backoff.down(now + S, 1e6));
        let mut wait = Duration::ZERO;
        while !backoff.allows(now + S + wait, 1e6, 1.1e6) {
            wait += S / 2;
        }
        wait
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        for wait in [2, 4, 8, 16, 30, 30] {
            assert_eq!(failing(&mut backoff, now), wait * S);
            now += S + wait * S;
        }
    }

    #[test]
    fn a_step_that_lasts_halves_the_wait() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        for _ in 0..3 {
            failing(&mut backoff, now);
            now += 10 * S;
        }
        backoff.up(now);
        assert!(!backoff.settle(now + 9 * S));
        assert!(backoff.settle(now + 10 * S));
        assert!(!backoff.settle(now + 11 * S), "said once");
        assert_eq!(failing(&mut backoff, now + 11 * S), 8 * S, "8, halved, doubled");
    }

    #[test]
    fn a_minute_without_failure_halves_the_wait() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        failing(&mut backoff, now);
        failing(&mut backoff, now + 10 * S);
        assert!(!backoff.settle(now + 71 * S));
        assert_eq!(failing(&mut backoff, now + 72 * S), 4 * S);
    }

    #[test]
    fn what_is_well_below_the_failure_or_well_within_the_link_does_not_wait() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        backoff.up(now);
        backoff.down(now, 1e6);
        assert!(!backoff.allows(now, 1e6, 1.2e6));
        assert!(backoff.allows(now, 0.7e6, 0.8e6));
        assert!(backoff.allows(now, 1e6, 1.6e6));
    }

    #[test]
    fn going_down_without_having_gone_up_is_no_failure() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        assert!(!backoff.down(now, 1e6));
        assert!(backoff.allows(now, 1e6, 1e6));
    }
}
