//! What is wanted of the outgoing tracks: by the application, by their sources, by negotiation.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::event::SendingEvent;
use super::{OutgoingTrack, Sending};
use crate::codec::{Kind, Layer};
use crate::control::event::CloseReason;
use crate::control::ids::{OutgoingTrackId, SourceId};
use crate::control::layers::Preferences;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, Opening, SourcePacket};

impl Sending {
    /// Takes a track; nothing is sent on it until it has a source and was negotiated.
    pub fn add_track(&mut self, track: OutgoingTrack) {
        self.tracks.push(track);
    }

    /// Ends a track. Gives it, if it was there.
    pub fn remove_track(
        &mut self,
        id: OutgoingTrackId,
        reason: CloseReason,
    ) -> Option<OutgoingTrack> {
        let track = self.tracks.remove(id)?;
        self.events.push_back(SendingEvent::TrackClosed { id, reason });
        Some(track)
    }

    /// Ends these.
    pub fn remove_tracks(&mut self, ids: &HashSet<OutgoingTrackId>, reason: CloseReason) {
        for track in self.tracks.remove_all(ids) {
            self.events.push_back(SendingEvent::TrackClosed { id: track.id, reason });
        }
    }

    /// Ends all tracks.
    pub fn close(&mut self, reason: CloseReason) {
        for track in std::mem::take(&mut self.tracks).iter() {
            self.events.push_back(SendingEvent::TrackClosed { id: track.id, reason });
        }
    }

    /// A description was agreed on, and told to every track.
    pub fn renegotiated(&mut self, now: Instant) {
        let promised = self.tracks.iter().any(OutgoingTrack::promises_feedback);
        if let Some(rate) = self.bandwidth.promise_feedback(promised) {
            self.pacing.set_rate(now, rate, self.bandwidth.is_certain());
        }
        self.allot(now);
        if self.connecting {
            self.expect_starts();
        }
    }

    /// The peer is there, with keys.
    pub fn connected(&mut self, now: Instant) {
        self.connecting = false;
        self.allot(now);
    }

    /// The peer was reached and is about to be there: whatever takes its time may begin.
    pub fn expect_connection(&mut self) {
        self.connecting = true;
        self.expect_starts();
    }

    fn expect_starts(&mut self) {
        for track in self.tracks.iter() {
            track.expect_start(&self.bandwidth, &mut self.events);
        }
    }

    /// How much of the last group of pictures of an encoding a track can begin with, beyond its
    /// keyframe.
    pub fn opening(&mut self, id: OutgoingTrackId, encoding: EncodingIndex) -> Option<Opening> {
        Some(self.tracks.find_mut(id)?.opening(encoding, &self.bandwidth))
    }

    /// The next packets of the track's source are the last group of pictures of an encoding, up to
    /// `newest`, and behind it come those that were not handed in yet. Gives whether the track begins
    /// with them.
    pub fn begin_with_group(&mut self, id: OutgoingTrackId, newest: &SourcePacket) -> bool {
        let Some(track) = self.tracks.find_mut(id) else { return false };
        let fits = track.source.as_ref().is_some_and(|source| source.id == newest.track);
        let again = !track.keyframes_on_request();
        let begins = fits && track.transponder.begin_with_group(newest, again);
        if begins {
            track.held.clear();
        }
        begins
    }

    /// Feeds an outgoing track from another source, or from none. `description` is what is known
    /// of it so far.
    pub fn set_source(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        source: Option<(SourceId, Option<Arc<SourceDescription>>)>,
    ) {
        let Some(track) = self.tracks.find_mut(id) else { return };
        track.set_source(source.as_ref().map(|(id, _)| *id));
        if let Some(description) = source.and_then(|(_, description)| description) {
            self.describe_source(now, id, description);
        }
        self.after_choice(now, id);
    }

    /// The source's formats or encodings changed.
    pub fn describe_source(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        description: Arc<SourceDescription>,
    ) {
        let Some(track) = self.tracks.find_mut(id) else { return };
        if !track.describe_source(description) {
            return;
        }
        if track.kind == Kind::Video {
            self.allot(now);
        } else {
            track.want_sound(&mut self.events);
            self.after_choice(now, id);
        }
    }

    /// The encoding to send, by its RID; `None` lets the engine choose.
    pub fn select_encoding(&mut self, now: Instant, id: OutgoingTrackId, rid: Option<String>) {
        self.choose(now, id, |track| track.selected = rid);
    }

    /// The highest layer to send; `None` is no limit.
    pub fn select_layer(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        spatial: Option<u8>,
        temporal: Option<u8>,
    ) {
        self.choose(now, id, |track| track.layer_limit = limit(spatial, temporal));
    }

    /// How much of the link a track is worth, and what of it is of no use.
    pub fn set_preferences(&mut self, now: Instant, id: OutgoingTrackId, wishes: Preferences) {
        self.choose(now, id, |track| track.preferences = wishes);
    }

    /// Stops sending a track, or goes on with it. The track itself stays negotiated.
    pub fn mute(&mut self, now: Instant, id: OutgoingTrackId, muted: bool) {
        self.choose(now, id, |track| track.set_muted(muted));
        self.after_choice(now, id);
        if let Some(track) = self.tracks.find_mut(id) {
            track.tell_loss(&mut self.events);
        }
    }

    /// The most to send in all, in bit/s; `None` is what the link carries.
    pub fn set_max_bitrate(&mut self, now: Instant, bitrate: Option<u64>) {
        self.bandwidth.set_max_bitrate(bitrate);
        self.allot(now);
    }

    /// How much of the best bitrate of each video track there is time to send, 0 to 1; its lowest
    /// layer is sent in any case.
    pub fn set_layer_share(&mut self, now: Instant, share: f64) {
        if self.allotting.set_share(share) {
            self.allot(now);
        }
    }

