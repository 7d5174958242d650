//! Sender reports and goodbyes as compounds (RFC 3550 6.1).

use std::time::{Duration, Instant};

use super::stream::Stream;
use crate::codec::rtcp;

/// Reports about a stream that sends go out this often. RFC 3550 6.2 asks for five seconds at
/// least, RFC 4585 3.4 lifts that; receivers keep sound and picture in step by them.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// A compound stays below this, which leaves room for sealing under any usual MTU.
const MAX_COMPOUND: usize = 1100;
/// The count of a BYE has five bits (RFC 3550 6.6).
const MAX_GOODBYES: usize = 31;

/// When the streams of a peer are reported on.
#[derive(Default)]
pub(super) struct Reporting {
    last: Option<Instant>,
    due: Option<Instant>,
}

impl Reporting {
    /// A packet of a stream is sent, which is not counted yet. The first report of a stream goes
    /// out at once: until it comes the receiver cannot tell which sound belongs to which picture.
    pub(super) fn on_sent(&mut self, now: Instant, stream: &mut Stream) {
        if std::mem::replace(&mut stream.unreported, true) {
            return;
        }
        let due = match (stream.latest, self.last) {
            (Some(_), Some(last)) => (last + REPORT_INTERVAL).max(now),
            _ => now,
        };
        self.due = Some(self.due.map_or(due, |at| at.min(due)));
    }

    /// When [`Reporting::report`] is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due
    }

    /// Reports of every stream that sent something since its last, as compounds. `ntp` is the NTP
    /// time of this moment.
    pub(super) fn report<'a>(
        &mut self,
        now: Instant,
        ntp: u64,
        streams: impl Iterator<Item = &'a mut Stream>,
    ) -> Vec<Vec<u8>> {
        self.due = None;
        self.last = Some(now);
        let mut compounds = Vec::new();
        let mut compound = Compound::default();
        for stream in streams.filter(|stream| stream.unreported) {
            stream.unreported = false;
            compounds.extend(compound.sender_report(ntp, now, stream));
        }
        compounds.extend(compound.finish());
        compounds
    }
}

/// Sender reports that share datagrams. Each datagram names its first source (SDES CNAME), as
/// every compound has to.
#[derive(Default)]
struct Compound {
    bytes: Vec<u8>,
    first: u32,
    /// Of the first.
    cname: Box<str>,
}

impl Compound {
    /// Adds the report of one stream. Gives the compound before it when that is full.
    fn sender_report(&mut self, ntp: u64, now: Instant, stream: &Stream) -> Option<Vec<u8>> {
        let latest = stream.latest?;
        let full = (self.bytes.len() + 28 + self.description_length() > MAX_COMPOUND)
            .then(|| self.finish())
            .flatten();
        if self.bytes.is_empty() {
            self.first = stream.ssrc();
            self.cname = stream.parameters.cname.clone();
        }
        // The RTP time of this moment, as if capturing had gone on since the last packet.
        let elapsed = now.saturating_duration_since(latest.captured).as_secs_f64();
        let ticks = (elapsed * f64::from(latest.clock_rate)) as u64 as u32;
        let rtp = latest.timestamp.wrapping_add(ticks);
        let at = self.bytes.len();
        self.bytes.resize(at + 28, 0);
        let out = &mut self.bytes[at..];
        let written = rtcp::write_sender_report(
            out,
            stream.ssrc(),
            ntp,
            rtp,
            stream.packets,
            stream.octets,
            &[],
        );
        self.bytes.truncate(at + written.unwrap_or(0));
        full
    }

    /// What there is, with the description of its first source.
    fn finish(&mut self) -> Option<Vec<u8>> {
        if self.bytes.is_empty() {
            return None;
        }
        let at = self.bytes.len();
        self.bytes.resize(at + self.description_length(), 0);
        let written =
            rtcp::write_source_description(&mut self.bytes[at..], self.first, &self.cname);
        self.bytes.truncate(at + written.unwrap_or(0));
        Some(std::mem::take(&mut self.bytes))
    }

    /// At most: a header, an SSRC, an item and its padding.
    fn description_length(&self) -> usize {
        4 + 4 + 2 + self.cname.len() + 4
    }
}

/// BYEs for streams that end (RFC 3550 6.6). A compound begins with a report, which may be empty.
pub fn goodbyes(ssrcs: &[u32]) -> Vec<Vec<u8>> {
    ssrcs.chunks(MAX_GOODBYES).filter_map(goodbye).collect()
}

