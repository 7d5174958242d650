//! What a receiver says of one stream: reports and requests (RFC 3550 6.4, RFC 4585, RFC 5104).

use std::time::{Duration, Instant};

use super::clock::WallClock;
use crate::codec::ntp;
use crate::codec::rtcp::ReportBlock;

/// Counts of what the receiver asked for and what was repeated, and its last report.
#[derive(Default, Debug)]
pub struct Feedback {
    pub nacks: u64,
    pub plis: u64,
    pub firs: u64,
    pub retransmitted_packets: u64,
    pub retransmitted_bytes: u64,
    last_fir: Option<u8>,
    pub remote: Option<RemoteReport>,
}

/// The last report block about the stream.
#[derive(Clone, Copy, Debug)]
pub struct RemoteReport {
    /// 0 to 1, since the report before.
    pub fraction_lost: f64,
    /// Since the beginning; duplicates can make it negative.
    pub packets_lost: i32,
    /// In units of the RTP clock.
    pub jitter: u32,
    /// `None` while no report of ours was quoted.
    pub round_trip_time: Option<Duration>,
}

impl Feedback {
    pub(super) fn report(&mut self, now: Instant, clock: &WallClock, block: &ReportBlock) {
        let round_trip_time =
            ntp::round_trip(clock.compact_ntp(now), block.last_sr, block.delay_since_last_sr);
        let before = self.remote.and_then(|remote| remote.round_trip_time);
        self.remote = Some(RemoteReport {
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            packets_lost: block.packets_lost,
            jitter: block.jitter,
            round_trip_time: round_trip_time.or(before),
        });
    }

    /// Whether a full intra request asks for something new: it is repeated under one number until
    /// it is answered (RFC 5104 4.3.1.1).
    pub(super) fn full_intra_request(&mut self, number: u8) -> bool {
        self.firs += 1;
        self.last_fir.replace(number) != Some(number)
    }

    /// As the last report block has it; `None` until one answers a sender report (RFC 3550 6.4.1).
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.remote.and_then(|remote| remote.round_trip_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(last_sr: u32, delay_since_last_sr: u32) -> ReportBlock {
        ReportBlock {
            ssrc: 1,
            fraction_lost: 64,
            packets_lost: 5,
            highest_sequence: 9,
            jitter: 7,
            last_sr,
            delay_since_last_sr,
        }
    }

    #[test]
    fn a_report_without_a_quote_leaves_the_round_trip_as_it_was() {
        let now = Instant::now();
        let clock = crate::sending::testing::clock(now);
        let mut feedback = Feedback::default();
        let sent = clock.compact_ntp(now);
        feedback.report(now + Duration::from_millis(100), &clock, &block(sent, 0));
        let first = feedback.round_trip_time().unwrap();
        assert!(first.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{first:?}");
        feedback.report(now + Duration::from_secs(2), &clock, &block(0, 0));
        assert_eq!(feedback.round_trip_time(), Some(first));
        assert_eq!(feedback.remote.unwrap().fraction_lost, 0.25);
    }

    #[test]
    fn a_repeated_full_intra_request_is_one_request() {
        let mut feedback = Feedback::default();
        assert!(feedback.full_intra_request(7));
        assert!(!feedback.full_intra_request(7));
        assert!(feedback.full_intra_request(8));
        assert_eq!(feedback.firs, 3);
    }
}
