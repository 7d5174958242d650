//! Which layers of their sources the video tracks of a peer get: what its link carries, shared
//! among them.

use std::time::{Duration, Instant};

use super::event::Events;
use super::track::OutgoingTrack;
use super::tracks::OutgoingTracks;
use crate::bandwidth::{self, Allocator, LadderBuilder, LayerId, Reason, Track};
use crate::codec::{Kind, Layer};
use crate::control::ids::OutgoingTrackId;
use crate::control::layers::LayerReason;
use crate::sfu::thinnest_link::LEAST;
use crate::sfu::{EncodingIndex, EncodingSet};

/// How long the link has to be too small for the least of everything before something stops: an
/// estimate may be wrong for a moment, and a picture that stops is worse than one that is late.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a link has to have for each track, in bit/s, that the best of a track is sent before anything
/// is known of what it takes. With less a track begins with its smallest picture: a second of another
/// one may be more than the queue of a thin link holds, and the receiver has no picture until all of
/// that came again.
const WIDE: u64 = 2_000_000;

/// Shares the link. What it carries comes as an argument, what was decided goes to the tracks.
pub(super) struct Allotting {
    allocator: Allocator,
    builder: LadderBuilder,
    /// Tracks that take part, and whose they are.
    tracks: Vec<Track>,
    ids: Vec<OutgoingTrackId>,
    /// Reused.
    layers: Vec<bandwidth::Layer>,
    /// When to do it again although nothing changed.
    next: Option<Instant>,
    /// Since when the link carries less than the least of all tracks.
    pressed: Option<Instant>,
    /// How much of the best bitrate of each track there is time for, 0 to 1.
    share: f64,
}

impl Default for Allotting {
    fn default() -> Self {
        Self {
            allocator: Allocator::default(),
            builder: LadderBuilder::default(),
            tracks: Vec::new(),
            ids: Vec::new(),
            layers: Vec::new(),
            next: None,
            pressed: None,
            share: 1.0,
        }
    }
}

/// What a link has for video.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// Bit/s.
    pub(super) available: u64,
    /// It was seen to carry no more than that.
    pub(super) certain: bool,
}

/// What was chosen, in bit/s of video.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Allotted {
    /// The chosen layers need so much.
    pub(super) used: u64,
    /// With the next better ones it would be this.
    pub(super) wanted: Option<u64>,
    /// All that is wanted would need this.
    pub(super) best: u64,
}

impl Allotting {
    /// When to allot again although nothing changed.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Limits each track to this share of its best bitrate, but to no less than its lowest layer.
    /// Gives whether it is another share than before.
    pub(super) fn set_share(&mut self, share: f64) -> bool {
        std::mem::replace(&mut self.share, share) != share
    }

    /// Whether something is not sent because the link has no room for it.
    pub(super) fn has_paused(&self) -> bool {
        self.tracks.iter().any(|track| track.reason() == Reason::Paused)
    }

