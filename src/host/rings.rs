//! One bounded ring for every ordered pair of shards.

use std::collections::VecDeque;
use std::sync::Arc;

use rtrb::chunks::ReadChunkIntoIter;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::wakeup::Wakeup;
use crate::control::ids::ShardIndex;
use crate::engine::io::Message;
use crate::queue::counters::ThreadCounters;

/// Messages all rings into one shard hold together, shared out among the senders.
const SLOTS_PER_SHARD: usize = 16 * 1024;
const MIN_SLOTS: usize = 256;
const MAX_SLOTS: usize = 4 * 1024;

/// Where one shard's messages to the others go in.
pub(super) struct OutgoingRings<M> {
    /// By shard; none for the shard itself.
    links: Vec<Option<Link<M>>>,
    /// What the shard sends to itself.
    own: VecDeque<M>,
}

struct Link<M> {
    ring: Producer<M>,
    /// Messages that must arrive and found the ring full, oldest first. Grows with what
    /// JavaScript asked for while the other thread was busy, never with packets.
    overflow: VecDeque<M>,
    wakeup: Arc<Wakeup>,
    /// Something went in since the other thread was last woken.
    pushed: bool,
}

/// Where one shard's messages from the others come out.
pub(super) struct IncomingRings<M> {
    rings: Vec<Consumer<M>>,
}

/// Rings between all shards, given everybody's wakeup.
pub(super) fn connect<M>(wakeups: &[Arc<Wakeup>]) -> Vec<(OutgoingRings<M>, IncomingRings<M>)> {
    let shards = wakeups.len();
    let slots = (SLOTS_PER_SHARD / shards).clamp(MIN_SLOTS, MAX_SLOTS);
    connect_with(wakeups, slots)
}

fn connect_with<M>(
    wakeups: &[Arc<Wakeup>],
    slots: usize,
) -> Vec<(OutgoingRings<M>, IncomingRings<M>)> {
    let shards = wakeups.len();
    let mut ends: Vec<_> = (0..shards)
        .map(|_| {
            let outgoing = OutgoingRings { links: Vec::new(), own: VecDeque::new() };
            (outgoing, IncomingRings { rings: Vec::new() })
        })
        .collect();
    for from in 0..shards {
        for (to, wakeup) in wakeups.iter().enumerate() {
            let link = (from != to).then(|| {
                let (ring, consumer) = RingBuffer::new(slots);
                ends[to].1.rings.push(consumer);
                let wakeup = Arc::clone(wakeup);
                Link { ring, overflow: VecDeque::new(), wakeup, pushed: false }
            });
            ends[from].0.links.push(link);
        }
    }
    ends
}

impl<M: Message> OutgoingRings<M> {
    /// Sends a message, by the next [`OutgoingRings::flush`]. One too many is lost and counted.
    pub fn push(&mut self, to: ShardIndex, message: M, counters: &ThreadCounters) {
        match self.links.get_mut(to.index()) {
            Some(Some(link)) => {
                if !link.push(message) {
                    counters.discarded_between_threads.add(1);
                }
            }
            Some(None) => self.own.push_back(message),
            None => counters.discarded_between_threads.add(1),
        }
    }

    /// Wakes every thread that was sent something, once. Returns whether messages still wait for
    /// room, so that this has to be called again soon.
    pub fn flush(&mut self) -> bool {
        let mut waiting = false;
        for link in self.links.iter_mut().flatten() {
            waiting |= !link.drain_overflow();
            if std::mem::take(&mut link.pushed) {
                link.wakeup.wake();
            }
        }
        waiting
    }

    /// What the shard sent to itself.
    pub fn take_own(&mut self) -> VecDeque<M> {
        std::mem::take(&mut self.own)
    }

    /// Whether the shard has sent anything to itself.
    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }
}

impl<M: Message> Link<M> {
    /// False when the message is lost.
    fn push(&mut self, message: M) -> bool {
        // Behind what waits already, so that messages that must arrive keep their order.
        let refused = if self.drain_overflow() {
            match self.ring.push(message) {
                Ok(()) => {
                    self.pushed = true;
                    return true;
                }
                Err(PushError::Full(message)) => message,
            }
        } else {
            message
        };
        // A thread that ended takes nothing any more.
        if refused.droppable() || self.ring.is_abandoned() {
            return false;
        }
        self.overflow.push_back(refused);
        true
    }

