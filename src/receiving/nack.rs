//! Asking for what is missing of a stream (RFC 4585 6.2.1), at libwebrtc's rates.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets that are asked for at one time. When more are missing the oldest are given up.
const MAX_MISSING: usize = 1000;
/// How often one packet is asked for.
const MAX_TRIES: u8 = 10;
/// Further behind the newest than this a packet is of no use any more.
const MAX_AGE: u64 = 10_000;
/// While no round trip was measured.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Requests are not repeated faster, however near the peer is.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// What is missing of one stream.
#[derive(Default, Debug)]
pub struct Nack {
    /// In ascending order.
    missing: VecDeque<Missing>,
    highest: Option<u64>,
    /// Not after the earliest request that is due.
    next: Option<Instant>,
    /// Packets were given up since [`Nack::take_given_up`].
    given_up: bool,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    index: u64,
    /// When a later one came.
    since: Instant,
    due: Instant,
    tries: u8,
    /// When it was asked for first.
    asked: Option<Instant>,
}

/// A packet that was missing came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// How long after the first that had overtaken it.
    pub late: Duration,
    /// How long ago it was asked for first, if it was.
    pub asked: Option<Duration>,
}

impl Nack {
    /// A packet came, by itself or repeated. What it shows to be missing is due after `patience`;
    /// without any at once, so that polling after a batch asks for nothing that came in another
    /// order. Gives what is known of it when it was missing itself.
    pub fn receive(&mut self, now: Instant, index: u64, patience: Duration) -> Option<Found> {
        let Some(highest) = self.highest else {
            self.highest = Some(index);
            return None;
        };
        if index <= highest {
            if self.missing.is_empty() {
                return None;
            }
            let place = self.missing.binary_search_by_key(&index, |m| m.index).ok()?;
            let missing = self.missing.remove(place)?;
            let ago = |at: Instant| now.saturating_duration_since(at);
            return Some(Found { late: ago(missing.since), asked: missing.asked.map(ago) });
        }
        self.highest = Some(index);
        let gap = index - highest - 1;
        if gap == 0 {
            return None;
        }
        let kept = gap.min(MAX_MISSING as u64);
        let room = MAX_MISSING - kept as usize;
        if self.missing.len() > room || kept < gap {
            self.given_up = true;
            self.missing.drain(..self.missing.len().saturating_sub(room));
        }
        let due = now + patience;
        let missing = |index| Missing { index, since: now, due, tries: 0, asked: None };
        self.missing.extend((index - kept..index).map(missing));
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
        None
    }

