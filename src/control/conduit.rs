//! A short queue between a mixer and JavaScript, for sound or pictures of one reader or writer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::event::Event;
use super::ids::ConduitId;
use super::mailbox::Mailbox;

/// Something with a size by which a queue is bounded.
pub trait Weight {
    fn weight(&self) -> usize;
}

/// Sound, interleaved.
#[derive(Clone, PartialEq, Debug)]
pub struct Pcm {
    pub samples: Vec<i16>,
    /// Hz.
    pub sample_rate: u32,
    pub channels: u8,
    /// The moment of its first sample.
    pub timestamp: Instant,
}

impl Weight for Pcm {
    /// Milliseconds.
    fn weight(&self) -> usize {
        let frames = self.samples.len() / usize::from(self.channels.max(1));
        frames * 1_000 / self.sample_rate.max(1) as usize
    }
}

/// A picture, without padding between lines.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    /// I420, or RGBA.
    pub data: Vec<u8>,
    pub rgba: bool,
    pub width: u16,
    pub height: u16,
    /// When it was captured.
    pub timestamp: Instant,
}

impl Weight for Frame {
    fn weight(&self) -> usize {
        1
    }
}

/// Bounded by weight; the first thing always fits. JavaScript hears of it by
/// [`Event::Conduit`]: a reader when there is something again, a writer when there is room again.
pub struct Conduit<T> {
    id: ConduitId,
    mailbox: Arc<Mailbox>,
    capacity: usize,
    queue: Mutex<Queue<T>>,
}

struct Queue<T> {
    items: VecDeque<T>,
    weight: usize,
    /// Items that a slow reader lost.
    dropped: u64,
    /// Something was refused, and nobody was told of room since.
    refused: bool,
    /// Its writer is done: it closes when nothing waits any more.
    finished: bool,
    closed: bool,
}

impl<T> std::fmt::Debug for Conduit<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conduit").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T: Weight> Conduit<T> {
    pub fn new(id: ConduitId, mailbox: Arc<Mailbox>, capacity: usize) -> Arc<Self> {
        let queue = Queue {
            items: VecDeque::new(),
            weight: 0,
            dropped: 0,
            refused: false,
            finished: false,
            closed: false,
        };
        Arc::new(Self { id, mailbox, capacity, queue: Mutex::new(queue) })
    }

    pub fn id(&self) -> ConduitId {
        self.id
    }

    /// For a reader: takes the place of the oldest where there is no room.
    pub fn push(&self, item: T) {
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        let was_empty = queue.items.is_empty();
        queue.weight += item.weight();
        queue.items.push_back(item);
        while queue.weight > self.capacity && queue.items.len() > 1 {
            queue.take();
            queue.dropped += 1;
        }
        drop(queue);
        if was_empty {
            self.mailbox.post(Event::Conduit { id: self.id });
        }
    }

    /// For a writer: gives back what finds no room.
    pub fn offer(&self, item: T) -> Result<(), T> {
        let mut queue = self.lock();
        let full = !queue.items.is_empty() && queue.weight + item.weight() > self.capacity;
        if full || queue.closed {
            queue.refused = true;
            return Err(item);
        }
        queue.weight += item.weight();
        queue.items.push_back(item);
        Ok(())
    }

    pub fn take(&self) -> Option<T> {
        let mut queue = self.lock();
        let item = queue.take();
        let room = queue.refused && queue.weight * 2 <= self.capacity;
        if room {
            queue.refused = false;
        }
        let over = queue.is_over();
        drop(queue);
        if over {
            self.close();
        } else if room {
            self.mailbox.post(Event::Conduit { id: self.id });
        }
        item
    }

    /// For a writer: nothing more comes. Closes when what waits was taken.
    pub fn finish(&self) {
        let mut queue = self.lock();
        queue.finished = true;
        let over = queue.is_over();
        drop(queue);
        if over {
            self.close();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// What waits, by weight.
    pub fn waiting(&self) -> usize {
        self.lock().weight
    }

    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Takes nothing more. JavaScript is told, and reads what is left.
    pub fn close(&self) {
        let already = std::mem::replace(&mut self.lock().closed, true);
        if !already {
            self.mailbox.post(Event::ConduitClosed { id: self.id });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T: Weight> Queue<T> {
    fn take(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.weight -= item.weight();
        Some(item)
    }

    fn is_over(&self) -> bool {
        self.finished && self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(milliseconds: usize, now: Instant) -> Pcm {
        Pcm {
            samples: vec![0; 16 * milliseconds],
            sample_rate: 16_000,
            channels: 1,
            timestamp: now,
        }
    }

    fn conduit(capacity: usize) -> (Arc<Conduit<Pcm>>, Arc<Mailbox>) {
        let mailbox = Arc::new(Mailbox::new(|| ()));
        (Conduit::new(ConduitId(64), mailbox.clone(), capacity), mailbox)
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_once() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        for _ in 0..7 {
            conduit.push(pcm(20, now));
        }
        assert_eq!((conduit.waiting(), conduit.dropped()), (100, 2));
        assert_eq!(mailbox.drain(), [Event::Conduit { id: ConduitId(64) }]);
        assert_eq!(std::iter::from_fn(|| conduit.take()).count(), 5);
        conduit.push(pcm(20, now));
        assert_eq!(mailbox.drain().len(), 1, "there is something again");
    }

    #[test]
    fn a_writer_is_refused_when_it_is_full_and_told_when_half_is_free() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        assert!(conduit.offer(pcm(500, now)).is_ok(), "the first one fits");
        assert!(conduit.offer(pcm(20, now)).is_err());
        assert!(mailbox.drain().is_empty());
        conduit.take();
        assert_eq!(mailbox.drain(), [Event::Conduit { id: ConduitId(64) }]);
        for _ in 0..5 {
            conduit.offer(pcm(20, now)).unwrap();
        }
        conduit.take();
        conduit.take();
        conduit.take();
        assert!(mailbox.drain().is_empty(), "nobody was refused");
    }

    #[test]
    fn one_whose_writer_is_done_closes_when_all_was_taken() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        conduit.offer(pcm(20, now)).unwrap();
        conduit.offer(pcm(20, now)).unwrap();
        conduit.finish();
        conduit.take();
        assert!(mailbox.drain().is_empty() && !conduit.is_closed());
        conduit.take();
        let closed = [Event::ConduitClosed { id: ConduitId(64) }];
        assert_eq!(mailbox.drain(), closed);
        let (conduit, mailbox) = self::conduit(100);
        conduit.finish();
        assert_eq!(mailbox.drain(), closed, "nothing waited");
    }

    #[test]
    fn a_closed_one_takes_nothing_more() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        conduit.push(pcm(20, now));
        conduit.close();
        conduit.close();
        conduit.push(pcm(20, now));
        assert!(conduit.offer(pcm(20, now)).is_err());
        assert_eq!(mailbox.drain().len(), 2);
        assert!(conduit.take().is_some());
        assert!(conduit.take().is_none());
    }
}
