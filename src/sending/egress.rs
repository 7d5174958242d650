//! What turns RTP and RTCP for one peer into datagrams: headers, keys, numbers and reports.

use std::time::{Duration, Instant};

use super::clock::WallClock;
use super::header::{Elements, Header};
use super::report;
use super::stream::{Latest, Stream};
use super::transport_history::{Acknowledged, TransportHistory};
use crate::bandwidth::PacketResult;
use crate::codec::Prefix;
use crate::codec::rtcp::TransportFeedback;
use crate::sfu::Extensions;
use crate::srtp::{KeyingMaterial, RtcpOpener, Sealer};

/// Reports about a stream that sends go out this often. RFC 3550 6.2 asks for five seconds at
/// least, RFC 4585 3.4 lifts that; receivers keep sound and picture in step by them.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Why a packet is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The receiver asked for it.
    Repair,
    /// It was repeated just now, and what is repeated gets lost as well.
    Insurance,
    /// To probe how much the link carries.
    Probe(u32),
}

impl Purpose {
    fn probe(self) -> Option<u32> {
        match self {
            Purpose::Probe(id) => Some(id),
            Purpose::Repair | Purpose::Insurance => None,
        }
    }
}

/// The length of padding is told in one byte (RFC 3550 5.1).
const MAX_PADDING: usize = 255;

/// One packet for one receiver, rewritten, not yet sealed.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingPacket<'a> {
    pub pt: u8,
    /// Packet index: the low 16 bits are the sequence number, the rest the rollover counter. Never
    /// used twice for one stream, because it is the nonce (RFC 3711 9.1).
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// In Hz.
    pub clock_rate: u32,
    /// When the media was captured, on this machine's clock; feeds sender reports.
    pub captured: Instant,
    /// Goes before the payload.
    pub lead: &'a [u8],
    pub payload: &'a [u8],
    /// Replaces the first bytes of the payload. Not with a `lead`.
    pub prefix: Option<&'a Prefix>,
    pub extensions: &'a Extensions,
    /// Goes into a copy of the dependency descriptor of `extensions`.
    pub frame_number: Option<u16>,
}

impl<'a> OutgoingPacket<'a> {
    /// What goes before the shared payload or replaces its start, and the rest of it.
    pub fn parts(&self) -> (&'a [u8], &'a [u8]) {
        debug_assert!(self.prefix.is_none() || self.lead.is_empty(), "one start for a payload");
        match self.prefix {
            Some(prefix) => (prefix.bytes(), prefix.rest(self.payload)),
            None => (self.lead, self.payload),
        }
    }
}

pub struct Egress {
    clock: WallClock,
    sealer: Option<Sealer>,
    opener: Option<RtcpOpener>,
    history: TransportHistory,
    last_report: Option<Instant>,
    report_at: Option<Instant>,
}

impl Egress {
    pub fn new(now: Instant) -> Self {
        Self {
            clock: WallClock::new(now),
            sealer: None,
            opener: None,
            history: TransportHistory::new(now),
            last_report: None,
            report_at: None,
        }
    }

    /// What keys are made of is known. `client`: this side was the DTLS client (RFC 5764 4.2).
    pub fn set_keys(&mut self, material: &KeyingMaterial, client: bool) {
        self.sealer = Sealer::new(material, client);
        self.opener = RtcpOpener::new(material, client);
    }

    pub fn has_keys(&self) -> bool {
        self.sealer.is_some()
    }

    /// Authenticates and decrypts a received RTCP compound into `plain`.
    pub fn open(&mut self, packet: &[u8], plain: &mut Vec<u8>) -> bool {
        self.opener.as_mut().is_some_and(|opener| opener.open(packet, plain))
    }

    /// Who sent RTCP, for each the bytes behind an index, its SSRC and the highest index.
    pub fn rtcp_senders(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        self.opener.iter().flat_map(|opener| opener.senders())
    }

    /// Takes transport-wide feedback; gives what it says of each packet.
    pub fn transport_feedback(
        &mut self,
        feedback: &TransportFeedback<'_>,
        each: impl FnMut(PacketResult),
    ) {
        self.history.apply(feedback, each);
    }

