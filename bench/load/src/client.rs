//! One WebRTC peer with a socket of its own.

use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::first_seconds::FirstSeconds;
use crate::incoming::Incoming;
use crate::keys::Identity;
use crate::outgoing::{Outgoing, Transport};
use crate::plan::{ClientPlan, Totals};
use crate::rtcp::{self, Message};
use crate::rtp::Header;
use crate::sdp::{self, Answer, Line};
use crate::session::Session;
use crate::socket::{ReceiveBuffers, Socket};
use crate::stamp::Stamp;
use crate::transport_feedback::TransportFeedback;

/// Two for what it sends, one to speak of what it receives.
const SSRCS: u32 = 4;
/// Streams of which state is kept; a server that goes on inventing SSRCs is not heard further.
const MAX_STREAMS: usize = 2_000;
/// When to look again if nothing is due.
const SILENCE: Duration = Duration::from_secs(1);

pub struct Client {
    index: usize,
    session: Session,
    pub socket: Socket,
    offered: Instant,
    /// When it wants to be called again.
    pub timeout: Instant,
    pub audio: Option<Outgoing>,
    pub video: Option<Outgoing>,
    incoming: Vec<Incoming>,
    /// Where in `incoming` the last packet belonged; the next mostly does too.
    latest: usize,
    repairs: Vec<(u32, u32)>,
    feedback: Option<TransportFeedback>,
    transport_sequence: u16,
    rtcp_index: u32,
    /// A compound packet being written.
    compound: Vec<u8>,
    /// When there is something to say by RTCP.
    speaking: Instant,
    /// Since the offer.
    pub connected: Option<Duration>,
    pub first_media: Option<Duration>,
    pub first_video: Option<Duration>,
    pub first_keyframe: Option<Duration>,
    pub first_seconds: FirstSeconds,
    pub closed: bool,
}

/// A packet that came.
pub struct Arrival {
    pub stamp: Stamp,
    /// Nanoseconds since it was sent.
    pub latency: u64,
}

impl Client {
    /// Makes the peer and its offer: what it sends first, then a line for each track it receives.
    pub fn offer(
        index: usize,
        plan: &ClientPlan,
        address: Ipv4Addr,
        identity: &Identity,
        now: Instant,
    ) -> io::Result<(Client, String)> {
        let socket = Socket::bind(address)?;
        let mut session = Session::new(identity, socket.local, now)?;
        let ssrc = first_ssrc(index);
        let mut lines = Vec::new();
        let mut sending = |video, ssrc, kilobits| {
            lines.push(Line { video, sends: Some(ssrc) });
            Outgoing::new(video, ssrc, lines.len() - 1, kilobits, now)
        };
        let audio = plan.audio.map(|audio| sending(false, ssrc, audio.kilobits));
        let video = plan.video.map(|video| sending(true, ssrc + 1, video.kilobits));
        let receiving = |video| move || Line { video, sends: None };
        lines.extend(std::iter::repeat_with(receiving(false)).take(plan.heard()));
        lines.extend(std::iter::repeat_with(receiving(true)).take(plan.seen()));
        if lines.is_empty() {
            return Err(io::Error::other("a client with nothing to offer"));
        }
        let offer = sdp::Local {
            name: &name(index),
            credentials: &session.credentials(),
            fingerprint: &session.fingerprint(),
            candidate: &session.candidate,
            lines: &lines,
        }
        .offer();
        let client = Client {
            index,
            session,
            socket,
            offered: now,
            timeout: now,
            audio,
            video,
            incoming: Vec::new(),
            latest: 0,
            repairs: Vec::new(),
            feedback: None,
            transport_sequence: 0,
            rtcp_index: 0,
            compound: Vec::new(),
            speaking: now,
            connected: None,
            first_media: None,
            first_video: None,
            first_keyframe: None,
            first_seconds: FirstSeconds::default(),
            closed: false,
        };
        Ok((client, offer))
    }

    pub fn answer(&mut self, sdp: &str, now: Instant) -> io::Result<()> {
        let answer = Answer::read(sdp)?;
        self.repairs = answer.repairs.clone();
        self.feedback = answer.transport_sequence.then(TransportFeedback::default);
        self.session.answer(answer, now, &self.socket)?;
        self.settle(now);
        Ok(())
    }

    /// Does what is due but publishing.
    pub fn wake(&mut self, now: Instant) -> io::Result<()> {
        if self.session.timeout <= now {
            self.session.wake(now, &self.socket)?;
            // str0m may ask for a moment that has passed; come back after the others.
            self.session.timeout = self.session.timeout.max(now + Duration::from_millis(1));
        }
        self.speak_if_due(now)?;
        self.settle(now);
        Ok(())
    }

