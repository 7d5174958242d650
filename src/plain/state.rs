//! The state of a transport: what each of its files may change, and none of which calls any other
//! file.

use std::time::{Duration, Instant};

use super::Session;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply, TransportState};
use crate::control::ids::RequestId;
use crate::peer::PeerEvent;
use crate::sending::{Sending, SendingEvent};

impl Session {
    /// Runs something on the sending half. What it has to say takes its place among the transport's
    /// own events.
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

    pub(super) fn set_state(&mut self, state: TransportState) {
        if self.state != state && self.state != TransportState::Closed {
            self.state = state;
            let event = Event::TransportState { transport: self.id, state };
            self.events.push_back(PeerEvent::Event(event));
        }
    }

    /// The far end is there.
    pub(super) fn connect(&mut self) {
        self.set_state(TransportState::Connected);
    }

    /// Something of the far end came.
    pub(super) fn hear(&mut self, now: Instant) {
        self.accepted += 1;
        self.heard = now;
        self.connect();
    }

    /// When it counts as gone if nothing comes until then.
    pub(super) fn silence_at(&self) -> Option<Instant> {
        let expects = self.media.iter().any(|line| line.incoming.is_some());
        let connected = self.state == TransportState::Connected;
        let silence = Duration::from_millis(u64::from(self.options.silence));
        (expects && connected).then(|| self.heard + silence)
    }

    pub(super) fn poll_silence(&mut self, now: Instant) {
        if self.silence_at().is_some_and(|at| now >= at) {
            self.set_state(TransportState::Disconnected);
        }
    }

    /// Answers that it is made, behind what it had to say of that. What goes wrong with it comes after
    /// that, when somebody can listen.
    pub fn answer(&mut self, request: RequestId) {
        let result = Ok(Reply::Done);
        self.events.push_back(PeerEvent::Event(Event::Reply { request, result }));
        self.start_dump();
    }

    /// Why it is over, when it is.
    pub fn over(&self) -> Option<CloseReason> {
        self.over
    }

    /// Has it closed for a fault of the far end's.
    pub fn give_up(&mut self, error: EngineError) {
        if self.over.is_none() {
            let event = Event::TransportError { transport: self.id, error };
            self.events.push_back(PeerEvent::Event(event));
            self.over = Some(CloseReason::Error);
        }
    }
}
