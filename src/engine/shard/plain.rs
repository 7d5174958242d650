//! Transports of plain RTP: made with ports of their own, found by them, and gone with them.

use std::time::Instant;

use super::Shard;
use super::error::ShardError;
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::error::EngineError;
use crate::control::event::{Event, Reply};
use crate::control::flow::Flow;
use crate::control::ids::{RequestId, TransportId};
use crate::control::rtp::{BoundPort, RtpOptions};
use crate::engine::budget::Work;
use crate::engine::io::Output;
use crate::engine::message::ShardMessage;
use crate::engine::peer::Peer;
use crate::engine::ports::PortOwner;
use crate::plain;

impl Shard {
    pub(super) fn create_rtp_transport(
        &mut self,
        now: Instant,
        request: RequestId,
        id: TransportId,
        options: Box<RtpOptions>,
        ports: Vec<BoundPort>,
    ) {
        let mut joined = true;
        for port in &ports {
            for lease in [&port.rtp, &port.rtcp] {
                joined &= self.ports.join(lease.local, id, port.shared);
            }
        }
        let made = match plain::Session::new(now, id, options, ports, &self.ids) {
            Ok(_) if !joined => Err(ShardError::PortTaken.into()),
            Ok(session) => Ok(session),
            Err(error) => Err(EngineError::from(error)),
        };
        match made {
            Ok(mut session) => {
                let share = self.shedding.share();
                session.with_sending(|sending| sending.set_layer_share(now, share));
                session.answer(request);
                self.core.peers.insert(id, Peer::plain(session));
                self.core.with(id, |_| Some(()));
            }
            Err(error) => {
                self.leave_ports(id);
                self.load.leave(self.core.index);
                self.core.mailbox.post(Event::Reply { request, result: Err(error) });
            }
        }
    }

    /// What it was to live with has ended.
    pub(super) fn refuse_rtp_transport(&mut self, request: RequestId, id: TransportId) {
        let result = Err(ShardError::TransportClosed(id).into());
        self.core.mailbox.post(Event::Reply { request, result });
        self.ports_ended = true;
    }

    /// Takes a datagram that came to a port of plain RTP. False: it came to another one.
    pub(super) fn take_plain(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        match self.ports.owner(flow.local) {
            PortOwner::Nobody => return false,
            PortOwner::One(id) => {
                if multiplex::classify(bytes) == Multiplexed::Rtp {
                    self.unfinished.note(bytes);
                }
                if self.is_up(id, flow, bytes) {
                    self.take_datagram(now, id, flow, bytes);
                }
            }
            PortOwner::Several => self.take_shared_port(now, flow, bytes),
        }
        true
    }

    fn take_shared_port(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        let Self { core, media, ports, budget, tries, .. } = self;
        let (peers, touched) = (&mut core.peers, &mut core.touched);
        let workspace = &mut media.workspace;
        let found = ports.ask(flow.local, flow.remote, |id, known| {
            let Some(peer) = peers.get_mut(&id) else { return false };
            // What only a key can tell is costly, and anybody may ask for it.
            if !peer.may_take(now, flow, bytes) || !(known || tries.take(now)) {
                return false;
            }
            budget.begin(Some(id), Work::of(bytes));
            let opened = peer.opens(now, flow, bytes, workspace);
            if opened && !std::mem::replace(&mut peer.touched, true) {
                touched.push_back(id);
            }
            opened
        });
        if found.is_none() {
            self.unmatched += 1;
        }
    }

    /// A transport has no ports any more, if it had some.
    pub(super) fn leave_ports(&mut self, id: TransportId) {
        self.ports_ended |= self.ports.leave(id);
    }

    /// Answers that a transport is closed: when its ports are, so that the next one gets them.
    pub(super) fn answer_closed(&mut self, request: RequestId) {
        if self.ports_ended {
            self.freed.push(request);
        } else {
            self.core.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }

    /// Closes ports that nobody has any more, and says so to whoever waits for that.
    pub(super) fn end_ports(&mut self, output: &mut impl Output<ShardMessage>) {
        if std::mem::take(&mut self.ports_ended) {
            output.close_ports();
        }
        for request in self.freed.drain(..) {
            self.core.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }
}
