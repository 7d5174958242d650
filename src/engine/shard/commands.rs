//! What JavaScript asks of a shard's peers.

use std::time::Instant;

use super::Shard;
use super::error::ShardError;
use crate::control::command::TransportCommand;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{RequestId, TransportId};
use crate::control::options::TransportOptions;
use crate::engine::budget::Work;
use crate::engine::peer::Peer;
use crate::webrtc::Session;

impl Shard {
    pub(super) fn create_transport(
        &mut self,
        now: Instant,
        id: TransportId,
        options: Box<TransportOptions>,
    ) {
        let identity = self.certificates.current(now);
        let mut session =
            Session::new(now, id, options, &identity, &self.candidates, self.ids.clone());
        let share = self.shedding.share();
        session.with_sending(|sending| sending.set_layer_share(now, share));
        self.core.peers.insert(id, Peer::webrtc(session));
        self.core.with(id, |_| Some(()));
    }

    pub(super) fn transport_command(
        &mut self,
        now: Instant,
        id: TransportId,
        command: TransportCommand,
    ) {
        use TransportCommand as C;
        if !self.core.peers.contains_key(&id) {
            self.refuse(id, command);
            return;
        }
        if matches!(
            command,
            C::AcceptOffer { .. }
                | C::CreateOffer { .. }
                | C::AcceptAnswer { .. }
                | C::AddCandidate { .. }
                | C::AcceptFragment { .. }
        ) {
            self.budget.begin(Some(id), Work::Negotiation);
        }
        match command {
            C::Close { request } => {
                self.close(now, id, CloseReason::Closed);
                self.answer_closed(request);
            }
            C::Attach { id: outgoing, source } => {
                self.slots.leave_slot(&mut self.core, &mut self.speakers, outgoing);
                self.media.attach(&mut self.core, now, id, outgoing, source);
            }
            C::AttachSlot { id: outgoing, slot } => {
                let shared = (&mut self.core, &mut self.media);
                self.slots.attach_slot(shared, &mut self.speakers, now, id, outgoing, slot);
            }
            C::Detach { id: outgoing } => {
                self.slots.leave_slot(&mut self.core, &mut self.speakers, outgoing);
                let source = self.media.routes.detach(outgoing);
                self.media.release(&mut self.core, now, outgoing, source);
                self.core.send(id, |sending| sending.set_source(now, outgoing, None));
            }
            C::AttachChannel { id: channel, source } => {
                self.relays.attach_channel(&mut self.core, id, channel, source)
            }
            C::DetachChannel { id: channel } => {
                self.relays.detach_channel(&mut self.core, id, channel)
            }
            command => {
                if let C::AddOutgoingTrack { id: outgoing, .. } = &command {
                    self.media.routes.add_outgoing(*outgoing, id);
                }
                if let C::CreateChannel { id: channel, .. } = &command {
                    self.relays.channels.insert(*channel, id);
                }
                self.core.with(id, |peer| peer.handle_command(now, command));
            }
        }
    }

    /// Answers a command to a transport that is gone.
    fn refuse(&mut self, id: TransportId, command: TransportCommand) {
        use TransportCommand as C;
        let closed = || ShardError::TransportClosed(id).into();
        let answer = |request: RequestId, result| {
            self.core.mailbox.post(Event::Reply { request, result });
        };
        match command {
            C::Close { request } => answer(request, Ok(Reply::Done)),
            C::AttachChannel { id: channel, source } => {
                self.relays.attach_channel(&mut self.core, id, channel, source)
            }
            C::AcceptOffer { request, .. }
            | C::CreateOffer { request, .. }
            | C::AcceptAnswer { request, .. }
            | C::Rollback { request }
            | C::AddCandidate { request, .. }
            | C::AcceptFragment { request, .. }
            | C::UpdateRtp { request, .. } => answer(request, Err(closed())),
            _ => {}
        }
    }
}
