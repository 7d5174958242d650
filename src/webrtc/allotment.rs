//! Which layers of their sources the outgoing video tracks of this peer get: what its link
//! carries, shared among them.

use std::time::{Duration, Instant};

use super::outgoing::Outgoing;
use super::{Session, SessionEvent};
use crate::bandwidth::{self, Allocator, LadderBuilder, LayerId, Reason, Selection, Track};
use crate::codec::{Kind, Layer};
use crate::control::event::Event;
use crate::control::ids::OutgoingTrackId;
use crate::control::layers::{ForwardedLayer, LayerReason, Preferences};
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::thinnest_link::LEAST;
use crate::sfu::{EncodingIndex, EncodingSet};

/// How long the link has to be too small for the least of everything before something stops: an
/// estimate may be wrong for a moment, and a picture that stops is worse than one that is late.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a session needs to share its link.
#[derive(Default)]
pub(super) struct Allotting {
    allocator: Allocator,
    builder: LadderBuilder,
    /// Tracks that take part, and whose they are.
    tracks: Vec<Track>,
    ids: Vec<OutgoingTrackId>,
    /// Reused.
    layers: Vec<bandwidth::Layer>,
    /// When to do it again although nothing changed.
    pub(super) next: Option<Instant>,
    /// Since when the link carries less than the least of all tracks.
    pressed: Option<Instant>,
}

impl Allotting {
    /// Notes whether there is enough for the least of everything.
    fn press(&mut self, now: Instant, available: u64) {
        let least = |track: &Track| {
            let rungs = track.ladder().rungs();
            rungs.iter().find(|rung| rung.active).map_or(0, |rung| rung.bitrate)
        };
        if self.has_paused() || self.tracks.iter().map(least).sum::<u64>() > available {
            self.pressed.get_or_insert(now);
        } else {
            self.pressed = None;
        }
    }

    /// Whether something is not sent because the link has no room for it.
    pub(super) fn has_paused(&self) -> bool {
        self.tracks.iter().any(|track| track.reason() == Reason::Paused)
    }

    /// Whether anything has a share of the link.
    pub(super) fn has_tracks(&self) -> bool {
        !self.ids.is_empty()
    }
}

/// What was last said of a track's layers.
#[derive(Clone, Default, Debug)]
pub(super) struct Allotment {
    reason: LayerReason,
    /// The encodings that the source's sender should make.
    wanted: Option<EncodingSet>,
    told: Option<(Option<(EncodingIndex, Layer)>, LayerReason)>,
}

impl Allotment {
    pub(super) fn reason(&self) -> LayerReason {
        self.reason
    }

    /// Another source: nothing was said of it.
    pub(super) fn forget(&mut self) {
        *self = Self { told: self.told, ..Self::default() };
    }
}

impl Session {
    /// Shares what the link carries among the video tracks, and has their transponders take what
    /// they are to take.
    pub(super) fn allocate(&mut self, now: Instant) {
        let available = self.available_for_video().unwrap_or(u64::MAX);
        self.collect_tracks(now, available);
        self.allotting.press(now, available);
        let Allotting { allocator, tracks, .. } = &mut self.allotting;
        let allocation = allocator.allocate(now, available, tracks);
        self.allotting.next = allocation.next;
        let audio = self.audio_bitrate();
        self.bandwidth.target = allocation.used + audio;
        self.bandwidth.wanted = allocation.wanted.map(|wanted| wanted + audio);
        self.bandwidth.best = allocation.best + audio;
        let tracks = self.allotting.tracks.len().max(1) as u64;
        for index in 0..self.outgoing.len() {
            if self.bandwidth.is_certain() {
                self.outgoing[index].report_thin_link(available / tracks);
            }
            match self.outgoing[index].kind {
                Kind::Video => self.apply(index),
                Kind::Audio => self.want_sound(self.outgoing[index].id),
            }
            self.after_choice(now, self.outgoing[index].id);
        }
    }

    /// Brings the tracks of the allocator up to date with the outgoing ones.
    fn collect_tracks(&mut self, now: Instant, available: u64) {
        let pressed = |since: Instant| now >= since + PATIENCE;
        let may_pause = self.bandwidth.is_certain() && self.allotting.pressed.is_some_and(pressed);
        let Allotting { builder, tracks, ids, layers, .. } = &mut self.allotting;
        let outgoing = &self.outgoing;
        let mut place = 0;
        while let Some(id) = ids.get(place) {
            if outgoing.position(*id).is_some_and(|index| outgoing[index].takes_part()) {
                place += 1;
            } else {
                ids.remove(place);
                tracks.remove(place);
            }
        }
        let count = outgoing.iter().filter(|outgoing| outgoing.takes_part()).count() as u64;
        let share = available / count.max(1);
        for outgoing in outgoing.iter().filter(|outgoing| outgoing.takes_part()) {
            let place = ids.iter().position(|id| *id == outgoing.id).unwrap_or_else(|| {
                ids.push(outgoing.id);
                tracks.push(Track::default());
                ids.len() - 1
            });
            layers.clear();
            outgoing.collect_layers(layers);
            let mut preferences = wishes(&outgoing.preferences);
            // Who chose an encoding gets it; of its layers what fits, and at least the lowest.
            preferences.pause_allowed &= outgoing.selected.is_none() && may_pause;
            // What nobody watches is not made, and would never get smaller.
            preferences.pause_allowed &= !(outgoing.shrinks() && share >= u64::from(LEAST));
            tracks[place].update(builder, layers, &preferences, &outgoing.selection());
        }
    }