    /// Adds what is due to `lost`, in ascending order. `round_trip` is to the sender, when known.
    /// What is missing for longer than `useful` is given up.
    pub fn poll(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        useful: Duration,
        lost: &mut Vec<u16>,
    ) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        let oldest = self.highest.unwrap_or(0).saturating_sub(MAX_AGE);
        let again = now + round_trip.unwrap_or(DEFAULT_ROUND_TRIP).max(MIN_INTERVAL);
        let mut next = None;
        let mut given_up = false;
        self.missing.retain_mut(|missing| {
            if missing.due <= now {
                let late = now.saturating_duration_since(missing.since) > useful;
                if missing.tries >= MAX_TRIES || missing.index < oldest || late {
                    given_up = true;
                    return false;
                }
                lost.push(missing.index as u16);
                missing.tries += 1;
                missing.asked.get_or_insert(now);
                missing.due = again;
            }
            next = Some(next.map_or(missing.due, |next: Instant| next.min(missing.due)));
            true
        });
        self.given_up |= given_up;
        self.next = next;
    }

    /// When to call [`Nack::poll`] next.
    pub fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.missing.is_empty())
    }

    /// Whether packets were given up since it was asked last: a picture needs a keyframe then.
    pub fn take_given_up(&mut self) -> bool {
        std::mem::take(&mut self.given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn asked(nack: &mut Nack, now: Instant) -> Vec<u16> {
        let mut lost = Vec::new();
        nack.poll(now, None, Duration::MAX, &mut lost);
        lost
    }

    fn received(indices: impl IntoIterator<Item = u64>) -> (Nack, Instant) {
        let now = Instant::now();
        let mut nack = Nack::default();
        for index in indices {
            nack.receive(now, index, Duration::ZERO);
        }
        (nack, now)
    }

    #[test]
    fn what_is_missing_is_asked_for_at_once() {
        let (mut nack, now) = received([10, 11, 14]);
        assert_eq!(nack.next(), Some(now));
        assert_eq!(asked(&mut nack, now), [12, 13]);
    }

    #[test]
    fn nothing_before_the_first_packet_is_missing() {
        let (mut nack, now) = received([1000]);
        assert!(asked(&mut nack, now).is_empty());
        assert_eq!(nack.next(), None);
    }

    #[test]
    fn what_came_in_another_order_is_not_asked_for() {
        let (mut nack, now) = received([10, 12, 11]);
        assert!(asked(&mut nack, now).is_empty());
        assert_eq!(nack.next(), None);
    }

    #[test]
    fn where_packets_come_late_one_is_asked_for_when_it_is_not_late_but_lost() {
        let (mut nack, now) = received([10]);
        nack.receive(now, 13, MS * 40);
        assert_eq!(nack.next(), Some(now + MS * 40));
        assert!(asked(&mut nack, now + MS * 39).is_empty());
        let found = nack.receive(now + MS * 39, 11, MS * 40);
        assert_eq!(found, Some(Found { late: MS * 39, asked: None }));
        assert_eq!(asked(&mut nack, now + MS * 40), [12]);
        assert_eq!(nack.receive(now + MS * 41, 14, MS * 40), None);
    }

    #[test]
    fn what_is_of_no_use_any_more_is_not_asked_for() {
        let (mut nack, now) = received([10, 12]);
        assert_eq!(asked(&mut nack, now), [11]);
        let mut lost = Vec::new();
        nack.poll(now + MS * 500, None, MS * 400, &mut lost);
        assert!(lost.is_empty() && nack.next().is_none());
    }

    #[test]
    fn numbers_go_on_over_a_rollover() {
        let (mut nack, now) = received([0xfffe, 0x1_0001]);
        assert_eq!(asked(&mut nack, now), [0xffff, 0]);
    }

    #[test]
    fn it_is_asked_again_after_a_round_trip() {
        let (mut nack, now) = received([10, 12]);
        assert_eq!(asked(&mut nack, now), [11]);
        assert_eq!(nack.next(), Some(now + DEFAULT_ROUND_TRIP));
        assert!(asked(&mut nack, now + MS * 99).is_empty());
        let mut lost = Vec::new();
        nack.poll(now + MS * 100, Some(MS * 250), Duration::MAX, &mut lost);
        assert_eq!((lost, nack.next()), (vec![11], Some(now + MS * 350)));
        let found = nack.receive(now + MS * 300, 11, Duration::ZERO);
        assert_eq!(found, Some(Found { late: MS * 300, asked: Some(MS * 300) }));
        assert!(asked(&mut nack, now + MS * 400).is_empty());
    }

    #[test]
    fn after_ten_requests_it_is_given_up() {
        let (mut nack, _) = received([10, 12]);
        let mut requests = 0;
        while let Some(due) = nack.next() {
            assert!(!nack.take_given_up());
            requests += asked(&mut nack, due).len();
        }
        assert_eq!(requests, usize::from(MAX_TRIES));
        assert!(nack.take_given_up());
        assert!(!nack.take_given_up(), "said once");
    }

    #[test]
    fn of_too_many_the_oldest_are_given_up() {
        let (mut nack, now) = received([0, 601, 1202]);
        assert!(nack.take_given_up());
        let lost = asked(&mut nack, now);
        assert_eq!(lost.len(), MAX_MISSING);
        assert_eq!((lost[0], lost[MAX_MISSING - 1]), (201, 1201));
        let (mut nack, now) = received([0, 30_000]);
        assert!(nack.take_given_up());
        assert_eq!(asked(&mut nack, now).len(), MAX_MISSING);
    }

    #[test]
    fn what_is_far_behind_is_given_up() {
        let (mut nack, now) = received([10, 12]);
        for index in 13..=12 + MAX_AGE {
            nack.receive(now, index, Duration::ZERO);
        }
        assert!(asked(&mut nack, now).is_empty());
        assert!(nack.take_given_up());
    }
}
