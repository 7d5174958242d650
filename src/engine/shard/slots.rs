//! Outgoing tracks that a slot of speakers feeds. Their shard asks the group's for what that is,
//! once for all of them, and attaches them anew on every change.

use std::time::Instant;

use super::Shard;
use crate::control::ids::{IdMap, IncomingTrackId, OutgoingTrackId, TransportId};
use crate::engine::message::ShardMessage;
use crate::engine::speaker_group::Source;

#[derive(Default)]
pub(super) struct Slots {
    taken: IdMap<IncomingTrackId, Taken>,
    /// Which slot feeds an outgoing track.
    of: IdMap<OutgoingTrackId, IncomingTrackId>,
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

impl Shard {
    pub(super) fn attach_slot(
        &mut self,
        now: Instant,
        transport: TransportId,
        outgoing: OutgoingTrackId,
        slot: IncomingTrackId,
    ) {
        if self.routes.source_of(outgoing).is_none() {
            return;
        }
        self.leave_slot(outgoing);
        let seat = Seat { transport, track: outgoing };
        if let Some(taken) = self.slots.taken.get_mut(&slot) {
            taken.seats.push(seat);
        } else {
            let mut source = None;
            if slot.shard() == self.index {
                let Some(fed) = self.speakers.take(slot, self.index) else {
                    return self.feed(now, seat, None);
                };
                source = fed;
            } else {
                let message = ShardMessage::TakeSlot { slot, from: self.index };
                self.messages.push((slot.shard(), message));
            }
            self.slots.taken.insert(slot, Taken { source, seats: vec![seat] });
        }
        self.slots.of.insert(outgoing, slot);
        let source = self.slots.taken.get(&slot).and_then(|taken| taken.source);
        self.feed(now, seat, source);
    }

    /// No slot feeds an outgoing track any more. What last did goes on until something else does.
    pub(super) fn leave_slot(&mut self, outgoing: OutgoingTrackId) {
        let Some(slot) = self.slots.of.remove(&outgoing) else { return };
        let Some(taken) = self.slots.taken.get_mut(&slot) else { return };
        taken.seats.retain(|seat| seat.track != outgoing);
        if !taken.seats.is_empty() {
            return;
        }
        self.slots.taken.remove(&slot);
        if slot.shard() == self.index {
            self.speakers.leave(slot, self.index);
        } else {
            let message = ShardMessage::LeaveSlot { slot, from: self.index };
            self.messages.push((slot.shard(), message));
        }
    }

    /// A slot has another source now.
    pub(super) fn feed_slot(
        &mut self,
        now: Instant,
        slot: IncomingTrackId,
        source: Option<Source>,
    ) {
        let Some(taken) = self.slots.taken.get_mut(&slot) else { return };
        taken.source = source;
        for seat in taken.seats.clone() {
            self.feed(now, seat, source);
        }
    }

    pub(super) fn close_slot(&mut self, now: Instant, slot: IncomingTrackId) {
        let Some(taken) = self.slots.taken.remove(&slot) else { return };
        for seat in taken.seats {
            self.slots.of.remove(&seat.track);
            self.feed(now, seat, None);
        }
    }

    /// Attaches an outgoing track to what a slot has. Nobody is sent what they send themselves.
    fn feed(&mut self, now: Instant, seat: Seat, source: Option<Source>) {
        let Seat { transport, track: outgoing } = seat;
        let source = source.filter(|(_, owner)| *owner != transport).map(|(track, _)| track);
        let Some(before) = self.routes.source_of(outgoing) else { return };
        if before == source {
            return;
        }
        match source {
            Some(source) => self.attach(now, transport, outgoing, source),
            None => {
                let before = self.routes.detach(outgoing);
                self.release(now, outgoing, before);
                self.send(transport, |sending| sending.set_source(now, outgoing, None));
            }
        }
    }
}