    /// Whether to tell of the link's bandwidth by [`Event::Bandwidth`], twice a second.
    ///
    /// [`Event::Bandwidth`]: crate::control::event::Event::Bandwidth
    pub fn listen_bandwidth(&mut self, now: Instant, listen: bool) {
        self.bandwidth.listen(now, listen);
    }

    fn choose(&mut self, now: Instant, id: OutgoingTrackId, wish: impl FnOnce(&mut OutgoingTrack)) {
        if let Some(track) = self.tracks.find_mut(id) {
            wish(track);
            self.allot(now);
        }
    }

    fn after_choice(&mut self, now: Instant, id: OutgoingTrackId) {
        if let Some(track) = self.tracks.find_mut(id) {
            track.after_choice(now, self.reach.at(now), &mut self.events);
        }
    }
}

/// The highest layer that a choice allows.
fn limit(spatial: Option<u8>, temporal: Option<u8>) -> Layer {
    let Layer { spatial: highest_spatial, temporal: highest_temporal } = Layer::HIGHEST;
    Layer::new(spatial.unwrap_or(highest_spatial), temporal.unwrap_or(highest_temporal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::control::event::Event;
    use crate::sending::testing::{OPUS_PT, Rig, description, format, seen};
    use crate::sfu::EncodingIndex;
    use crate::sfu::testing::Source;

    fn keyframes(events: &[SendingEvent]) -> Vec<EncodingIndex> {
        let wanted = |event: &SendingEvent| match event {
            SendingEvent::KeyframeWanted { encoding, .. }
            | SendingEvent::StartWanted { encoding, .. } => Some(*encoding),
            _ => None,
        };
        events.iter().filter_map(wanted).collect()
    }

    #[test]
    fn a_new_source_is_asked_for_a_keyframe_once() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        assert_eq!(keyframes(&rig.events()), [EncodingIndex(0)]);
        rig.feed(track, description(Codec::Vp8, &[500_000]));
        assert_eq!(keyframes(&rig.events()), [EncodingIndex(0)], "it starts anew");
        rig.sending.set_source(rig.now, track, None);
        assert_eq!(keyframes(&rig.events()), []);
    }

    #[test]
    fn the_encoding_that_the_application_chose_is_switched_to_at_a_keyframe() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000, 200_000]);
        let mut low = Source::encoding(Codec::Vp8, 0, rig.now);
        let mut high = Source::encoding(Codec::Vp8, 1, rig.now);
        rig.sending.select_encoding(rig.now, track, Some("r0".into()));
        rig.events();
        assert_eq!(rig.forward(track, [low.keyframe(), high.keyframe()]).len(), 1);
        rig.wait(33);
        rig.sending.select_encoding(rig.now, track, Some("r1".into()));
        assert_eq!(keyframes(&rig.events()), [EncodingIndex(1)]);
        assert_eq!(rig.forward(track, [low.packet(), high.packet()]).len(), 1, "the low one");
        rig.wait(33);
        let before = seen(&rig.forward(track, [low.packet()])[0]);
        rig.wait(33);
        let after = seen(&rig.forward(track, [high.keyframe(), low.packet()])[0]);
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        let told = |event: SendingEvent| match event {
            SendingEvent::Event(Event::TransponderEncoding { encoding, .. }) => encoding?.rid,
            _ => None,
        };
        assert_eq!(rig.events().into_iter().find_map(told).as_deref(), Some("r1"));
    }

    #[test]
    fn a_muted_track_wants_nothing_of_its_source_and_sends_nothing() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        let mut camera = Source::new(Codec::Vp8);
        rig.forward(track, [camera.keyframe()]);
        rig.events();
        rig.sending.mute(rig.now, track, true);
        let nothing = |event: &SendingEvent| {
            matches!(event, SendingEvent::EncodingsWanted { wanted, .. }
                if *wanted == crate::sfu::EncodingSet::NONE)
        };
        assert!(rig.events().iter().any(nothing));
        assert_eq!(rig.forward(track, [camera.keyframe()]).len(), 0);
        rig.sending.mute(rig.now, track, false);
        assert_eq!(keyframes(&rig.events()), [EncodingIndex(0)]);
    }

    #[test]
    fn sound_needs_no_keyframe() {
        let mut rig = Rig::connected();
        let track = rig.track(1, format(Codec::Opus, OPUS_PT));
        rig.feed(track, description(Codec::Opus, &[0]));
        assert_eq!(keyframes(&rig.events()), []);
        let burst = rig.forward(track, [Source::new(Codec::Opus).packet()]);
        assert_eq!(seen(&burst[0]).pt, OPUS_PT);
    }

    #[test]
    fn what_ends_says_so() {
        let mut rig = Rig::connected();
        let (one, two) = (rig.video(1, &[1]), rig.video(2, &[1]));
        rig.events();
        assert!(rig.sending.remove_track(one, CloseReason::Remote).is_some());
        assert!(rig.sending.remove_track(one, CloseReason::Remote).is_none());
        rig.sending.close(CloseReason::Parent);
        let closed = |event: SendingEvent| match event {
            SendingEvent::TrackClosed { id, reason } => Some((id, reason)),
            _ => None,
        };
        let expected = [(one, CloseReason::Remote), (two, CloseReason::Parent)];
        assert_eq!(rig.events().into_iter().filter_map(closed).collect::<Vec<_>>(), expected);
        assert!(rig.sending.tracks().is_empty());
    }

    #[test]
    fn a_limit_that_is_not_given_is_none() {
        assert_eq!(limit(None, None), Layer::HIGHEST);
        assert_eq!(limit(Some(1), None), Layer::new(1, Layer::HIGHEST.temporal));
    }
}