    /// Has a transponder take what was decided.
    fn apply(&mut self, index: usize) {
        let Allotting { tracks, ids, .. } = &self.allotting;
        let outgoing = &mut self.outgoing[index];
        let place = ids.iter().position(|id| *id == outgoing.id);
        let track = place.map(|place| &tracks[place]);
        let known = track.filter(|track| !track.ladder().rungs().is_empty());
        let (reason, wanted) = match known {
            Some(track) => {
                outgoing.transponder.set_paused(track.reason() == Reason::Paused);
                if let Some(LayerId { encoding, spatial, temporal }) = track.target() {
                    let layer = Layer::new(spatial, temporal);
                    outgoing.transponder.select(Some(EncodingIndex(encoding)), layer);
                }
                let mut wanted = EncodingSet::NONE;
                for layer in [track.target(), track.desired()].into_iter().flatten() {
                    wanted = wanted.with(EncodingIndex(layer.encoding));
                }
                (reason_of(track.reason()), wanted.union(outgoing.unmeasured_encodings()))
            }
            // Nothing is known of what the layers cost.
            None => {
                outgoing.transponder.set_paused(false);
                let selected = outgoing.selected_encoding();
                outgoing.transponder.select(selected, outgoing.layer_limit);
                let wanted =
                    if outgoing.takes_part() { outgoing.usable() } else { EncodingSet::NONE };
                let nothing = outgoing.transponder.target().is_none();
                let reason = if nothing { LayerReason::Unavailable } else { LayerReason::Best };
                (reason, wanted)
            }
        };
        outgoing.allotment.reason = if outgoing.muted { LayerReason::Muted } else { reason };
        self.want(index, wanted);
    }

    /// Tells the source which of its sound's alternatives is taken.
    pub(super) fn want_sound(&mut self, id: OutgoingTrackId) {
        let Some(index) = self.outgoing.position(id) else { return };
        let outgoing = &self.outgoing[index];
        if outgoing.description().is_none_or(|description| !description.alternatives) {
            return;
        }
        let takes = outgoing.sending && !outgoing.muted;
        let wanted = if takes { outgoing.usable() } else { EncodingSet::NONE };
        self.want(index, wanted);
    }

    fn want(&mut self, index: usize, wanted: EncodingSet) {
        let outgoing = &mut self.outgoing[index];
        if outgoing.allotment.wanted.replace(wanted) != Some(wanted)
            && let Some(source) = &outgoing.source
        {
            let (source, id) = (source.id, outgoing.id);
            self.events.push_back(SessionEvent::EncodingsWanted { source, id, wanted });
        }
    }

    /// Says which layers are forwarded, when that or the reason changed.
    pub(super) fn tell_layer(&mut self, id: OutgoingTrackId) {
        let Some(outgoing) = self.outgoing.find_mut(id) else { return };
        if outgoing.kind != Kind::Video {
            return;
        }
        let layer = outgoing.forwarded_layer();
        let place = layer.as_ref().map(|layer| Layer::new(layer.spatial, layer.temporal));
        let now = (outgoing.transponder.current().zip(place), outgoing.allotment.reason);
        if outgoing.allotment.told.replace(now) == Some(now) {
            return;
        }
        let event =
            Event::TransponderLayer { id: outgoing.id, layer, reason: outgoing.allotment.reason };
        self.events.push_back(SessionEvent::Event(event));
    }

    /// Bit/s of the sound that this peer gets.
    pub(super) fn audio_bitrate(&self) -> u64 {
        let sound = self.outgoing.iter().filter(|outgoing| outgoing.kind == Kind::Audio);
        sound.map(|outgoing| outgoing.sent.bitrate()).sum()
    }
}

impl Outgoing {
    /// Whether it has a share of the link: video that is to be sent and that the peer takes.
    fn takes_part(&self) -> bool {
        self.kind == Kind::Video && self.sending && !self.muted && self.source.is_some()
    }

    /// Whether its source makes its smallest encoding as small as links need it.
    fn shrinks(&self) -> bool {
        self.description().is_some_and(|source| source.thinnest.is_some())
    }

    /// Whether packets can be repeated to it that it does not need.
    pub(super) fn can_probe(&self) -> bool {
        let repeats = self.egress.as_ref().is_some_and(|stream| stream.parameters().rtx.is_some());
        self.takes_part() && repeats
    }