    /// Takes what one system call gives; whoever polls the socket comes back for the rest.
    pub fn receive(
        &mut self,
        buffers: &mut ReceiveBuffers,
        arrivals: &mut Vec<Arrival>,
    ) -> io::Result<()> {
        let now = Instant::now();
        let runs = self.socket.receive(buffers);
        for number in 0..runs {
            let (run, bytes) = buffers.run(number);
            for datagram in bytes.chunks_mut(run.segment.max(1)) {
                match datagram {
                    // RFC 7983 7, RFC 5761 4.
                    [128..192, 192..224, ..] => self.take_rtcp(datagram, now),
                    [128..192, ..] => self.take_rtp(datagram, run.arrived, now, arrivals),
                    _ => self.session.receive(datagram, run.source, now, &self.socket)?,
                }
            }
        }
        // Gaps are asked for at once, when all that came together has been seen.
        self.speak_if_due(now)?;
        self.settle(now);
        Ok(())
    }

    /// Sends what is due, and notes the stamps.
    pub fn publish(&mut self, now: Instant, published: &mut Vec<Stamp>) -> io::Result<()> {
        let (Some(remote), Some(srtp)) = (self.session.remote, &self.session.srtp) else {
            return Ok(());
        };
        let socket = &self.socket;
        for outgoing in [&mut self.audio, &mut self.video].into_iter().flatten() {
            let sequence = self.feedback.is_some().then_some(&mut self.transport_sequence);
            let transport = Transport { client: self.index, srtp: &srtp.outgoing, sequence };
            outgoing.publish(now, transport, |packet| socket.send(packet, remote), published)?;
        }
        Ok(())
    }

    /// When there is something to publish again.
    pub fn next_publication(&self) -> Option<Instant> {
        let due = |outgoing: &Option<Outgoing>| Some(outgoing.as_ref()?.cadence.as_ref()?.due);
        [due(&self.audio), due(&self.video)].into_iter().flatten().min()
    }

    pub fn totals(&self) -> Totals {
        let media = || self.incoming.iter().filter(|incoming| incoming.repairs.is_none());
        Totals {
            packets: media().map(|incoming| incoming.received).sum(),
            expected: media().map(Incoming::expected).sum(),
            bytes: self.incoming.iter().map(|incoming| incoming.bytes).sum(),
        }
    }

    fn take_rtp(
        &mut self,
        packet: &mut [u8],
        arrived: u64,
        now: Instant,
        arrivals: &mut Vec<Arrival>,
    ) {
        let Some(srtp) = &self.session.srtp else { return };
        let id = self.feedback.is_some().then_some(sdp::TRANSPORT_SEQUENCE);
        let Some(header) = Header::read(packet, id) else { return };
        let video = match header.payload_type {
            sdp::OPUS => false,
            sdp::VP8 | sdp::RTX => true,
            _ => return,
        };
        let known = match self.incoming.get(self.latest) {
            Some(incoming) if incoming.ssrc == header.ssrc => Some(self.latest),
            _ => self.incoming.iter().position(|incoming| incoming.ssrc == header.ssrc),
        };
        let first = u64::from(header.sequence);
        let Some(index) = known.map_or(Some(first), |at| self.incoming[at].index(header.sequence))
        else {
            return;
        };
        if known.is_none() && self.incoming.len() == MAX_STREAMS {
            return;
        }
        let Some(end) = srtp.incoming.open_rtp(packet, header.length, index) else { return };
        let at = known.unwrap_or_else(|| {
            let repairs = self.repairs.iter().find(|(_, repair)| *repair == header.ssrc);
            let repairs = repairs.map(|(stream, _)| *stream);
            // Where the description does not name it, the payload type still does.
            let repairs = repairs.or((header.payload_type == sdp::RTX).then_some(header.ssrc));
            self.incoming.push(Incoming::new(header.ssrc, video, repairs, now));
            self.incoming.len() - 1
        });
        self.latest = at;
        let incoming = &mut self.incoming[at];
        incoming.received(index, header.timestamp, end - header.length, arrived, now);
        if known.is_none() || incoming.misses_something() {
            self.speaking = self.speaking.min(incoming.due());
        }
        if let (Some(feedback), Some(number)) = (&mut self.feedback, header.transport_sequence) {
            self.speaking = self.speaking.min(feedback.received(number, arrived, now));
        }

        let padding = if header.padding { usize::from(packet[end - 1]) } else { 0 };
        let Some(payload) = packet.get(header.length..end.saturating_sub(padding)) else { return };
        if let (Some(stream), Some(original)) = (incoming.repairs, payload.first_chunk()) {
            let original = u16::from_be_bytes(*original);
            let repaired = self.incoming.iter_mut().find(|incoming| incoming.ssrc == stream);
            if let Some(repaired) = repaired.filter(|repaired| repaired.repairs.is_none()) {
                repaired.repaired(original);
            }
        }
        if payload.is_empty() {
            return;
        }
        self.first_media.get_or_insert(now - self.offered);
        if video {
            self.first_video.get_or_insert(now - self.offered);
        }
        if let Some(stamp) = Stamp::read(payload) {
            // A repetition comes with two bytes before what it repeats, and is late as such.
            if header.payload_type == sdp::VP8
                && self.first_seconds.received(payload, stamp.sent, arrived)
            {
                self.first_keyframe = Some(now - self.offered);
            }
            arrivals.push(Arrival { stamp, latency: arrived.saturating_sub(stamp.sent) });
        }
    }

