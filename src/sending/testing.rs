//! A sending half with keys made by hand, and the peer that it sends to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{
    Delivery, ExtensionIds, Nacked, Observer, OutgoingPacket, OutgoingTrack, Outlet, Reach,
    Sending, SendingEvent, StreamParameters, WallClock, Workspace,
};
use crate::codec::format::{Format, Parameters};
use crate::codec::rtcp;
use crate::codec::{Codec, Kind};
use crate::control::flow::{Flow, Protocol};
use crate::control::ids::{OutgoingTrackId, SourceId, TransportId};
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::{EncodingIndex, LayerMeter, SourcePacket};
use crate::srtp::{KeyingMaterial, Profile, RtcpOpener, Sealer};

/// Payload types of the receiver; those of sources are 96 (see `sfu::testing`).
pub(crate) const PT: u8 = 100;
pub(crate) const RTX_PT: u8 = 101;
pub(crate) const OPUS_PT: u8 = 111;
pub(crate) const RED_PT: u8 = 63;

/// The flow of the peer with that number.
pub(crate) fn flow(peer: u8) -> Flow {
    Flow {
        protocol: Protocol::Udp,
        local: SocketAddr::from(([127, 0, 0, 1], 10_000)),
        remote: SocketAddr::from(([10, 0, 0, peer], 20_000)),
    }
}

/// The clock on the wall of a moment in 2030.
pub(crate) fn clock(now: Instant) -> WallClock {
    WallClock::new(now, Duration::from_secs(1_900_000_000))
}

pub(crate) fn material() -> KeyingMaterial {
    let profile = Profile::AeadAes128Gcm;
    let bytes: Vec<u8> = (0..2 * (profile.key_len() + profile.salt_len()) as u8).collect();
    KeyingMaterial::new(profile, &bytes).expect("as many bytes as the profile has")
}

pub(crate) fn format(codec: Codec, pt: u8) -> Format {
    let rtx = (codec.kind() == Kind::Video).then_some(RTX_PT);
    Format { codec, pt, red: None, rtx, events: None, parameters: Parameters::default() }
}

/// What negotiation gives the track with that number: SSRC 1000 times it, RTX one above.
pub(crate) fn parameters(track: u32) -> StreamParameters {
    StreamParameters {
        keeps: false,
        ssrc: 1000 * track,
        rtx: Some(1000 * track + 1),
        mid: track.to_string().as_str().into(),
        cname: "test".into(),
        extensions: ExtensionIds {
            mid: Some(4),
            transport_sequence: Some(3),
            ..Default::default()
        },
    }
}

/// A source of one codec, as `sfu::testing` makes its packets, with an encoding for each bitrate.
/// One of 0 was not measured.
pub(crate) fn description(codec: Codec, bitrates: &[u32]) -> Arc<SourceDescription> {
    let encoding = |(index, bitrate): (u8, &u32)| {
        let mut meter = LayerMeter::new(Instant::now());
        let size = (320 << index, 180 << index);
        if *bitrate > 0 {
            meter.expect(*bitrate, 30.0, size);
        }
        SourceEncoding {
            index: EncodingIndex(index),
            rid: Some(format!("r{index}")),
            ssrc: 7000 + u32::from(index),
            codec,
            active: true,
            rank: u32::from(index) + 1,
            size: Some(size),
            rates: meter.rates().clone(),
        }
    };
    Arc::new(SourceDescription {
        formats: Arc::new([Format { pt: 96, ..format(codec, 96) }]),
        encodings: (0..).zip(bitrates).map(encoding).collect(),
        alternatives: false,
        withheld: false,
        keyframes_on_request: true,
        thinnest: None,
    })
}

/// The payload of everything that was sealed, for [`Rig::plain`].
#[derive(Default)]
struct Plaintext(Mutex<Vec<Vec<u8>>>);

impl Observer for Plaintext {
    fn rtp(&self, _: &Flow, _: &[u8], packet: &OutgoingPacket<'_>) {
        let (start, rest) = packet.parts();
        self.0.lock().unwrap().push([start, rest].concat());
    }