    /// Whether anything has a share of the link.
    pub(super) fn has_tracks(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Shares what the link carries among the video tracks, and has their transponders take what
    /// they are to take. `reachable`: the peer is there.
    pub(super) fn allot(
        &mut self,
        now: Instant,
        link: Link,
        reachable: bool,
        outgoing: &mut OutgoingTracks,
        events: &mut Events,
    ) -> Allotted {
        self.collect_tracks(now, link, outgoing);
        self.press(now, link.available);
        let allocation = self.allocator.allocate(now, link.available, &mut self.tracks);
        self.next = allocation.next;
        let share = link.available / self.tracks.len().max(1) as u64;
        for outgoing in outgoing.iter_mut() {
            if link.certain {
                outgoing.report_thin_link(share);
            }
            match outgoing.kind {
                Kind::Video => {
                    let place = self.ids.iter().position(|id| *id == outgoing.id);
                    let track = place.map(|place| &self.tracks[place]);
                    apply(track, share >= WIDE, outgoing, events);
                }
                Kind::Audio => outgoing.want_sound(events),
            }
            outgoing.after_choice(now, reachable, events);
        }
        Allotted { used: allocation.used, wanted: allocation.wanted, best: allocation.best }
    }

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

    /// Brings the tracks of the allocator up to date with the outgoing ones.
    fn collect_tracks(&mut self, now: Instant, link: Link, outgoing: &OutgoingTracks) {
        let pressed = |since: Instant| now >= since + PATIENCE;
        let may_pause = link.certain && self.pressed.is_some_and(pressed);
        let Self { builder, tracks, ids, layers, share: sent, .. } = self;
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
        let share = link.available / count.max(1);
        for outgoing in outgoing.iter().filter(|outgoing| outgoing.takes_part()) {
            let place = ids.iter().position(|id| *id == outgoing.id).unwrap_or_else(|| {
                ids.push(outgoing.id);
                tracks.push(Track::default());
                ids.len() - 1
            });
            layers.clear();
            outgoing.collect_layers(layers);
            let mut wishes = outgoing.wishes();
            // Who chose an encoding gets it; of its layers what fits, and at least the lowest.
            wishes.pause_allowed &= outgoing.selected.is_none() && may_pause;
            // What nobody watches is not made, and would never get smaller.
            wishes.pause_allowed &= !(outgoing.shrinks() && share >= u64::from(LEAST));
            tracks[place].forwards(outgoing.transponder.current().map(|encoding| encoding.0));
            tracks[place].update(builder, layers, &wishes, &outgoing.selection());
            tracks[place].shed(*sent);
        }
    }
}

/// Has a transponder take what was decided, or what a link that is `wide` or not begins with.
fn apply(track: Option<&Track>, wide: bool, outgoing: &mut OutgoingTrack, events: &mut Events) {
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
            let (mut selected, mut limit) = (outgoing.selected_encoding(), outgoing.layer_limit);
            if selected.is_none() && !wide {
                (selected, limit.spatial) = (outgoing.smallest_encoding(), 0);
            }
            outgoing.transponder.select(selected, limit);
            let wanted = if outgoing.takes_part() { outgoing.usable() } else { EncodingSet::NONE };
            let nothing = outgoing.transponder.target().is_none();
            let reason = if nothing { LayerReason::Unavailable } else { LayerReason::Best };
            (reason, wanted)
        }
    };
    outgoing.set_layer_reason(reason);
    outgoing.want(wanted, events);
}

