//! A track's part of the statistics.

use std::time::Instant;

use super::OutgoingTrack;
use crate::codec::Kind;
use crate::control::stats::OutgoingTrackStats;
use crate::sending::stream::Stream;

impl OutgoingTrack {
    pub(in crate::sending) fn stats(&mut self, now: Instant) -> OutgoingTrackStats {
        self.sent.roll(now);
        let feedback = self.rtp.as_ref().map(Stream::feedback);
        let remote = feedback.and_then(|feedback| feedback.remote);
        let parameters = self.rtp.as_ref().map(Stream::parameters);
        let current = self.transponder.current().and_then(|index| self.encoding(index));
        let layer = self.forwarded_layer();
        OutgoingTrackStats {
            id: self.id.0,
            kind: self.kind.name(),
            mid: self.mid.as_ref().map(|mid| mid.to_string()),
            ssrc: parameters.map(|p| p.ssrc),
            rtx_ssrc: parameters.and_then(|p| p.rtx),
            codec: self.sent.codec,
            rid: current.and_then(|encoding| encoding.rid.clone()),
            spatial_layer: layer.as_ref().map(|layer| layer.spatial),
            temporal_layer: layer.as_ref().map(|layer| layer.temporal),
            layer_reason: (self.kind == Kind::Video).then(|| self.layer_reason().name()),
            source: self.source.as_ref().map(|source| source.id.0),
            muted: self.muted,
            packets_sent: self.sent.packets,
            bytes_sent: self.sent.bytes,
            bitrate: self.sent.bitrate(),
            nack_count: feedback.map_or(0, |f| f.nacks),
            pli_count: feedback.map_or(0, |f| f.plis),
            fir_count: feedback.map_or(0, |f| f.firs),
            retransmitted_packets_sent: feedback.map_or(0, |f| f.retransmitted_packets),
            retransmitted_bytes_sent: feedback.map_or(0, |f| f.retransmitted_bytes),
            frames_sent: (self.kind == Kind::Video).then_some(self.sent.frames),
            packets_lost: remote.map(|r| u64::try_from(r.packets_lost).unwrap_or(0)),
            fraction_lost: remote.map(|r| r.fraction_lost),
            jitter: remote.map(|r| f64::from(r.jitter) / f64::from(clock_rate(self.kind))),
            round_trip_time: remote.and_then(|r| r.round_trip_time).map(|rtt| rtt.as_secs_f64()),
        }
    }
}

/// The clock of the codecs that are usual for the kind, to turn reported jitter into seconds.
fn clock_rate(kind: Kind) -> u32 {
    match kind {
        Kind::Audio => 48_000,
        Kind::Video => 90_000,
    }
}
