//! Where the media threads leave events for JavaScript.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use super::counters::count_wakeup;
use super::event::Event;
use super::ids::{
    ChannelId, ConduitId, IncomingTrackId, MixerId, OutgoingTrackId, SpeakersId, TransportId,
};

/// Bytes of messages one data channel may have waiting for JavaScript.
pub const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// Counted for each message on top of its data, so that empty messages are bounded too.
const MESSAGE_OVERHEAD: usize = size_of::<Event>();

/// JavaScript does not keep up with a channel: the message was not queued. What follows on this
/// channel would have a gap, so the channel has to close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overflow;

/// Events on their way to JavaScript, and the bell that tells it to look.
///
/// Lifecycle events queue and are never lost. Levels, speakers, buffered amounts and the state of
/// encodings keep one slot each, overwritten. Messages queue up to [`MAX_WAITING_BYTES`] per channel. The bell rings only when
/// the mailbox goes from empty to not empty, so that a blocked JavaScript thread finds one wake-up
/// and not thousands.
pub struct Mailbox {
    bell: Box<dyn Fn() + Send + Sync>,
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    events: Vec<Event>,
    /// Where in `events` an event that may be overwritten stands.
    slots: HashMap<Slot, usize>,
    waiting_bytes: HashMap<ChannelId, usize>,
}

/// An event of which only the latest matters.
#[derive(PartialEq, Eq, Hash)]
enum Slot {
    Level(IncomingTrackId),
    BufferedAmount(ChannelId),
    /// By RID. A peer can change an encoding with every packet.
    Encoding(IncomingTrackId, Option<String>),
    Forwarded(OutgoingTrackId),
    Layer(OutgoingTrackId),
    Demand(IncomingTrackId),
    Bandwidth(TransportId),
    Speaker(SpeakersId),
    Speakers(MixerId),
    Effort(MixerId),
    Conduit(ConduitId),
    /// What feeds a slot of speakers.
    Fed(IncomingTrackId),
}

impl Slot {
    fn of(event: &Event) -> Option<Slot> {
        match event {
            Event::AudioLevel { id, .. } => Some(Slot::Level(*id)),
            Event::ChannelBufferedAmount { id, .. } => Some(Slot::BufferedAmount(*id)),
            Event::Encoding { id, encoding } => Some(Slot::Encoding(*id, encoding.rid.clone())),
            Event::TransponderEncoding { id, .. } => Some(Slot::Forwarded(*id)),
            Event::TransponderLayer { id, .. } => Some(Slot::Layer(*id)),
            Event::Demand { id, .. } => Some(Slot::Demand(*id)),
            Event::Bandwidth { transport, .. } => Some(Slot::Bandwidth(*transport)),
            Event::Speaker { group, .. } => Some(Slot::Speaker(*group)),
            Event::MixerSpeakers { mixer, .. } => Some(Slot::Speakers(*mixer)),
            Event::MixerEffort { mixer, .. } => Some(Slot::Effort(*mixer)),
            Event::Conduit { id } => Some(Slot::Conduit(*id)),
            Event::SpeakerSlot { slot, .. } => Some(Slot::Fed(*slot)),
            _ => None,
        }
    }
}

impl Contents {
    /// Returns whether the mailbox was empty.
    fn push(&mut self, event: Event) -> bool {
        if let Some(slot) = Slot::of(&event) {
            if let Some(&index) = self.slots.get(&slot) {
                self.events[index] = event;
                return false;
            }
            self.slots.insert(slot, self.events.len());
        }
        self.events.push(event);
        self.events.len() == 1
    }
}

impl Mailbox {
    /// `bell` is called from media threads, without a lock held. It must not block.
    pub fn new(bell: impl Fn() + Send + Sync + 'static) -> Self {
        Self { bell: Box::new(bell), contents: Mutex::default() }
    }

    /// Leaves an event. Messages of data channels go through [`Mailbox::post_message`], which
    /// has a bound.
    pub fn post(&self, event: Event) {
        debug_assert!(!matches!(event, Event::ChannelMessage { .. }), "messages have a bound");
        let ring = self.lock().push(event);
        if ring {
            self.ring();
        }
    }

    /// Leaves a message of a data channel, unless too many bytes wait already.
    pub fn post_message(&self, id: ChannelId, binary: bool, data: Bytes) -> Result<(), Overflow> {
        let cost = data.len() + MESSAGE_OVERHEAD;
        let mut contents = self.lock();
        let waiting = contents.waiting_bytes.entry(id).or_default();
        // The first message always fits: a bound below the largest message would close every
        // channel that uses it.
        if *waiting > 0 && *waiting + cost > MAX_WAITING_BYTES {
            return Err(Overflow);
        }
        *waiting += cost;
        let ring = contents.push(Event::ChannelMessage { id, binary, data });
        drop(contents);
        if ring {
            self.ring();
        }
        Ok(())
    }

