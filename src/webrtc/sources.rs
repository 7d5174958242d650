//! What receivers of a peer's tracks have to know of them.

use std::sync::Arc;

use super::Session;
use crate::control::ids::IncomingTrackId;
use crate::sfu::source::SourceDescription;

impl Session {
    /// Whether a peer holds a track. `None`: there is no such track.
    pub fn holds(&self, id: IncomingTrackId) -> Option<bool> {
        self.incoming.iter().find(|i| i.id == id).map(|incoming| incoming.muted)
    }

    /// What the receivers of an incoming track have to know.
    pub fn describe(&self, id: IncomingTrackId) -> Option<Arc<SourceDescription>> {
        self.incoming.iter().find(|i| i.id == id).map(|i| Arc::new(i.describe()))
    }
}
