//! Which receivers on this shard take which track, and which other shards have some.

use std::sync::Arc;
use std::time::Instant;

use crate::control::ids::{
    IdMap, MAX_SHARDS, OutgoingTrackId, ShardIndex, SourceId, TakerId, TransportId,
};
use crate::engine::tap::Inlet;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, History, SourcePacket};

/// The tracks and outgoing tracks of a shard.
#[derive(Default)]
pub struct Routes {
    tracks: IdMap<SourceId, Route>,
    outgoing: IdMap<OutgoingTrackId, Outgoing>,
}

/// Where one track goes.
#[derive(Default)]
pub struct Route {
    pub receivers: Vec<Receiver>,
    /// Others than peers that take it, where its owner lives.
    pub taps: Vec<Tap>,
    /// Other shards with receivers, one bit each.
    shards: u64,
    pub description: Option<Arc<SourceDescription>>,
    /// Who makes it, when that is on this shard.
    pub owner: Option<Owner>,
    /// What receivers here may ask for again, by encoding.
    histories: Vec<History>,
    /// What receivers on other shards want.
    far_demand: Vec<(ShardIndex, EncodingSet)>,
    /// What was last said that all receivers want.
    demand: Option<EncodingSet>,
    /// What the worst receiver on each other shard loses, in 256ths.
    far_loss: Vec<(ShardIndex, u8)>,
    /// What was last said that the worst of all loses.
    loss: u8,
}

/// Where the packets of a track come from.
#[derive(Clone, Debug)]
pub enum Owner {
    Peer(TransportId),
    /// Whoever makes it hears at his inlet of what is wanted.
    Maker(Arc<Inlet>),
}

/// Somebody who takes a track and is no peer.
#[derive(Debug)]
pub struct Tap {
    pub taker: TakerId,
    pub inlet: Arc<Inlet>,
    /// The encodings it would take.
    pub wanted: EncodingSet,
}

/// An outgoing track here that takes a track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receiver {
    pub transport: TransportId,
    pub track: OutgoingTrackId,
    /// The encodings it would take.
    pub wanted: EncodingSet,
    /// What it loses, in 256ths.
    pub loss: u8,
}

struct Outgoing {
    transport: TransportId,
    source: Option<SourceId>,
}

const _: () = assert!(MAX_SHARDS <= 64, "a shard is a bit of a u64");

impl Route {
    /// Other shards with receivers.
    pub fn shards(&self) -> impl Iterator<Item = ShardIndex> + use<> {
        let bits = self.shards;
        (0..MAX_SHARDS as u8).filter(move |bit| bits >> bit & 1 == 1).map(ShardIndex)
    }

    /// Remembers a packet for receivers that lose it, and where it is made also for those who are to
    /// come. Gives whether the encoding has to be watched for pauses from now on.
    pub fn remember(&mut self, packet: &Arc<SourcePacket>) -> bool {
        let nobody = self.receivers.is_empty();
        if nobody && self.owner.is_none() {
            return false;
        }
        let index = usize::from(packet.encoding.0);
        if self.histories.len() <= index {
            self.histories.resize_with(index + 1, History::default);
        }
        let history = &mut self.histories[index];
        let described = self.description.as_ref();
        history.set_keyframes_on_request(described.is_none_or(|d| d.keyframes_on_request));
        if nobody {
            history.insert_for_newcomers(packet);
            return false;
        }
        history.insert(packet);
        history.begin_watch()
    }

    /// The last groups of pictures of all encodings.
    pub fn groups(&self, now: Instant) -> Vec<Vec<Arc<SourcePacket>>> {
        self.histories.iter().filter_map(|history| history.group(now)).collect()
    }

    /// What receivers here may ask for again of an encoding.
    pub fn history(&self, encoding: EncodingIndex) -> Option<&History> {
        self.histories.get(usize::from(encoding.0))
    }

    /// The same, to change it.
    pub fn history_mut(&mut self, encoding: EncodingIndex) -> Option<&mut History> {
        self.histories.get_mut(usize::from(encoding.0))
    }

    /// Another shard has receivers.
    pub fn add_shard(&mut self, shard: ShardIndex) {
        self.shards |= 1 << shard.0;
    }

