//! One RTP stream that a peer sends: its numbers, what arrived of it, and what reports say of that
//! (RFC 3550 6.4, A.1, A.3, A.8).

use std::time::{Duration, Instant};

use super::clock::TimeLine;
use super::demux::Route;
use super::nack::Nack;
use crate::codec::ntp;
use crate::codec::rtcp::ReportBlock;
use crate::srtp::PacketIndex;

/// A difference of arrivals that is longer than this, in seconds, is a pause and no jitter.
const LONGEST_JITTER: i64 = 5;

/// The register of one SSRC, which begins with its first authentic packet.
#[derive(Debug)]
pub struct Stream {
    pub(super) ssrc: u32,
    /// Whose it is.
    pub(super) route: Route,
    /// Replays and the rollover counter. Its indices are the extended sequence numbers.
    pub(super) index: PacketIndex,
    /// The lowest index.
    pub(super) first: u64,
    /// When something came last.
    pub(super) heard: Instant,
    pub(super) nack: Nack,
    /// Requests for repetitions that were sent.
    pub(super) nacks: u64,
    pub(super) time_line: Option<TimeLine>,
    /// Something came since the last report.
    pub(super) unreported: bool,
    received: u64,
    /// Packets that came because they were asked for, under their own numbers, since the last report.
    again: u64,
    jitter: Jitter,
    /// What was expected and received when the last report was made.
    before: (u64, u64),
    fraction_lost: Option<u8>,
    /// Compact NTP time of the last sender report, and its arrival.
    sender_report: Option<(u32, Instant)>,
}

impl Stream {
    pub(super) fn new(now: Instant, ssrc: u32, index: u64, route: Route) -> Self {
        Self {
            ssrc,
            route,
            index: PacketIndex::new(index),
            first: index,
            heard: now,
            nack: Nack::default(),
            nacks: 0,
            time_line: None,
            unreported: false,
            received: 0,
            again: 0,
            jitter: Jitter::default(),
            before: (0, 0),
            fraction_lost: None,
            sender_report: None,
        }
    }

    /// Counts an authentic packet that was sent for the first time. `newest`: it is ahead of all
    /// others.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        index: u64,
        newest: bool,
        timestamp: u32,
        clock_rate: u32,
    ) {
        self.heard = now;
        self.first = self.first.min(index);
        self.received += 1;
        self.unreported = true;
        if newest {
            self.jitter.receive(now, timestamp, clock_rate);
        }
    }

    /// A packet came again, and was missing.
    pub(super) fn repair(&mut self, now: Instant, index: u64) {
        self.heard = now;
        self.index.record(index);
    }

    /// A packet that was counted as received is a repetition with the number of what it repeats.
    pub(super) fn came_again(&mut self) {
        self.again += 1;
    }

    /// The index of a repetition, as far as it is of any use: `None` when that packet is there,
    /// was before the stream began, or would be far ahead of it.
    pub(super) fn missing(&self, sequence: u16) -> Option<u64> {
        /// A repetition follows what it repeats, so little can be between them.
        const AHEAD: u64 = 1000;
        let index = self.index.guess(sequence)?;
        let known = self.first..=self.index.highest() + AHEAD;
        (known.contains(&index) && self.index.accepts(index)).then_some(index)
    }

    /// Packets from the first to the highest.
    pub(super) fn expected(&self) -> u64 {
        self.index.highest() - self.first + 1
    }

    /// A sender report of this stream came.
    pub(super) fn sender_report(&mut self, now: Instant, time: u64) {
        self.sender_report = Some((ntp::compact(time), now));
    }

    /// What a receiver report says of it. Repetitions do not count as received: the report is about
    /// the link. But the total of what was lost is without those that have the number of what they
    /// repeat (RFC 3550 A.3).
    pub(super) fn report(&mut self, now: Instant) -> ReportBlock {
        self.unreported = false;
        let expected = self.expected();
        let (expected_before, received_before) = self.before;
        self.before = (expected, self.received);
        let span = expected.saturating_sub(expected_before);
        let lost = span.saturating_sub(self.received - received_before);
        let lost = span.min(lost + std::mem::take(&mut self.again));
        let fraction_lost = (lost * 256).checked_div(span).unwrap_or(0).min(255) as u8;
        self.fraction_lost = Some(fraction_lost);
        let total = expected as i64 - self.received as i64;
        let (last_sr, delay_since_last_sr) = self.sender_report.map_or((0, 0), |(time, at)| {
            (time, ntp::compact_from_duration(now.saturating_duration_since(at)))
        });
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            packets_lost: total.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            highest_sequence: self.index.highest() as u32,
            jitter: self.jitter.value(),
            last_sr,
            delay_since_last_sr,
        }
    }

    /// Lost on the way here, of what the last report covered, 0 to 1.
    pub(super) fn fraction_lost(&self) -> Option<f64> {
        self.fraction_lost.map(|fraction| f64::from(fraction) / 256.0)
    }

    /// Of arrivals, in units of the RTP timestamp.
    pub(super) fn jitter(&self) -> u32 {
        self.jitter.value()
    }
}

