//! What a connection that is encrypted knows.

use std::fmt;

use zeroize::Zeroizing;

use super::keys::Keys;

/// Keys, and what new ones are opened with.
pub(super) struct Secret {
    pub(super) sends: Keys,
    pub(super) receives: Keys,
    pub(super) passphrase: Zeroizing<String>,
}

impl Secret {
    /// Both ends begin with the caller's keys, both ways. `None` when the cipher fails.
    pub(super) fn new(keys: Keys, passphrase: Zeroizing<String>) -> Option<Self> {
        Some(Self { receives: keys.duplicate()?, sends: keys, passphrase })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}
