//! Media between the peers of a shard, and to and from other shards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Core;
use super::repair::Tails;
use crate::codec::Kind;
use crate::control::flow::Flow;
use crate::control::ids::{Ended, OutgoingTrackId, SourceId, TakerId, TransportId};
use crate::engine::io::Output;
use crate::engine::message::ShardMessage;
use crate::engine::routes::{Owner, Routes};
use crate::engine::tap::Inlet;
use crate::sending::{Delivery, Outlet, Workspace};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, Need, Opening, SourcePacket};

/// A source of which nothing came for so long stands still.
const STANDING: Duration = Duration::from_secs(2);

/// Which track goes where, and the packets of a turn on their way.
#[derive(Default)]
pub(super) struct Media {
    pub routes: Routes,
    /// Packets of this turn, each once however many receive it.
    turn: Vec<Arc<SourcePacket>>,
    /// Peers that receive some of them, or have some that waited.
    pub receiving: Vec<TransportId>,
    pub workspace: Workspace,
    pub(super) tails: Tails,
}

impl Media {
    pub(super) fn attach(
        &mut self,
        core: &mut Core,
        now: Instant,
        id: TransportId,
        outgoing: OutgoingTrackId,
        source: SourceId,
    ) {
        let Some(before) = self.routes.attach(outgoing, source) else { return };
        self.release(core, now, outgoing, before);
        let description = self.routes.route(source).and_then(|route| route.description.clone());
        if description.is_none() && source.shard() != core.index {
            let message = ShardMessage::Subscribe { track: source, from: core.index };
            core.messages.push((source.shard(), message));
        }
        core.send(id, |sending| sending.set_source(now, outgoing, Some((source, description))));
        self.tell_demand(core, now, source);
    }

    /// A receiver here would take other encodings of `source` than before.
    pub(super) fn want_encodings(
        &mut self,
        core: &mut Core,
        now: Instant,
        source: SourceId,
        track: OutgoingTrackId,
        wanted: EncodingSet,
    ) {
        if let Some(route) = self.routes.route_mut(source) {
            route.set_wanted(track, wanted);
            self.tell_demand(core, now, source);
        }
    }

    /// Tells the sender of a track what its receivers want, if that changed.
    pub(super) fn tell_demand(&mut self, core: &mut Core, now: Instant, track: SourceId) {
        let Some(route) = self.routes.route_mut(track) else { return };
        let owner = route.owner.clone();
        let Some(wanted) = route.poll_demand() else { return };
        if track.shard() != core.index {
            let message = ShardMessage::Demand { track, from: core.index, wanted };
            core.messages.push((track.shard(), message));
            return;
        }
        match owner {
            Some(Owner::Peer(owner)) => {
                core.with(owner, |peer| peer.set_demand(now, track, wanted));
            }
            Some(Owner::Maker(inlet)) => inlet.demand(track, wanted),
            None => {}
        }
    }

    /// A receiver here loses another share of `source` than before.
    pub(super) fn note_loss(
        &mut self,
        core: &mut Core,
        now: Instant,
        source: SourceId,
        track: OutgoingTrackId,
        loss: u8,
    ) {
        if let Some(route) = self.routes.route_mut(source) {
            route.set_loss(track, loss);
            self.tell_loss(core, now, source);
        }
    }

    /// Tells the sender of a track what the worst of its receivers loses, if that changed. Who makes
    /// a track here makes no redundancy.
    pub(super) fn tell_loss(&mut self, core: &mut Core, now: Instant, track: SourceId) {
        let Some(route) = self.routes.route_mut(track) else { return };
        let sender = route.sender();
        let Some(loss) = route.poll_loss() else { return };
        if track.shard() != core.index {
            core.messages
                .push((track.shard(), ShardMessage::Loss { track, from: core.index, loss }));
        } else if let Some(sender) = sender {
            core.with(sender, |peer| peer.set_far_loss(now, track, loss));
        }
    }

    /// The outgoing track does not take `source` any more.
    pub(super) fn release(
        &mut self,
        core: &mut Core,
        now: Instant,
        outgoing: OutgoingTrackId,
        source: Option<SourceId>,
    ) {
        let Some(source) = source else { return };
        if self.routes.release(outgoing, source) && source.shard() != core.index {
            let message = ShardMessage::Unsubscribe { track: source, from: core.index };
            core.messages.push((source.shard(), message));
        }
        self.tell_demand(core, now, source);
        self.tell_loss(core, now, source);
    }

