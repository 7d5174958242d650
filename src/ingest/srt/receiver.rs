//! What comes: put in order, asked for again where it is missing, delivered when it is due, and left out
//! when it is too late (4.5, 4.6, 4.8).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::clock::PeerClock;
use super::losses::Losses;
use super::sequence::extend;
use super::{MAX_PAYLOAD, WINDOW};

/// The receiving half of a connection.
#[derive(Debug)]
pub(super) struct Receiver {
    clock: PeerClock,
    latency: Duration,
    /// The number of the packet at the front, which is to be delivered next.
    first: u64,
    /// Above all that came; the end of `slots`.
    next: u64,
    slots: VecDeque<Option<Slot>>,
    losses: Losses,
    pub(super) counts: Counts,
}

/// Packets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    pub(super) received: u64,
    /// That did not come by themselves.
    pub(super) lost: u64,
    /// That came again after they were asked for.
    pub(super) recovered: u64,
    /// That were too late, or did not come at all.
    pub(super) dropped: u64,
}

#[derive(Debug)]
struct Slot {
    due: Instant,
    payload: Vec<u8>,
}

/// What a packet is to those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Placement {
    Taken,
    /// There are some missing before it.
    Gap(u64, u64),
    /// It is there already, too late, or nowhere near.
    Useless,
}

impl Receiver {
    pub(super) fn new(sequence: u32, latency: Duration, clock: PeerClock) -> Self {
        // Far enough from 0 for numbers that are a little below.
        let first = (1 << 31) + u64::from(sequence);
        Self {
            clock,
            latency,
            first,
            next: first,
            slots: VecDeque::new(),
            losses: Losses::default(),
            counts: Counts::default(),
        }
    }

    /// Whether a packet is of any use, before anything is done to it.
    pub(super) fn wants(&self, sequence: u32) -> bool {
        let Some(index) = extend(sequence, self.next) else { return false };
        let Some(offset) = index.checked_sub(self.first) else { return false };
        if offset >= WINDOW.into() {
            return self.slots.is_empty();
        }
        self.slots.get(offset as usize).is_none_or(Option::is_none)
    }

    /// Takes a payload.
    pub(super) fn take(
        &mut self,
        now: Instant,
        sequence: u32,
        timestamp: u32,
        retransmitted: bool,
        payload: Vec<u8>,
    ) -> Placement {
        if payload.len() > MAX_PAYLOAD || !self.wants(sequence) {
            return Placement::Useless;
        }
        let Some(index) = extend(sequence, self.next) else { return Placement::Useless };
        let gap = index.saturating_sub(self.first);
        if gap >= WINDOW.into() {
            // The link was away for so long that nobody keeps what is missing. Nothing waits either, so
            // that it goes on where the sender is; otherwise all of what comes would be too far ahead.
            self.counts.lost += gap;
            self.counts.dropped += gap;
            (self.first, self.next) = (index, index);
        }
        let sent = self.clock.extend(timestamp);
        if !retransmitted {
            self.clock.sample(now, sent);
        }
        let due = self.clock.due(sent, self.latency);
        self.counts.received += 1;
        let slot = Some(Slot { due, payload });
        if index < self.next {
            self.counts.recovered += u64::from(self.losses.remove(index) && retransmitted);
            // Within the window, so that the difference fits.
            if let Some(place) = self.slots.get_mut((index - self.first) as usize) {
                *place = slot;
            }
            return Placement::Taken;
        }
        let missing = self.next..index;
        self.slots.extend(missing.clone().map(|_| None));
        self.slots.push_back(slot);
        self.next = index + 1;
        if missing.is_empty() {
            return Placement::Taken;
        }
        self.counts.lost += missing.end - missing.start;
        self.losses.add(missing.clone());
        Placement::Gap(missing.start, missing.end)
    }

    /// The other end will not send some of them again.
    pub(super) fn forget(&mut self, first: u32, last: u32) {
        let (Some(first), Some(last)) = (extend(first, self.next), extend(last, self.next)) else {
            return;
        };
        // Only from the front on: what is behind something that may come waits for that.
        if first <= self.first && last >= self.first && last < self.next {
            while self.first <= last && self.slots.front().is_some_and(Option::is_none) {
                self.skip(1);
            }
        }
    }

    /// The next payload that is due.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(gap) = self.gap() {
            let due = self.slots.get(gap)?.as_ref()?.due;
            if due > now {
                return None;
            }
            // What is behind them is due: they are too late.
            self.skip(gap);
        }
        if self.slots.front()?.as_ref()?.due > now {
            return None;
        }
        self.first += 1;
        self.slots.pop_front()?.map(|slot| slot.payload)
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let slot = self.slots.get(self.gap().unwrap_or(0))?;
        slot.as_ref().map(|slot| slot.due)
    }

    /// How many are missing at the front.
    fn gap(&self) -> Option<usize> {
        let first = self.losses.first().filter(|range| range.start == self.first)?;
        Some((first.end - first.start) as usize)
    }

    fn skip(&mut self, count: usize) {
        self.slots.drain(..count.min(self.slots.len()));
        self.first += count as u64;
        self.losses.remove_below(self.first);
        self.counts.dropped += count as u64;
    }

    /// Everything below this came or is not waited for.
    pub(super) fn acknowledged(&self) -> u64 {
        self.losses.first().map_or(self.next, |range| range.start)
    }

    /// Packets that there is room for.
    pub(super) fn room(&self) -> u32 {
        // As long as the window at most.
        WINDOW.saturating_sub(self.slots.len() as u32).max(2)
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_gap_that_is_longer_than_the_window_it_goes_on_where_the_sender_is() {
        let now = Instant::now();
        let mut receiver = Receiver::new(7, Duration::ZERO, PeerClock::new(now, now, 0));
        let take = |receiver: &mut Receiver, sequence| {
            receiver.take(now, sequence, 0, false, sequence.to_be_bytes().to_vec())
        };
        assert_eq!(take(&mut receiver, 7), Placement::Taken);
        let far = 8 + WINDOW;
        assert_eq!(take(&mut receiver, far), Placement::Useless, "something waits");
        assert!(receiver.poll(now).is_some());
        for sequence in [far, far + 1] {
            assert_eq!(take(&mut receiver, sequence), Placement::Taken);
            assert_eq!(receiver.poll(now), Some(sequence.to_be_bytes().to_vec()));
        }
        let gap = u64::from(WINDOW);
        assert_eq!((receiver.counts.lost, receiver.counts.dropped), (gap, gap));
        assert!(receiver.losses().report().is_empty(), "nothing of it is asked for");
        assert_eq!(take(&mut receiver, 8), Placement::Useless, "what was left out");
    }
}