    fn rtx(&self, flow: &Flow, datagram: &[u8], packet: &OutgoingPacket<'_>) {
        self.rtp(flow, datagram, packet);
    }

    fn rtcp(&self, _: &Flow, compound: &[u8]) {
        self.0.lock().unwrap().push(compound.to_vec());
    }
}

/// What the clear part of a sealed datagram says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) pt: u8,
    pub(crate) marker: bool,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) length: usize,
}

pub(crate) fn seen(datagram: &[u8]) -> Seen {
    let word = |at: usize| u32::from_be_bytes(datagram[at..at + 4].try_into().unwrap());
    Seen {
        pt: datagram[1] & 0x7f,
        marker: datagram[1] & 0x80 != 0,
        sequence: word(0) as u16,
        timestamp: word(4),
        ssrc: word(8),
        length: datagram.len(),
    }
}

#[derive(Default)]
struct Burst(Vec<Vec<u8>>);

impl Outlet for Burst {
    fn datagram(
        &mut self,
        _: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let mut datagram = vec![0; capacity];
        if let Some(length) = write(&mut datagram) {
            datagram.truncate(length);
            self.0.push(datagram);
        }
    }
}

/// A sending half, what it says and the time it lives in.
pub(crate) struct Rig {
    pub(crate) now: Instant,
    pub(crate) sending: Sending,
    workspace: Workspace,
    plaintext: Arc<Plaintext>,
    /// Of the peer.
    sealer: Sealer,
    opener: RtcpOpener,
    /// Everything that was forwarded, to be repeated.
    pub(crate) history: Vec<Arc<SourcePacket>>,
    events: Vec<SendingEvent>,
}

