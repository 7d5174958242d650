//! What this peer is told of how much of its tracks is wanted.

use std::time::Instant;

use super::{Session, SessionEvent};
use crate::codec::Kind;
use crate::control::event::Event;
use crate::control::ids::IncomingTrackId;
use crate::control::layers::EncodingDemand;
use crate::sfu::EncodingSet;

impl Session {
    /// Its receivers together want these encodings of a track.
    pub fn set_demand(&mut self, now: Instant, id: IncomingTrackId, wanted: EncodingSet) {
        let track = self.incoming.iter_mut().find(|i| i.id == id && i.kind == Kind::Video);
        if let Some(incoming) = track {
            incoming.demand.set(now, wanted);
            self.poll_demand(now);
        }
    }

    pub(super) fn poll_demand(&mut self, now: Instant) {
        for incoming in &mut self.incoming {
            let Some(wanted) = incoming.demand.poll(now) else { continue };
            let demand = |encoding: &super::Encoding| EncodingDemand {
                rid: encoding.rid.map(|rid| rid.to_string()),
                wanted: wanted.contains(encoding.index),
            };
            let encodings = incoming.encodings().map(demand).collect();
            let event = Event::Demand { id: incoming.id, encodings };
            self.events.push_back(SessionEvent::Event(event));
        }
    }
}
