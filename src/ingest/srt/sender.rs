//! What goes: kept until the other end has it or it is too late, and sent again where it is missing.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::packet::{self, HEADER, KeySlot, RETRANSMITTED};
use super::sequence::{extend, wire};
use super::{WINDOW, losses};

/// What is kept at least, whatever the latency (4.6).
const LEAST_KEPT: Duration = Duration::from_millis(1_020);
/// Packets sent again in one turn, however many are asked for.
const MAX_AGAIN: usize = 64;
/// Packets that one report can ask for; the rest is asked for by the next.
const MAX_ASKED: usize = 1_024;
/// Ranges of which the other end is told at once that they are gone.
const MAX_GONE: usize = 16;

/// The sending half of a connection.
#[derive(Debug)]
pub(super) struct Sender {
    /// The number of the packet at the front.
    first: u64,
    /// The one that is sent next.
    next: u64,
    kept: VecDeque<Kept>,
    /// Asked for again.
    wanted: BTreeSet<u64>,
    /// Not there any more, and asked for.
    gone: Vec<(u64, u64)>,
    message: u32,
    window: u32,
    keep: Duration,
    pub(super) counts: Counts,
}

/// Packets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) sent_again: u64,
    /// That were too late before the other end had them.
    pub(super) dropped: u64,
}

#[derive(Debug)]
struct Kept {
    at: Instant,
    sent_again: Option<Instant>,
    /// As it is sent, sealed.
    datagram: Vec<u8>,
}

impl Sender {
    pub(super) fn new(sequence: u32, window: u32, latency: Duration) -> Self {
        let first = (1 << 31) + u64::from(sequence);
        Self {
            first,
            next: first,
            kept: VecDeque::new(),
            wanted: BTreeSet::new(),
            gone: Vec::new(),
            message: 0,
            window: window.clamp(16, WINDOW),
            keep: latency.max(LEAST_KEPT),
            counts: Counts::default(),
        }
    }

    /// The number that the next payload has.
    pub(super) fn next(&self) -> u32 {
        wire(self.first + self.kept.len() as u64)
    }

    /// Takes a payload, sealed where it is to be. One that there is no room for takes the place of the
    /// oldest.
    pub(super) fn push(
        &mut self,
        now: Instant,
        timestamp: u32,
        to: u32,
        key: Option<KeySlot>,
        payload: &[u8],
    ) {
        // Messages count from 1 (3.1).
        self.message = self.message % packet::MESSAGE_MASK + 1;
        let header = packet::data(self.next(), self.message, key, timestamp, to);
        let datagram = [&header, payload].concat();
        self.kept.push_back(Kept { at: now, sent_again: None, datagram });
        if self.kept.len() > WINDOW as usize {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        if self.kept.pop_front().is_some() {
            self.wanted.remove(&self.first);
            self.first += 1;
            self.next = self.next.max(self.first);
            self.counts.dropped += 1;
        }
    }

    /// The other end has everything below this, and so much room.
    pub(super) fn acknowledged(&mut self, sequence: u32, room: Option<u32>) {
        if let Some(room) = room {
            self.window = room.clamp(16, WINDOW);
        }
        let Some(index) = extend(sequence, self.next).filter(|index| *index <= self.next) else {
            return;
        };
        while self.first < index && self.kept.pop_front().is_some() {
            self.wanted.remove(&self.first);
            self.first += 1;
        }
    }

    /// The other end misses some.
    pub(super) fn missing(&mut self, body: &[u8]) {
        // As far back as it can remember.
        let oldest = self.next.saturating_sub(2 * u64::from(WINDOW));
        // Reports are in order. One that repeats itself is no more than one that does not.
        let (mut from, mut left) = (oldest, MAX_ASKED);
        for range in losses::ranges(body, oldest..self.next) {
            let range = range.start.max(from)..range.end;
            from = from.max(range.end);
            if range.start < self.first && !range.is_empty() && self.gone.len() < MAX_GONE {
                self.gone.push((range.start, range.end.min(self.first) - 1));
            }
            let there = range.start.max(self.first)..range.end;
            let taken = there.take(left).map(|index| self.wanted.insert(index)).count();
            left -= taken;
        }
    }

    /// Ranges that are not there any more, first and last, and asked for.
    pub(super) fn take_gone(&mut self) -> impl Iterator<Item = (u32, u32)> + use<> {
        std::mem::take(&mut self.gone).into_iter().map(|(first, last)| (wire(first), wire(last)))
    }

    /// Hands what is to be sent now to `emit`. What was sent again less than `patience` ago waits.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        patience: Duration,
        mut emit: impl FnMut(&[u8]),
    ) {
        let too_late = |kept: &Kept| now.saturating_duration_since(kept.at) > self.keep;
        let late = self.kept.iter().take_while(|kept| too_late(kept)).count();
        for _ in 0..late {
            self.drop_front();
        }
        let again: Vec<u64> = self.wanted.iter().take(MAX_AGAIN).copied().collect();
        for index in again {
            self.wanted.remove(&index);
            let kept = index.checked_sub(self.first).and_then(|at| self.kept.get_mut(at as usize));
            let Some(kept) = kept else { continue };
            let recent =
                kept.sent_again.is_some_and(|at| now.saturating_duration_since(at) < patience);
            if recent {
                continue;
            }
            kept.sent_again = Some(now);
            mark(&mut kept.datagram);
            emit(&kept.datagram);
            self.counts.sent_again += 1;
        }
        while self.next - self.first < self.window.into() {
            let Some(kept) = self.kept.get((self.next - self.first) as usize) else { break };
            emit(&kept.datagram);
            self.next += 1;
            self.counts.sent += 1;
        }
    }

    /// Whether something waits to be sent.
    pub(super) fn is_waiting(&self) -> bool {
        !self.wanted.is_empty()
            || !self.gone.is_empty()
            || (self.next - self.first < self.window.into()
                && self.kept.len() as u64 > self.next - self.first)
    }
}

/// It is sent for another time.
fn mark(datagram: &mut [u8]) {
    debug_assert!(datagram.len() >= HEADER);
    if let Some(word) = datagram.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
        *word = (u32::from_be_bytes(*word) | RETRANSMITTED).to_be_bytes();
    }
}
