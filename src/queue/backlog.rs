//! How much of one sender's waits for a reader, as whoever feeds it may look at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What waits of one sender in a [`Mailbox`](super::mailbox::Mailbox), and how much more it should
/// send before the reader has taken it. One thread posts, another one reads.
#[derive(Clone, Debug)]
pub struct Backlog(Arc<Figures>);

#[derive(Debug)]
struct Figures {
    waiting: AtomicUsize,
    room: AtomicUsize,
}

impl Default for Backlog {
    fn default() -> Self {
        Self(Arc::new(Figures { waiting: AtomicUsize::new(0), room: AtomicUsize::new(usize::MAX) }))
    }
}

impl Backlog {
    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Bytes that may still come before the reader is behind; `usize::MAX` when nothing waits.
    pub fn room(&self) -> usize {
        self.0.room.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, waiting: usize, room: usize) {
        self.0.waiting.store(waiting, Ordering::Relaxed);
        self.0.room.store(room, Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        self.set(0, usize::MAX);
    }
}