/// Interarrival jitter (RFC 3550 A.8).
#[derive(Clone, Copy, Default, Debug)]
struct Jitter {
    /// The packet before.
    last: Option<(u32, Instant)>,
    /// Times 16, as in the RFC's integer form.
    estimate: i64,
}

impl Jitter {
    fn receive(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        let Some((before, at)) = self.last else {
            self.last = Some((timestamp, now));
            return;
        };
        // The packets of one picture share a timestamp, and leave one behind the other on purpose.
        if timestamp == before {
            return;
        }
        self.last = Some((timestamp, now));
        let passed = now.saturating_duration_since(at).min(Duration::from_secs(3600));
        let ticks = (passed.as_micros() as i64) * i64::from(clock_rate) / 1_000_000;
        let difference = (ticks - i64::from(timestamp.wrapping_sub(before) as i32)).abs();
        if difference < LONGEST_JITTER * i64::from(clock_rate) {
            self.estimate += difference - ((self.estimate + 8) >> 4);
        }
    }

    fn value(self) -> u32 {
        (self.estimate >> 4) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn stream(first: u64) -> (Stream, Instant) {
        let now = Instant::now();
        let mut stream = Stream::new(now, 7, first, Route::default());
        stream.receive(now, first, true, 0, 8000);
        (stream, now)
    }

    fn receive(stream: &mut Stream, now: Instant, index: u64, timestamp: u32) {
        stream.index.record(index);
        stream.receive(now, index, true, timestamp, 8000);
    }

    #[test]
    fn a_report_tells_what_got_lost_since_the_one_before_and_in_all() {
        let (mut stream, now) = stream(100);
        (101..110).for_each(|index| receive(&mut stream, now, index, 0));
        let report = stream.report(now);
        assert_eq!((report.ssrc, report.fraction_lost, report.packets_lost), (7, 0, 0));
        (115..120).for_each(|index| receive(&mut stream, now, index, 0));
        let report = stream.report(now);
        assert_eq!((report.fraction_lost, report.packets_lost), (128, 5));
        assert_eq!(stream.fraction_lost(), Some(0.5));
        let report = stream.report(now);
        assert_eq!((report.fraction_lost, report.packets_lost), (0, 5), "nothing since");
    }

    #[test]
    fn a_repetition_is_still_a_loss_of_the_link() {
        let (mut stream, now) = stream(100);
        receive(&mut stream, now, 102, 0);
        assert_eq!(stream.missing(101), Some(101));
        stream.repair(now, 101);
        assert_eq!(stream.missing(101), None, "it is there");
        assert_eq!(stream.report(now).packets_lost, 1);
    }

    #[test]
    fn what_came_again_under_its_own_number_got_lost_but_is_not_missing() {
        let (mut stream, now) = stream(100);
        (101..=103).for_each(|index| receive(&mut stream, now, index, 0));
        stream.came_again();
        let report = stream.report(now);
        assert_eq!((report.fraction_lost, report.packets_lost), (64, 0));
        (104..108).for_each(|index| receive(&mut stream, now, index, 0));
        assert_eq!(stream.report(now).fraction_lost, 0);
    }

    #[test]
    fn a_repetition_from_before_the_start_or_far_ahead_is_of_no_use() {
        let (stream, _) = stream(100);
        assert_eq!(stream.missing(99), None);
        assert_eq!(stream.missing(65_000), None);
        assert_eq!(stream.missing(101), Some(101), "the last before a pause may have got lost");
        assert_eq!(stream.missing(1_101), None);
    }

    #[test]
    fn the_highest_sequence_counts_its_cycles() {
        let (mut stream, now) = stream(0xffff);
        receive(&mut stream, now, 0x1_0000, 0);
        assert_eq!(stream.report(now).highest_sequence, 0x1_0000);
        assert_eq!(stream.expected(), 2);
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let (mut stream, now) = stream(0);
        // Every second packet of 20 ms is 10 ms late, so each differs by 80 ticks.
        for packet in 1..400_u32 {
            let late = if packet % 2 == 0 { 10 * MS } else { Duration::ZERO };
            let at = now + 20 * MS * packet + late;
            receive(&mut stream, at, packet.into(), packet * 160);
        }
        assert!(stream.jitter().abs_diff(80) <= 6, "{}", stream.jitter());
    }

    #[test]
    fn a_pause_and_the_packets_of_one_picture_are_no_jitter() {
        let (mut stream, now) = stream(0);
        for packet in 1..10 {
            receive(&mut stream, now + MS * packet, packet.into(), 0);
        }
        assert_eq!(stream.jitter(), 0);
        receive(&mut stream, now + Duration::from_secs(60), 10, 160);
        assert_eq!(stream.jitter(), 0);
    }

    #[test]
    fn a_report_names_the_last_sender_report_and_its_age() {
        let (mut stream, now) = stream(0);
        assert_eq!(stream.report(now).last_sr, 0);
        stream.sender_report(now, 0x1111_2222_3333_4444);
        let report = stream.report(now + MS * 1500);
        assert_eq!((report.last_sr, report.delay_since_last_sr), (0x2222_3333, 0x0001_8000));
    }
}
