//! Memory that setting up leaves behind: a description or a handshake fills lists at once that hold
//! little, or nothing, from then on.

use std::time::{Duration, Instant};

use super::Session;

/// How long after it, so that what follows has found its size.
const SETTLED: Duration = Duration::from_secs(5);

impl Session {
    /// Something filled them. No timer is armed for it: it comes with the next one.
    pub(super) fn trim_later(&mut self, now: Instant) {
        self.trim_at = Some(now + SETTLED);
    }

    pub(super) fn poll_trimming(&mut self, now: Instant) {
        if self.trim_at.is_none_or(|at| now < at) {
            return;
        }
        self.trim_at = None;
        self.dtls.settle();
        self.events.shrink_to_fit();
        self.transmits.shrink_to_fit();
        self.receiving.trim();
        self.sending.trim();
    }
}