    /// Notes a packet for every receiver here, and sends it once to each shard that has some.
    pub(super) fn fan_out(&mut self, core: &mut Core, packet: Arc<SourcePacket>, own: bool) {
        let Some(route) = self.routes.route_mut(packet.track) else { return };
        if own {
            for shard in route.shards() {
                let packet = Arc::clone(&packet);
                core.messages.push((shard, ShardMessage::Media { packet }));
            }
            for tap in route.taps.iter().filter(|tap| tap.wanted.contains(packet.encoding)) {
                tap.inlet.packet(&packet);
            }
        }
        let number = self.turn.len() as u32;
        for receiver in &route.receivers {
            let Some(peer) = core.peers.get_mut(&receiver.transport) else { continue };
            if peer.deliveries.is_empty() {
                self.receiving.push(receiver.transport);
            }
            peer.deliveries.push(Delivery { track: receiver.track, packet: number });
        }
        if packet.codec.kind() == Kind::Video && route.remember(&packet) {
            self.tails.watch(&packet);
        }
        self.turn.push(packet);
    }

    /// Lets every peer send what this turn had for it, one burst each.
    pub(super) fn deliver_media(
        &mut self,
        core: &mut Core,
        now: Instant,
        output: &mut impl Output<ShardMessage>,
    ) {
        let Self { receiving, turn, workspace, .. } = self;
        let Core { peers, touched, timers, .. } = core;
        for id in receiving.drain(..) {
            let Some(peer) = peers.get_mut(&id) else { continue };
            let forwarded = peer.forward(now, turn, workspace, &mut Out(output));
            let sooner = |at| peer.deadline.is_none_or(|armed| timers.tick(at) < armed.wanted);
            let see_to_it = match forwarded {
                Some((news, wakes_at)) => news || wakes_at.is_some_and(sooner),
                // It panicked: settling finds out.
                None => true,
            };
            if see_to_it && !std::mem::replace(&mut peer.touched, true) {
                touched.push_back(id);
            }
        }
        turn.clear();
    }

    /// Tells all receivers of a track what it is now.
    pub(super) fn describe(
        &mut self,
        core: &mut Core,
        now: Instant,
        owner: TransportId,
        track: SourceId,
    ) {
        let described = core.with(owner, |peer| peer.describe(track));
        let Some(description) = described else { return };
        self.set_description(core, now, track, Owner::Peer(owner), description);
    }

    /// A track that is made here is something else now, or is new.
    pub(super) fn set_description(
        &mut self,
        core: &mut Core,
        now: Instant,
        track: SourceId,
        owner: Owner,
        description: Arc<SourceDescription>,
    ) {
        let route = self.routes.add_source(track, owner);
        route.description = Some(description.clone());
        self.tell_demand(core, now, track);
        let Some(route) = self.routes.route(track) else { return };
        for shard in route.shards() {
            let description = description.clone();
            core.messages.push((shard, ShardMessage::Description { track, description }));
        }
        for tap in &route.taps {
            tap.inlet.described(track, Some(description.clone()));
        }
        self.tell_receivers(core, now, track, description);
    }

    pub(super) fn tell_receivers(
        &mut self,
        core: &mut Core,
        now: Instant,
        track: SourceId,
        description: Arc<SourceDescription>,
    ) {
        let Some(route) = self.routes.route(track) else { return };
        for receiver in route.receivers.clone() {
            let description = description.clone();
            core.send(receiver.transport, |sending| {
                sending.describe_source(now, receiver.track, description);
            });
        }
    }

    pub(super) fn remove_source(&mut self, core: &mut Core, now: Instant, track: SourceId) {
        let Some(route) = self.routes.remove_source(track) else { return };
        if route.owner.is_some() {
            for shard in route.shards() {
                core.messages.push((shard, ShardMessage::SourceClosed { track }));
            }
        }
        for tap in &route.taps {
            tap.inlet.described(track, None);
        }
        for receiver in route.receivers {
            core.send(receiver.transport, |sending| {
                sending.set_source(now, receiver.track, None);
            });
        }
    }

    /// Another shard lost all it had: its tracks, and who took tracks of this one.
    pub(super) fn thread_ended(&mut self, core: &mut Core, now: Instant, ended: Ended) {
        let tracks: Vec<SourceId> = self.routes.tracks().collect();
        for track in tracks {
            if track.ended_with(ended) {
                self.remove_source(core, now, track);
            } else if let Some(route) = self.routes.route_mut(track) {
                route.remove_shard(ended.shard);
                self.tell_demand(core, now, track);
                self.tell_loss(core, now, track);
            }
        }
    }