    fn description(&self) -> Option<&SourceDescription> {
        self.source.as_ref()?.description.as_deref()
    }

    /// The encoding that the application chose, once it is known.
    fn selected_encoding(&self) -> Option<EncodingIndex> {
        let rid = self.selected.as_deref()?;
        let mut encodings = self.encodings();
        encodings.find(|encoding| encoding.rid.as_deref() == Some(rid)).map(|found| found.index)
    }

    fn selection(&self) -> Selection {
        Selection {
            encoding: self.selected_encoding().map(|encoding| encoding.0),
            max_spatial: Some(self.layer_limit.spatial),
            max_temporal: Some(self.layer_limit.temporal),
        }
    }

    /// What its source can send.
    fn collect_layers(&self, layers: &mut Vec<bandwidth::Layer>) {
        for encoding in self.encodings() {
            layers.extend(Layer::all().filter_map(|layer| measured(encoding, layer)));
        }
    }

    /// Encodings that never came long enough to be measured, and so are in no ladder. They have to
    /// come once: a sender whose uplink is still being found out begins with the small ones, and
    /// one that it is told to switch off by then would stay unknown for good.
    fn unmeasured_encodings(&self) -> EncodingSet {
        self.encodings()
            .filter(|encoding| Layer::all().all(|layer| measured(encoding, layer).is_none()))
            .fold(EncodingSet::NONE, |set, encoding| set.with(encoding.index))
    }

    /// Tells a source that can make its smallest encoding smaller how small it has to be.
    fn report_thin_link(&self, share: u64) {
        let Some(link) = self.description().and_then(|source| source.thinnest.as_ref()) else {
            return;
        };
        let needed = self.encodings().filter_map(|e| Some(e.rates.cumulative(Layer::default())?.0));
        if self.takes_part() && needed.min().is_some_and(|needed| needed > share) {
            link.report(share - share / 10);
        }
    }

    /// The encodings that it might take.
    fn usable(&self) -> EncodingSet {
        if self.description().is_none_or(|description| !description.alternatives) {
            return EncodingSet::ALL;
        }
        self.encodings().fold(EncodingSet::NONE, |set, encoding| set.with(encoding.index))
    }

    /// The layers that are forwarded.
    pub(super) fn forwarded_layer(&self) -> Option<ForwardedLayer> {
        let encoding = self.transponder.current().filter(|_| self.kind == Kind::Video)?;
        self.describe_layer(encoding, self.transponder.layer())
    }

    /// What is forwarded, for people.
    fn describe_layer(&self, index: EncodingIndex, limit: Layer) -> Option<ForwardedLayer> {
        let encoding = self.description()?.encoding(index)?;
        let measured = Layer::all().filter(|layer| layer.within(limit));
        let best = measured.filter_map(|layer| measured_layer(encoding, layer)).last();
        Some(best.unwrap_or(ForwardedLayer {
            rid: encoding.rid.clone(),
            spatial: 0,
            temporal: 0,
            size: encoding.size,
            frame_rate: 0.0,
            bitrate: 0,
        }))
    }
}

fn measured(encoding: &SourceEncoding, layer: Layer) -> Option<bandwidth::Layer> {
    let (bitrate, frame_rate) = encoding.rates.cumulative(layer)?;
    let (width, height) = size(encoding, layer).unwrap_or_default();
    Some(bandwidth::Layer {
        encoding: encoding.index.0,
        spatial: layer.spatial,
        temporal: layer.temporal,
        bitrate,
        width,
        height,
        frame_rate,
        active: encoding.active,
    })
}

fn measured_layer(encoding: &SourceEncoding, layer: Layer) -> Option<ForwardedLayer> {
    let (bitrate, frame_rate) = encoding.rates.cumulative(layer)?;
    Some(ForwardedLayer {
        rid: encoding.rid.clone(),
        spatial: layer.spatial,
        temporal: layer.temporal,
        size: size(encoding, layer),
        frame_rate,
        bitrate,
    })
}

fn size(encoding: &SourceEncoding, layer: Layer) -> Option<(u16, u16)> {
    encoding.rates.size(layer.spatial).or(encoding.size)
}

fn wishes(preferences: &Preferences) -> bandwidth::Preferences {
    bandwidth::Preferences {
        max_width: preferences.max_width,
        max_height: preferences.max_height,
        max_frame_rate: preferences.max_frame_rate,
        max_bitrate: preferences.max_bitrate,
        priority: preferences.priority,
        pause_allowed: preferences.pause_allowed,
    }
}

fn reason_of(reason: Reason) -> LayerReason {
    match reason {
        Reason::Best => LayerReason::Best,
        Reason::Preferences => LayerReason::Preferences,
        Reason::Bandwidth | Reason::Paused => LayerReason::Bandwidth,
        Reason::Unavailable => LayerReason::Unavailable,
    }
}
