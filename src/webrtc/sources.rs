//! What receivers of a peer's tracks have to know of them.

use std::sync::Arc;

use super::Session;
use crate::control::ids::SourceId;
use crate::sfu::source::SourceDescription;

impl Session {
    /// Whether receivers get nothing of a track. `None`: there is no such track.
    pub fn is_held_back(&self, id: SourceId) -> Option<bool> {
        self.receiving.is_held_back(id)
    }

    /// What the receivers of an incoming track have to know.
    pub fn describe(&self, id: SourceId) -> Option<Arc<SourceDescription>> {
        self.receiving.describe(id).map(Arc::new)
    }
}
