//! What is said to a sender of its streams, as RTCP compounds (RFC 3550 6.1, RFC 4585 3.1).

use std::time::{Duration, Instant};

use crate::codec::{ntp, rtcp};

/// Between two receiver reports about pictures, and about sound alone: libwebrtc's.
const VIDEO_INTERVAL: Duration = Duration::from_secs(1);
const AUDIO_INTERVAL: Duration = Duration::from_secs(5);
/// A compound stays below this, which leaves room for sealing under any usual MTU.
const MAX_COMPOUND: usize = 1100;
/// The count of a report has five bits (RFC 3550 6.4.2).
const MAX_BLOCKS: usize = 31;
/// Numbers of one NACK: up to four bytes each.
const MAX_NACKED: usize = 240;
/// The longest CNAME that is written.
const MAX_CNAME: usize = 64;

/// Who writes reports, and when the next one is due.
#[derive(Debug)]
pub(super) struct Reporter {
    /// Never one that media is sent with: the same keys protect both, and an index must not come
    /// twice for one SSRC (RFC 3711 9.1).
    pub(super) ssrc: u32,
    cname: String,
    origin: Instant,
    last: Option<Instant>,
    due: Option<Instant>,
}

impl Reporter {
    pub(super) fn new(now: Instant, ssrc: u32, cname: &str) -> Self {
        let cname = cname.chars().filter(char::is_ascii_graphic).take(MAX_CNAME).collect();
        Self { ssrc, cname, origin: now, last: None, due: None }
    }

    /// A stream has something to report.
    pub(super) fn wanted(&mut self, now: Instant, video: bool) {
        let interval = if video { VIDEO_INTERVAL } else { AUDIO_INTERVAL };
        // The first one earlier, as the sender has no idea of the link yet (RFC 3550 6.2).
        let due = self.last.map_or(now + interval / 2, |last| last + interval).max(now);
        self.due = Some(self.due.map_or(due, |at| at.min(due)));
    }

    /// There is something to say that must not wait, if anything was said yet.
    pub(super) fn wanted_now(&mut self, now: Instant) {
        if self.last.is_some() {
            self.due = Some(now);
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due
    }

    /// Whether reports are due. They count as made then.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| now >= due);
        if due {
            (self.due, self.last) = (None, Some(now));
        }
        due
    }

    /// Our time as reports of extended kind carry it. It may count from anywhere (RFC 3611 4.4);
    /// only what comes back is compared.
    fn time(&self, now: Instant) -> u64 {
        ntp::from_unix(now.saturating_duration_since(self.origin))
    }

    /// The round trip that an answer to our reference time tells (RFC 3611 4.5).
    pub(super) fn round_trip(&self, now: Instant, reference: u32, delay: u32) -> Option<Duration> {
        ntp::round_trip(ntp::compact(self.time(now)), reference, delay)
    }

    /// Receiver reports, each compound with a reference time and the description of who writes it.
    pub(super) fn reports(
        &self,
        now: Instant,
        blocks: &[rtcp::ReportBlock],
        mut send: impl FnMut(Vec<u8>),
    ) {
        for blocks in blocks.chunks(MAX_BLOCKS) {
            let mut compound = Compound::default();
            compound.add(|out| rtcp::write_receiver_report(out, self.ssrc, blocks));
            compound.add(|out| rtcp::write_reference_time(out, self.ssrc, self.time(now)));
            compound.add(|out| rtcp::write_source_description(out, self.ssrc, &self.cname));
            send(compound.finish());
        }
    }

    /// Feedback alone when that was agreed on, else behind an empty report (RFC 5506).
    pub(super) fn feedback(
        &self,
        reduced_size: bool,
        write: impl FnOnce(&mut [u8], u32) -> Option<usize>,
    ) -> Option<Vec<u8>> {
        let mut compound = Compound::default();
        if !reduced_size {
            compound.add(|out| rtcp::write_receiver_report(out, self.ssrc, &[]));
            compound.add(|out| rtcp::write_source_description(out, self.ssrc, &self.cname));
        }
        compound.add(|out| write(out, self.ssrc))?;
        Some(compound.finish())
    }

