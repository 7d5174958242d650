//! What turns RTP and RTCP for one peer into datagrams: headers, keys, numbers and reports.

use std::time::{Duration, Instant};

use super::clock::WallClock;
use super::header::{Elements, Header};
use super::packet::OutgoingPacket;
use super::report::Reporting;
use super::stream::{Latest, Stream};
use super::transport_history::{Acknowledged, PacketTag, TransportHistory};
use crate::bandwidth::PacketResult;
use crate::codec::Prefix;
use crate::codec::rtcp::TransportFeedback;
use crate::sfu::Extensions;
use crate::srtp::{KeyingMaterial, RtcpOpener, Sealer};

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

/// libwebrtc asks for sound that is missing with each packet that comes, every 20 ms.
const REQUEST_INTERVAL: Duration = Duration::from_millis(20);

/// The length of padding is told in one byte (RFC 3550 5.1).
const MAX_PADDING: usize = 255;

/// The keys of one peer, and what counts under them. Streams are the caller's.
pub struct Egress {
    clock: WallClock,
    sealer: Option<Sealer>,
    opener: Option<RtcpOpener>,
    history: TransportHistory,
    reporting: Reporting,
}

impl Egress {
    /// Without keys. `clock` is what reports tell the time by.
    pub fn new(now: Instant, clock: WallClock) -> Self {
        Self {
            clock,
            sealer: None,
            opener: None,
            history: TransportHistory::new(now),
            reporting: Reporting::default(),
        }
    }

    /// What keys are made of is known, of the first handshake or a later one. `client`: this side
    /// was the DTLS client (RFC 5764 4.2).
    pub fn set_keys(&mut self, material: &KeyingMaterial, client: bool) {
        self.sealer = match self.sealer {
            None => Sealer::new(material, client),
            Some(_) => Sealer::renewed(material, client),
        };
        self.opener = RtcpOpener::new(material, client);
    }

    /// Whether there are keys; without them nothing can be sealed.
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
    pub(super) fn transport_feedback(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
        each: impl FnMut(PacketResult, PacketTag),
    ) {
        self.history.apply(now, feedback, each);
    }

    /// Whether a packet that was asked for at `asked` is lost and not only late.
    pub(super) fn is_lost(&self, now: Instant, asked: Instant) -> bool {
        self.history.is_lost(now, asked)
    }

    /// When it is at the latest.
    pub(super) fn lost_at(&self, asked: Instant) -> Instant {
        self.history.lost_at(asked)
    }

    /// When the times of sending count from that feedback is told with.
    pub fn origin(&self) -> Instant {
        self.history.origin()
    }

    /// The transport-wide number of the packet that was sealed last, if those of its stream have
    /// one.
    pub(super) fn last_number(&self, stream: &Stream) -> Option<u64> {
        stream.parameters.extensions.transport_sequence?;
        self.history.last()
    }

    /// Counts a datagram that was sealed before and is sent again as it is, unless that was done just
    /// now or would be too much: see [`Egress::repeat`]. `number` is the transport-wide one that it
    /// has. False: it is not to be sent.
    pub(super) fn resend(
        &mut self,
        now: Instant,
        stream: &mut Stream,
        index: u64,
        number: Option<u64>,
        bytes: usize,
        media_bytes: u64,
    ) -> bool {
        // The receiver asks again with every packet that comes, so somewhat later than it can know.
        let patience = stream.feedback.round_trip_time().unwrap_or_default() + REQUEST_INTERVAL;
        let repair = stream.repair(stream.parameters.ssrc, media_bytes);
        if !repair.admit(now, index, bytes, media_bytes, patience) {
            return false;
        }
        if let Some(number) = number {
            self.history.resent(now, number);
        }
        stream.feedback.resent(bytes);
        true
    }

    /// The transport-wide number of the next packet.
    #[cfg(test)]
    pub(super) fn next_transport_sequence(&self) -> u16 {
        self.history.next_sequence()
    }

    /// Whether packets come in the order in which they are sent, as far as feedback shows.
    pub(super) fn keeps_order(&self) -> bool {
        self.history.keeps_order()
    }

