//! One WebRTC peer: str0m with a socket of its own.

use std::io;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::plan::ClientPlan;
use crate::publication::{Cadence, vp8};
use crate::socket::Socket;
use crate::stamp::Stamp;

const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;
/// Loudness of those who talk, in dBov (RFC 6464).
const TALKING: i8 = -30;

pub struct Client {
    index: usize,
    rtc: Rtc,
    pub socket: Socket,
    pending: Option<SdpPendingOffer>,
    offered: Instant,
    /// When str0m wants to be called again.
    pub timeout: Instant,
    pub audio: Option<Outgoing>,
    pub video: Option<Outgoing>,
    keyframe_wanted: bool,
    /// Since the offer.
    pub connected: Option<Duration>,
    pub first_media: Option<Duration>,
    pub first_video: Option<Duration>,
    pub closed: bool,
}

pub struct Outgoing {
    mid: Mid,
    payload_type: Pt,
    /// Absent while it is negotiated only, and until the client is connected.
    pub cadence: Option<Cadence>,
    kilobits: u32,
    started: Instant,
}

/// A packet that came.
pub struct Arrival {
    pub stamp: Stamp,
    /// Nanoseconds since it was sent.
    pub latency: u64,
}

impl Client {
    /// Makes the peer and its offer: what it sends first, then a line for each track it receives.
    pub fn offer(index: usize, plan: &ClientPlan, now: Instant) -> io::Result<(Client, String)> {
        let socket = Socket::bind()?;
        let mut config = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let payload_type = |config: &mut RtcConfig, codec: Codec| {
            let found = config.codec_config().params().iter().find(|p| p.spec().codec == codec);
            found.map(|p| p.pt()).ok_or_else(|| io::Error::other("codec is not enabled"))
        };
        let opus = payload_type(&mut config, Codec::Opus)?;
        let vp8 = payload_type(&mut config, Codec::Vp8)?;
        let mut rtc = config.build(now);
        let candidate = Candidate::host(socket.local, Protocol::Udp).map_err(io::Error::other)?;
        rtc.add_local_candidate(candidate);

        let mut changes = rtc.sdp_api();
        let mut outgoing = |kind, payload_type, kilobits| Outgoing {
            mid: changes.add_media(kind, Direction::SendOnly, None, None, None),
            payload_type,
            cadence: None,
            kilobits,
            started: now,
        };
        let audio = plan.audio.map(|sending| outgoing(MediaKind::Audio, opus, sending.kilobits));
        let video = plan.video.map(|sending| outgoing(MediaKind::Video, vp8, sending.kilobits));
        for _ in &plan.hears {
            changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        for _ in &plan.sees {
            changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) =
            changes.apply().ok_or_else(|| io::Error::other("a client with nothing to offer"))?;
        let client = Client {
            index,
            rtc,
            socket,
            pending: Some(pending),
            offered: now,
            timeout: now,
            audio,
            video,
            keyframe_wanted: true,
            connected: None,
            first_media: None,
            first_video: None,
            closed: false,
        };
        Ok((client, offer.to_sdp_string()))
    }

    pub fn answer(
        &mut self,
        sdp: &str,
        now: Instant,
        arrivals: &mut Vec<Arrival>,
    ) -> io::Result<()> {
        let pending = self.pending.take().ok_or_else(|| io::Error::other("answered twice"))?;
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(io::Error::other)?;
        self.rtc.sdp_api().accept_answer(pending, answer).map_err(io::Error::other)?;
        self.drain(now, 0, arrivals);
        Ok(())
    }

    pub fn wake(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) {
        self.handle(Input::Timeout(now));
        self.drain(now, 0, arrivals);
    }

    /// Takes what waits on the socket, up to some runs of datagrams.
    pub fn receive(&mut self, buffer: &mut [u8], arrivals: &mut Vec<Arrival>) {
        for _ in 0..16 {
            let Some(run) = self.socket.receive(buffer) else { return };
            let now = Instant::now();
            for datagram in buffer[..run.length].chunks(run.segment.max(1)) {
                let destination = self.socket.local;
                let Ok(input) = Receive::new(Protocol::Udp, run.source, destination, datagram)
                else {
                    continue;
                };
                self.handle(Input::Receive(now, input));
                self.drain(now, run.arrived, arrivals);
            }
        }
    }

    /// Sends what is due; gives the number of audio and video packets sent.
    pub fn publish(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) -> (u32, u32) {
        (self.publish_audio(now, arrivals), self.publish_video(now, arrivals))
    }

    /// When there is something to publish again.
    pub fn next_publication(&self) -> Option<Instant> {
        let due = |outgoing: &Option<Outgoing>| Some(outgoing.as_ref()?.cadence.as_ref()?.due);
        [due(&self.audio), due(&self.video)].into_iter().flatten().min()
    }

    fn publish_audio(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) -> u32 {
        let Some(outgoing) = &mut self.audio else { return 0 };
        let Some(cadence) = outgoing.cadence.as_mut().filter(|c| c.due <= now) else { return 0 };
        let mut count = 0;
        for size in cadence.advance(now) {
            let mut payload = vec![0_u8; size];
            let number = cadence.packets;
            cadence.packets += 1;
            count += 1;
            Stamp::now(self.index, false, number).write(&mut payload);
            let values = ExtensionValues {
                audio_level: Some(TALKING),
                voice_activity: Some(true),
                ..Default::default()
            };
            let time = cadence.ticks.wrapping_mul(AUDIO_CLOCK / 50);
            let packet =
                RtpWrite::new(outgoing.payload_type, u64::from(number).into(), time, now, payload)
                    .ext_vals(values);
            write(&mut self.rtc, outgoing.mid, packet);
        }
        self.drain(now, 0, arrivals);
        count
    }

    fn publish_video(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) -> u32 {
        let Some(outgoing) = &mut self.video else { return 0 };
        let Some(cadence) = outgoing.cadence.as_mut().filter(|c| c.due <= now) else { return 0 };
        let sizes = cadence.advance(now);
        let picture = cadence.ticks;
        let first_number = cadence.packets;
        cadence.packets += sizes.len() as u32;
        let (mid, payload_type) = (outgoing.mid, outgoing.payload_type);
        let time = (now - outgoing.started).as_secs_f64() * f64::from(VIDEO_CLOCK);
        let keyframe = std::mem::take(&mut self.keyframe_wanted);
        for (index, size) in sizes.iter().enumerate() {
            let number = first_number + index as u32;
            let mut payload = vp8(*size, index == 0, keyframe, picture);
            // As late as possible: sealing the packets before it is no latency of the server.
            Stamp::now(self.index, true, number).write(&mut payload);
            let sequence: SeqNo = u64::from(number).into();
            let packet = RtpWrite::new(payload_type, sequence, time as u64 as u32, now, payload)
                .marker(index + 1 == sizes.len())
                .nackable(true);
            write(&mut self.rtc, mid, packet);
            self.drain(now, 0, arrivals);
        }
        sizes.len() as u32
    }

    fn handle(&mut self, input: Input<'_>) {
        if self.rtc.is_alive() && self.rtc.handle_input(input).is_err() {
            self.rtc.disconnect();
        }
    }

    fn drain(&mut self, now: Instant, arrived: u64, arrivals: &mut Vec<Arrival>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.timeout = at;
                    break;
                }
                Ok(Output::Transmit(packet)) => {
                    self.socket.send(&packet.contents, packet.destination);
                }
                Ok(Output::Event(event)) => self.take(event, now, arrived, arrivals),
                Err(_) => {
                    self.rtc.disconnect();
                    break;
                }
            }
        }
        self.closed = !self.rtc.is_alive();
    }

    fn take(&mut self, event: Event, now: Instant, arrived: u64, arrivals: &mut Vec<Arrival>) {
        match event {
            Event::Connected => {
                self.connected = Some(now - self.offered);
                self.start(now);
            }
            Event::KeyframeRequest(_) => self.keyframe_wanted = true,
            Event::RtpPacket(packet) => {
                let Some(stamp) = Stamp::read(&packet.payload) else { return };
                self.first_media.get_or_insert(now - self.offered);
                if stamp.is_video() {
                    self.first_video.get_or_insert(now - self.offered);
                }
                arrivals.push(Arrival { stamp, latency: arrived.saturating_sub(stamp.sent) });
            }
            _ => {}
        }
    }

    fn start(&mut self, now: Instant) {
        // Cameras are not in step with each other: spread over the interval of a frame.
        let phase = Duration::from_micros((self.index as u64 * 7_919) % 33_000);
        if let Some(audio) = self.audio.as_mut().filter(|audio| audio.kilobits > 0) {
            audio.cadence = Some(Cadence::audio(audio.kilobits, now + phase / 2));
        }
        if let Some(video) = self.video.as_mut().filter(|video| video.kilobits > 0) {
            video.cadence = Some(Cadence::video(video.kilobits, now + phase));
        }
    }
}

fn write(rtc: &mut Rtc, mid: Mid, packet: RtpWrite) {
    if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
        stream.write_rtp(packet);
    }
}