    /// When the times of sending count from that feedback is told with.
    pub fn origin(&self) -> Instant {
        self.history.origin()
    }

    /// What transport-wide feedback said so far.
    pub fn acknowledged(&self) -> Acknowledged {
        self.history.acknowledged()
    }

    pub fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// Length of the datagram that a packet makes, without padding.
    pub fn size(&self, stream: &Stream, packet: &OutgoingPacket<'_>) -> usize {
        let elements = self.elements(stream, packet, 0);
        let header = Header::length(&stream.parameters.extensions, &elements);
        let (prefix, rest) = packet.parts();
        let overhead = self.sealer.as_ref().map_or(0, Sealer::rtp_overhead);
        header + prefix.len() + rest.len() + overhead
    }

    fn elements<'a>(
        &self,
        stream: &'a Stream,
        packet: &'a OutgoingPacket<'_>,
        abs_send_time: u32,
    ) -> Elements<'a> {
        Elements {
            mid: &stream.parameters.mid,
            transport_sequence: self.history.next_sequence(),
            abs_send_time,
            source: packet.extensions,
            frame_number: packet.frame_number,
        }
    }

    /// Seals a packet into `out`; gives the datagram's length. `None` without keys, or when `out`
    /// is too short.
    pub fn seal(
        &mut self,
        now: Instant,
        stream: &mut Stream,
        packet: &OutgoingPacket<'_>,
        padding: usize,
        out: &mut [u8],
    ) -> Option<usize> {
        let sealer = self.sealer.as_ref()?;
        let ssrc = stream.parameters.ssrc;
        let elements = self.elements(stream, packet, self.clock.abs_send_time(now));
        let header = Header {
            pt: packet.pt,
            marker: packet.marker,
            padding: padding > 0,
            sequence: packet.index as u16,
            timestamp: packet.timestamp,
            ssrc,
        };
        let header = header.write(&stream.parameters.extensions, &elements, out)?;
        let (prefix, rest) = packet.parts();
        let length = sealer.seal_rtp(out, header, ssrc, packet.index, prefix, rest, padding)?;
        if stream.parameters.extensions.transport_sequence.is_some() {
            self.history.sent(now, length, None);
        }
        self.count(now, stream, packet, prefix.len() + rest.len());
        Some(length)
    }

    fn count(
        &mut self,
        now: Instant,
        stream: &mut Stream,
        packet: &OutgoingPacket<'_>,
        bytes: usize,
    ) {
        if !stream.unreported {
            stream.unreported = true;
            // The first report goes out at once: until it comes the receiver cannot tell which
            // sound belongs to which picture.
            let due = match (stream.latest, self.last_report) {
                (Some(_), Some(last)) => (last + REPORT_INTERVAL).max(now),
                _ => now,
            };
            self.report_at = Some(self.report_at.map_or(due, |at| at.min(due)));
        }
        stream.packets = stream.packets.wrapping_add(1);
        stream.octets = stream.octets.wrapping_add(bytes as u32);
        stream.latest = Some(Latest {
            timestamp: packet.timestamp,
            captured: packet.captured,
            clock_rate: packet.clock_rate,
        });
    }

    /// Repeats a packet on the retransmission stream (RFC 4588 4), unless that was done just now
    /// or would be too much. `pt` is the payload type of the retransmission format, `media_bytes`
    /// what the stream has sent so far. The limits are for what the receiver asks for.
    pub fn repeat(
        &mut self,
        now: Instant,
        stream: &mut Stream,
        packet: &OutgoingPacket<'_>,
        pt: u8,
        media_bytes: u64,
        purpose: Purpose,
    ) -> Option<Vec<u8>> {
        let ssrc = stream.parameters.rtx?;
        let sealer = self.sealer.as_ref()?;
        let round_trip = stream.feedback.round_trip_time().unwrap_or_default();
        let repair = stream.repair(ssrc, media_bytes);
        let (prefix, rest) = packet.parts();
        let bytes = prefix.len() + rest.len();
        if prefix.len() > Prefix::CAPACITY {
            return None;
        }
        if purpose == Purpose::Repair
            && !repair.admit(now, packet.index, bytes, media_bytes, round_trip)
        {
            return None;
        }
        let index = repair.take_index();
        // The original sequence number leads the payload (RFC 4588 4).
        let mut start = [0; 2 + Prefix::CAPACITY];
        start[..2].copy_from_slice(&(packet.index as u16).to_be_bytes());
        start[2..2 + prefix.len()].copy_from_slice(prefix);
        let start = &start[..2 + prefix.len()];

        let elements = self.elements(stream, packet, self.clock.abs_send_time(now));
        let header = Header {
            pt,
            marker: packet.marker,
            padding: false,
            sequence: index as u16,
            timestamp: packet.timestamp,
            ssrc,
        };
        let extensions = &stream.parameters.extensions;
        let length = Header::length(extensions, &elements);
        let mut out = vec![0; length + start.len() + rest.len() + sealer.rtp_overhead()];
        header.write(extensions, &elements, &mut out)?;
        let length = sealer.seal_rtp(&mut out, length, ssrc, index, start, rest, 0)?;
        out.truncate(length);
        if extensions.transport_sequence.is_some() {
            self.history.sent(now, length, purpose.probe());
        }
        if purpose.probe().is_none() {
            stream.feedback.retransmitted_packets += 1;
            stream.feedback.retransmitted_bytes += bytes as u64;
        }
        Some(out)
    }

    /// A packet of padding alone on the retransmission stream, to probe how much the link carries
    /// where there is nothing to repeat. It names `newest`, a sequence number that the receiver
    /// has, so that it is a repetition by its form (RFC 4588 4) and is passed over as one.
    pub fn pad(
        &mut self,
        now: Instant,
        stream: &mut Stream,
        pt: u8,
        newest: u16,
        probe: u32,
    ) -> Option<Vec<u8>> {
        let ssrc = stream.parameters.rtx?;
        let sealer = self.sealer.as_ref()?;
        let index = stream.repair(ssrc, 0).take_index();
        let elements = Elements {
            mid: &stream.parameters.mid,
            transport_sequence: self.history.next_sequence(),
            abs_send_time: self.clock.abs_send_time(now),
            source: &Extensions::default(),
            frame_number: None,
        };
        let header = Header {
            pt,
            marker: false,
            padding: true,
            sequence: index as u16,
            timestamp: stream.latest.map_or(0, |latest| latest.timestamp),
            ssrc,
        };
        let extensions = &stream.parameters.extensions;
        let length = Header::length(extensions, &elements);
        let original = newest.to_be_bytes();
        let size = original.len() + MAX_PADDING + sealer.rtp_overhead();
        let mut out = vec![0; length + size];
        header.write(extensions, &elements, &mut out)?;
        let length = sealer.seal_rtp(&mut out, length, ssrc, index, &original, &[], MAX_PADDING)?;
        out.truncate(length);
        if extensions.transport_sequence.is_some() {
            self.history.sent(now, length, Some(probe));
        }
        Some(out)
    }

    /// When [`Egress::reports`] is due.
    pub fn report_at(&self) -> Option<Instant> {
        self.report_at.filter(|_| self.sealer.is_some())
    }

    /// Sender reports of every stream that sent something since its last, if they are due: RTCP
    /// compounds to be sealed.
    pub fn reports<'a>(
        &mut self,
        now: Instant,
        streams: impl Iterator<Item = &'a mut Stream>,
    ) -> Vec<Vec<u8>> {
        if self.report_at().is_none_or(|at| now < at) {
            return Vec::new();
        }
        self.report_at = None;
        self.last_report = Some(now);
        let mut compounds = Vec::new();
        let mut compound = report::Compound::default();
        for stream in streams.filter(|stream| stream.unreported) {
            stream.unreported = false;
            compounds.extend(compound.sender_report(self.clock.ntp(now), now, stream));
        }
        compounds.extend(compound.finish());
        compounds
    }

    /// Seals an RTCP compound.
    pub fn seal_compound(&mut self, mut compound: Vec<u8>) -> Option<Vec<u8>> {
        let sealer = self.sealer.as_mut()?;
        let length = compound.len();
        compound.resize(length + sealer.rtcp_overhead(), 0);
        let length = sealer.seal_rtcp(&mut compound, length)?;
        compound.truncate(length);
        Some(compound)
    }
}
