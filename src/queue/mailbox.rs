//! A queue from many threads to one reader, with a bell.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};

use super::counters::count_wakeup;

/// Bytes that one stream may have waiting for the reader.
pub const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// The reader does not keep up with a stream: the item was not queued. What follows on this
/// stream would have a gap, so the stream has to close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overflow;

/// What can be left in a [`Mailbox`].
pub trait Posted {
    /// Names what only the latest matters of.
    type Slot: Eq + Hash;
    /// Names a stream whose waiting bytes are bounded.
    type Stream: Eq + Hash;

    /// The slot it overwrites; `None` when each one matters.
    fn slot(&self) -> Option<Self::Slot>;
    /// The stream it is part of, and its length in bytes; `None` when it is of no stream.
    fn stream(&self) -> Option<(Self::Stream, usize)>;
}

/// Items on their way to their reader, and the bell that tells it to look.
///
/// Items queue and are never lost, but for two kinds: those with a slot are overwritten by the next
/// of it, and those of a stream queue up to [`MAX_WAITING_BYTES`]. The bell rings only when the
/// mailbox goes from empty to not empty, so that a blocked reader finds one wake-up and not
/// thousands.
pub struct Mailbox<E: Posted> {
    bell: Box<dyn Fn() + Send + Sync>,
    contents: Mutex<Contents<E>>,
}

struct Contents<E: Posted> {
    items: Vec<E>,
    /// Where in `items` one that may be overwritten stands.
    slots: HashMap<E::Slot, usize>,
    waiting_bytes: HashMap<E::Stream, usize>,
}

impl<E: Posted> Contents<E> {
    /// Returns whether the mailbox was empty.
    fn push(&mut self, item: E) -> bool {
        if let Some(slot) = item.slot() {
            if let Some(place) = self.slots.get(&slot).and_then(|&at| self.items.get_mut(at)) {
                *place = item;
                return false;
            }
            self.slots.insert(slot, self.items.len());
        }
        self.items.push(item);
        self.items.len() == 1
    }
}

impl<E: Posted> Mailbox<E> {
    /// Counted for each item of a stream on top of its length, so that empty ones are bounded too.
    pub const OVERHEAD: usize = size_of::<E>();

    /// `bell` is called from any thread that posts, without a lock held. It must not block.
    pub fn new(bell: impl Fn() + Send + Sync + 'static) -> Self {
        let contents =
            Contents { items: Vec::new(), slots: HashMap::new(), waiting_bytes: HashMap::new() };
        Self { bell: Box::new(bell), contents: Mutex::new(contents) }
    }

    /// Leaves an item. Those of a stream go through [`Mailbox::post_bounded`].
    pub fn post(&self, item: E) {
        debug_assert!(item.stream().is_none(), "streams have a bound");
        let ring = self.lock().push(item);
        if ring {
            self.ring();
        }
    }

    /// Leaves an item of a stream, unless too many bytes of that wait already.
    ///
    /// # Errors
    /// [`Overflow`]; nothing was left.
    pub fn post_bounded(&self, item: E) -> Result<(), Overflow> {
        let Some((stream, length)) = item.stream() else {
            self.post(item);
            return Ok(());
        };
        let cost = length.saturating_add(Self::OVERHEAD);
        let mut contents = self.lock();
        let waiting = contents.waiting_bytes.entry(stream).or_default();
        // The first one always fits: a bound below the largest message would close every stream
        // that has one.
        if *waiting > 0 && *waiting + cost > MAX_WAITING_BYTES {
            return Err(Overflow);
        }
        *waiting += cost;
        let ring = contents.push(item);
        drop(contents);
        if ring {
            self.ring();
        }
        Ok(())
    }

    /// Everything posted since the last call, in order.
    pub fn drain(&self) -> Vec<E> {
        let mut contents = self.lock();
        contents.slots.clear();
        contents.waiting_bytes.clear();
        std::mem::take(&mut contents.items)
    }

    fn ring(&self) {
        count_wakeup();
        (self.bell)();
    }

    fn lock(&self) -> MutexGuard<'_, Contents<E>> {
        // Nothing panics while the lock is held, and items must not be lost if something did.
        self.contents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
