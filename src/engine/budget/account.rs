//! What one peer may take of its thread.

use std::time::{Duration, Instant};

use super::work::{Tally, Work};

/// What a datagram may take and be ordinary: several times what one of media or a report does.
const ORDINARY: Duration = Duration::from_micros(20);
/// Datagrams of a peer in a second that may be ordinary: 4K video has 6,000 at 60 Mbit/s.
const MAX_ORDINARY: u32 = 10_000;
/// What may be taken at once on top of that, in seconds: a handshake with a large RSA key and a
/// description of the largest size take a tenth of it.
const BURST: f64 = 0.15;

/// What is ordinary for the code that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    ordinary: Duration,
    pub(super) burst: f64,
}

impl Allowance {
    /// For code that takes `slowness` times as long as it does when it is optimised.
    pub(super) fn new(slowness: u32) -> Self {
        Self { ordinary: ORDINARY * slowness, burst: BURST * f64::from(slowness) }
    }
}

/// What a peer has taken beyond what is ordinary, against what it may.
#[derive(Debug)]
pub(super) struct Account {
    allowance: Allowance,
    /// Seconds that it may still take; negative when it took too much.
    credit: f64,
    as_of: Instant,
    /// Seconds taken beyond what is ordinary since that was last asked.
    taken: f64,
    /// Of the present second, begun at `second`.
    ordinary: u32,
    second: Instant,
    pub(super) tally: Tally,
}

impl Account {
    pub(super) fn new(now: Instant, allowance: Allowance) -> Self {
        Self {
            allowance,
            credit: allowance.burst,
            as_of: now,
            taken: 0.0,
            ordinary: 0,
            second: now,
            tally: Tally::default(),
        }
    }

    /// `count` times something was done for the peer, for `took` in all. Its credit grows by `rate`
    /// seconds a second.
    pub(super) fn charge(
        &mut self,
        now: Instant,
        rate: f64,
        work: Work,
        took: Duration,
        count: u32,
    ) {
        self.tally.add(work, took, count);
        if now >= self.second + Duration::from_secs(1) {
            (self.ordinary, self.second) = (0, now);
        }
        let ordinary = if work.can_wait() { count.min(MAX_ORDINARY - self.ordinary) } else { 0 };
        self.ordinary += ordinary;
        let excess = took.saturating_sub(self.allowance.ordinary * ordinary).as_secs_f64();
        self.taken += excess;
        self.grow(now, rate);
        // A debt is bounded, so that who stops is free again in a while.
        self.credit = (self.credit - excess).max(-self.allowance.burst);
    }

    /// What it took beyond what is ordinary since this was last asked.
    pub(super) fn take_taken(&mut self) -> Duration {
        Duration::from_secs_f64(std::mem::take(&mut self.taken))
    }

    /// Lets its credit grow until now, and gives it.
    pub(super) fn grow(&mut self, now: Instant, rate: f64) -> f64 {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        self.as_of = self.as_of.max(now);
        self.credit = (self.credit + passed * rate).min(self.allowance.burst);
        self.credit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 0.1;

    /// What is left after `seconds`, each with so many runs of so many datagrams that took so long.
    fn left(seconds: u64, runs: u32, datagrams: u32, took: Duration) -> f64 {
        let start = Instant::now();
        let mut account = Account::new(start, Allowance::new(1));
        for second in 0..seconds {
            for run in 0..runs {
                let at = Duration::from_secs(second) + Duration::from_secs(1) * run / runs;
                account.charge(start + at, RATE, Work::Rtp, took, datagrams);
            }
        }
        account.grow(start + Duration::from_secs(seconds), RATE)
    }

    #[test]
    fn a_publisher_of_4k_video_takes_nothing_beyond_what_is_ordinary() {
        // 60 Mbit/s in datagrams of 1,250 bytes, four times as slow as they usually are.
        assert_eq!(left(60, 200, 30, ORDINARY / 2 * 30), BURST);
    }

    #[test]
    fn costly_datagrams_use_the_credit_up() {
        assert!(left(3, 10, 3, ORDINARY * 1000) < 0.0);
    }

    #[test]
    fn a_flood_of_cheap_datagrams_is_not_ordinary() {
        let took = ORDINARY / 2 * 400;
        assert_eq!(left(3, 25, 400, took), BURST);
        assert!(left(3, 125, 400, took) < 0.0);
    }

    #[test]
    fn a_debt_is_paid_back_in_a_while() {
        let start = Instant::now();
        let mut account = Account::new(start, Allowance::new(1));
        account.charge(start, RATE, Work::Negotiation, Duration::from_secs(100), 1);
        let debt = BURST / RATE;
        assert!(account.grow(start + Duration::from_secs_f64(debt * 0.9), RATE) < 0.0);
        assert!(account.grow(start + Duration::from_secs_f64(debt * 1.1), RATE) > 0.0);
    }

    #[test]
    fn slow_code_may_take_longer() {
        let start = Instant::now();
        let mut account = Account::new(start, Allowance::new(10));
        account.charge(start, RATE, Work::Rtp, ORDINARY * 10 * 100, 100);
        assert_eq!(account.grow(start, RATE), 10.0 * BURST);
    }
}
