//! A queue from many threads to one reader, with a bell.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};

use super::backlog::Backlog;
use super::counters::count_wakeup;

/// Bytes that one stream may have waiting for the reader.
pub const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// Bytes that all streams of one sender may have waiting.
pub const MAX_WAITING_OF_SENDER: usize = 32 * 1024 * 1024;

/// Bytes that all streams of all senders may have waiting, but for [`FAIR_SHARE`] of each.
pub const MAX_WAITING_OF_ALL: usize = 256 * 1024 * 1024;

/// Bytes that a sender may have waiting however much there is of others: those that send little do
/// not pay for those that send much.
pub const FAIR_SHARE: usize = 64 * 1024;

/// Bytes of one sender from which on it should send no more. What is on its way by then still fits
/// below [`MAX_WAITING_BYTES`].
const ENOUGH_OF_SENDER: usize = 8 * 1024 * 1024;

/// Bytes of all senders from which on those that have more than their share should send no more.
const ENOUGH_OF_ALL: usize = MAX_WAITING_OF_ALL / 2;

/// The reader does not keep up: the item was not queued. What follows on this stream would have a
/// gap, so the stream has to close.
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
/// of it, and those of a stream queue up to [`MAX_WAITING_BYTES`], [`MAX_WAITING_OF_SENDER`] and
/// [`MAX_WAITING_OF_ALL`]. The bell rings only when the
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
    /// Senders of which something waits.
    backlogs: Vec<Backlog>,
    waiting_of_all: usize,
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

    /// Counts an item of a stream, unless that would be too much.
    fn admit(&mut self, stream: E::Stream, cost: usize, sender: &Backlog) -> Result<(), Overflow> {
        let of_sender = sender.waiting();
        let of_stream = self.waiting_bytes.entry(stream).or_default();
        // The first one always fits: a bound below the largest message would close every stream
        // that has one.
        let too_much = |waiting: usize, most| waiting > 0 && waiting.saturating_add(cost) > most;
        if too_much(*of_stream, MAX_WAITING_BYTES)
            || too_much(of_sender, MAX_WAITING_OF_SENDER)
            || (too_much(self.waiting_of_all, MAX_WAITING_OF_ALL)
                && too_much(of_sender, FAIR_SHARE))
        {
            return Err(Overflow);
        }
        *of_stream = of_stream.saturating_add(cost);
        self.waiting_of_all = self.waiting_of_all.saturating_add(cost);
        if of_sender == 0 {
            self.backlogs.push(sender.clone());
        }
        let of_sender = of_sender.saturating_add(cost);
        let enough =
            if self.waiting_of_all > ENOUGH_OF_ALL { FAIR_SHARE } else { ENOUGH_OF_SENDER };
        sender.set(of_sender, enough.saturating_sub(of_sender));
        Ok(())
    }
}

impl<E: Posted> Mailbox<E> {
    /// Counted for each item of a stream on top of its length, so that empty ones are bounded too.
    pub const OVERHEAD: usize = size_of::<E>();

    /// `bell` is called from any thread that posts, without a lock held. It must not block.
    pub fn new(bell: impl Fn() + Send + Sync + 'static) -> Self {
        let contents = Contents {
            items: Vec::new(),
            slots: HashMap::new(),
            waiting_bytes: HashMap::new(),
            backlogs: Vec::new(),
            waiting_of_all: 0,
        };
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

    /// Leaves an item of a stream, unless too many bytes wait already: of the stream, of its
    /// sender, or of all.
    ///
    /// # Errors
    /// [`Overflow`]; nothing was left.
    pub fn post_bounded(&self, item: E, sender: &Backlog) -> Result<(), Overflow> {
        let Some((stream, length)) = item.stream() else {
            self.post(item);
            return Ok(());
        };
        let mut contents = self.lock();
        contents.admit(stream, length.saturating_add(Self::OVERHEAD), sender)?;
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
        contents.waiting_of_all = 0;
        contents.backlogs.drain(..).for_each(|sender| sender.clear());
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
