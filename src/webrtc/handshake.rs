//! What a session does about its DTLS: where it comes from and goes to, and what comes of it.

use std::time::Instant;

use str0m::net::Transmit;

use super::dtls::{Failure, Leading, leading};
use super::error::SessionError;
use super::{CloseReason, Session, config};
use crate::control::event::Event;
use crate::control::flow::Flow;
use crate::peer::PeerEvent;
use crate::sending::Sending;

impl Session {
    /// Takes note of a DTLS datagram. Gives whether it is to be handled.
    pub(super) fn on_dtls(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        self.dtls.at(now);
        self.dtls_at = now;
        // Before the handshake is through, an alert is anybody's who can send from the peer's
        // address. It does not have to be anybody's who can send from one of its others as well.
        let used = self.sending.flow().or(self.handshake_flow.as_ref());
        if leading(bytes) == Leading::PlaintextAlert && used.is_some_and(|used| used != flow) {
            return false;
        }
        // Any pair whose check was authentic may carry the handshake (RFC 8445 12.1), and the
        // peer chose this one.
        self.handshake_flow = Some(*flow);
        true
    }

    /// An authentic check came over `flow` and was answered.
    pub(super) fn note_handshake_flow(&mut self, now: Instant, flow: Flow) {
        match self.handshake_flow {
            None => {
                self.handshake_flow = Some(flow);
                self.with_sending(Sending::expect_connection);
            }
            // The next association may have an ICE transport of its own below it.
            Some(known) if known != flow && self.dtls.awaits_address(now) => {
                self.handshake_flow = Some(flow);
                self.dtls.peer_moved();
            }
            Some(_) => {}
        }
    }

    /// Sees to what DTLS has told.
    pub(super) fn on_dtls_news(&mut self, now: Instant) {
        if let Some(keys) = self.dtls.take_keys() {
            self.trim_later(now);
            self.receiving.set_keys(&keys.material, keys.client);
            self.sending.set_keys(&keys.material, keys.client);
            // Media may go before ICE has chosen, too. And who begins another association may
            // have a new ICE transport below it, with the credentials of the one before.
            if let Some(flow) = self.handshake_flow
                && (keys.renewed || self.sending.flow().is_none())
            {
                self.use_flow(now, &flow);
            }
        }
        if let Some(handshake) = self.handshake_flow {
            let used = self.sending.flow().copied().unwrap_or(handshake);
            while let Some(diverted) = self.dtls.next_datagram() {
                let flow = if diverted.renews { handshake } else { used };
                self.queue(&flow, diverted.bytes);
            }
        }
        if self.dtls.take_lost_channels() {
            self.channels.close_all(CloseReason::Remote, &mut self.events);
        }
        if let Some(failure) = self.dtls.take_failure() {
            self.on_dtls_failure(&failure);
        }
        self.dtls.took_news();
    }

    fn on_dtls_failure(&mut self, failure: &Failure) {
        if self.over().is_some() {
            return;
        }
        let error = SessionError::Dtls(failure).into();
        let event = Event::TransportError { transport: self.id, error };
        self.events.push_back(PeerEvent::Event(event));
        self.end(CloseReason::Error);
    }

    fn queue(&mut self, flow: &Flow, datagram: Vec<u8>) {
        self.transmits.push_back(Transmit {
            proto: config::to_str0m_protocol(flow.protocol),
            source: flow.local,
            destination: flow.remote,
            contents: datagram.into(),
        });
    }

    /// Notes which m-line carries the transport for the peer, the first of the BUNDLE group
    /// (RFC 9143 7.3.3). When a description makes it another one, browsers leave their DTLS
    /// association and begin another one over the same ICE session.
    pub(super) fn note_carrier(&mut self, now: Instant) {
        let Some(carrier) = self.negotiation.group.first().copied() else { return };
        if self.carrier.as_ref() != Some(&carrier) && self.carrier.replace(carrier).is_some() {
            self.expect_new_association(now);
        }
    }

    /// The peer may leave its DTLS association and begin another one: for ten seconds from now, the
    /// end of the association is not the end of the transport.
    pub(super) fn expect_new_association(&mut self, now: Instant) {
        self.dtls.expect_new_association(now);
    }
}
