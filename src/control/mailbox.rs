//! Where the media threads leave events for JavaScript, and which of them take each other's place.
//!
//! Lifecycle events queue and are never lost. Levels, speakers, buffered amounts and the state of
//! encodings keep one slot each, overwritten. Messages of data channels queue up to
//! [`MAX_WAITING_BYTES`](crate::queue::mailbox::MAX_WAITING_BYTES) per channel, and to what the
//! constants beside it say per transport and endpoint.

use super::event::Event;
use super::ids::{
    ChannelId, ConduitId, MixerId, OutgoingTrackId, PlayerId, RecorderId, SourceId, SpeakersId,
    TransportId,
};
pub use crate::queue::backlog::Backlog;
use crate::queue::mailbox::{self, Posted};

/// Events on their way to JavaScript, and the bell that tells it to look.
pub type Mailbox = mailbox::Mailbox<Event>;

/// An event of which only the latest matters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Slot {
    Level(SourceId),
    BufferedAmount(ChannelId),
    /// By its place: a peer can change its name and its SSRC with every packet.
    Encoding(SourceId, u8),
    Forwarded(OutgoingTrackId),
    Layer(OutgoingTrackId),
    Demand(SourceId),
    Bandwidth(TransportId),
    Speaker(SpeakersId),
    Speaking(SpeakersId, SourceId),
    Speakers(MixerId),
    Effort(MixerId),
    Conduit(ConduitId),
    Progress(RecorderId),
    Played(PlayerId),
    /// What feeds a slot of speakers.
    Fed(SourceId),
    /// Of a media thread.
    Load(u8),
}

impl Posted for Event {
    type Slot = Slot;
    type Stream = ChannelId;

    fn slot(&self) -> Option<Slot> {
        match self {
            Event::AudioLevel { id, .. } => Some(Slot::Level(*id)),
            Event::ChannelBufferedAmount { id, .. } => Some(Slot::BufferedAmount(*id)),
            Event::Encoding { id, encoding } => Some(Slot::Encoding(*id, encoding.index)),
            Event::TransponderEncoding { id, .. } => Some(Slot::Forwarded(*id)),
            Event::TransponderLayer { id, .. } => Some(Slot::Layer(*id)),
            Event::Demand { id, .. } => Some(Slot::Demand(*id)),
            Event::Bandwidth { transport, .. } => Some(Slot::Bandwidth(*transport)),
            Event::Speaker { group, .. } => Some(Slot::Speaker(*group)),
            Event::Speaking { group, track, .. } => Some(Slot::Speaking(*group, *track)),
            Event::MixerSpeakers { mixer, .. } => Some(Slot::Speakers(*mixer)),
            Event::MixerEffort { mixer, .. } => Some(Slot::Effort(*mixer)),
            Event::RecorderProgress { recorder, .. } => Some(Slot::Progress(*recorder)),
            Event::PlayerState { player, .. } => Some(Slot::Played(*player)),
            Event::Conduit { id } => Some(Slot::Conduit(*id)),
            Event::Load { thread, .. } => Some(Slot::Load(*thread)),
            Event::SpeakerSlot { slot, .. } => Some(Slot::Fed(*slot)),
            _ => None,
        }
    }