fn goodbye(ssrcs: &[u32]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 8 + 4 + 4 * ssrcs.len()];
    let report = rtcp::write_receiver_report(&mut bytes, *ssrcs.first()?, &[])?;
    let goodbye = rtcp::write_goodbye(&mut bytes[report..], ssrcs)?;
    bytes.truncate(report + goodbye);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rtcp::Packet;
    use crate::sending::ExtensionIds;
    use crate::sending::stream::{Latest, StreamParameters};

    fn stream(ssrc: u32, latest: Option<Latest>) -> Stream {
        let parameters = StreamParameters {
            keeps: false,
            ssrc,
            rtx: None,
            mid: "0".into(),
            cname: "someone@somewhere".into(),
            extensions: ExtensionIds::default(),
        };
        let mut stream = Stream::new(parameters);
        (stream.packets, stream.octets, stream.latest) = (7, 700, latest);
        stream
    }

    #[test]
    fn a_report_says_which_timestamp_this_moment_has() {
        let captured = Instant::now();
        let now = captured + Duration::from_millis(500);
        let latest = Latest { timestamp: u32::MAX, captured, clock_rate: 90_000 };
        let mut compound = Compound::default();
        assert!(compound.sender_report(77 << 32, now, &stream(9, Some(latest))).is_none());
        let bytes = compound.finish().unwrap();
        let mut packets = rtcp::packets(&bytes);
        match packets.next() {
            Some(Packet::SenderReport { ssrc: 9, ntp, rtp, packets: 7, octets: 700, .. }) => {
                assert_eq!((ntp, rtp), (77 << 32, 44_999));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(packets.next(), Some(Packet::SourceDescription)));
        assert_eq!(packets.next(), None);
    }

    #[test]
    fn many_reports_take_several_compounds_that_all_name_their_source() {
        let now = Instant::now();
        let latest = Latest { timestamp: 1, captured: now, clock_rate: 48_000 };
        let mut compound = Compound::default();
        let mut all: Vec<_> = (0..100)
            .filter_map(|ssrc| compound.sender_report(1, now, &stream(ssrc, Some(latest))))
            .collect();
        all.extend(compound.finish());
        let mut reported = Vec::new();
        for bytes in &all {
            assert!(bytes.len() <= MAX_COMPOUND && bytes.len() % 4 == 0);
            for packet in rtcp::packets(bytes) {
                if let Packet::SenderReport { ssrc, .. } = packet {
                    reported.push(ssrc);
                }
            }
            assert!(matches!(rtcp::packets(bytes).last(), Some(Packet::SourceDescription)));
        }
        assert!(all.len() > 2 && reported.into_iter().eq(0..100));
    }

    #[test]
    fn a_stream_that_sent_nothing_has_no_report() {
        let mut compound = Compound::default();
        compound.sender_report(1, Instant::now(), &stream(1, None));
        assert_eq!(compound.finish(), None);
    }

    #[test]
    fn the_first_report_of_a_stream_is_due_at_once_and_the_next_a_second_later() {
        let now = Instant::now();
        let mut reporting = Reporting::default();
        let mut fresh = stream(1, None);
        assert_eq!(reporting.next(), None);
        reporting.on_sent(now, &mut fresh);
        fresh.latest = Some(Latest { timestamp: 1, captured: now, clock_rate: 90_000 });
        assert_eq!(reporting.next(), Some(now));
        assert_eq!(reporting.report(now, 1, [&mut fresh].into_iter()).len(), 1);
        assert_eq!(reporting.next(), None);
        reporting.on_sent(now + Duration::from_millis(300), &mut fresh);
        assert_eq!(reporting.next(), Some(now + REPORT_INTERVAL));
        let mut another = stream(2, None);
        reporting.on_sent(now + Duration::from_millis(400), &mut another);
        assert_eq!(reporting.next(), Some(now + Duration::from_millis(400)));
    }

    #[test]
    fn goodbyes_name_everyone() {
        let ssrcs: Vec<u32> = (1..=40).collect();
        let left: Vec<u32> = goodbyes(&ssrcs)
            .iter()
            .flat_map(|bytes| {
                let goodbye = rtcp::packets(bytes).nth(1);
                match goodbye {
                    Some(Packet::Goodbye(ssrcs)) => ssrcs.collect::<Vec<u32>>(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        assert_eq!(left, ssrcs);
        assert!(goodbyes(&[]).is_empty());
    }
}
