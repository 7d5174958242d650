//! Outgoing tracks that a slot of speakers feeds. Their shard asks the group's for what that is,
//! once for all of them, and attaches them anew on every change.

use std::time::Instant;

use super::core::Core;
use super::media::Media;
use super::speakers::Speakers;
use crate::control::ids::{Ended, IdMap, OutgoingTrackId, SourceId, TransportId};
use crate::engine::message::ShardMessage;
use crate::engine::speakers::Source;

#[derive(Default)]
pub(super) struct Slots {
    taken: IdMap<SourceId, Taken>,
    /// Which slot feeds an outgoing track.
    of: IdMap<OutgoingTrackId, SourceId>,
}

/// An outgoing track that a slot feeds.
#[derive(Clone, Copy)]
struct Seat {
    transport: TransportId,
    track: OutgoingTrackId,
}

/// A slot with outgoing tracks here.
#[derive(Default)]
struct Taken {
    source: Option<Source>,
    seats: Vec<Seat>,
}

impl Slots {
    pub(super) fn attach_slot(
        &mut self,
        (core, media): (&mut Core, &mut Media),
        speakers: &mut Speakers,
        now: Instant,
        transport: TransportId,
        outgoing: OutgoingTrackId,
        slot: SourceId,
    ) {
        if media.routes.source_of(outgoing).is_none() {
            return;
        }
        self.leave_slot(core, speakers, outgoing);
        let seat = Seat { transport, track: outgoing };
        if let Some(taken) = self.taken.get_mut(&slot) {
            taken.seats.push(seat);
        } else {
            let mut source = None;
            if slot.shard() == core.index {
                let Some(fed) = speakers.take(slot, core.index) else {
                    return feed(core, media, now, seat, None);
                };
                source = fed;
            } else {
                let message = ShardMessage::TakeSlot { slot, from: core.index };
                core.messages.push((slot.shard(), message));
            }
            self.taken.insert(slot, Taken { source, seats: vec![seat] });
        }
        self.of.insert(outgoing, slot);
        let source = self.taken.get(&slot).and_then(|taken| taken.source);
        feed(core, media, now, seat, source);
    }

    /// No slot feeds an outgoing track any more. What last did goes on until something else does.
    pub(super) fn leave_slot(
        &mut self,
        core: &mut Core,
        speakers: &mut Speakers,
        outgoing: OutgoingTrackId,
    ) {
        let Some(slot) = self.of.remove(&outgoing) else { return };
        let Some(taken) = self.taken.get_mut(&slot) else { return };
        taken.seats.retain(|seat| seat.track != outgoing);
        if !taken.seats.is_empty() {
            return;
        }
        self.taken.remove(&slot);
        // Here at once: the slot may be taken again before a message would be looked at.
        if slot.shard() == core.index {
            speakers.leave(slot, core.index);
        } else {
            core.tell(slot.shard(), ShardMessage::LeaveSlot { slot, from: core.index });
        }
    }

    /// A slot has another source now.
    pub(super) fn feed_slot(
        &mut self,
        (core, media): (&mut Core, &mut Media),
        now: Instant,
        slot: SourceId,
        source: Option<Source>,
    ) {
        let Some(taken) = self.taken.get_mut(&slot) else { return };
        taken.source = source;
        for seat in taken.seats.clone() {
            feed(core, media, now, seat, source);
        }
    }

    pub(super) fn close_slot(
        &mut self,
        (core, media): (&mut Core, &mut Media),
        now: Instant,
        slot: SourceId,
    ) {
        let Some(taken) = self.taken.remove(&slot) else { return };
        for seat in taken.seats {
            self.of.remove(&seat.track);
            feed(core, media, now, seat, None);
        }
    }
}

impl Slots {
    /// Slots of a shard that lost all it had feed nothing any more.
    pub(super) fn thread_ended(
        &mut self,
        (core, media): (&mut Core, &mut Media),
        now: Instant,
        ended: Ended,
    ) {
        let gone = self.taken.keys().filter(|slot| slot.ended_with(ended));
        for slot in gone.copied().collect::<Vec<_>>() {
            self.close_slot((core, media), now, slot);
        }
    }
}

/// Attaches an outgoing track to what a slot has. Nobody is sent what they send themselves.
fn feed(core: &mut Core, media: &mut Media, now: Instant, seat: Seat, source: Option<Source>) {
    let Seat { transport, track: outgoing } = seat;
    let source = source.filter(|(_, owner)| *owner != transport).map(|(track, _)| track);
    let Some(before) = media.routes.source_of(outgoing) else { return };
    if before == source {
        return;
    }
    match source {
        Some(source) => media.attach(core, now, transport, outgoing, source),
        None => {
            let before = media.routes.detach(outgoing);
            media.release(core, now, outgoing, before);
            core.send(transport, |sending| sending.set_source(now, outgoing, None));
        }
    }
}