    /// What transport-wide feedback said so far.
    pub fn acknowledged(&self) -> Acknowledged {
        self.history.acknowledged()
    }

    /// What reports tell the time by.
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
            self.history.sent(now, length, None, PacketTag::new(ssrc, packet.index));
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
        self.reporting.on_sent(now, stream);
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
            self.history.sent(now, length, purpose.probe(), PacketTag::new(ssrc, index));
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
            self.history.sent(now, length, Some(probe), PacketTag::new(ssrc, index));
        }
        Some(out)
    }

    /// When [`Egress::reports`] is due.
    pub fn report_at(&self) -> Option<Instant> {
        self.reporting.next().filter(|_| self.sealer.is_some())
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
        self.reporting.report(now, self.clock.ntp(now), streams)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sending::testing::{PT, RTX_PT, clock, material, parameters, seen};

    fn sealing() -> (Instant, Egress, Stream) {
        let now = Instant::now();
        let mut egress = Egress::new(now, clock(now));
        egress.set_keys(&material(), true);
        (now, egress, Stream::new(parameters(1)))
    }

    fn packet<'a>(now: Instant, index: u64, extensions: &'a Extensions) -> OutgoingPacket<'a> {
        OutgoingPacket {
            pt: PT,
            index,
            timestamp: 90_000,
            marker: true,
            clock_rate: 90_000,
            captured: now,
            lead: &[],
            payload: &[7; 100],
            prefix: None,
            extensions,
            frame_number: None,
        }
    }

    #[test]
    fn a_datagram_is_as_long_as_was_said_and_padding_adds_to_it() {
        let (now, mut egress, mut stream) = sealing();
        let extensions = Extensions::default();
        let packet = packet(now, 0x1_0005, &extensions);
        let size = egress.size(&stream, &packet);
        let mut out = [0; 1500];
        assert_eq!(egress.seal(now, &mut stream, &packet, 0, &mut out), Some(size));
        let header = seen(&out[..size]);
        assert_eq!((header.pt, header.sequence, header.ssrc), (PT, 5, 1000));
        assert_eq!(egress.seal(now, &mut stream, &packet, 8, &mut out), Some(size + 8));
        assert_eq!(egress.seal(now, &mut stream, &packet, 0, &mut out[..size - 1]), None);
    }

    #[test]
    fn without_keys_nothing_is_sealed() {
        let (now, _, mut stream) = sealing();
        let mut egress = Egress::new(now, clock(now));
        let extensions = Extensions::default();
        let packet = packet(now, 1, &extensions);
        assert!(!egress.has_keys());
        assert_eq!(egress.seal(now, &mut stream, &packet, 0, &mut [0; 1500]), None);
        assert_eq!(egress.repeat(now, &mut stream, &packet, RTX_PT, 0, Purpose::Repair), None);
        assert_eq!(egress.seal_compound(vec![0x80, 201, 0, 1, 0, 0, 0, 1]), None);
        assert_eq!(egress.report_at(), None);
    }

    #[test]
    fn what_is_repeated_has_numbers_of_its_own_and_is_counted_unless_it_is_a_probe() {
        let (now, mut egress, mut stream) = sealing();
        let extensions = Extensions::default();
        let packet = packet(now, 9, &extensions);
        let mut repeat = |purpose| {
            let bytes = egress.repeat(now, &mut stream, &packet, RTX_PT, 10_000, purpose);
            bytes.map(|bytes| seen(&bytes))
        };
        let first = repeat(Purpose::Repair).unwrap();
        assert_eq!((first.pt, first.ssrc, first.marker), (RTX_PT, 1001, true));
        assert_eq!(repeat(Purpose::Repair), None, "that was just now");
        let insured = repeat(Purpose::Insurance).unwrap();
        let probe = repeat(Purpose::Probe(1)).unwrap();
        assert_eq!([insured.sequence, probe.sequence], [first.sequence + 1, first.sequence + 2]);
        assert_eq!(stream.feedback().retransmitted_packets, 2);
    }
}
