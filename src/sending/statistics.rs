//! The sending half's part of the statistics.

use std::time::Instant;

use super::{Acknowledged, Sending};
use crate::control::stats::OutgoingTrackStats;

/// What a peer was sent. Rates are in bit/s, packets and bytes those of datagrams.
#[derive(Clone, Debug)]
pub struct SendingStats {
    pub packets_sent: u64,
    pub bytes_sent: u64,
    /// What may be sent; `None` when that is not known.
    pub available: Option<u64>,
    /// What the chosen layers and the sound need.
    pub target: u64,
    /// What they and the next better ones would need; `None` when there are none.
    pub wanted: Option<u64>,
    pub probe_packets: u64,
    pub probe_bytes: u64,
    /// What transport-wide feedback said.
    pub acknowledged: Acknowledged,
    pub tracks: Vec<OutgoingTrackStats>,
}

impl Sending {
    pub fn stats(&mut self, now: Instant) -> SendingStats {
        let (packets_sent, bytes_sent) = self.outbox.totals();
        let (probe_packets, probe_bytes) = self.bandwidth.probing.totals();
        SendingStats {
            packets_sent,
            bytes_sent,
            available: self.bandwidth.available(),
            target: self.bandwidth.target(),
            wanted: self.bandwidth.wanted(),
            probe_packets,
            probe_bytes,
            acknowledged: self.egress.acknowledged(),
            tracks: self.tracks.iter_mut().map(|track| track.stats(now)).collect(),
        }
    }
}
