//! What a receiver says of one stream: reports and requests (RFC 3550 6.4, RFC 4585, RFC 5104).

use std::time::{Duration, Instant};

use super::clock::WallClock;
use super::transport_history::Acknowledged;
use crate::codec::ntp;
use crate::codec::rtcp::ReportBlock;

/// Loss is known over about so many packets: of the fifty that a second of sound has, none or four may
/// be lost at 4 %, and the worst of many receivers would always lose much.
const LOSS_SPAN: u32 = 100;
/// Packets that a report is taken to tell of when there was none before it.
const FIRST_SPAN: u32 = 50;
/// Less than this, in 256ths, is no loss that redundancy is made for: 1 %.
const LEAST_LOSS: u8 = 3;

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
    /// What the link loses, in 256ths of a 256th, over the last few reports.
    loss: u16,
    /// Packets that were sent again under their own numbers since the last report, which counts
    /// them as received.
    resent: u32,
    /// The highest sequence number that the last report knew of.
    highest: Option<u32>,
    /// Packets that had been sent when it came.
    packets: u32,
    /// What transport-wide feedback had told of all packets to the receiver when the last report came, or
    /// at first, and what it told last.
    told_then: Option<Told>,
    told: Told,
}

/// Packets of which transport-wide feedback told, modulo 2^32.
#[derive(Clone, Copy, Default, Debug)]
struct Told {
    arrived: u32,
    lost: u32,
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
    /// Takes a report that came when `packets` had been sent.
    pub(super) fn report(
        &mut self,
        now: Instant,
        clock: &WallClock,
        block: &ReportBlock,
        packets: u32,
    ) {
        let round_trip_time =
            ntp::round_trip(clock.compact_ntp(now), block.last_sr, block.delay_since_last_sr);
        let before = self.remote.and_then(|remote| remote.round_trip_time);
        let reported =
            self.highest.map_or(FIRST_SPAN, |highest| block.highest_sequence.wrapping_sub(highest));
        self.loss = self.weighed(u32::from(block.fraction_lost), reported);
        (self.resent, self.highest) = (0, Some(block.highest_sequence));
        self.packets = packets;
        self.told_then = self.told_then.map(|_| self.told);
        self.remote = Some(RemoteReport {
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            packets_lost: block.packets_lost,
            jitter: block.jitter,
            round_trip_time: round_trip_time.or(before),
        });
    }

    /// What is known of the loss with so many packets more, of which this share, in 256ths, came
    /// neither by itself nor again.
    fn weighed(&self, lost: u32, packets: u32) -> u16 {
        // Of all that were sent meanwhile, which are many where no report ever comes.
        let repaired = self.resent.saturating_mul(256) / packets.max(1);
        self.with(lost.saturating_add(repaired), packets)
    }

    /// The same with this share of so many packets.
    fn with(&self, lost: u32, packets: u32) -> u16 {
        let packets = packets.clamp(1, 10 * LOSS_SPAN);
        let lost = lost.min(255) << 8;
        let all = u32::from(self.loss) * LOSS_SPAN + lost * packets;
        (all / (LOSS_SPAN + packets)) as u16
    }

    /// A packet was sent again under its own number.
    pub(super) fn resent(&mut self, bytes: usize) {
        self.resent = self.resent.saturating_add(1);
        self.retransmitted_packets += 1;
        self.retransmitted_bytes += bytes as u64;
    }

    /// What the link loses, in 256ths, over the last few reports, what was repaired as well; none where
    /// that is next to nothing.
    pub(super) fn loss(&self) -> u8 {
        in_256ths(self.loss)
    }

    /// The same with what was repaired since the last report, when `packets` were sent, or with what
    /// transport-wide feedback told, whichever is more. Reports on sound come every five seconds
    /// (libwebrtc), and an encoder that knows of nothing leaves holes until then.
    pub(super) fn loss_by_now(&self, packets: u32) -> u8 {
        let since = packets.wrapping_sub(self.packets);
        let repaired = if since < FIRST_SPAN { self.loss } else { self.weighed(0, since) };
        in_256ths(repaired.max(self.missing()).max(self.loss))
    }

    /// Transport-wide feedback told so much by now of all packets to the receiver. It comes four times
    /// a second or more (libwebrtc), where requests for sound begin when much was lost for some
    /// seconds already.
    pub(super) fn acknowledge(&mut self, acknowledged: Acknowledged) {
        let (arrived, lost) = (acknowledged.packets as u32, acknowledged.lost as u32);
        self.told = Told { arrived, lost };
        self.told_then.get_or_insert(self.told);
    }

