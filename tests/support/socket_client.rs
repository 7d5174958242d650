//! A peer made of str0m and one blocking socket, for the real engine over loopback.

#![allow(dead_code)] // Each test uses its own part.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use medialoom::net::FrameDecoder;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{RtpWrite, SeqNo};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// Between two looks at whether what a test waits for has happened.
const STEP: Duration = Duration::from_millis(5);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);

pub struct SocketClient {
    rtc: Rtc,
    wire: Wire,
    local: SocketAddr,
    nat: Option<Nat>,
    pending: Option<SdpPendingOffer>,
    audio: Option<Mid>,
    frame: u64,
    next_frame: Instant,
    pub connected: bool,
    pub channel: Option<ChannelId>,
    pub messages: Vec<Vec<u8>>,
    /// Payloads of the RTP packets that came.
    pub payloads: Vec<Vec<u8>>,
}

/// What stands between an address the engine announces and the one it has.
#[derive(Clone, Copy)]
pub struct Nat {
    pub announced: SocketAddr,
    pub bound: SocketAddr,
}

enum Wire {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, remote: SocketAddr, decoder: FrameDecoder },
}

impl SocketClient {
    pub fn udp(config: RtcConfig, ip: &str) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
        let local = socket.local_addr().unwrap();
        let candidate = Candidate::builder().udp().host(local).build().unwrap();
        Self::new(config, Wire::Udp(socket), local, candidate)
    }

    /// The active side of ICE-TCP (RFC 6544 section 4.1), connected to `remote`.
    pub fn tcp(config: RtcConfig, remote: SocketAddr) -> Self {
        let stream = TcpStream::connect(remote).unwrap();
        stream.set_nodelay(true).unwrap();
        let local = stream.local_addr().unwrap();
        let candidate =
            Candidate::builder().tcp().host(local).tcptype(TcpType::Active).build().unwrap();
        let wire = Wire::Tcp { stream, remote, decoder: FrameDecoder::default() };
        Self::new(config, wire, local, candidate)
    }

    fn new(config: RtcConfig, wire: Wire, local: SocketAddr, candidate: Candidate) -> Self {
        let now = Instant::now();
        let mut rtc = config.set_rtp_mode(true).build(now);
        rtc.add_local_candidate(candidate).expect("a candidate");
        Self {
            rtc,
            wire,
            local,
            nat: None,
            pending: None,
            audio: None,
            frame: 0,
            next_frame: now,
            connected: false,
            channel: None,
            messages: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// Reaches the engine's announced address as one outside its network does.
    pub fn behind(mut self, nat: Nat) -> Self {
        self.nat = Some(nat);
        self
    }

    /// Offers audio both ways and a data channel.
    pub fn create_offer(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        let stream = Some("stream".to_owned());
        self.audio = Some(api.add_media(MediaKind::Audio, Direction::SendRecv, stream, None, None));
        api.add_channel("chat".to_owned());
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept_answer(&mut self, sdp: &str) {
        let pending = self.pending.take().expect("an offer");
        let answer = SdpAnswer::from_sdp_string(sdp).expect("an SDP answer");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
    }

    pub fn send_message(&mut self, data: &[u8]) {
        let channel = self.channel.and_then(|id| self.rtc.channel(id));
        assert!(channel.expect("an open channel").write(true, data).expect("it can be sent"));
    }

    /// Sends what is due and takes what comes, for a moment.
    pub fn step(&mut self) {
        let now = Instant::now();
        if self.connected && self.next_frame <= now {
            self.send_audio(now);
        }
        self.rtc.handle_input(Input::Timeout(now)).expect("time is taken");
        let timeout = self.drain();
        let wait = timeout.saturating_duration_since(now).clamp(Duration::from_millis(1), STEP);
        let mut packets = Vec::new();
        let from = self.wire.receive(wait, &mut packets);
        let now = Instant::now();
        for packet in packets {
            let from = self.translated(from, |nat| (nat.bound, nat.announced));
            let Ok(receive) = Receive::new(self.protocol(), from, self.local, &packet) else {
                continue;
            };
            self.rtc.handle_input(Input::Receive(now, receive)).expect("a packet is taken");
            self.drain();
        }
    }

    fn protocol(&self) -> Protocol {
        match self.wire {
            Wire::Udp(_) => Protocol::Udp,
            Wire::Tcp { .. } => Protocol::Tcp,
        }
    }

    fn translated(
        &self,
        address: SocketAddr,
        ends: impl FnOnce(Nat) -> (SocketAddr, SocketAddr),
    ) -> SocketAddr {
        match self.nat.map(ends) {
            Some((from, to)) if address == from => to,
            _ => address,
        }
    }

    fn send_audio(&mut self, now: Instant) {
        let mid = self.audio.expect("an audio line");
        let Some(&pt) = self.rtc.media(mid).and_then(|media| media.remote_pts().first()) else {
            return;
        };
        let mut payload = b"a frame of audio ".to_vec();
        payload.extend(self.frame.to_be_bytes());
        let sequence = SeqNo::from(1_000 + self.frame);
        let time = (self.frame * 960) as u32;
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None).expect("a stream");
        stream.write_rtp(RtpWrite::new(pt, sequence, time, now, payload));
        self.frame += 1;
        self.next_frame = now + AUDIO_INTERVAL;
    }

    fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().expect("the peer works") {
                Output::Timeout(at) => return at,
                Output::Transmit(transmit) => {
                    assert_eq!(transmit.proto, self.protocol());
                    let to = transmit.destination;
                    let to = self.translated(to, |nat| (nat.announced, nat.bound));
                    self.wire.send(to, &transmit.contents);
                }
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::ChannelOpen(id, _) => self.channel = Some(id),
            Event::ChannelData(data) => self.messages.push(data.data),
            Event::RtpPacket(packet) => self.payloads.push(packet.payload.to_vec()),
            _ => {}
        }
    }
}

impl Wire {
    /// Packets for an address that this socket does not reach are lost.
    fn send(&mut self, to: SocketAddr, packet: &[u8]) {
        match self {
            Wire::Udp(socket) => {
                let _ = socket.send_to(packet, to);
            }
            Wire::Tcp { stream, remote, .. } if *remote == to => {
                let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length, packet].concat()).expect("the stream takes it");
            }
            Wire::Tcp { .. } => {}
        }
    }

    /// Waits for packets; they all come from the address that is returned.
    fn receive(&mut self, wait: Duration, packets: &mut Vec<Vec<u8>>) -> SocketAddr {
        let mut buffer = [0; 65_536];
        match self {
            Wire::Udp(socket) => {
                socket.set_read_timeout(Some(wait)).unwrap();
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        packets.push(buffer[..length].to_vec());
                        from
                    }
                    Err(error) => {
                        assert!(is_timeout(&error), "{error}");
                        socket.local_addr().unwrap()
                    }
                }
            }
            Wire::Tcp { stream, remote, decoder } => {
                stream.set_read_timeout(Some(wait)).unwrap();
                match stream.read(&mut buffer) {
                    Ok(0) => panic!("the engine ended the connection"),
                    Ok(length) => decoder
                        .push(&buffer[..length], |packet| packets.push(packet.to_vec()))
                        .expect("frames"),
                    Err(error) => assert!(is_timeout(&error), "{error}"),
                }
                *remote
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
