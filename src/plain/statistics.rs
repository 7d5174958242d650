//! The transport's part of the statistics.

use std::time::Instant;

use super::Session;
use crate::control::stats::{RtpPortStats, TransportStats};

impl Session {
    /// Totals since the beginning, and what holds now; bitrates in bit/s.
    pub fn stats(&mut self, now: Instant) -> TransportStats {
        let sending = self.sending.stats(now);
        let address = |address: Option<std::net::SocketAddr>| address.map(|at| at.to_string());
        let ports = self.legs.iter().map(|leg| RtpPortStats {
            mid: leg.media.to_string(),
            rid: self
                .media
                .get(leg.media)
                .and_then(|line| line.rids.get(leg.place))
                .map(|rid| rid.to_string()),
            local: leg.bound.rtp.local.to_string(),
            local_rtcp: leg.bound.rtcp.local.to_string(),
            source: address(leg.source()),
            remote: address(leg.rtp_flow().map(|flow| flow.remote)),
            remote_rtcp: address(leg.rtcp_flow().map(|flow| flow.remote)),
            secure: leg.is_protected(),
        });
        TransportStats {
            id: self.id.0,
            thread: self.id.shard().0,
            state: self.state.name(),
            ice_lite: false,
            dtls_version: None,
            srtp_cipher: None,
            rtp_ports: Some(ports.collect()),
            packets_refused: Some(self.refused),
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            packets_received: self.packets_received,
            packets_sent: self.packets_sent,
            available_outgoing_bitrate: sending.available,
            target_bitrate: sending.target,
            wanted_bitrate: sending.wanted,
            probe_packets_sent: sending.probe_packets,
            probe_bytes_sent: sending.probe_bytes,
            packets_acknowledged: sending.acknowledged.packets,
            bytes_acknowledged: sending.acknowledged.bytes,
            packets_unacknowledged: sending.acknowledged.lost,
            selected_candidate_pair: None,
            selected_candidate_pair_changes: self.moves,
            packets_dropped: self.receiving.drops(),
            incoming_tracks: self.receiving.stats(now),
            outgoing_tracks: sending.tracks,
            data_channels: Vec::new(),
        }
    }
}
