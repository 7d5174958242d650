//! A peer made of str0m alone, in RTP mode: sends hand-made packets and remembers what it gets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::PayloadParams;
use str0m::media::{
    Direction, KeyframeRequest, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::network::Network;

pub struct Client {
    pub rtc: Rtc,
    /// Where the others see it.
    pub address: SocketAddr,
    /// Where it sees itself: behind a NAT the two come apart.
    inner: SocketAddr,
    pub packets: Vec<RtpPacket>,
    pub keyframe_requests: Vec<KeyframeRequest>,
    pub messages: Vec<(ChannelId, bool, Vec<u8>)>,
    pub open_channels: Vec<(ChannelId, String)>,
    pub closed_channels: Vec<ChannelId>,
    pub connected: bool,
    pub closed: bool,
    /// The share that reports on what it sends say is lost, while statistics are on.
    pub lost: Option<f32>,
    /// What it sends, one entry per RTP stream.
    pub sending: Vec<Sending>,
    /// What it sends on m-lines instead of the hand-made frames there.
    sources: Vec<(Mid, Box<dyn Source>)>,
    /// M-lines it wants to add with its next offer.
    wanted: Vec<(MediaKind, Direction, Vec<&'static str>)>,
    wanted_channels: Vec<&'static str>,
    pending: Option<SdpPendingOffer>,
    timeout: Instant,
    now: Instant,
}

/// Makes the payload of a frame of one packet, perhaps a keyframe, that ends with the given bytes.
pub type Payload = fn(bool, &[u8]) -> Vec<u8>;

/// Makes all that a client sends on one m-line, as an encoder does.
pub trait Source {
    /// When it has something to send next.
    fn next(&self) -> Instant;
    /// The packets that are due now.
    fn packets(&mut self, now: Instant) -> Vec<SourcePacket>;
    fn request_keyframe(&mut self, rid: Option<Rid>);
    /// Media begins to flow.
    fn start(&mut self, now: Instant);
}

/// A packet of a [`Source`].
pub struct SourcePacket {
    pub rid: Option<Rid>,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub extensions: ExtensionValues,
}

/// A stream of hand-made frames.
pub struct Sending {
    pub mid: Mid,
    pub rid: Option<Rid>,
    pub kind: MediaKind,
    pub packets_per_frame: usize,
    pub interval: Duration,
    pub paused: bool,
    /// Wrap sound in RED (RFC 2198), where that is negotiated.
    pub red: bool,
    /// Else it is VP8 or Opus.
    pub payload: Option<Payload>,
    /// Says of which frames it sends nothing, as sound does in silence.
    pub silent: fn(u64) -> bool,
    /// Header extensions of every packet.
    pub extensions: ExtensionValues,
    pub frame: u64,
    pub sequence: u64,
    next: Instant,
    keyframe: bool,
}

impl Client {
    pub fn new(now: Instant, address: SocketAddr) -> Self {
        Self::with(now, address, |config| config)
    }

    pub fn with(
        now: Instant,
        address: SocketAddr,
        configure: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig,
    ) -> Self {
        let config = str0m::RtcConfig::new().set_rtp_mode(true);
        let mut rtc = configure(config).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            rtc,
            address,
            inner: address,
            packets: Vec::new(),
            keyframe_requests: Vec::new(),
            messages: Vec::new(),
            open_channels: Vec::new(),
            closed_channels: Vec::new(),
            connected: false,
            closed: false,
            lost: None,
            sending: Vec::new(),
            sources: Vec::new(),
            wanted: Vec::new(),
            wanted_channels: Vec::new(),
            pending: None,
            timeout: now,
            now,
        }
    }

    /// Its NAT gives it another address from now on.
    pub fn rebind(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Offers an m-line with the next offer.
    pub fn want(&mut self, kind: MediaKind, direction: Direction, rids: &[&'static str]) {
        self.wanted.push((kind, direction, rids.to_vec()));
    }

    /// Sends what a source makes instead of the hand-made frames of an m-line.
    pub fn send_from(&mut self, mid: Mid, source: Box<dyn Source>) {
        self.sending.retain(|sending| sending.mid != mid);
        self.sources.retain(|(known, _)| *known != mid);
        self.sources.push((mid, source));
    }

    /// Opens a data channel with the next offer.
    pub fn open_channel(&mut self, label: &'static str) {
        self.wanted_channels.push(label);
    }

    /// Writes when there is room. Gives whether there was.
    pub fn try_write(&mut self, channel: ChannelId, binary: bool, data: &[u8]) -> bool {
        self.timeout = self.now;
        self.rtc
            .channel(channel)
            .is_some_and(|mut channel| channel.write(binary, data).is_ok_and(|written| written))
    }

    pub fn write(&mut self, channel: ChannelId, binary: bool, data: &[u8]) {
        let mut channel = self.rtc.channel(channel).expect("an open channel");
        assert!(channel.write(binary, data).expect("it can be sent"));
        self.timeout = self.now;
    }

    /// Asks for a keyframe of what arrives on an m-line.
    pub fn request_keyframe(&mut self, mid: Mid, kind: KeyframeRequestKind) {
        let mut api = self.rtc.direct_api();
        api.stream_rx_by_mid(mid, None).expect("a stream").request_keyframe(kind);
        self.timeout = self.now;
    }

    pub fn change_direction(&mut self, mid: Mid, direction: Direction) -> String {
        let mut api = self.rtc.sdp_api();
        api.set_direction(mid, direction);
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn create_offer(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        let mut added = Vec::new();
        for (kind, direction, rids) in self.wanted.drain(..) {
            let simulcast = (!rids.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                rids.iter().for_each(|rid| simulcast.add_send_layer(SimulcastLayer::new(rid)));
                simulcast
            });
            let mid = api.add_media(kind, direction, Some("stream".into()), None, simulcast);
            if direction.is_sending() {
                added.push((kind, mid, rids));
            }
        }
        for label in self.wanted_channels.drain(..) {
            api.add_channel(label.into());
        }
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        for (kind, mid, rids) in added {
            let rids: Vec<Option<Rid>> = match rids.is_empty() {
                true => vec![None],
                false => rids.into_iter().map(|rid| Some(rid.into())).collect(),
            };
            for rid in rids {
                self.sending.push(Sending {
                    mid,
                    rid,
                    kind,
                    packets_per_frame: if kind == MediaKind::Video { 3 } else { 1 },
                    interval: Duration::from_millis(if kind == MediaKind::Video { 33 } else { 20 }),
                    paused: false,
                    red: false,
                    payload: None,
                    silent: |_| false,
                    extensions: ExtensionValues::default(),
                    frame: 0,
                    sequence: 1000,
                    next: self.now,
                    keyframe: true,
                });
            }
        }
        offer.to_sdp_string()
    }

    /// Offers what there is with new ICE credentials (RFC 8445 2.4).
    pub fn restart_ice(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept_answer(&mut self, sdp: &str) {
        let pending = self.pending.take().expect("an offer");
        let answer = SdpAnswer::from_sdp_string(sdp).expect("an SDP answer");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
        self.timeout = self.now;
    }

    pub fn accept_offer(&mut self, sdp: &str) -> String {
        let offer = SdpOffer::from_sdp_string(sdp).expect("an SDP offer");
        let answer = self.rtc.sdp_api().accept_offer(offer).expect("the offer fits");
        self.timeout = self.now;
        answer.to_sdp_string()
    }

    pub fn next_timeout(&self) -> Instant {
        let media = self.sending.iter().filter(|s| self.connected && !s.paused).map(|s| s.next);
        let sources = self.sources.iter().filter(|_| self.connected).map(|(_, s)| s.next());
        media.chain(sources).chain([self.timeout]).min().unwrap()
    }

    pub fn handle_timeout(&mut self, now: Instant, network: &mut Network) {
        self.now = now;
        if self.connected {
            self.send_media(now);
            self.send_sources(now);
        }
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain(now, network);
    }

    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], network: &mut Network) {
        self.now = now;
        if let Ok(receive) = Receive::new(Protocol::Udp, from, self.inner, bytes) {
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
            self.drain(now, network);
        }
    }

    /// VP8 or Opus packets whose payload ends with the frame's number.
    fn send_media(&mut self, now: Instant) {
        for sending in self.sending.iter_mut().filter(|s| !s.paused) {
            while sending.next <= now {
                if (sending.silent)(sending.frame) {
                    sending.frame += 1;
                    sending.next += sending.interval;
                    continue;
                }
                // The first after silence begins a talk spurt (RFC 3551 4.1).
                let spurt = sending.frame > 0 && (sending.silent)(sending.frame - 1);
                let media = self.rtc.media(sending.mid).expect("the m-line");
                let mut pt = *media.remote_pts().first().expect("a payload type");
                if sending.red {
                    let params = self.rtc.codec_config().params();
                    pt = params.iter().find_map(|p| p.red()).expect("RED is negotiated");
                }
                let video = sending.kind == MediaKind::Video;
                let keyframe = std::mem::take(&mut sending.keyframe);
                let params = self.rtc.codec_config().params();
                let known = |p: &&PayloadParams| p.pt() == pt || p.red() == Some(pt);
                let spec = params.iter().find(known).map(|p| p.spec());
                let clock = spec.map_or(90_000.0, |spec| f64::from(spec.clock_rate.get()));
                let time =
                    (sending.frame as f64 * sending.interval.as_secs_f64() * clock).round() as u32;
                for index in 0..sending.packets_per_frame {
                    let payload = if let Some(make) = sending.payload {
                        let tail = [[OPUS_MARK; 40].as_slice(), &sending.frame.to_be_bytes()];
                        make(keyframe, &tail.concat())
                    } else if video {
                        vp8_payload(index == 0, keyframe, sending.frame)
                    } else {
                        opus_payload(sending.frame, sending.red)
                    };
                    let sequence = SeqNo::from(sending.sequence);
                    sending.sequence += 1;
                    let mut api = self.rtc.direct_api();
                    let stream = api.stream_tx_by_mid(sending.mid, sending.rid).expect("a stream");
                    let last = index + 1 == sending.packets_per_frame;
                    let write = RtpWrite::new(pt, sequence, time, now, payload)
                        .marker(if video { last } else { spurt })
                        .nackable(true)
                        .ext_vals(sending.extensions.clone());
                    stream.write_rtp(write);
                }
                sending.frame += 1;
                sending.next += sending.interval;
            }
        }
    }

    fn send_sources(&mut self, now: Instant) {
        for (mid, source) in self.sources.iter_mut().filter(|(_, source)| source.next() <= now) {
            let media = self.rtc.media(*mid).expect("the m-line");
            let pt = *media.remote_pts().first().expect("a payload type");
            for packet in source.packets(now) {
                let mut api = self.rtc.direct_api();
                let stream = api.stream_tx_by_mid(*mid, packet.rid).expect("a stream");
                let sequence = SeqNo::from(packet.sequence);
                let write = RtpWrite::new(pt, sequence, packet.timestamp, now, packet.payload)
                    .marker(packet.marker)
                    .nackable(true)
                    .ext_vals(packet.extensions);
                stream.write_rtp(write);
            }
        }
    }

    fn drain(&mut self, now: Instant, network: &mut Network) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.timeout = at;
                    break;
                }
                Ok(Output::Transmit(transmit)) => {
                    network.send(now, self.address, transmit.destination, &transmit.contents);
                }
                Ok(Output::Event(event)) => self.on_event(event),
                Err(_) => {
                    self.closed = true;
                    self.timeout = now + Duration::from_secs(3600);
                    break;
                }
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.connected = true;
                self.sending.iter_mut().for_each(|s| s.next = self.now);
                self.sources.iter_mut().for_each(|(_, source)| source.start(self.now));
            }
            Event::RtpPacket(packet) => self.packets.push(packet),
            Event::KeyframeRequest(request) => {
                self.keyframe_requests.push(request);
                let wanted = |s: &&mut Sending| s.mid == request.mid && s.rid == request.rid;
                self.sending.iter_mut().filter(wanted).for_each(|s| s.keyframe = true);
                let of_line = self.sources.iter_mut().filter(|(mid, _)| *mid == request.mid);
                of_line.for_each(|(_, source)| source.request_keyframe(request.rid));
            }
            Event::ChannelOpen(id, label) => self.open_channels.push((id, label)),
            Event::ChannelData(data) => self.messages.push((data.id, data.binary, data.data)),
            Event::ChannelClose(id) => self.closed_channels.push(id),
            Event::Closed => self.closed = true,
            Event::MediaEgressStats(stats) => self.lost = stats.loss.or(self.lost),
            _ => {}
        }
    }

    pub fn packets_of(&self, kind: MediaKind) -> impl Iterator<Item = &RtpPacket> {
        let video = kind == MediaKind::Video;
        self.packets.iter().filter(move |p| is_video(p) == video)
    }
}

