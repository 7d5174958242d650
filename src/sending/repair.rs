//! Limits on repeating lost packets of one stream, and the numbers of the retransmission stream
//! (RFC 4588).

use std::time::{Duration, Instant};

/// A packet is not repeated again before this, or a round trip where that is longer: the receiver
/// asks again before the first repetition can have come.
const MIN_COOLDOWN: Duration = Duration::from_millis(10);
/// Repetitions remembered for the cooldown.
const RECENT: usize = 128;
/// Bytes that can be repeated at once, when nothing was for a while.
const MAX_BUDGET: u64 = 512 * 1024;
/// The share of media that repetitions may add in the long run, as a divisor. A receiver that
/// loses more has a link that repeating makes worse.
const SHARE: u64 = 2;

#[derive(Debug)]
pub(super) struct Repair {
    /// Index of the next packet of the retransmission stream; never goes back.
    next: u64,
    recent: Vec<(u64, Instant)>,
    oldest: usize,
    /// Bytes that may be repeated.
    budget: u64,
    /// Media bytes at the last refill.
    refilled_at: u64,
}

impl Repair {
    /// `first` is where the numbers of the retransmission stream begin.
    pub(super) fn new(first: u16, media_bytes: u64) -> Self {
        Self {
            next: u64::from(first),
            recent: Vec::new(),
            oldest: 0,
            budget: MAX_BUDGET / 4,
            refilled_at: media_bytes,
        }
    }

    /// The index for one more packet.
    pub(super) fn take_index(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Whether this one was repeated lately, however long a round trip is.
    pub(super) fn knows(&self, index: u64) -> bool {
        self.recent.iter().any(|(known, _)| *known == index)
    }

    /// Whether the packet with this index may be repeated now. Counts it when it may.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        index: u64,
        bytes: usize,
        media_bytes: u64,
        round_trip: Duration,
    ) -> bool {
        let refill = media_bytes.saturating_sub(self.refilled_at) / SHARE;
        self.budget = (self.budget + refill).min(MAX_BUDGET);
        self.refilled_at += refill * SHARE;
        let cooldown = round_trip.max(MIN_COOLDOWN);
        let just_now = |(known, at): &(u64, Instant)| {
            *known == index && now.saturating_duration_since(*at) < cooldown
        };
        if self.recent.iter().any(just_now) {
            return false;
        }
        let Some(rest) = self.budget.checked_sub(bytes as u64) else { return false };
        self.budget = rest;
        if self.recent.len() < RECENT {
            self.recent.push((index, now));
        } else {
            self.recent[self.oldest] = (index, now);
            self.oldest = (self.oldest + 1) % RECENT;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_packet_is_repeated_again_after_a_round_trip() {
        let now = Instant::now();
        let mut repair = Repair::new(5, 0);
        assert!(repair.admit(now, 1, 1000, 0, 50 * MS));
        assert!(!repair.admit(now + 49 * MS, 1, 1000, 0, 50 * MS));
        assert!(repair.admit(now + 49 * MS, 2, 1000, 0, 50 * MS));
        assert!(repair.admit(now + 50 * MS, 1, 1000, 0, 50 * MS));
    }

    #[test]
    fn repetitions_stay_a_share_of_the_media() {
        let now = Instant::now();
        let mut repair = Repair::new(5, 0);
        let (mut repeated, mut media) = (0u64, 0u64);
        for index in 0..100_000 {
            media += 1000;
            if repair.admit(now + MS * index, u64::from(index), 1000, media, MS) {
                repeated += 1000;
            }
        }
        let limit = media / SHARE + MAX_BUDGET;
        assert!(repeated <= limit && repeated > limit / 2, "{repeated} of {limit}");
    }

    #[test]
    fn many_repetitions_take_bounded_memory() {
        let now = Instant::now();
        let mut repair = Repair::new(5, 0);
        for index in 0..10_000 {
            repair.admit(now, index, 1, index * 1000, MS);
        }
        assert_eq!(repair.recent.len(), RECENT);
        assert!(!repair.admit(now, 9_999, 1, 10_000_000, MS));
        assert!(repair.admit(now, 100, 1, 10_000_000, MS), "long forgotten");
    }

    #[test]
    fn no_index_comes_twice() {
        let mut repair = Repair::new(u16::MAX, 0);
        assert_eq!([repair.take_index(), repair.take_index()], [0xffff, 0x1_0000]);
    }
}