    /// It has none any more.
    pub fn remove_shard(&mut self, shard: ShardIndex) {
        self.shards &= !(1 << shard.0);
        self.far_demand.retain(|(from, _)| *from != shard);
        self.far_loss.retain(|(from, _)| *from != shard);
    }

    /// Somebody takes the track, or takes other encodings of it. Says whether it begins, for the first
    /// time or after it took nothing.
    pub fn set_tap(&mut self, taker: TakerId, inlet: &Arc<Inlet>, wanted: EncodingSet) -> bool {
        if let Some(tap) = self.taps.iter_mut().find(|tap| tap.taker == taker) {
            let before = std::mem::replace(&mut tap.wanted, wanted);
            return before == EncodingSet::NONE && wanted != EncodingSet::NONE;
        }
        self.taps.push(Tap { taker, inlet: Arc::clone(inlet), wanted });
        true
    }

    /// Nobody who begins gets what came before.
    pub fn forget_past(&mut self) {
        self.histories.iter_mut().for_each(History::forget_group);
    }

    /// Somebody takes the track no more.
    pub fn remove_tap(&mut self, taker: TakerId) {
        self.taps.retain(|tap| tap.taker != taker);
    }

    /// The peer that sends it.
    pub fn sender(&self) -> Option<TransportId> {
        match self.owner {
            Some(Owner::Peer(id)) => Some(id),
            _ => None,
        }
    }

    /// A receiver here wants other encodings.
    pub fn set_wanted(&mut self, track: OutgoingTrackId, wanted: EncodingSet) {
        if let Some(receiver) = self.receivers.iter_mut().find(|r| r.track == track) {
            receiver.wanted = wanted;
        }
    }

    /// The receivers on another shard want other encodings.
    pub fn set_far_demand(&mut self, from: ShardIndex, wanted: EncodingSet) {
        match self.far_demand.iter_mut().find(|(shard, _)| *shard == from) {
            Some((_, known)) => *known = wanted,
            None => self.far_demand.push((from, wanted)),
        }
    }

    /// What all receivers together want, once after each change.
    pub fn poll_demand(&mut self) -> Option<EncodingSet> {
        let near = self.receivers.iter().map(|receiver| receiver.wanted);
        let far = self.far_demand.iter().map(|(_, wanted)| *wanted);
        let taps = self.taps.iter().map(|tap| tap.wanted);
        let demand = near.chain(far).chain(taps).fold(EncodingSet::NONE, EncodingSet::union);
        (self.demand.replace(demand) != Some(demand)).then_some(demand)
    }

    /// A receiver here loses this share, in 256ths.
    pub fn set_loss(&mut self, track: OutgoingTrackId, loss: u8) {
        if let Some(receiver) = self.receivers.iter_mut().find(|r| r.track == track) {
            receiver.loss = loss;
        }
    }

    /// The worst of the receivers on another shard loses this share.
    pub fn set_far_loss(&mut self, from: ShardIndex, loss: u8) {
        match self.far_loss.iter_mut().find(|(shard, _)| *shard == from) {
            Some((_, known)) => *known = loss,
            None => self.far_loss.push((from, loss)),
        }
    }

    /// What the worst receiver loses, once after each change.
    pub fn poll_loss(&mut self) -> Option<u8> {
        let near = self.receivers.iter().map(|receiver| receiver.loss);
        let far = self.far_loss.iter().map(|(_, loss)| *loss);
        let loss = near.chain(far).max().unwrap_or(0);
        (std::mem::replace(&mut self.loss, loss) != loss).then_some(loss)
    }
}

impl Routes {
    /// Where a track goes, if anybody here knows it.
    pub fn route(&self, track: SourceId) -> Option<&Route> {
        self.tracks.get(&track)
    }

    /// The same, to change it.
    pub fn route_mut(&mut self, track: SourceId) -> Option<&mut Route> {
        self.tracks.get_mut(&track)
    }

    /// All tracks that somebody here sends or takes.
    pub fn tracks(&self) -> impl Iterator<Item = SourceId> {
        self.tracks.keys().copied()
    }

