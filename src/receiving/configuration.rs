//! What negotiation and the rest of the engine say to the receiving side, and ask of it.

use std::time::Instant;

use super::demux::{Demux, Place, Repaired, Route};
use super::line::ReceiveLine;
use super::track::Track;
use super::{Line, Received, Receiving, sooner};
use crate::codec::Kind;
use crate::control::ids::SourceId;
use crate::control::layers::EncodingDemand;
use crate::control::stats::IncomingTrackStats;
use crate::sfu::source::SourceDescription;
use crate::sfu::{AudioLevelMeter, EncodingSet};

impl Receiving {
    /// Takes what was agreed on, of all lines. Tracks that are in it still, by their ids, go on
    /// with their streams; those that are not are forgotten.
    pub fn configure(&mut self, lines: Vec<ReceiveLine>) {
        let mut before: Vec<(usize, usize, Track)> = Vec::new();
        for (line, old) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            let tracks = old.tracks.into_iter().enumerate();
            before.extend(tracks.map(|(track, state)| (line, track, state)));
        }
        before.sort_by_key(|(_, _, track)| track.id);
        // Where tracks were, and where they are.
        let mut moved = Vec::new();
        for (line, spec) in lines.into_iter().enumerate() {
            let mut tracks = Vec::with_capacity(spec.tracks.len());
            for (track, named) in spec.tracks.iter().enumerate() {
                let known = before.binary_search_by_key(&named.id, |(_, _, track)| track.id);
                tracks.push(match known {
                    Ok(known) => {
                        let fresh = Track::new(named.id, &spec);
                        let (old_line, old_track, state) = &mut before[known];
                        moved.push(((*old_line, *old_track), (line, track)));
                        let mut state = std::mem::replace(state, fresh);
                        state.configure(&spec);
                        state
                    }
                    Err(_) => Track::new(named.id, &spec),
                });
            }
            self.lines.push(Line { spec, tracks });
        }
        moved.sort_unstable();
        self.places.clear();
        for (line, Line { tracks, .. }) in self.lines.iter().enumerate() {
            let tracks = tracks.iter().enumerate();
            self.places.extend(tracks.map(|(place, track)| (track.id, (line, place))));
        }
        self.demux = Demux::new(self.lines.iter().map(|line| &line.spec));
        let told = self.lines.iter().filter(|line| line.spec.feedback.transport_cc);
        self.transport_sequence =
            told.filter_map(|line| line.spec.extensions.transport_sequence).next();
        let takes_remb = self.lines.iter().any(|line| line.spec.feedback.remb);
        if self.transport_sequence.is_some() || !takes_remb {
            self.remb = None;
        } else {
            self.remb.get_or_insert_default();
        }
        self.unannounced = 0;
        for stream in &mut self.streams {
            stream.route = moved_route(stream.route, &moved);
            self.unannounced += usize::from(!self.demux.is_announced(stream.ssrc));
        }
    }

    /// A stream counts anew, beginning with this number. Its extended numbers go on above those that
    /// there were. For streams that nothing protects: where there are keys, what is old is a replay.
    /// False: there is no such stream.
    pub fn begin_anew(&mut self, now: Instant, ssrc: u32, sequence: u16) -> bool {
        let Ok(place) = self.position(ssrc) else { return false };
        let Some(stream) = self.streams.get_mut(place) else { return false };
        // Two turns further, so that none of the numbers before is among the nearest.
        let turn = (stream.index.highest() >> 16).saturating_add(2) << 16;
        let before = (turn | u64::from(sequence)).saturating_sub(1);
        *stream = super::stream::Stream::new(now, ssrc, before, stream.route);
        true
    }

    /// What was agreed on.
    pub fn lines(&self) -> impl Iterator<Item = &ReceiveLine> {
        self.lines.iter().map(|line| &line.spec)
    }

    /// Forgets a track. What comes of it from now on is dropped.
    pub fn remove_track(&mut self, id: SourceId) -> bool {
        let mut lines: Vec<ReceiveLine> = self.lines().cloned().collect();
        let holds = |line: &&mut ReceiveLine| line.tracks.iter().any(|track| track.id == id);
        let Some(line) = lines.iter_mut().find(holds) else { return false };
        let place = line.tracks.iter().position(|track| track.id == id).unwrap_or(0);
        line.tracks.remove(place);
        // Sources name tracks by their places.
        line.sources.retain(|source| source.track != place);
        let behind = line.sources.iter_mut().filter(|source| source.track > place);
        behind.for_each(|source| source.track -= 1);
        self.configure(lines);
        true
    }

    /// Receivers get nothing of a track: its m-line says that the peer does not send, or it is
    /// withheld. `None` when there is no such track.
    pub fn is_held_back(&self, id: SourceId) -> Option<bool> {
        self.track(id).map(Track::is_held_back)
    }

    /// Whether [`Receiving::withhold`] holds.
    pub fn is_withheld(&self, id: SourceId) -> bool {
        self.track(id).is_some_and(|track| track.withheld)
    }

    /// Lets nothing of a track through to its receivers any more, or again. Reports go on, so that
    /// the peer sees no difference. False: there is no such track, or it is so already.
    pub fn withhold(&mut self, id: SourceId, withheld: bool) -> bool {
        let track = self.track_mut(id).filter(|track| track.withheld != withheld);
        let Some(track) = track else { return false };
        track.withheld = withheld;
        self.events.push_back(Received::Changed { id });
        true
    }

    /// What receivers of a track choose by.
    pub fn describe(&self, id: SourceId) -> Option<SourceDescription> {
        self.track(id).map(Track::describe)
    }

    /// Whether to tell of the levels of a track.
    pub fn listen_levels(&mut self, id: SourceId, listen: bool) {
        if let Some(track) = self.track_mut(id) {
            track.levels = listen.then(AudioLevelMeter::default);
        }
    }

    /// The receivers of a track together want these encodings.
    pub fn set_demand(&mut self, now: Instant, id: SourceId, wanted: EncodingSet) {
        let Some(track) = self.track_mut(id).filter(|track| track.kind == Kind::Video) else {
            return;
        };
        track.demand.set(now, wanted);
        if let Some(told) = tell_demand(now, track) {
            self.events.push_back(told);
        }
        let next = self.track(id).and_then(|track| track.demand.next());
        sooner(&mut self.timers.demand, next);
    }

    /// The worst loss of the receivers of a track, in 256ths as reports tell it (RFC 3550 6.4.1).
    /// The reports on its Opus tell that one where more is lost on the way here, because an encoder
    /// makes as much redundancy as its reports ask for (RFC 6716 2.1.7), and who needs it is behind
    /// this side.
    pub fn set_far_loss(&mut self, now: Instant, id: SourceId, loss: u8) {
        let Some(track) = self.track_mut(id) else { return };
        let changed = std::mem::replace(&mut track.far_loss, loss) != loss;
        if changed
            && track.is_opus()
            && track.encodings.iter().any(super::encoding::Encoding::active)
        {
            // As soon as if there were pictures: five seconds of holes are many.
            self.reporter.wanted(now, true);
        }
    }

    pub(super) fn poll_demand(&mut self, now: Instant) {
        self.timers.demand = None;
        for track in self.lines.iter_mut().flat_map(|line| &mut line.tracks) {
            self.events.extend(tell_demand(now, track));
            sooner(&mut self.timers.demand, track.demand.next());
        }
    }

    /// Of each track.
    pub fn stats(&mut self, now: Instant) -> Vec<IncomingTrackStats> {
        let round_trip = self.round_trip.map(|round_trip| round_trip.as_secs_f64());
        let streams = &self.streams;
        let stream = |ssrc| {
            let place = streams.binary_search_by_key(&ssrc, |stream| stream.ssrc).ok()?;
            streams.get(place)
        };
        let stats = |line: &mut Line| {
            let mid = line.spec.mid.clone();
            let tracks = line.tracks.iter_mut();
            tracks.map(|track| track.stats(now, &mid, round_trip, stream)).collect::<Vec<_>>()
        };
        self.lines.iter_mut().flat_map(stats).collect()
    }
}

