//! A peer whose datagrams wait until those of the others were handled.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::control::flow::Flow;

/// Datagrams of one peer that wait, and their bytes.
const MAX_DATAGRAMS: usize = 64;
const MAX_BYTES: usize = 128 * 1024;
/// Of what comes in a second, one in so many is dropped of a peer that does not give way. What
/// heeds congestion slows down at far less.
const RUTHLESS: u32 = 4;
/// Fewer that are dropped in a second say nothing.
const FEW: u32 = 8;
/// What cannot wait may take so much in a second.
const MAX_FORCED: Duration = Duration::from_millis(250);

/// A peer that has to wait, and what it does meanwhile.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) since: Instant,
    held: VecDeque<(Flow, Vec<u8>)>,
    bytes: usize,
    /// Of this second: what came, what was dropped of it, and what was done that cannot wait.
    came: u32,
    dropped: u32,
    forced: Duration,
    /// Seconds in which it did not give way, less those in which it did.
    strikes: u32,
    /// In all.
    pub(super) lost: u64,
}

impl Waiter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            held: VecDeque::new(),
            bytes: 0,
            came: 0,
            dropped: 0,
            forced: Duration::ZERO,
            strikes: 0,
            lost: 0,
        }
    }

    /// Keeps a datagram until its turn comes. `false`: there is no room, it is dropped.
    pub(super) fn hold(&mut self, flow: &Flow, bytes: &[u8]) -> bool {
        self.came = self.came.saturating_add(1);
        if self.held.len() >= MAX_DATAGRAMS || self.bytes + bytes.len() > MAX_BYTES {
            self.dropped = self.dropped.saturating_add(1);
            self.lost += 1;
            return false;
        }
        self.bytes += bytes.len();
        self.held.push_back((*flow, bytes.to_vec()));
        true
    }

    pub(super) fn take(&mut self) -> Option<(Flow, Vec<u8>)> {
        let (flow, bytes) = self.held.pop_front()?;
        self.bytes -= bytes.len();
        Some((flow, bytes))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn force(&mut self, took: Duration) {
        self.forced += took;
    }

    /// A second is over. Gives the strikes there are now.
    pub(super) fn judge(&mut self) -> u32 {
        let floods = self.dropped >= FEW
            && u64::from(self.dropped) * u64::from(RUTHLESS) >= self.came.into();
        if floods || self.forced > MAX_FORCED {
            self.strikes += 1;
        } else {
            self.strikes = self.strikes.saturating_sub(1);
        }
        (self.came, self.dropped, self.forced) = (0, 0, Duration::ZERO);
        self.strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::flow::Protocol;

    fn flow() -> Flow {
        let address = "10.0.0.1:1".parse().unwrap();
        Flow { protocol: Protocol::Udp, local: address, remote: address }
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        let mut waiter = Waiter::new(Instant::now());
        let kept = (0..1000).filter(|_| waiter.hold(&flow(), &[7; 1200])).count();
        assert_eq!((kept, waiter.lost), (MAX_DATAGRAMS, 1000 - MAX_DATAGRAMS as u64));
        while waiter.take().is_some() {}
        let kept = (0..1000).filter(|_| waiter.hold(&flow(), &[7; 60_000])).count();
        assert_eq!(kept, 2);
        assert_eq!(waiter.take().map(|(_, bytes)| bytes.len()), Some(60_000));
        assert!(waiter.hold(&flow(), &[7; 60_000]));
    }

    #[test]
    fn who_floods_has_a_strike_each_second_and_who_gives_way_none() {
        let mut waiter = Waiter::new(Instant::now());
        let mut second = |datagrams: u32| {
            for _ in 0..datagrams {
                waiter.hold(&flow(), &[7]);
            }
            while waiter.take().is_some() {}
            waiter.judge()
        };
        assert_eq!([second(200), second(200), second(70), second(70)], [1, 2, 1, 0]);
        assert_eq!([second(86), second(85)], [1, 0], "a quarter of what comes");
    }

    #[test]
    fn what_cannot_wait_counts_as_well() {
        let mut waiter = Waiter::new(Instant::now());
        waiter.force(MAX_FORCED);
        assert_eq!(waiter.judge(), 0);
        waiter.force(MAX_FORCED * 2);
        assert_eq!((waiter.judge(), waiter.judge()), (1, 0));
    }
}
