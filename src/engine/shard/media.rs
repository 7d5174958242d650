//! Media between the peers of a shard, and to and from other shards.

use std::sync::Arc;
use std::time::Instant;

use super::Shard;
use crate::control::ids::{IncomingTrackId, OutgoingTrackId, TransportId};
use crate::engine::message::ShardMessage;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, SourcePacket};

impl Shard {
    pub(super) fn attach(
        &mut self,
        now: Instant,
        id: TransportId,
        outgoing: OutgoingTrackId,
        source: IncomingTrackId,
    ) {
        let Some(before) = self.routes.attach(outgoing, source) else { return };
        self.release(outgoing, before);
        let description = self.routes.route(source).and_then(|route| route.description.clone());
        if description.is_none() && source.shard() != self.index {
            let message = ShardMessage::Subscribe { track: source, from: self.index };
            self.messages.push((source.shard(), message));
        }
        self.with(id, |session| session.set_source(now, outgoing, Some((source, description))));
    }

    /// The outgoing track does not take `source` any more.
    pub(super) fn release(&mut self, outgoing: OutgoingTrackId, source: Option<IncomingTrackId>) {
        let Some(source) = source else { return };
        if self.routes.release(outgoing, source) && source.shard() != self.index {
            let message = ShardMessage::Unsubscribe { track: source, from: self.index };
            self.messages.push((source.shard(), message));
        }
    }

    /// Gives a packet to every receiver here, and once to each shard that has some.
    pub(super) fn fan_out(
        &mut self,
        now: Instant,
        track: IncomingTrackId,
        packet: &Arc<SourcePacket>,
        own: bool,
    ) {
        let Some(route) = self.routes.route(track) else { return };
        if own {
            for shard in route.shards() {
                let packet = Arc::clone(packet);
                self.messages.push((shard, ShardMessage::Media { track, packet }));
            }
        }
        let mut receivers = std::mem::take(&mut self.receivers);
        receivers.extend_from_slice(&route.receivers);
        for receiver in receivers.drain(..) {
            let Some(peer) = self.peers.get_mut(&receiver.transport) else { continue };
            let sent = peer.run(|session| session.forward(now, receiver.track, packet));
            peer.dirty |= sent == Some(true);
            if !std::mem::replace(&mut peer.touched, true) {
                self.touched.push_back(receiver.transport);
            }
        }
        self.receivers = receivers;
    }

    /// Tells all receivers of a track what it is now.
    pub(super) fn describe(&mut self, now: Instant, owner: TransportId, track: IncomingTrackId) {
        let described = self.with(owner, |session| session.describe(track)).flatten();
        let Some(description) = described else { return };
        let route = self.routes.add_source(track, owner);
        route.description = Some(description.clone());
        for shard in route.shards() {
            let description = description.clone();
            self.messages.push((shard, ShardMessage::Description { track, description }));
        }
        self.tell_receivers(now, track, description);
    }

    pub(super) fn tell_receivers(
        &mut self,
        now: Instant,
        track: IncomingTrackId,
        description: Arc<SourceDescription>,
    ) {
        let Some(route) = self.routes.route(track) else { return };
        for receiver in route.receivers.clone() {
            let description = description.clone();
            self.with(receiver.transport, |session| {
                session.describe_source(now, receiver.track, description);
            });
        }
    }

    pub(super) fn remove_source(&mut self, now: Instant, track: IncomingTrackId) {
        let Some(route) = self.routes.remove_source(track) else { return };
        if route.owner.is_some() {
            for shard in route.shards() {
                self.messages.push((shard, ShardMessage::SourceClosed { track }));
            }
        }
        for receiver in route.receivers {
            self.with(receiver.transport, |session| {
                session.set_source(now, receiver.track, None);
            });
        }
    }

    pub(super) fn want_keyframe(
        &mut self,
        now: Instant,
        track: IncomingTrackId,
        encoding: EncodingIndex,
    ) {
        if track.shard() != self.index {
            self.messages.push((track.shard(), ShardMessage::KeyframeWanted { track, encoding }));
            return;
        }
        if let Some(owner) = self.routes.route(track).and_then(|route| route.owner) {
            self.with(owner, |session| session.request_keyframe(now, track, encoding));
        }
    }
}