/// What is wanted of a track, when that is to be told.
fn tell_demand(now: Instant, track: &mut Track) -> Option<Received> {
    let wanted = track.demand.poll(now)?;
    let demand = |encoding: &super::encoding::Encoding| EncodingDemand {
        rid: encoding.rid.as_ref().map(|rid| rid.to_string()),
        wanted: wanted.contains(encoding.index),
    };
    let encodings = track.encodings.iter().map(demand).collect();
    Some(Received::Demand { id: track.id, encodings })
}

/// The line of a track, and its place there.
type TrackPlace = (usize, usize);

/// `moved` has old and new places of tracks, in the order of the old ones.
fn moved_route(route: Route, moved: &[(TrackPlace, TrackPlace)]) -> Route {
    let new = |line, track| {
        let place = moved.binary_search_by_key(&(line, track), |(old, _)| *old).ok()?;
        moved.get(place).map(|(_, new)| *new)
    };
    let new_line = |line| {
        let place = moved.partition_point(|((old, _), _)| *old < line);
        moved.get(place).filter(|((old, _), _)| *old == line).map(|(_, (new, _))| *new)
    };
    let moved = match route {
        Route::None => None,
        Route::Media(Place { line, track, encoding }) => {
            new(line, track).map(|(line, track)| Route::Media(Place { line, track, encoding }))
        }
        Route::Repair { line, repaired: Repaired::Source(ssrc) } => {
            new_line(line).map(|line| Route::Repair { line, repaired: Repaired::Source(ssrc) })
        }
        Route::Repair { line, repaired: Repaired::Encoding { track, encoding } } => {
            new(line, track).map(|(line, track)| Route::Repair {
                line,
                repaired: Repaired::Encoding { track, encoding },
            })
        }
    };
    moved.unwrap_or_default()
}