    fn take_rtcp(&mut self, packet: &mut [u8], now: Instant) {
        let Some(srtp) = &self.session.srtp else { return };
        let Some(compound) = srtp.incoming.open_rtcp(packet) else { return };
        let (incoming, audio, video) = (&mut self.incoming, &mut self.audio, &mut self.video);
        let (socket, remote) = (&self.socket, self.session.remote);
        rtcp::read(compound, |message| {
            let mut published = [audio.as_mut(), video.as_mut()].into_iter().flatten();
            let mut outgoing = |ssrc| published.find(|outgoing| outgoing.ssrc == ssrc);
            match message {
                Message::SenderReport { ssrc, time } => {
                    if let Some(incoming) = incoming.iter_mut().find(|inc| inc.ssrc == ssrc) {
                        incoming.sender_reported(time, now);
                    }
                }
                Message::Nack { ssrc, sequences } => {
                    let (Some(outgoing), Some(remote)) = (outgoing(ssrc), remote) else { return };
                    for packet in sequences.iter().filter_map(|number| outgoing.sent(*number)) {
                        socket.send(packet, remote);
                    }
                }
                Message::KeyframeRequest { ssrc } => {
                    if let Some(outgoing) = outgoing(ssrc) {
                        outgoing.keyframe_wanted = true;
                    }
                }
            }
        });
    }

    /// Sends the reports, requests and feedback that are due.
    fn speak_if_due(&mut self, now: Instant) -> io::Result<()> {
        if self.speaking > now {
            return Ok(());
        }
        if self.session.srtp.is_some() {
            self.speak(now)?;
        }
        let reports = [&self.audio, &self.video].into_iter().flatten().filter_map(|o| o.report_due);
        let feedback = self.feedback.as_ref().and_then(|feedback| feedback.due);
        let due = self.incoming.iter().map(Incoming::due).chain(reports).chain(feedback);
        self.speaking = due.fold(now + SILENCE, Instant::min);
        Ok(())
    }

    fn speak(&mut self, now: Instant) -> io::Result<()> {
        let from = first_ssrc(self.index) + 2;
        for sends in 0..2 {
            let outgoing = if sends == 0 { &mut self.audio } else { &mut self.video };
            if let Some(progress) = outgoing.as_mut().and_then(|outgoing| outgoing.report(now)) {
                rtcp::sender_report(&mut self.compound, &progress, &name(self.index));
                self.send_compound()?;
            }
        }
        let mut requests = Vec::new();
        for at in 0..self.incoming.len() {
            let incoming = &mut self.incoming[at];
            if incoming.due() > now {
                continue;
            }
            incoming.requests(now, &mut requests);
            if !requests.is_empty() {
                rtcp::nack(&mut self.compound, from, incoming.ssrc, &requests);
                self.send_compound()?;
            }
            let incoming = &mut self.incoming[at];
            if incoming.report_due <= now {
                let block = incoming.report(now);
                rtcp::receiver_report(&mut self.compound, from, &block);
                self.send_compound()?;
            }
        }
        let ssrc = self.incoming.first().map_or(0, |incoming| incoming.ssrc);
        if let Some(feedback) = &mut self.feedback
            && feedback.due.is_some_and(|due| due <= now)
        {
            let mut body = Vec::new();
            if feedback.write(&mut body) {
                rtcp::transport_wide(&mut self.compound, from, ssrc, &body);
                self.send_compound()?;
            }
        }
        Ok(())
    }

    fn send_compound(&mut self) -> io::Result<()> {
        if let (Some(srtp), Some(remote)) = (&self.session.srtp, self.session.remote) {
            self.rtcp_index += 1;
            srtp.outgoing.seal_rtcp(&mut self.compound, self.rtcp_index)?;
            self.socket.send(&self.compound, remote);
        }
        self.compound.clear();
        Ok(())
    }

    /// After it was called: notes what changed and when it is due again.
    fn settle(&mut self, now: Instant) {
        self.closed = !self.session.is_alive();
        if self.session.connected && self.session.srtp.is_some() && self.connected.is_none() {
            self.connected = Some(now - self.offered);
            self.start(now);
        }
        self.timeout = self.session.timeout.min(self.speaking);
    }

    fn start(&mut self, now: Instant) {
        // Cameras are not in step with each other: spread over the interval of a frame.
        let phase = Duration::from_micros((self.index as u64 * 7_919) % 33_000);
        if let Some(audio) = &mut self.audio {
            audio.start(now + phase / 2);
        }
        if let Some(video) = &mut self.video {
            video.start(now + phase);
        }
        self.speaking = now;
    }
}

fn first_ssrc(index: usize) -> u32 {
    0x1000_0000 + SSRCS * index as u32
}

fn name(index: usize) -> String {
    format!("client-{index}")
}
