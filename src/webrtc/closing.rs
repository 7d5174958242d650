//! How a session ends: by a fault, by the peer, or because it is told to.

use std::time::Instant;

use str0m::RtcError;

use super::{Session, SessionEvent};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{CloseReason, Event, TransportState};
use crate::control::ids::SourceId;

impl Session {
    /// Why the session is over, when it is.
    pub fn over(&self) -> Option<CloseReason> {
        self.over
    }

    pub(super) fn fail(&mut self, error: &RtcError) {
        let text: String = error.to_string().chars().take(300).collect();
        self.give_up(EngineError::new(ErrorCode::Transport, text));
    }

    /// Has it closed for a fault of the peer's.
    pub fn give_up(&mut self, error: EngineError) {
        if self.over.is_none() {
            let event = Event::TransportError { transport: self.id, error };
            self.events.push_back(SessionEvent::Event(event));
            self.end(CloseReason::Error);
        }
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        self.over.get_or_insert(reason);
    }

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
        self.events.push_back(SessionEvent::Event(event));
    }

    pub(super) fn close_incoming(&mut self, id: SourceId, reason: CloseReason) {
        self.events.push_back(SessionEvent::IncomingTrackClosed { id, reason });
    }
}
