//! The most that a peer may send, whatever its link carries. It is told so by REMB
//! (draft-alvestrand-rmcat-remb-03), beside transport-wide feedback as well: senders take the
//! smaller of the two. Who goes on above it does not heed it, and loses what is too much.

use std::time::{Duration, Instant};

/// Over which time it is measured.
const WINDOW: Duration = Duration::from_secs(1);
/// Senders overshoot: keyframes, probes, a codec that is slow to adapt.
const TOLERANCE: u64 = 5;
/// Windows in a row above the tolerance, or below the limit, until a sender counts as one that does
/// not heed it, or does again.
const PATIENCE: u32 = 3;
/// What tells a sender that there is no limit any more, in bit/s.
pub(super) const UNLIMITED: u64 = 1_000_000_000_000;

/// The limit of one peer, and how it is kept.
#[derive(Debug)]
pub(super) struct Limit {
    /// In bit/s.
    pub(super) bitrate: u64,
    window: Option<Instant>,
    bits: u64,
    /// Windows in a row that were the other way than what holds.
    against: u32,
    enforced: bool,
    /// Bits that may come at once, and as of when.
    credit: u64,
    credited: Instant,
}

impl Limit {
    /// `bitrate` in bit/s.
    pub(super) fn new(now: Instant, bitrate: u64) -> Self {
        Self {
            bitrate,
            window: None,
            bits: 0,
            against: 0,
            enforced: false,
            credit: 0,
            credited: now,
        }
    }

    /// Whether what is above the limit is dropped, because the sender goes on above it.
    pub(super) fn is_enforced(&self) -> bool {
        self.enforced
    }

    /// Takes an authentic packet. False: it is too much.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let bits = 8 * bytes as u64;
        self.measure(now, bits);
        if !self.enforced {
            return true;
        }
        let passed = now.saturating_duration_since(self.credited).as_micros().min(1_000_000) as u64;
        let earned = (u128::from(self.bitrate) * u128::from(passed) / 1_000_000) as u64;
        // Less than a bit is not forgotten.
        if earned > 0 {
            self.credited = now;
        }
        self.credit = self.credit.saturating_add(earned).min(self.bitrate / 4);
        let left = self.credit.checked_sub(bits);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }

    fn measure(&mut self, now: Instant, bits: u64) {
        let since = *self.window.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if passed >= WINDOW {
            let rate = u128::from(self.bits) * 1000 / passed.as_millis().max(1);
            self.judge(now, u64::try_from(rate).unwrap_or(u64::MAX));
            (self.window, self.bits) = (Some(now), 0);
        }
        self.bits = self.bits.saturating_add(bits);
    }

    fn judge(&mut self, now: Instant, rate: u64) {
        let against = match self.enforced {
            true => rate <= self.bitrate,
            false => rate > self.bitrate.saturating_add(self.bitrate / TOLERANCE),
        };
        self.against = if against { self.against + 1 } else { 0 };
        if self.against >= PATIENCE {
            (self.enforced, self.against) = (!self.enforced, 0);
            (self.credit, self.credited) = (0, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits per second that get through in each of so many seconds of packets of 1000 bytes.
    fn through(limit: &mut Limit, now: &mut Instant, seconds: u32, bitrate: u64) -> Vec<u64> {
        let count = bitrate / 8000;
        let mut second = || {
            let passed = (0..count).filter(|_| {
                *now += Duration::from_secs(1) / count as u32;
                limit.take(*now, 1000)
            });
            passed.count() as u64 * 8000
        };
        (0..seconds).map(|_| second()).collect()
    }

    #[test]
    fn who_keeps_to_it_or_overshoots_for_a_moment_loses_nothing() {
        let mut now = Instant::now();
        let mut limit = Limit::new(now, 1_000_000);
        assert_eq!(through(&mut limit, &mut now, 60, 1_160_000), [1_160_000; 60]);
        // A second more could be part of three windows.
        assert_eq!(through(&mut limit, &mut now, 1, 4_000_000), [4_000_000]);
        assert_eq!(through(&mut limit, &mut now, 10, 800_000), [800_000; 10]);
        assert!(!limit.is_enforced());
    }

    #[test]
    fn who_goes_on_above_it_gets_no_more_through_and_is_let_go_when_they_heed_it() {
        let mut now = Instant::now();
        let mut limit = Limit::new(now, 1_000_000);
        through(&mut limit, &mut now, 5, 4_000_000);
        assert!(limit.is_enforced());
        for rate in through(&mut limit, &mut now, 10, 4_000_000) {
            assert!((900_000..=1_250_000).contains(&rate), "{rate}");
        }
        through(&mut limit, &mut now, 5, 800_000);
        assert!(!limit.is_enforced());
        assert_eq!(through(&mut limit, &mut now, 2, 800_000), [800_000; 2]);
    }

    #[test]
    fn the_smallest_and_the_largest_limit_do_no_harm() {
        let mut now = Instant::now();
        for bitrate in [0, 1, u64::MAX] {
            let mut limit = Limit::new(now, bitrate);
            through(&mut limit, &mut now, 6, 400_000);
            assert_eq!(limit.is_enforced(), bitrate < 2);
        }
    }
}