impl Rig {
    /// Without keys, and nobody there.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut sending = Sending::new(now, clock(now), TransportId(1));
        let plaintext = Arc::new(Plaintext::default());
        sending.set_observer(Some(plaintext.clone()));
        Self {
            now,
            sending,
            workspace: Workspace::default(),
            plaintext,
            sealer: Sealer::new(&material(), false).unwrap(),
            opener: RtcpOpener::new(&material(), false).unwrap(),
            history: Vec::new(),
            events: Vec::new(),
        }
    }

    /// With keys, a flow and a peer that is there.
    pub(crate) fn connected() -> Self {
        let mut rig = Self::new();
        rig.sending.set_keys(&material(), true);
        rig.sending.set_flow(rig.now, flow(1));
        rig.sending.set_reach(Reach::Yes);
        rig.sending.connected(rig.now);
        rig
    }

    /// Adds and negotiates the track with that number; it has no source.
    pub(crate) fn track(&mut self, number: u32, format: Format) -> OutgoingTrackId {
        let id = OutgoingTrackId(u64::from(number));
        let kind = format.codec.kind();
        let mut track = OutgoingTrack::new(id, kind, "s".into(), "t".into());
        track.bind(number.to_string().as_str().into());
        track.negotiated(vec![format], true, Some(parameters(number)));
        self.sending.add_track(track);
        self.sending.renegotiated(self.now);
        id
    }

    /// A VP8 track with a source of encodings with these bitrates.
    pub(crate) fn video(&mut self, number: u32, bitrates: &[u32]) -> OutgoingTrackId {
        let id = self.track(number, format(Codec::Vp8, PT));
        self.feed(id, description(Codec::Vp8, bitrates));
        id
    }

    pub(crate) fn feed(&mut self, id: OutgoingTrackId, description: Arc<SourceDescription>) {
        let source = Some((SourceId(1), Some(description)));
        self.sending.set_source(self.now, id, source);
    }

    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// Time passes as it is asked for, until `milliseconds` later; what is wanted meanwhile is done.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        let mut turns = 0;
        while let Some(at) = self.sending.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.sending.handle_timeout(self.now);
            if self.sending.has_paced(self.now) {
                self.burst(&[], &[]);
            }
            for event in std::iter::from_fn(|| self.sending.next_event()).collect::<Vec<_>>() {
                if let SendingEvent::RetransmissionWanted { id } = event {
                    self.retransmit(id);
                }
                self.events.push(event);
            }
            turns += 1;
            assert!(turns < 100_000, "a timer is due for ever");
        }
        self.now = self.now.max(end);
    }

    /// One turn's packets for one track; gives the burst.
    pub(crate) fn forward(
        &mut self,
        id: OutgoingTrackId,
        packets: impl IntoIterator<Item = SourcePacket>,
    ) -> Vec<Vec<u8>> {
        let packets: Vec<Arc<SourcePacket>> = packets.into_iter().map(Arc::new).collect();
        let deliveries: Vec<Delivery> = (0..packets.len())
            .map(|number| Delivery { track: id, packet: number as u32 })
            .collect();
        self.history.extend(packets.iter().cloned());
        self.burst(&deliveries, &packets)
    }

    pub(crate) fn burst(
        &mut self,
        deliveries: &[Delivery],
        packets: &[Arc<SourcePacket>],
    ) -> Vec<Vec<u8>> {
        let mut burst = Burst::default();
        self.sending.forward(self.now, deliveries, packets, &mut self.workspace, &mut burst);
        burst.0
    }

    /// Repeats what was asked for, out of everything that was forwarded.
    pub(crate) fn retransmit(&mut self, id: OutgoingTrackId) {
        let history = &self.history;
        self.sending.retransmit(self.now, id, |nacked: &Nacked| {
            history.iter().find(|packet| packet.sequence == nacked.sequence).cloned()
        });
    }

    /// Datagrams besides media.
    pub(crate) fn datagrams(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        self.sending.transmit(|_, bytes| datagrams.push(bytes.to_vec()));
        datagrams
    }

    /// The peer sends an RTCP compound.
    pub(crate) fn receive(&mut self, compound: &[u8]) -> bool {
        let mut sealed = compound.to_vec();
        sealed.resize(compound.len() + self.sealer.rtcp_overhead(), 0);
        let length = self.sealer.seal_rtcp(&mut sealed, compound.len()).unwrap();
        let mut plain = Vec::new();
        let opened = self.sending.open_rtcp(&sealed[..length], &mut plain);
        for packet in rtcp::packets(&plain) {
            self.sending.on_rtcp(self.now, &packet);
        }
        opened
    }

    /// The peer asks for packets again.
    pub(crate) fn nack(&mut self, media: u32, lost: &[u16]) {
        let mut bytes = [0; 1400];
        let length = rtcp::write_nack(&mut bytes, 1, media, lost).unwrap();
        self.receive(&bytes[..length]);
    }

    /// What the peer reads in an RTCP datagram.
    pub(crate) fn open(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        assert!(self.opener.open(datagram, &mut plain));
        plain
    }

    /// Everything that happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<SendingEvent> {
        let mut events = std::mem::take(&mut self.events);
        events.extend(std::iter::from_fn(|| self.sending.next_event()));
        events
    }

    /// Payloads and compounds that were sealed since the last call.
    pub(crate) fn plain(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.plaintext.0.lock().unwrap())
    }
}

/// Feedback of the receiver's own estimate (draft-alvestrand-rmcat-remb-03 2.2), in bit/s.
pub(crate) fn remb(bitrate: u32) -> Vec<u8> {
    let exponent = 32 - u32::leading_zeros(bitrate >> 17);
    let mantissa = (bitrate >> exponent).to_be_bytes();
    let mut bytes = vec![0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0];
    bytes.extend(b"REMB");
    bytes.extend([0, (exponent as u8) << 2 | mantissa[1], mantissa[2], mantissa[3]]);
    bytes
}

/// A receiver report about one stream (RFC 3550 6.4.2).
pub(crate) fn receiver_report(ssrc: u32, fraction_lost: u8) -> Vec<u8> {
    let mut bytes = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend([fraction_lost, 0, 0, 3]);
    bytes.extend([0; 16]);
    bytes
}