    /// Somebody who is no peer takes a track of this shard, or other encodings of it than before.
    pub(super) fn tap(
        &mut self,
        core: &mut Core,
        now: Instant,
        track: SourceId,
        taker: TakerId,
        inlet: &Arc<Inlet>,
        wanted: EncodingSet,
    ) {
        let Some(route) = self.routes.route_mut(track).filter(|route| route.owner.is_some()) else {
            return inlet.described(track, None);
        };
        if route.set_tap(taker, inlet, wanted)
            && let Some(description) = &route.description
        {
            inlet.described(track, Some(description.clone()));
            // It would ask for a keyframe and not get one.
            if !description.keyframes_on_request {
                route.groups(now).into_iter().for_each(|group| inlet.group(present(group, now)));
            }
        }
        self.tell_demand(core, now, track);
    }

    /// A track of a peer here can begin: it gets the last group of pictures of an encoding in this
    /// turn, before anything else of it, or else a keyframe is asked for.
    pub(super) fn start(
        &mut self,
        core: &mut Core,
        now: Instant,
        transport: TransportId,
        track: OutgoingTrackId,
        (source, encoding): (SourceId, EncodingIndex),
    ) {
        let history = self.routes.route(source).and_then(|route| route.history(encoding));
        let opening = core.send(transport, |sending| sending.opening(track, encoding)).flatten();
        let opens = opening.zip(history).filter(|(opening, history)| history.opens(now, *opening));
        let group = opens.and_then(|(_, history)| history.group(now)).unwrap_or_default();
        let begins = group.last().is_some_and(|newest| {
            let begun = core.send(transport, |sending| sending.begin_with_group(track, newest));
            begun == Some(true)
        });
        let Some(peer) = core.peers.get_mut(&transport).filter(|_| begins) else {
            return self.want_keyframe(core, now, source, encoding, Need::Start);
        };
        if peer.deliveries.is_empty() {
            self.receiving.push(transport);
        }
        let first = self.turn.len() as u32;
        let deliveries = (first..).zip(&group).map(|(packet, _)| Delivery { track, packet });
        peer.deliveries.splice(0..0, deliveries);
        self.turn.extend(group);
    }

    /// A track is going to begin soon: the keyframe that it needs may be asked for already.
    pub(super) fn expect_start(
        &mut self,
        core: &mut Core,
        now: Instant,
        (source, encoding): (SourceId, EncodingIndex),
        opening: Opening,
    ) {
        let history = self.routes.route(source).and_then(|route| route.history(encoding));
        if !history.is_some_and(|history| history.is_going_to_open(now, opening)) {
            self.want_keyframe(core, now, source, encoding, Need::Start);
        }
    }

    pub(super) fn want_keyframe(
        &mut self,
        core: &mut Core,
        now: Instant,
        track: SourceId,
        encoding: EncodingIndex,
        need: Need,
    ) {
        if track.shard() != core.index {
            let wanted = ShardMessage::KeyframeWanted { track, encoding, need };
            core.messages.push((track.shard(), wanted));
            return;
        }
        match self.routes.route(track).and_then(|route| route.owner.clone()) {
            Some(Owner::Peer(owner)) => {
                core.with(owner, |peer| peer.request_keyframe(now, track, encoding, need));
            }
            Some(Owner::Maker(inlet)) => inlet.keyframe(track, encoding),
            None => {}
        }
    }
}

/// A shard's output as the sending side of a peer sees it.
struct Out<'a, O>(&'a mut O);

impl<O: Output<ShardMessage>> Outlet for Out<'_, O> {
    fn datagram(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        self.0.datagram_in_place(flow, capacity, write);
    }
}
/// A group of a source that stands still, as if it came to a stop just now: it is the present picture
/// of that source, and not one of when it was captured.
fn present(group: Vec<Arc<SourcePacket>>, now: Instant) -> Vec<Arc<SourcePacket>> {
    let newest = group.iter().map(|packet| packet.captured).max();
    let behind = newest.map_or(Duration::ZERO, |newest| now.saturating_duration_since(newest));
    if behind < STANDING {
        return group;
    }
    let moved = |packet: &Arc<SourcePacket>| {
        Arc::new(SourcePacket { captured: packet.captured + behind, ..SourcePacket::clone(packet) })
    };
    group.iter().map(moved).collect()
}