    /// A track that is made on this shard.
    pub fn add_source(&mut self, track: SourceId, owner: Owner) -> &mut Route {
        let route = self.tracks.entry(track).or_default();
        route.owner = Some(owner);
        route
    }

    /// The track is gone. Gives where it went.
    pub fn remove_source(&mut self, track: SourceId) -> Option<Route> {
        let route = self.tracks.remove(&track)?;
        for receiver in &route.receivers {
            if let Some(outgoing) = self.outgoing.get_mut(&receiver.track) {
                outgoing.source = None;
            }
        }
        Some(route)
    }

    /// A transport has another outgoing track.
    pub fn add_outgoing(&mut self, id: OutgoingTrackId, transport: TransportId) {
        self.outgoing.insert(id, Outgoing { transport, source: None });
    }

    /// Routes `source` to an outgoing track. Gives what fed it before.
    pub fn attach(&mut self, id: OutgoingTrackId, source: SourceId) -> Option<Option<SourceId>> {
        let outgoing = self.outgoing.get_mut(&id)?;
        let transport = outgoing.transport;
        let before = outgoing.source.replace(source);
        let route = self.tracks.entry(source).or_default();
        if !route.receivers.iter().any(|receiver| receiver.track == id) {
            let wanted = EncodingSet::ALL;
            route.receivers.push(Receiver { transport, track: id, wanted, loss: 0 });
        }
        Some(before.filter(|before| *before != source))
    }

    /// What feeds an outgoing track. `None`: there is no such track.
    pub fn source_of(&self, id: OutgoingTrackId) -> Option<Option<SourceId>> {
        self.outgoing.get(&id).map(|outgoing| outgoing.source)
    }

    /// Gives what fed the outgoing track until now.
    pub fn detach(&mut self, id: OutgoingTrackId) -> Option<SourceId> {
        self.outgoing.get_mut(&id)?.source.take()
    }

    /// An outgoing track is gone. Gives what fed it.
    pub fn remove_outgoing(&mut self, id: OutgoingTrackId) -> Option<SourceId> {
        self.outgoing.remove(&id)?.source
    }

    /// Takes the outgoing track off the source's route. True when the source lives on another
    /// shard and nobody here receives it any more: its shard has to be told.
    pub fn release(&mut self, id: OutgoingTrackId, source: SourceId) -> bool {
        let Some(route) = self.tracks.get_mut(&source) else { return false };
        route.receivers.retain(|receiver| receiver.track != id);
        if route.receivers.is_empty() && route.owner.is_none() {
            self.tracks.remove(&source);
            return true;
        }
        false
    }

    /// Everything below a peer, for when the peer itself cannot be asked any more.
    pub fn children_of(&self, id: TransportId) -> (Vec<SourceId>, Vec<OutgoingTrackId>) {
        let incoming = self.tracks.iter().filter(|(_, route)| route.sender() == Some(id));
        let outgoing = self.outgoing.iter().filter(|(_, outgoing)| outgoing.transport == id);
        (incoming.map(|(id, _)| *id).collect(), outgoing.map(|(id, _)| *id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_loss_of_all_receivers_is_said_once_after_each_change() {
        let mut routes = Routes::default();
        let source = SourceId(64);
        for track in [1, 2] {
            routes.add_outgoing(OutgoingTrackId(track), TransportId(track));
            routes.attach(OutgoingTrackId(track), source);
        }
        let route = routes.route_mut(source).unwrap();
        assert_eq!(route.poll_loss(), None, "nobody loses anything");
        route.set_loss(OutgoingTrackId(1), 10);
        assert_eq!([route.poll_loss(), route.poll_loss()], [Some(10), None]);
        route.set_loss(OutgoingTrackId(2), 5);
        assert_eq!(route.poll_loss(), None);
        route.add_shard(ShardIndex(3));
        route.set_far_loss(ShardIndex(3), 25);
        assert_eq!(route.poll_loss(), Some(25));
        route.remove_shard(ShardIndex(3));
        assert_eq!(route.poll_loss(), Some(10));
        routes.release(OutgoingTrackId(1), source);
        assert_eq!(routes.route_mut(source).unwrap().poll_loss(), Some(5));
    }
}
