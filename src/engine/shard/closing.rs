//! Peers that end, in good order or not.

use std::time::Instant;

use super::Shard;
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{CloseReason, Event, TransportState};
use crate::control::flow::Protocol;
use crate::control::ids::TransportId;
use crate::engine::message::ShardMessage;

impl Shard {
    /// Ends a peer in good order: goodbye to it, events for everything below.
    pub(super) fn close(&mut self, now: Instant, id: TransportId, reason: CloseReason) {
        let Some(mut peer) = self.peers.remove(&id) else { return };
        self.load.leave(self.index);
        let mut events = Vec::new();
        let closed = peer.run(|session| {
            session.close(now, reason);
            while let Some(event) = session.next_event() {
                events.push(event);
            }
        });
        let flows = self.demultiplexer.remove(id);
        self.ended_flows.extend(flows.into_iter().filter(|flow| flow.protocol == Protocol::Tcp));
        for event in events {
            self.on_session_event(now, id, event);
        }
        if closed.is_none() {
            self.on_panic(now, id);
        }
        self.last_words.extend(peer.into_session());
    }

    /// Handling a peer failed: close what was below it in its place.
    pub(super) fn on_panic(&mut self, now: Instant, id: TransportId) {
        self.panics += 1;
        tracing::error!(transport = %id, "handling this peer failed, it is closed");
        if self.peers.remove(&id).is_some() {
            self.load.leave(self.index);
        }
        self.ended_flows.extend(
            self.demultiplexer.remove(id).into_iter().filter(|flow| flow.protocol == Protocol::Tcp),
        );
        let error = EngineError::new(
            ErrorCode::Internal,
            "handling this peer failed; it was closed and nobody else was touched",
        );
        self.mailbox.post(Event::TransportError { transport: id, error });
        let reason = CloseReason::Parent;
        let (incoming, outgoing) = self.routes.children_of(id);
        for track in incoming {
            self.watched_gone(now, track);
            if let Some(route) = self.routes.remove_source(track) {
                for shard in route.shards() {
                    self.messages.push((shard, ShardMessage::SourceClosed { track }));
                }
                for tap in &route.taps {
                    tap.inlet.described(track, None);
                }
            }
            self.mailbox.post(Event::IncomingTrackClosed { id: track, reason });
        }
        for track in outgoing {
            self.leave_slot(track);
            let source = self.routes.remove_outgoing(track);
            self.release(now, track, source);
            self.mailbox.post(Event::OutgoingTrackClosed { id: track, reason });
        }
        let owned = self.channels.iter().filter(|(_, owner)| **owner == id);
        for channel in owned.map(|(channel, _)| *channel).collect::<Vec<_>>() {
            self.forget_channel(id, channel);
            self.mailbox.post(Event::ChannelClosed { id: channel, reason });
        }
        let state = TransportState::Closed;
        self.mailbox.post(Event::TransportState { transport: id, state });
        self.mailbox.post(Event::TransportClosed { transport: id, reason: CloseReason::Error });
    }
}