    /// NACKs for packets of one stream, in ascending order.
    pub(super) fn nacks(
        &self,
        reduced_size: bool,
        media: u32,
        lost: &[u16],
        mut send: impl FnMut(Vec<u8>),
    ) {
        for lost in lost.chunks(MAX_NACKED) {
            let write = |out: &mut [u8], own| rtcp::write_nack(out, own, media, lost);
            self.feedback(reduced_size, write).into_iter().for_each(&mut send);
        }
    }
}

/// Packets one behind the other.
#[derive(Default)]
struct Compound(Vec<u8>);

impl Compound {
    fn add(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<()> {
        let start = self.0.len();
        self.0.resize(MAX_COMPOUND.max(start), 0);
        let length = write(&mut self.0[start..]);
        self.0.truncate(start + length.unwrap_or(0));
        length.map(drop)
    }

    fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rtcp::{Packet, ReportBlock, packets};

    fn reporter() -> (Reporter, Instant) {
        let now = Instant::now();
        (Reporter::new(now, 9, "me"), now)
    }

    #[test]
    fn pictures_are_reported_on_every_second_and_sound_every_five() {
        let (mut reporter, now) = reporter();
        reporter.wanted(now, false);
        assert_eq!(reporter.next(), Some(now + AUDIO_INTERVAL / 2), "the first is earlier");
        reporter.wanted(now, true);
        let first = now + VIDEO_INTERVAL / 2;
        assert_eq!(reporter.next(), Some(first));
        assert!(reporter.take_due(first));
        assert_eq!(reporter.next(), None, "nothing came since");
        reporter.wanted(first + Duration::from_millis(10), false);
        assert_eq!(reporter.next(), Some(first + AUDIO_INTERVAL));
        reporter.wanted(first + Duration::from_millis(20), true);
        assert_eq!(reporter.next(), Some(first + VIDEO_INTERVAL));
    }

    #[test]
    fn a_compound_has_31_blocks_and_says_who_writes() {
        let (reporter, now) = reporter();
        let blocks: Vec<_> =
            (0..40).map(|ssrc| ReportBlock { ssrc, ..Default::default() }).collect();
        let mut compounds = Vec::new();
        reporter.reports(now, &blocks, |compound| compounds.push(compound));
        assert_eq!(compounds.len(), 2);
        for (compound, count) in compounds.iter().zip([31, 9]) {
            let kinds: Vec<_> = packets(compound).collect();
            let [Packet::ReceiverReport { ssrc: 9, reports }, xr, sdes] = &kinds[..] else {
                panic!("{kinds:?}");
            };
            assert_eq!(reports.clone().count(), count);
            assert!(matches!(xr, Packet::ExtendedReport { ssrc: 9, .. }));
            assert!(matches!(sdes, Packet::SourceDescription));
        }
    }

    #[test]
    fn feedback_follows_a_report_unless_agreed_otherwise() {
        let (reporter, _) = reporter();
        let pli = |out: &mut [u8], own| rtcp::write_pli(out, own, 7);
        let whole = reporter.feedback(false, pli).unwrap();
        let kinds: Vec<_> = packets(&whole).collect();
        assert!(matches!(kinds[0], Packet::ReceiverReport { ssrc: 9, .. }));
        assert_eq!(kinds[2], Packet::Pli { sender: 9, media: 7 });
        let alone = reporter.feedback(true, pli).unwrap();
        assert!(packets(&alone).eq([Packet::Pli { sender: 9, media: 7 }]));
    }

    #[test]
    fn every_lost_packet_is_in_a_nack_however_many_there_are() {
        let (reporter, _) = reporter();
        let lost: Vec<u16> = (0..1000).map(|n| n * 20).collect();
        let mut read = Vec::new();
        reporter.nacks(true, 7, &lost, |compound| match packets(&compound).next() {
            Some(Packet::Nack { media: 7, lost, .. }) => read.extend(lost),
            other => panic!("{other:?}"),
        });
        assert_eq!(read, lost);
    }

    #[test]
    fn the_round_trip_is_what_passed_but_for_the_answerers_delay() {
        let (reporter, now) = reporter();
        let sent = now + Duration::from_secs(3);
        let reference = ntp::compact(reporter.time(sent));
        let delay = ntp::compact_from_duration(Duration::from_millis(500));
        let round_trip = reporter.round_trip(sent + Duration::from_millis(540), reference, delay);
        let round_trip = round_trip.unwrap();
        assert!(round_trip.as_millis().abs_diff(40) <= 1, "{round_trip:?}");
    }
}