fn is_video(packet: &RtpPacket) -> bool {
    // The opus payloads made here hold this byte in second place; no VP8 descriptor does.
    packet.payload.get(1) != Some(&OPUS_MARK)
}

const OPUS_MARK: u8 = 0xfc;

fn opus_payload(frame: u64, red: bool) -> Vec<u8> {
    // The header of a primary block alone (RFC 2198 3).
    let mut payload = if red { vec![111] } else { Vec::new() };
    payload.extend([OPUS_MARK; 40]);
    payload.extend(frame.to_be_bytes());
    payload
}

/// A VP8 packet (RFC 7741 4.2) with a 15-bit picture id and a tl0picidx.
fn vp8_payload(first: bool, keyframe: bool, frame: u64) -> Vec<u8> {
    let picture = (frame & 0x7fff) as u16 | 0x8000;
    let mut payload = vec![
        0x80 | if first { 0x10 } else { 0 },
        0xe0,
        (picture >> 8) as u8,
        picture as u8,
        frame as u8,
        0,
    ];
    if first {
        // The frame header (RFC 6386 9.1): 320 by 180 when it is a keyframe.
        payload.push(if keyframe { 0x10 } else { 0x11 });
        payload.extend([0, 0]);
        if keyframe {
            payload.extend([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
        }
    }
    payload.resize(600, 0);
    payload.extend(frame.to_be_bytes());
    payload
}

/// The frame number at the end of a payload made here.
pub fn frame_number(packet: &RtpPacket) -> u64 {
    let end = packet.payload.len();
    u64::from_be_bytes(packet.payload[end - 8..].try_into().unwrap())
}
