//! What this side sends to a peer, found quickly: every burst of every source looks a track up.

use std::collections::HashSet;
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
    /// Adds a track behind the others. Its id must be new.
    pub fn push(&mut self, outgoing: OutgoingTrack) {
        self.ids.push(outgoing.id);
        // Most peers have a few, which are large: room for four, or for twice as many as there are,
        // would be most of what they have.
        if self.tracks.len() == self.tracks.capacity() {
            self.tracks.reserve_exact(self.tracks.len() / 8 + 1);
        }
        self.tracks.push(outgoing);
    }

    /// The order of the others stays: it decides which m-line a track gets.
    pub fn remove(&mut self, id: OutgoingTrackId) -> Option<OutgoingTrack> {
        let index = self.position(id)?;
        self.ids.remove(index);
        Some(self.tracks.remove(index))
    }

    /// Takes several out, in one pass: what stands behind them moves once.
    pub fn remove_all(&mut self, ids: &HashSet<OutgoingTrackId>) -> Vec<OutgoingTrack> {
        let tracks = std::mem::take(&mut self.tracks);
        let (gone, left) = tracks.into_iter().partition(|track| ids.contains(&track.id));
        self.tracks = left;
        self.ids.retain(|id| !ids.contains(id));
        gone
    }

    /// Index of the track with this id, by which the tracks can be looked up.
    pub fn position(&self, id: OutgoingTrackId) -> Option<usize> {
        self.ids.iter().position(|known| *known == id)
    }

    /// The track with this id, to be changed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Kind;

    #[test]
    fn tracks_are_found_by_their_ids_and_keep_their_order() {
        let mut tracks = OutgoingTracks::default();
        for id in [5, 3, 8] {
            let id = OutgoingTrackId(id);
            tracks.push(OutgoingTrack::new(id, Kind::Audio, String::new(), String::new()));
        }
        assert_eq!(tracks.position(OutgoingTrackId(8)), Some(2));
        assert!(tracks.remove(OutgoingTrackId(3)).is_some());
        assert!(tracks.remove(OutgoingTrackId(3)).is_none());
        assert_eq!(tracks.find_mut(OutgoingTrackId(8)).unwrap().id, OutgoingTrackId(8));
        assert_eq!(tracks.iter().map(|track| track.id.0).collect::<Vec<_>>(), [5, 8]);
    }
}
