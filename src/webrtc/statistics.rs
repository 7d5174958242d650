//! A peer's part of the statistics.

use std::time::Instant;

use str0m::crypto::dtls::ProtocolVersion;

use super::Session;
use crate::control::stats::TransportStats;

impl Session {
    /// Totals since the beginning, and what holds now; bitrates in bit/s.
    pub fn stats(&mut self, now: Instant) -> TransportStats {
        let connected = self.sending.has_keys();
        let sending = self.sending.stats(now);
        let acknowledged = sending.acknowledged;
        TransportStats {
            id: self.id.0,
            thread: self.id.shard().0,
            state: self.state.name(),
            ice_lite: self.options.ice_lite,
            dtls_version: connected
                .then(|| self.rtc.direct_api().dtls_protocol_version())
                .flatten()
                .map(|version| dtls_name(version).to_owned()),
            srtp_cipher: self.dtls.srtp_cipher().map(str::to_owned),
            rtp_ports: None,
            packets_refused: None,
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent + sending.bytes_sent,
            packets_received: self.packets_received,
            packets_sent: self.packets_sent + sending.packets_sent,
            available_outgoing_bitrate: sending.available,
            target_bitrate: sending.target,
            wanted_bitrate: sending.wanted,
            probe_packets_sent: sending.probe_packets,
            probe_bytes_sent: sending.probe_bytes,
            packets_acknowledged: acknowledged.packets,
            bytes_acknowledged: acknowledged.bytes,
            packets_unacknowledged: acknowledged.lost,
            selected_candidate_pair: self.candidate_pair.clone(),
            selected_candidate_pair_changes: self.path_changes,
            packets_dropped: self.receiving.drops(),
            incoming_tracks: self.receiving.stats(now),
            outgoing_tracks: sending.tracks,
            data_channels: self.channels.stats(),
        }
    }
}

/// As people write it.
fn dtls_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::DTLS1_0 => "DTLS 1.0",
        ProtocolVersion::DTLS1_2 => "DTLS 1.2",
        ProtocolVersion::DTLS1_3 => "DTLS 1.3",
        _ => "DTLS",
    }
}
