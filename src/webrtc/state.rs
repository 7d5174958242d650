//! The state of a session and what it has to say: what each of its files may change, and none of which
//! calls any other file.

use std::time::{Duration, Instant};

use str0m::{Input, RtcError};

use super::error::SessionError;
use super::{Session, receive};
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, TransportState};
use crate::control::flow::Flow;
use crate::control::ids::SourceId;
use crate::control::stats::CandidatePairStats;
use crate::peer::PeerEvent;
use crate::sending::{Reach, Sending, SendingEvent};

/// Longer than the checks of a pair in use may be apart (RFC 7675 5.1).
pub(super) const SILENCE: Duration = Duration::from_secs(7);

impl Session {
    /// Whether a STUN message belongs to this session: known, and authenticated by its password.
    pub fn accepts(&self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        match receive(flow, bytes) {
            Some(receive) => self.rtc.accepts(&Input::Receive(now, receive)),
            None => false,
        }
    }

    /// Runs something on the sending half. What it has to say takes its place among the session's
    /// own events, so that their order is that in which things happened.
    pub fn with_sending<T>(&mut self, action: impl FnOnce(&mut Sending) -> T) -> T {
        let value = action(&mut self.sending);
        while let Some(event) = self.sending.next_event() {
            self.events.push_back(match event {
                SendingEvent::Event(event) => PeerEvent::Event(event),
                event => PeerEvent::Sending(event),
            });
        }
        value
    }

    pub(super) fn set_local_ufrag(&mut self, ufrag: &str) {
        if self.local_ufrag != ufrag {
            self.local_ufrag = ufrag.to_owned();
            self.ufrag_changed = true;
        }
    }

    pub(super) fn set_state(&mut self, state: TransportState) {
        if self.state != state && self.state != TransportState::Closed {
            self.state = state;
            self.tell_reach();
            let event = Event::TransportState { transport: self.id, state };
            self.events.push_back(PeerEvent::Event(event));
        }
    }

    /// Tells the sending half whether media may be sent. An ICE restart may leave str0m without a
    /// pair until the peer's first check, during which media goes on where it went (RFC 8445 2.4).
    pub(super) fn tell_reach(&mut self) {
        self.sending.set_reach(match self.state {
            TransportState::Connected => Reach::Yes,
            TransportState::Disconnected => Reach::Until(self.heard + SILENCE),
            _ => Reach::No,
        });
    }

    /// Something came over the pair that is sent to.
    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = now;
        if self.state == TransportState::Disconnected {
            self.tell_reach();
        }
    }

    /// Sends the peer everything this way from now on.
    pub(super) fn use_flow(&mut self, now: Instant, flow: &Flow) {
        if self.sending.flow() != Some(flow) {
            self.sending.set_flow(now, *flow);
            self.on_path_changed(flow);
        }
    }

    /// What is sent goes another way from now on, the first one included.
    fn on_path_changed(&mut self, flow: &Flow) {
        self.candidate_pair = Some(CandidatePairStats::of(flow));
        self.path_changes += 1;
    }

    pub(super) fn close_incoming(&mut self, id: SourceId, reason: CloseReason) {
        self.events.push_back(PeerEvent::IncomingTrackClosed { id, reason });
    }

    /// Why the session is over, when it is.
    pub fn over(&self) -> Option<CloseReason> {
        self.over
    }

    pub(super) fn fail(&mut self, error: &RtcError) {
        self.give_up(SessionError::Rtc(error).into());
    }

    /// Has it closed for a fault of the peer's.
    pub fn give_up(&mut self, error: EngineError) {
        if self.over.is_none() {
            let event = Event::TransportError { transport: self.id, error };
            self.events.push_back(PeerEvent::Event(event));
            self.end(CloseReason::Error);
        }
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        self.over.get_or_insert(reason);
    }
}
