//! What JavaScript asks of a shard's peers.

use std::time::Instant;

use super::Shard;
use crate::control::command::TransportCommand;
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{RequestId, TransportId};
use crate::control::options::TransportOptions;
use crate::engine::peer::Peer;
use crate::webrtc::Session;

impl Shard {
    pub(super) fn create_transport(
        &mut self,
        now: Instant,
        id: TransportId,
        options: Box<TransportOptions>,
    ) {
        let session =
            Session::new(now, id, options, &self.identity, &self.candidates, self.ids.clone());
        self.peers.insert(id, Peer::new(session));
        self.with(id, |_| ());
    }

    pub(super) fn transport_command(
        &mut self,
        now: Instant,
        id: TransportId,
        command: TransportCommand,
    ) {
        use TransportCommand as C;
        if !self.peers.contains_key(&id) {
            self.refuse(id, command);
            return;
        }
        match command {
            C::Close { request } => {
                self.close(now, id, CloseReason::Closed);
                self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
            }
            C::Attach { id: outgoing, source } => {
                self.leave_slot(outgoing);
                self.attach(now, id, outgoing, source);
            }
            C::AttachSlot { id: outgoing, slot } => self.attach_slot(now, id, outgoing, slot),
            C::Detach { id: outgoing } => {
                self.leave_slot(outgoing);
                let source = self.routes.detach(outgoing);
                self.release(now, outgoing, source);
                self.send(id, |sending| sending.set_source(now, outgoing, None));
            }
            C::AttachChannel { id: channel, source } => self.attach_channel(id, channel, source),
            C::DetachChannel { id: channel } => self.detach_channel(id, channel),
            command => {
                if let C::AddOutgoingTrack { id: outgoing, .. } = &command {
                    self.routes.add_outgoing(*outgoing, id);
                }
                if let C::CreateChannel { id: channel, .. } = &command {
                    self.channels.insert(*channel, id);
                }
                self.with(id, |session| session.handle_command(now, command));
            }
        }
    }

    /// Answers a command to a transport that is gone.
    fn refuse(&mut self, id: TransportId, command: TransportCommand) {
        use TransportCommand as C;
        let closed = || EngineError::new(ErrorCode::Closed, format!("transport {id} is closed"));
        let answer = |request: RequestId, result| {
            self.mailbox.post(Event::Reply { request, result });
        };
        match command {
            C::Close { request } => answer(request, Ok(Reply::Done)),
            C::AttachChannel { id: channel, source } => self.attach_channel(id, channel, source),
            C::AcceptOffer { request, .. }
            | C::CreateOffer { request, .. }
            | C::AcceptAnswer { request, .. }
            | C::Rollback { request }
            | C::AddCandidate { request, .. }
            | C::AcceptFragment { request, .. } => answer(request, Err(closed())),
            _ => {}
        }
    }
}
