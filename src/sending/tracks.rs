//! What this side sends to a peer, found quickly: every burst of every source looks a track up.

use std::ops::{Deref, DerefMut};

use super::track::OutgoingTrack;
use crate::control::ids::OutgoingTrackId;

/// The ids stand by themselves, so that a look-up does not touch the tracks.
#[derive(Default)]
pub struct OutgoingTracks {
    ids: Vec<OutgoingTrackId>,
    tracks: Vec<OutgoingTrack>,
}

impl OutgoingTracks {
    pub fn push(&mut self, outgoing: OutgoingTrack) {
        self.ids.push(outgoing.id);
        self.tracks.push(outgoing);
    }

    /// The order of the others stays: it decides which m-line a track gets.
    pub fn remove(&mut self, id: OutgoingTrackId) -> Option<OutgoingTrack> {
        let index = self.position(id)?;
        self.ids.remove(index);
        Some(self.tracks.remove(index))
    }

    pub fn position(&self, id: OutgoingTrackId) -> Option<usize> {
        self.ids.iter().position(|known| *known == id)
    }

    pub fn find_mut(&mut self, id: OutgoingTrackId) -> Option<&mut OutgoingTrack> {
        let index = self.position(id)?;
        self.tracks.get_mut(index)
    }
}

impl Deref for OutgoingTracks {
    type Target = [OutgoingTrack];

    fn deref(&self) -> &[OutgoingTrack] {
        &self.tracks
    }
}

impl DerefMut for OutgoingTracks {
    fn deref_mut(&mut self) -> &mut [OutgoingTrack] {
        &mut self.tracks
    }
}
