//! How a session ends: by a fault, by the peer, or because it is told to.

use std::time::Instant;

use super::Session;
use crate::control::event::{CloseReason, Event, TransportState};
use crate::peer::PeerEvent;

impl Session {
    /// Says goodbye to the peer and closes everything below. The last events and datagrams are
    /// there to be taken afterwards.
    pub fn close(&mut self, now: Instant, reason: CloseReason) {
        if self.state == TransportState::Closed {
            return;
        }
        if self.rtc.is_alive() {
            self.with_sending(|sending| sending.say_goodbye());
            if let Err(error) = self.rtc.close() {
                tracing::debug!(transport = %self.id, %error, "no goodbye");
            }
            self.advance(now);
        }
        let tracks = self.receiving.lines().flat_map(|line| &line.tracks);
        for id in tracks.map(|track| track.id).collect::<Vec<_>>() {
            self.close_incoming(id, CloseReason::Parent);
        }
        self.receiving.configure(Vec::new());
        self.with_sending(|sending| sending.close(CloseReason::Parent));
        self.channels.close_all(CloseReason::Parent, &mut self.events);
        self.set_state(TransportState::Closed);
        self.state = TransportState::Closed;
        let event = Event::TransportClosed { transport: self.id, reason };
        self.events.push_back(PeerEvent::Event(event));
    }
}