    /// What is known of the loss with what that told since the last report.
    fn missing(&self) -> u16 {
        let then = self.told_then.unwrap_or(self.told);
        let arrived = self.told.arrived.wrapping_sub(then.arrived);
        // Less than before where packets came after all.
        let lost = u32::try_from(self.told.lost.wrapping_sub(then.lost) as i32).unwrap_or(0);
        let all = u64::from(arrived) + u64::from(lost);
        if all < u64::from(LOSS_SPAN) {
            return self.loss;
        }
        let share = u64::from(lost) * 256 / all;
        self.with(share as u32, u32::try_from(all).unwrap_or(u32::MAX))
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

/// Of a share in 256ths of a 256th.
fn in_256ths(loss: u16) -> u8 {
    Some((loss >> 8) as u8).filter(|loss| *loss >= LEAST_LOSS).unwrap_or(0)
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
        feedback.report(now + Duration::from_millis(100), &clock, &block(sent, 0), 0);
        let first = feedback.round_trip_time().unwrap();
        assert!(first.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{first:?}");
        feedback.report(now + Duration::from_secs(2), &clock, &block(0, 0), 0);
        assert_eq!(feedback.round_trip_time(), Some(first));
        assert_eq!(feedback.remote.unwrap().fraction_lost, 0.25);
    }

    /// A report on the packets up to `highest`, of which `lost` 256ths got lost.
    fn report(feedback: &mut Feedback, highest: u32, lost: u8) -> u8 {
        let now = Instant::now();
        let clock = crate::sending::testing::clock(now);
        let block = ReportBlock { fraction_lost: lost, highest_sequence: highest, ..block(0, 0) };
        feedback.report(now, &clock, &block, highest);
        feedback.loss()
    }

    #[test]
    fn loss_is_that_of_the_last_few_reports_weighed_by_their_packets() {
        let mut feedback = Feedback::default();
        assert_eq!(report(&mut feedback, 100, 0), 0);
        assert_eq!(report(&mut feedback, 150, 60), 20, "a second of many");
        assert_eq!(report(&mut feedback, 650, 26), 25, "ten seconds");
        let after =
            [700, 750, 800, 850, 900, 1_400].map(|highest| report(&mut feedback, highest, 0));
        assert!(after.is_sorted_by(|one, next| one >= next) && after[5] == 0, "{after:?}");
    }

    #[test]
    fn what_was_sent_again_under_its_number_got_lost_all_the_same() {
        let mut feedback = Feedback::default();
        report(&mut feedback, 0, 0);
        (0..100).for_each(|_| feedback.resent(100));
        let tenth = report(&mut feedback, 1_000, 0);
        assert!((20..=26).contains(&tenth), "{tenth}");
        (0..100).for_each(|_| feedback.resent(100));
        assert!(report(&mut feedback, 1_000, 255) < 30, "a report on nothing new weighs little");
    }

    #[test]
    fn of_who_never_reports_it_is_told_what_share_was_repaired() {
        let mut feedback = Feedback::default();
        (0..1_000).for_each(|_| feedback.resent(100));
        assert!(feedback.loss_by_now(100_000) <= 3, "{}", feedback.loss_by_now(100_000));
    }

    #[test]
    fn what_is_repaired_shows_before_the_next_report_does() {
        let mut feedback = Feedback::default();
        report(&mut feedback, 1_000, 0);
        (0..5).for_each(|_| feedback.resent(100));
        assert_eq!(feedback.loss_by_now(1_040), 0, "too few to tell");
        assert_eq!(
            feedback.loss_by_now(1_050),
            8,
            "a tenth of fifty, and none of the hundred before"
        );
        (0..5).for_each(|_| feedback.resent(100));
        assert_eq!(feedback.loss_by_now(1_100), 12);
        assert_eq!(feedback.loss(), 0, "no report told of it");
        assert_eq!(report(&mut feedback, 1_100, 0), 12, "and it is counted once");
        assert_eq!(feedback.loss_by_now(1_200), 12, "a report says when it is less");
    }

    /// What feedback told of so many packets, one in `one_in` of which got lost.
    fn told(packets: u64, one_in: u64) -> Acknowledged {
        let lost = packets / one_in;
        Acknowledged { packets: packets - lost, bytes: 0, lost }
    }

    #[test]
    fn what_feedback_tells_to_be_missing_shows_before_the_next_report_and_until_it_comes() {
        let mut feedback = Feedback::default();
        feedback.acknowledge(told(0, 10));
        feedback.acknowledge(told(90, 10));
        assert_eq!(feedback.loss_by_now(90), 0, "too few to tell");
        feedback.acknowledge(told(100, 10));
        assert_eq!(
            feedback.loss_by_now(100),
            12,
            "a tenth of a hundred, none of the hundred before"
        );
        feedback.acknowledge(told(900, 10));
        assert!((22..=26).contains(&feedback.loss_by_now(900)), "{}", feedback.loss_by_now(900));
        assert_eq!(report(&mut feedback, 900, 0), 0, "a report says when it is less");
        assert_eq!(feedback.loss_by_now(900), 0);
    }

    #[test]
    fn what_was_lost_before_there_was_a_stream_is_not_its_loss() {
        let mut feedback = Feedback::default();
        feedback.acknowledge(told(10_000, 2));
        feedback.acknowledge(Acknowledged { packets: 5_200, ..told(10_000, 2) });
        assert_eq!(feedback.loss_by_now(200), 0);
    }

    #[test]
    fn packets_that_come_after_all_are_not_lost() {
        let mut feedback = Feedback::default();
        feedback.acknowledge(Acknowledged { packets: 0, bytes: 0, lost: 20 });
        feedback.acknowledge(Acknowledged { packets: 200, bytes: 0, lost: 10 });
        assert_eq!(feedback.loss_by_now(200), 0);
    }

    #[test]
    fn next_to_no_loss_is_none() {
        let mut feedback = Feedback::default();
        for second in 0..100 {
            assert_eq!(report(&mut feedback, 50 * second, 2), 0);
        }
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
