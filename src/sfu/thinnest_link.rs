//! What the thinnest link of a track's receivers carries, for a source that can make its smallest
//! encoding as small as that. Receivers' threads write, the source's reads; nobody is told.

use std::sync::atomic::{AtomicU32, Ordering};

const NONE: u32 = u32::MAX;

/// Bit/s below which pictures are of no use; no encoding is made smaller.
pub const LEAST: u32 = 50_000;

/// The smallest bitrate that a receiver reported, in bit/s; none at first.
#[derive(Debug)]
pub struct ThinnestLink(AtomicU32);

impl Default for ThinnestLink {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

impl ThinnestLink {
    /// A receiver has only so much, in bit/s, for the smallest encoding, which needs more.
    pub fn report(&self, bitrate: u64) {
        let bitrate = u32::try_from(bitrate).unwrap_or(NONE).min(NONE - 1);
        self.0.fetch_min(bitrate, Ordering::Relaxed);
    }

    /// The least that was reported since the last call.
    pub fn take(&self) -> Option<u32> {
        let least = self.0.swap(NONE, Ordering::Relaxed);
        (least != NONE).then_some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_counts_once() {
        let link = ThinnestLink::default();
        assert_eq!(link.take(), None);
        link.report(300_000);
        link.report(200_000);
        link.report(u64::MAX);
        assert_eq!(link.take(), Some(200_000));
        assert_eq!(link.take(), None);
    }
}
