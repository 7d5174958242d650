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
    /// Totals since the beginning, and what holds now; bitrates in bit/s.
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

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::sending::testing::Rig;
    use crate::sfu::testing::Source;

    #[test]
    fn datagrams_are_counted_when_they_leave_and_payload_for_its_track() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        let packets = Source::new(Codec::Vp8).frame(true, 3);
        let payload: usize = packets.iter().map(|packet| packet.payload.len()).sum();
        let burst: usize = rig.forward(track, packets).iter().map(Vec::len).sum();
        let stats = rig.sending.stats(rig.now);
        assert_eq!((stats.packets_sent, stats.bytes_sent), (3, burst as u64));
        let track = &stats.tracks[0];
        assert_eq!((track.packets_sent, track.bytes_sent), (3, payload as u64));
        assert_eq!(
            (track.frames_sent, track.ssrc, track.rtx_ssrc),
            (Some(1), Some(1000), Some(1001))
        );
        assert_eq!((track.mid.as_deref(), track.rid.as_deref()), (Some("1"), Some("r0")));
        rig.sending.handle_timeout(rig.now);
        assert_eq!(rig.sending.stats(rig.now).packets_sent, 3, "the report waits");
        rig.datagrams();
        assert_eq!(rig.sending.stats(rig.now).packets_sent, 4);
    }
}