    /// Whether nothing waits any more.
    fn drain_overflow(&mut self) -> bool {
        if self.overflow.is_empty() {
            return true;
        }
        if self.ring.is_abandoned() {
            self.overflow.clear();
            return true;
        }
        while !self.ring.is_full() {
            let Some(message) = self.overflow.pop_front() else { return true };
            if let Err(PushError::Full(message)) = self.ring.push(message) {
                self.overflow.push_front(message);
                return false;
            }
            self.pushed = true;
        }
        self.overflow.is_empty()
    }
}

impl<M: Message> IncomingRings<M> {
    /// Takes up to `limit` messages from every ring that has some, as one batch each. Returns
    /// whether there may be more.
    pub fn drain(&mut self, limit: usize, mut each: impl FnMut(ReadChunkIntoIter<'_, M>)) -> bool {
        let mut more = false;
        for ring in &mut self.rings {
            let available = ring.slots();
            more |= available > limit;
            if available == 0 {
                continue;
            }
            if let Ok(chunk) = ring.read_chunk(available.min(limit)) {
                each(chunk.into_iter());
            }
        }
        more
    }

    /// Whether nothing has come from any thread.
    pub fn is_empty(&self) -> bool {
        self.rings.iter().all(Consumer::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Kind {
        Media(u32),
        Control(u32),
    }

    impl Message for Kind {
        fn droppable(&self) -> bool {
            matches!(self, Kind::Media(_))
        }
    }

    const TO: ShardIndex = ShardIndex(1);

    fn two_shards(slots: usize) -> (OutgoingRings<Kind>, IncomingRings<Kind>, OutgoingRings<Kind>) {
        let wakeups = [Arc::new(Wakeup::default()), Arc::new(Wakeup::default())];
        let mut ends = connect_with(&wakeups, slots);
        let (back, incoming) = ends.pop().unwrap();
        let (outgoing, _) = ends.pop().unwrap();
        (outgoing, incoming, back)
    }

    fn drain(incoming: &mut IncomingRings<Kind>) -> Vec<Kind> {
        let mut messages = Vec::new();
        while incoming.drain(3, |batch| messages.extend(batch)) {}
        messages
    }

    #[test]
    fn a_full_ring_drops_media_only_and_keeps_the_order_of_the_rest() {
        let (mut outgoing, mut incoming, _back) = two_shards(4);
        let counters = ThreadCounters::default();
        for number in 0..4 {
            outgoing.push(TO, Kind::Media(number), &counters);
        }
        outgoing.push(TO, Kind::Control(1), &counters);
        outgoing.push(TO, Kind::Media(4), &counters);
        outgoing.push(TO, Kind::Control(2), &counters);
        assert!(outgoing.flush(), "two wait for room");
        assert_eq!(counters.discarded_between_threads.get(), 1);

        let media: Vec<_> = (0..4).map(Kind::Media).collect();
        assert_eq!(drain(&mut incoming), media);
        assert!(!outgoing.flush());
        assert_eq!(drain(&mut incoming), [Kind::Control(1), Kind::Control(2)]);
    }

    #[test]
    fn a_thread_that_ended_holds_up_nobody() {
        let (mut outgoing, incoming, _back) = two_shards(2);
        drop(incoming);
        let counters = ThreadCounters::default();
        for number in 0..100 {
            outgoing.push(TO, Kind::Control(number), &counters);
        }
        assert!(!outgoing.flush());
        assert_eq!(counters.discarded_between_threads.get(), 98);
    }

    #[test]
    fn a_shard_can_send_to_itself_and_to_nobody() {
        let (mut outgoing, _incoming, _back) = two_shards(2);
        let counters = ThreadCounters::default();
        outgoing.push(ShardIndex(0), Kind::Control(1), &counters);
        outgoing.push(ShardIndex(9), Kind::Control(2), &counters);
        assert_eq!(outgoing.take_own(), [Kind::Control(1)]);
        assert_eq!(counters.discarded_between_threads.get(), 1);
    }
}
