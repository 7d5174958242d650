//! Whoever takes tracks and is no peer: the tracks that feed its places, and what their shards are
//! told of that. A track that feeds several places comes once.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::inlet::Inlet;
use super::input::Input;
use crate::codec::packet::TakenPacket;
use crate::codec::{Codec, Kind};
use crate::control::ids::{Ended, IdMap, ShardIndex, SourceId, TakerId};
use crate::engine::message::ShardMessage;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingSet, Need, SourcePacket};

/// The tracks that somebody takes. `K` is what it calls the places that they feed: the ports of a
/// mixer, the lines of a recording.
///
/// What shards have to be told waits in [`take_messages`](Self::take_messages); what they tell
/// comes by the [`Inlet`].
pub struct Taker<K> {
    id: TakerId,
    inlet: Arc<Inlet>,
    /// By track.
    all: Vec<Input<K>>,
    /// What each track is, as far as its shard told.
    descriptions: IdMap<SourceId, Arc<SourceDescription>>,
    /// What each track's shard was last told.
    told: IdMap<SourceId, EncodingSet>,
    /// Where the inputs of each track are. Made anew when inputs change.
    places: IdMap<SourceId, Range<usize>>,
    messages: Vec<(ShardIndex, ShardMessage)>,
    /// Something is not as it was when shards were last told.
    changed: bool,
    preferred: &'static [Codec],
}

impl<K: Copy + Eq> Taker<K> {
    /// Takes nothing yet. Shards leave for it what they have at `inlet`.
    pub fn new(id: TakerId, inlet: Arc<Inlet>) -> Self {
        Self {
            id,
            inlet,
            all: Vec::new(),
            descriptions: IdMap::default(),
            told: IdMap::default(),
            places: IdMap::default(),
            messages: Vec::new(),
            changed: false,
            preferred: &[],
        }
    }

    /// Of tracks whose codecs are alternatives, takes the first of these that each has.
    pub fn preferring(self, codecs: &'static [Codec]) -> Self {
        Self { preferred: codecs, ..self }
    }

    /// What feeds which place.
    pub fn iter(&self) -> impl Iterator<Item = &Input<K>> {
        self.all.iter()
    }

    /// Feeds a place from a track, or from nothing. Says whether that changed anything.
    pub fn attach(&mut self, place: K, kind: Kind, track: Option<SourceId>) -> bool {
        let known = self.all.iter().position(|i| i.place == place && i.kind == kind);
        if known.map(|known| self.all[known].track) == track {
            return false;
        }
        if let Some(known) = known {
            self.all.swap_remove(known);
        }
        if let Some(track) = track {
            let mut input = Input::new(place, kind, track);
            input.prefer(self.preferred);
            if let Some(description) = self.descriptions.get(&track) {
                input.describe(Arc::clone(description));
            }
            self.all.push(input);
        }
        self.index();
        true
    }

    /// A place takes the encoding of this RID, whatever track feeds it from now on.
    pub fn name_encoding(&mut self, place: K, rid: &str) {
        self.changed = true;
        let inputs = self.all.iter_mut().filter(|input| input.place == place);
        inputs.for_each(|input| input.name_encoding(rid));
    }

    fn index(&mut self) {
        self.changed = true;
        self.places.clear();
        self.all.sort_by_key(|input| input.track);
        let mut start = 0;
        for inputs in self.all.chunk_by(|one, other| one.track == other.track) {
            self.places.insert(inputs[0].track, start..start + inputs.len());
            start += inputs.len();
        }
        let gone = self.told.keys().filter(|track| !self.places.contains_key(track));
        let gone: Vec<SourceId> = gone.copied().collect();
        for track in gone {
            self.untap(track);
        }
    }

    fn untap(&mut self, track: SourceId) {
        self.descriptions.remove(&track);
        if self.told.remove(&track).is_some() {
            let message = ShardMessage::Untap { track, taker: self.id };
            self.messages.push((track.shard(), message));
        }
    }

    /// Takes nothing any more.
    pub fn clear(&mut self) {
        self.all.clear();
        self.index();
    }

    /// What a track is now. Gives the places whose input began anew.
    pub fn described(
        &mut self,
        track: SourceId,
        description: Option<Arc<SourceDescription>>,
    ) -> Vec<(K, Kind)> {
        let mut anew = Vec::new();
        let Some(description) = description else {
            self.told.remove(&track);
            self.descriptions.remove(&track);
            self.all.retain(|input| {
                let gone = input.track == track;
                anew.extend(gone.then_some((input.place, input.kind)));
                !gone
            });
            self.index();
            return anew;
        };
        self.changed = true;
        if self.told.contains_key(&track) {
            self.descriptions.insert(track, Arc::clone(&description));
        }
        for input in self.all.iter_mut().filter(|input| input.track == track) {
            if input.describe(Arc::clone(&description)) {
                anew.push((input.place, input.kind));
            }
        }
        anew
    }

    /// A shard lost all it had. Gives the tracks that are taken from it.
    pub fn ended(&self, ended: Ended) -> Vec<SourceId> {
        self.places.keys().filter(|track| track.ended_with(ended)).copied().collect()
    }

    /// Gives a packet to every place that takes it.
    pub fn receive(
        &mut self,
        packet: &SourcePacket,
        mut give: impl FnMut(&mut Input<K>, &TakenPacket),
    ) {
        let Some(places) = self.places.get(&packet.track) else { return };
        for input in &mut self.all[places.clone()] {
            if let Some(packet) = input.receive(packet) {
                give(input, &packet);
            }
        }
    }

    /// `size` tells in how many pixels an input is needed, if it is.
    pub fn update(&mut self, now: Instant, size: impl Fn(&Input<K>) -> Option<(u16, u16)>) {
        let mut changed = std::mem::take(&mut self.changed);
        for input in &mut self.all {
            let size = size(input);
            // Sound that is or is not needed as before: most of a large room.
            if input.kind == Kind::Audio && input.needed() == size.is_some() {
                continue;
            }
            changed = true;
            input.need(size);
            if let Some(encoding) = input.wants_keyframe(now) {
                let (track, need) = (input.track, Need::Start);
                self.messages
                    .push((track.shard(), ShardMessage::KeyframeWanted { track, encoding, need }));
            }
        }
        if !changed {
            return;
        }
        let Self { all, places, told, messages, inlet, id, .. } = self;
        for (track, places) in places.iter() {
            let wanted = all[places.clone()].iter().map(Input::wanted);
            let wanted = wanted.fold(EncodingSet::NONE, EncodingSet::union);
            if told.get(track) == Some(&wanted) {
                continue;
            }
            if wanted == EncodingSet::NONE && !told.contains_key(track) {
                continue;
            }
            let (track, taker, inlet) = (*track, *id, Arc::clone(inlet));
            messages.push((track.shard(), ShardMessage::Tap { track, taker, inlet, wanted }));
            told.insert(track, wanted);
        }
    }

    /// What is decoded for a place needs a keyframe to go on.
    pub fn ask_for_keyframe(&mut self, place: K) {
        let input = self.all.iter().find(|input| input.place == place && input.kind == Kind::Video);
        if let Some(input) = input.filter(|input| input.needed())
            && let Some(encoding) = input.current()
        {
            let (track, need) = (input.track, Need::Repair);
            let wanted = ShardMessage::KeyframeWanted { track, encoding, need };
            self.messages.push((track.shard(), wanted));
        }
    }

    /// What shards have to be told since the last call, in order.
    pub fn take_messages(&mut self) -> Vec<(ShardIndex, ShardMessage)> {
        std::mem::take(&mut self.messages)
    }
}
