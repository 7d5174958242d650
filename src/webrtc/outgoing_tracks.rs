//! What this side sends to a peer, found quickly: every burst of every source looks a track up.

use std::ops::{Deref, DerefMut};

use super::outgoing::Outgoing;
use crate::control::ids::OutgoingTrackId;

/// The ids stand by themselves, so that a look-up does not touch the tracks.
#[derive(Default)]
pub(super) struct OutgoingTracks {
    ids: Vec<OutgoingTrackId>,
    tracks: Vec<Outgoing>,
}

impl OutgoingTracks {
    pub(super) fn push(&mut self, outgoing: Outgoing) {
        self.ids.push(outgoing.id);
        self.tracks.push(outgoing);
    }

    /// The order of the others stays: it decides which m-line a track gets.
    pub(super) fn remove(&mut self, id: OutgoingTrackId) -> Option<Outgoing> {
        let index = self.position(id)?;
        self.ids.remove(index);
        Some(self.tracks.remove(index))
    }

    pub(super) fn position(&self, id: OutgoingTrackId) -> Option<usize> {
        self.ids.iter().position(|known| *known == id)
    }

    pub(super) fn find_mut(&mut self, id: OutgoingTrackId) -> Option<&mut Outgoing> {
        let index = self.position(id)?;
        self.tracks.get_mut(index)
    }
}

impl Deref for OutgoingTracks {
    type Target = [Outgoing];

    fn deref(&self) -> &[Outgoing] {
        &self.tracks
    }
}

impl DerefMut for OutgoingTracks {
    fn deref_mut(&mut self) -> &mut [Outgoing] {
        &mut self.tracks
    }
}