    /// Everything posted since the last call, in order.
    pub fn drain(&self) -> Vec<Event> {
        let mut contents = self.lock();
        contents.slots.clear();
        contents.waiting_bytes.clear();
        std::mem::take(&mut contents.events)
    }

    fn ring(&self) {
        count_wakeup();
        (self.bell)();
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing panics while the lock is held, and events must not be lost if something did.
        self.contents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::control::event::CloseReason;
    use crate::control::ids::TransportId;

    const TRACK: IncomingTrackId = IncomingTrackId(64);
    const CHANNEL: ChannelId = ChannelId(128);

    fn mailbox() -> (Mailbox, Arc<AtomicUsize>) {
        let rings = Arc::new(AtomicUsize::new(0));
        let counter = rings.clone();
        let bell = move || {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        (Mailbox::new(bell), rings)
    }

    fn needed(transport: u64) -> Event {
        Event::NegotiationNeeded { transport: TransportId(transport) }
    }

    fn level(id: IncomingTrackId, level: i8) -> Event {
        Event::AudioLevel { id, level, voice: true }
    }

    fn buffered(amount: usize) -> Event {
        Event::ChannelBufferedAmount { id: CHANNEL, amount, accepted: 1_000 }
    }

    #[test]
    fn lifecycle_events_come_out_complete_and_in_order() {
        let (mailbox, _) = mailbox();
        let posted: Vec<Event> = (0..10_000).map(needed).collect();
        for event in &posted {
            mailbox.post(event.clone());
        }
        assert_eq!(mailbox.drain(), posted);
        assert!(mailbox.drain().is_empty());
    }

    #[test]
    fn the_bell_rings_only_when_an_empty_mailbox_gets_something() {
        let (mailbox, rings) = mailbox();
        mailbox.post(needed(1));
        mailbox.post(needed(2));
        mailbox.post(level(TRACK, -30));
        mailbox.post_message(CHANNEL, true, Bytes::from_static(b"x")).unwrap();
        assert_eq!(rings.load(Ordering::Relaxed), 1);

        mailbox.drain();
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        mailbox.post_message(CHANNEL, true, Bytes::from_static(b"x")).unwrap();
        assert_eq!(rings.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn only_the_latest_level_and_buffered_amount_of_each_object_is_kept() {
        let (mailbox, rings) = mailbox();
        let other = IncomingTrackId(65);
        for step in 0..100 {
            mailbox.post(level(TRACK, -step));
            mailbox.post(level(other, -step - 1));
            mailbox.post(buffered(step as usize));
        }
        let expected = vec![level(TRACK, -99), level(other, -100), buffered(99)];
        assert_eq!(mailbox.drain(), expected);
        assert_eq!(rings.load(Ordering::Relaxed), 1);

        mailbox.post(level(TRACK, -5));
        assert_eq!(mailbox.drain(), vec![level(TRACK, -5)]);
    }

    #[test]
    fn a_message_over_the_bound_is_refused_until_javascript_takes_what_waits() {
        let (mailbox, _) = mailbox();
        let megabyte = Bytes::from(vec![0; 1024 * 1024]);
        let fitting = MAX_WAITING_BYTES / (megabyte.len() + MESSAGE_OVERHEAD);
        for _ in 0..fitting {
            mailbox.post_message(CHANNEL, true, megabyte.clone()).unwrap();
        }
        assert_eq!(mailbox.post_message(CHANNEL, true, megabyte.clone()), Err(Overflow));
        let other = ChannelId(129);
        assert_eq!(mailbox.post_message(other, true, megabyte.clone()), Ok(()));
        let closed = Event::ChannelClosed { id: CHANNEL, reason: CloseReason::Error };
        mailbox.post(closed.clone());

        let drained = mailbox.drain();
        assert_eq!(drained.len(), fitting + 2);
        assert_eq!(drained.last(), Some(&closed));
        assert_eq!(mailbox.post_message(CHANNEL, true, megabyte), Ok(()));
    }

    #[test]
    fn a_message_larger_than_the_bound_fits_when_nothing_else_waits() {
        let (mailbox, _) = mailbox();
        let large = Bytes::from(vec![0; MAX_WAITING_BYTES]);
        assert_eq!(mailbox.post_message(CHANNEL, true, large), Ok(()));
        assert_eq!(mailbox.post_message(CHANNEL, true, Bytes::new()), Err(Overflow));
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let (mailbox, _) = mailbox();
        let sent = (0..1_000_000)
            .take_while(|_| mailbox.post_message(CHANNEL, false, Bytes::new()).is_ok())
            .count();
        assert!(sent < 1_000_000, "a flood of empty messages was queued without a bound");
    }
}
