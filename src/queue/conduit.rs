//! A short queue between two threads, for sound or pictures of one reader or writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Something with a size by which a queue is bounded.
pub trait Weight {
    /// In a unit of its own; a conduit's capacity is in the same.
    fn weight(&self) -> usize;
}

/// What the other end of a conduit is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// There is something to read again, or room to write.
    Ready,
    /// Nothing more goes in.
    Closed,
}

/// Bounded by weight; the first thing always fits. The other end hears of it by a
/// [`Signal`]: a reader when there is something again, a writer when there is room again.
pub struct Conduit<T, Id> {
    id: Id,
    bell: Box<dyn Fn(Id, Signal) + Send + Sync>,
    capacity: usize,
    queue: Mutex<Queue<T>>,
    progress: AtomicU64,
}

struct Queue<T> {
    items: VecDeque<T>,
    weight: usize,
    /// Items that a slow reader lost.
    dropped: u64,
    /// Something was refused, and nobody was told of room since.
    refused: bool,
    /// Its writer took back what waited, and its reader has not seen that yet.
    cleared: bool,
    /// Its writer is done: it closes when nothing waits any more.
    finished: bool,
    closed: bool,
}

impl<T, Id: std::fmt::Debug> std::fmt::Debug for Conduit<T, Id> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conduit").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T: Weight, Id: Copy> Conduit<T, Id> {
    /// Has room for things that weigh `capacity` in all. `bell` is called without a lock held, from
    /// either end, and must not block.
    pub fn new(id: Id, capacity: usize, bell: impl Fn(Id, Signal) + Send + Sync + 'static) -> Self {
        let queue = Queue {
            items: VecDeque::new(),
            weight: 0,
            dropped: 0,
            refused: false,
            cleared: false,
            finished: false,
            closed: false,
        };
        let progress = AtomicU64::new(0);
        Self { id, bell: Box::new(bell), capacity, queue: Mutex::new(queue), progress }
    }

    /// What its ends call it.
    pub fn id(&self) -> Id {
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
            (self.bell)(self.id, Signal::Ready);
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

    /// For a writer: takes back all that waits. What the reader has taken it hears of by
    /// [`Conduit::take_cleared`], before it gets anything that is written later.
    pub fn clear(&self) {
        let mut queue = self.lock();
        queue.items.clear();
        queue.weight = 0;
        queue.cleared = true;
        let refused = std::mem::take(&mut queue.refused);
        drop(queue);
        if refused {
            (self.bell)(self.id, Signal::Ready);
        }
    }

    /// For a reader: whether the writer took back what it wrote. Until it has asked it gets nothing.
    pub fn take_cleared(&self) -> bool {
        let mut queue = self.lock();
        let cleared = std::mem::take(&mut queue.cleared);
        let over = queue.is_over();
        drop(queue);
        if over {
            self.close();
        }
        cleared
    }

    /// For a reader: how far it has come with what was written, in a unit of its own.
    pub fn set_progress(&self, progress: u64) {
        self.progress.store(progress, Ordering::Relaxed);
    }

    /// What [`Conduit::set_progress`] said last; 0 before.
    pub fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// The oldest that waits.
    pub fn take(&self) -> Option<T> {
        let mut queue = self.lock();
        if queue.cleared {
            return None;
        }
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
            (self.bell)(self.id, Signal::Ready);
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

    /// Whether nothing more goes in.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether the reader has something to look at.
    pub fn has_news(&self) -> bool {
        let queue = self.lock();
        queue.cleared || !queue.items.is_empty()
    }

    /// What waits, by weight.
    pub fn waiting(&self) -> usize {
        self.lock().weight
    }

    /// How many a slow reader lost.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Takes nothing more. The other end is told, and reads what is left.
    pub fn close(&self) {
        let already = std::mem::replace(&mut self.lock().closed, true);
        if !already {
            (self.bell)(self.id, Signal::Closed);
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
        self.finished && self.items.is_empty() && !self.cleared
    }
}