    fn stream(&self) -> Option<(ChannelId, usize)> {
        match self {
            Event::ChannelMessage { id, data, .. } => Some((*id, data.len())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;

    use super::*;
    use crate::codec::Codec;
    use crate::control::event::{CloseReason, EncodingInfo};
    use crate::queue::mailbox::{
        FAIR_SHARE, MAX_WAITING_BYTES, MAX_WAITING_OF_ALL, MAX_WAITING_OF_SENDER, Overflow,
    };

    const TRACK: SourceId = SourceId(64);
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

    fn level(id: SourceId, level: i8) -> Event {
        Event::AudioLevel { id, level, voice: true }
    }

    fn message(id: ChannelId, binary: bool, data: Bytes) -> Event {
        Event::ChannelMessage { id, binary, data }
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
        let sender = Backlog::default();
        mailbox.post(needed(1));
        mailbox.post(needed(2));
        mailbox.post(level(TRACK, -30));
        mailbox.post_bounded(message(CHANNEL, true, Bytes::from_static(b"x")), &sender).unwrap();
        assert_eq!(rings.load(Ordering::Relaxed), 1);

        mailbox.drain();
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        mailbox.post_bounded(message(CHANNEL, true, Bytes::from_static(b"x")), &sender).unwrap();
        assert_eq!(rings.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn only_the_latest_level_and_buffered_amount_of_each_object_is_kept() {
        let (mailbox, rings) = mailbox();
        let other = SourceId(65);
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
    fn encodings_of_a_track_are_kept_apart_whether_or_not_they_have_names() {
        let (mailbox, _) = mailbox();
        let encoding = |index: u8, ssrc: u32| Event::Encoding {
            id: TRACK,
            encoding: EncodingInfo { index, rid: None, ssrc, active: true, codec: Codec::Vp8 },
        };
        for ssrc in 0..100 {
            (0..3).for_each(|index| mailbox.post(encoding(index, 1000 * u32::from(index) + ssrc)));
        }
        assert_eq!(mailbox.drain(), [encoding(0, 99), encoding(1, 1099), encoding(2, 2099)]);
    }

    #[test]
    fn a_message_over_the_bound_is_refused_until_javascript_takes_what_waits() {
        let (mailbox, _) = mailbox();
        let sender = Backlog::default();
        let megabyte = Bytes::from(vec![0; 1024 * 1024]);
        let fitting = MAX_WAITING_BYTES / (megabyte.len() + Mailbox::OVERHEAD);
        for _ in 0..fitting {
            mailbox.post_bounded(message(CHANNEL, true, megabyte.clone()), &sender).unwrap();
        }
        assert_eq!(
            mailbox.post_bounded(message(CHANNEL, true, megabyte.clone()), &sender),
            Err(Overflow)
        );
        let other = ChannelId(129);
        assert_eq!(mailbox.post_bounded(message(other, true, megabyte.clone()), &sender), Ok(()));
        let closed = Event::ChannelClosed { id: CHANNEL, reason: CloseReason::Error };
        mailbox.post(closed.clone());

        let drained = mailbox.drain();
        assert_eq!(drained.len(), fitting + 2);
        assert_eq!(drained.last(), Some(&closed));
        assert_eq!(mailbox.post_bounded(message(CHANNEL, true, megabyte), &sender), Ok(()));
    }

    #[test]
    fn a_message_larger_than_the_bound_fits_when_nothing_else_waits() {
        let (mailbox, _) = mailbox();
        let sender = Backlog::default();
        let large = Bytes::from(vec![0; MAX_WAITING_BYTES]);
        assert_eq!(mailbox.post_bounded(message(CHANNEL, true, large), &sender), Ok(()));
        assert_eq!(
            mailbox.post_bounded(message(CHANNEL, true, Bytes::new()), &sender),
            Err(Overflow)
        );
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let (mailbox, _) = mailbox();
        let sender = Backlog::default();
        let sent = (0..1_000_000)
            .take_while(|_| {
                mailbox.post_bounded(message(CHANNEL, false, Bytes::new()), &sender).is_ok()
            })
            .count();
        assert!(sent < 1_000_000, "a flood of empty messages was queued without a bound");
    }

    #[test]
    fn a_peer_with_many_channels_has_no_more_waiting_than_its_own_bound() {
        let (mailbox, _) = mailbox();
        let (sender, other) = (Backlog::default(), Backlog::default());
        let data = Bytes::from(vec![0; 1024 * 1024]);
        let post = |channel, from| {
            mailbox.post_bounded(message(ChannelId(channel), true, data.clone()), from)
        };
        let fitting = (0..1024).filter(|channel| post(*channel, &sender).is_ok()).count();
        assert_eq!(fitting, MAX_WAITING_OF_SENDER / (data.len() + Mailbox::OVERHEAD));
        assert_eq!(post(2000, &other), Ok(()), "another peer");
        mailbox.drain();
        assert_eq!(post(3000, &sender), Ok(()), "when JavaScript has taken it");
    }

    #[test]
    fn peers_that_send_little_do_not_pay_for_those_that_fill_the_endpoints_bound() {
        let (mailbox, _) = mailbox();
        let large = Bytes::from(vec![0; 1024 * 1024]);
        let mut posted = 0;
        for peer in 0..1000_u64 {
            let sender = Backlog::default();
            let post = |n| {
                let channel = ChannelId(peer * 10 + n);
                mailbox.post_bounded(message(channel, true, large.clone()), &sender)
            };
            posted += (0..8).filter(|n| post(*n).is_ok()).count();
        }
        // The first message of each is let in.
        let most = MAX_WAITING_OF_ALL / large.len() + 1000;
        assert!(posted <= most, "{posted}");
        let honest = Backlog::default();
        for n in 0..30 {
            let small = message(ChannelId(99_000 + n), true, Bytes::from(vec![0; 1024]));
            assert_eq!(mailbox.post_bounded(small, &honest), Ok(()));
        }
        assert!(honest.waiting() < FAIR_SHARE);
    }

    #[test]
    fn a_peer_is_told_to_pause_long_before_a_channel_has_to_close() {
        let (mailbox, _) = mailbox();
        let sender = Backlog::default();
        assert_eq!(sender.room(), usize::MAX);
        let data = Bytes::from(vec![0; 1024 * 1024]);
        let until = (1..100)
            .find(|_| {
                mailbox.post_bounded(message(CHANNEL, true, data.clone()), &sender).unwrap();
                sender.room() == 0
            })
            .unwrap();
        assert!(until * data.len() <= MAX_WAITING_BYTES / 2, "{until}");
        mailbox.drain();
        assert_eq!((sender.waiting(), sender.room()), (0, usize::MAX));
    }
}
