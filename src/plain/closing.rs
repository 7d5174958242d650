//! How a transport of plain RTP ends.

use std::time::Instant;

use super::Session;
use crate::control::event::{CloseReason, Event, TransportState};
use crate::peer::PeerEvent;
use crate::sending::goodbyes;

impl Session {
    /// Says goodbye to the far end and closes everything below. The last events and datagrams are
    /// there to be taken afterwards.
    pub fn close(&mut self, _now: Instant, reason: CloseReason) {
        if self.state == TransportState::Closed {
            return;
        }
        self.with_sending(|sending| sending.say_goodbye());
        // Who only listens leaves as well.
        for compound in goodbyes(&[self.options.report_ssrc]) {
            self.sending.send_rtcp(compound);
        }
        for id in self.media.iter_mut().filter_map(|line| line.incoming.take()) {
            let event = PeerEvent::IncomingTrackClosed { id, reason: CloseReason::Parent };
            self.events.push_back(event);
        }
        self.receiving.configure(Vec::new());
        self.with_sending(|sending| sending.close(CloseReason::Parent));
        self.set_state(TransportState::Closed);
        let event = Event::TransportClosed { transport: self.id, reason };
        self.events.push_back(PeerEvent::Event(event));
    }
}