fn reason_of(reason: Reason) -> LayerReason {
    match reason {
        Reason::Best => LayerReason::Best,
        Reason::Preferences => LayerReason::Preferences,
        Reason::Bandwidth | Reason::Paused => LayerReason::Bandwidth,
        Reason::Unavailable => LayerReason::Unavailable,
        Reason::Load => LayerReason::Load,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::control::event::Event;
    use crate::control::ids::SourceId;
    use crate::sending::SendingEvent;
    use crate::sending::testing::{PT, description, format, parameters};

    fn tracks(sources: &[&[u32]]) -> OutgoingTracks {
        let mut tracks = OutgoingTracks::default();
        for (number, bitrates) in (1..).zip(sources) {
            let id = OutgoingTrackId(number);
            let mut track = OutgoingTrack::new(id, Kind::Video, "s".into(), "t".into());
            let parameters = parameters(number as u32);
            track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(parameters));
            track.set_source(Some(SourceId(number)));
            track.describe_source(description(Codec::Vp8, bitrates));
            tracks.push(track);
        }
        tracks
    }

    fn link(available: u64) -> Link {
        Link { available, certain: true }
    }

    fn targets(tracks: &OutgoingTracks) -> Vec<Option<u8>> {
        tracks.iter().map(|track| track.transponder.target().map(|index| index.0)).collect()
    }

    #[test]
    fn a_wide_link_has_the_best_of_everything() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000, 500_000], &[100_000, 500_000]]);
        let allotted = allotting.allot(now, link(u64::MAX), true, &mut tracks, &mut events);
        assert_eq!(targets(&tracks), [Some(1), Some(1)]);
        assert_eq!((allotted.used, allotted.wanted), (1_000_000, None));
        assert!(allotting.has_tracks() && !allotting.has_paused());
    }

    #[test]
    fn a_narrow_link_is_shared_and_the_sources_hear_what_is_wanted() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000, 500_000], &[100_000, 500_000]]);
        let allotted = allotting.allot(now, link(250_000), true, &mut tracks, &mut events);
        assert_eq!(targets(&tracks), [Some(0), Some(0)]);
        assert_eq!(allotted.used, 200_000);
        assert!(allotted.wanted.is_some_and(|wanted| wanted > 250_000));
        assert!(allotted.best >= 1_000_000);
        let wanted = |event: &SendingEvent| matches!(event, SendingEvent::EncodingsWanted { .. });
        assert_eq!(events.iter().filter(|event| wanted(event)).count(), 2);
        events.clear();
        allotting.allot(now, link(250_000), true, &mut tracks, &mut events);
        assert!(!events.iter().any(wanted), "nothing changed");
    }

    #[test]
    fn nothing_pauses_for_a_shortage_of_less_than_a_second_or_one_that_is_not_certain() {
        let start = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000], &[100_000]]);
        let mut paused = |milliseconds: u64, link: Link| {
            let now = start + Duration::from_millis(milliseconds);
            allotting.allot(now, link, true, &mut tracks, &mut events);
            tracks.iter().filter(|track| track.transponder.paused()).count()
        };
        assert_eq!(paused(0, link(120_000)), 0);
        assert_eq!(paused(999, link(120_000)), 0);
        assert_eq!(paused(1001, Link { available: 120_000, certain: false }), 0);
        assert_eq!(paused(1002, link(120_000)), 1);
        assert_eq!(paused(10_000, link(u64::MAX)), 0);
    }

    #[test]
    fn who_chose_an_encoding_gets_it_whatever_the_link_carries() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000, 500_000]]);
        tracks[0].selected = Some("r1".into());
        for seconds in 0..3 {
            let now = now + Duration::from_secs(seconds);
            allotting.allot(now, link(50_000), true, &mut tracks, &mut events);
        }
        assert_eq!(targets(&tracks), [Some(1)]);
        assert!(!tracks[0].transponder.paused());
    }

    #[test]
    fn a_track_that_is_gone_or_muted_leaves_its_share_to_the_others() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000, 500_000], &[100_000, 500_000]]);
        allotting.allot(now, link(600_000), true, &mut tracks, &mut events);
        tracks.remove(OutgoingTrackId(1));
        allotting.allot(now, link(600_000), true, &mut tracks, &mut events);
        assert_eq!(targets(&tracks), [Some(1)]);
        tracks[0].set_muted(true);
        let allotted = allotting.allot(now, link(600_000), true, &mut tracks, &mut events);
        assert_eq!(allotted.used, 0);
        assert!(!allotting.has_tracks());
    }

    #[test]
    fn a_thread_without_time_gives_up_the_upper_layers_and_takes_no_picture_away() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[100_000, 500_000, 2_000_000], &[100_000]]);
        let mut at = |share: f64| {
            allotting.set_share(share);
            allotting.allot(now, link(u64::MAX), true, &mut tracks, &mut events);
            (targets(&tracks), allotting.has_paused())
        };
        assert_eq!(at(1.0), (vec![Some(2), Some(0)], false));
        assert_eq!(at(0.3), (vec![Some(1), Some(0)], false));
        assert_eq!(at(0.0), (vec![Some(0), Some(0)], false));
        assert_eq!(at(1.0), (vec![Some(2), Some(0)], false));
        let reasons = events.iter().filter_map(|event| match event {
            SendingEvent::Event(Event::TransponderLayer { reason, .. }) => Some(*reason),
            _ => None,
        });
        assert!(reasons.last() != Some(LayerReason::Load));
    }

    #[test]
    fn before_anything_was_measured_everything_is_wanted_and_a_thin_link_gets_the_least() {
        let now = Instant::now();
        let (mut allotting, mut events) = (Allotting::default(), Events::new());
        let mut tracks = tracks(&[&[0, 0]]);
        allotting.allot(now, link(100_000), true, &mut tracks, &mut events);
        assert_eq!(targets(&tracks), [Some(0)]);
        allotting.allot(now, link(WIDE), true, &mut tracks, &mut events);
        let wanted = events.iter().find_map(|event| match event {
            SendingEvent::EncodingsWanted { wanted, .. } => Some(*wanted),
            _ => None,
        });
        assert_eq!(wanted, Some(EncodingSet::ALL));
        assert_eq!(targets(&tracks), [Some(1)]);
    }
}
