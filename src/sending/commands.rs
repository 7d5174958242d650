//! What is wanted of the outgoing tracks: by the application, by their sources, by negotiation.

use std::sync::Arc;
use std::time::Instant;

use super::event::SendingEvent;
use super::{OutgoingTrack, Sending};
use crate::codec::{Kind, Layer};
use crate::control::event::CloseReason;
use crate::control::ids::{IncomingTrackId, OutgoingTrackId};
use crate::control::layers::Preferences;
use crate::sfu::source::SourceDescription;

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
            self.pacing.set_rate(now, rate);
        }
        self.allot(now);
    }

    /// The peer is there, with keys.
    pub fn connected(&mut self, now: Instant) {
        self.allot(now);
    }

    /// Feeds an outgoing track from another source, or from none. `description` is what is known
    /// of it so far.
    pub fn set_source(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        source: Option<(IncomingTrackId, Option<Arc<SourceDescription>>)>,
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

    pub fn mute(&mut self, now: Instant, id: OutgoingTrackId, muted: bool) {
        self.choose(now, id, |track| track.set_muted(muted));
        self.after_choice(now, id);
    }

    /// The most to send in all, in bit/s; `None` is what the link carries.
    pub fn set_max_bitrate(&mut self, now: Instant, bitrate: Option<u64>) {
        self.bandwidth.set_max_bitrate(bitrate);
        self.allot(now);
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
