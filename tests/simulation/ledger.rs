//! What encoders sent, to compare with what viewers saw.

use std::collections::BTreeMap;
use std::time::Instant;

use super::stamp::Stamp;
use crate::support::link::HEADERS;

/// RTP header with extensions, the tag of SRTP and what IPv4 and UDP add: what a packet is on the
/// link beyond its payload.
pub const OVERHEAD: usize = 12 + 20 + 16 + HEADERS;

/// A set of layers: the highest spatial layer and the highest temporal layer, compared in this
/// order.
pub type Set = (u8, u8);

#[derive(Default)]
pub struct Ledger {
    pub keyframe_requests: u64,
    pub keyframes: u64,
    /// Bytes on a link of each layer alone.
    bytes: BTreeMap<Set, u64>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Ledger {
    pub fn note_sent(&mut self, at: Instant, stamp: &Stamp, payload: usize) {
        *self.bytes.entry((stamp.spatial, stamp.temporal)).or_default() +=
            (payload + OVERHEAD) as u64;
        self.first.get_or_insert(at);
        self.last = Some(at);
    }

    /// Sets that a viewer can be given and what each takes of a link, the cheapest first. With
    /// `alone` a spatial layer needs none below (simulcast, SVC without inter-layer prediction).
    ///
    /// Above the lowest spatial layer a quarter of the frames is no set: seven pictures a second
    /// are no better picture than the next smaller one in full motion.
    pub fn sets(&self, alone: bool) -> Vec<(Set, f64)> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Vec::new() };
        let seconds = (last - first).as_secs_f64();
        let rate = |spatial: u8, temporal: u8| {
            let part = |(layer, _): &(&Set, &u64)| {
                let below = if alone { layer.0 == spatial } else { layer.0 <= spatial };
                below && layer.1 <= temporal
            };
            let bytes: u64 = self.bytes.iter().filter(part).map(|(_, bytes)| bytes).sum();
            bytes as f64 * 8.0 / seconds
        };
        let temporal = self.bytes.keys().map(|set| set.1).max().unwrap_or(0);
        let offered = |set: &&Set| set.0 == 0 || set.1 > 0 || temporal == 0;
        self.bytes.keys().filter(offered).map(|set| (*set, rate(set.0, set.1))).collect()
    }
}
