//! What is fetched from one server: packets of RTP in, packets of tracks out, to the shard that the
//! tracks live on. Does no I/O and reads no clock; whoever has the connection drives it.
//!
//! A transport of plain RTP takes what goes on as it comes, on whatever way it came here: so it is made
//! to fit viewers, kept in step and counted as anything else that cameras send. AAC becomes Opus as
//! that of encoders does. Tracks outlive connections: a server that comes back goes on in them.

mod aac;
mod choice;
mod error;
mod order;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use crate::codec::{Codec, Kind};
use crate::control::command::TransportCommand;
use crate::control::error::EngineError;
use crate::control::event::{Event, IncomingTrackInfo};
use crate::control::flow::{Flow, Protocol};
use crate::control::ids::{Ids, InputId, SourceId, TransportId};
use crate::control::ingest::InputTrackInfo;
use crate::control::mailbox::Mailbox;
use crate::control::rtp::{BoundPort, PortLease, RtpOptions};
use crate::control::rtsp::RtspMediaStats;
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Inlet, Outlet, Shards};
use crate::ingest::rtsp::{Description, MediaFormat};
use crate::peer::PeerEvent;
use crate::plain;
use crate::sending::Workspace;
use crate::sfu::{AudioLevelMeter, Need, SourcePacket};
use aac::AacTrack;
use choice::{Choice, Form, address, choose, options};
pub use error::PullError;

/// Warnings of one input.
const MAX_WARNINGS: usize = 16;

/// The actor; see the module.
pub struct Pull<S: Shards> {
    id: InputId,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    choices: Vec<Choice>,
    /// What goes on as it comes.
    session: Option<Box<plain::Session>>,
    aac: Option<AacTrack>,
    /// Tracks of the session.
    tracks: Vec<SourceId>,
    mix_b_frames: bool,
    workspace: Workspace,
    warned: Vec<String>,
    bytes: u64,
    received: u64,
    /// Reused for packets of one turn.
    packets: Vec<Arc<SourcePacket>>,
}

/// What an input is made of.
pub struct Parts<S> {
    pub id: InputId,
    pub ids: Arc<Ids>,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
}

impl<S: Shards> Pull<S> {
    /// Without tracks: a server says which there are.
    pub fn new(parts: Parts<S>) -> Self {
        Self {
            id: parts.id,
            ids: parts.ids,
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            choices: Vec::new(),
            session: None,
            aac: None,
            tracks: Vec::new(),
            mix_b_frames: parts.mix_b_frames,
            workspace: Workspace::default(),
            warned: Vec::new(),
            bytes: 0,
            received: 0,
            packets: Vec::new(),
        }
    }

    /// Takes what a server has, for the first time or anew. Gives the places of the lines that are to be
    /// set up; a line is called by its place in this list from then on.
    ///
    /// # Errors
    /// When nothing of it is taken.
    pub fn describe(
        &mut self,
        now: Instant,
        description: &Description,
    ) -> Result<Vec<usize>, PullError> {
        let (mut choices, left_out) = choose(description);
        left_out.into_iter().for_each(|error| self.warn(error));
        let mut sound = None;
        choices.retain(|choice| {
            let Form::Aac(format) = &choice.form else { return true };
            let id = SourceId::new(&self.ids, self.id.shard());
            match AacTrack::new(now, id, format.clone()) {
                Ok(track) => sound = Some(track),
                Err(error) => self.warn(PullError::Sound(error)),
            }
            sound.is_some()
        });
        let follow = choices.len() == self.choices.len()
            && choices.iter().zip(&self.choices).all(|(choice, before)| choice.follows(before));
        if follow {
            self.go_on(now, description, &choices);
        } else {
            self.end_tracks();
            self.begin(now, description, &choices, sound);
        }
        self.choices = choices;
        if self.choices.is_empty() {
            return Err(PullError::Nothing);
        }
        self.run(now);
        Ok(self.choices.iter().map(|choice| choice.media).collect())
    }

    /// Takes a packet of RTP or RTCP of a line.
    pub fn receive(&mut self, now: Instant, line: usize, rtcp: bool, packet: &[u8]) {
        self.bytes += packet.len() as u64;
        self.received += 1;
        let Some(place) = self.place_of(line) else {
            let is_aac = self.choices.get(line).is_some();
            if let Some(aac) = self.aac.as_mut().filter(|_| is_aac) {
                if rtcp { aac.rtcp(now, packet) } else { aac.rtp(now, packet, &mut self.packets) }
            }
            return;
        };
        let Some(session) = &mut self.session else { return };
        let at = address(place);
        let flow = Flow { protocol: Protocol::Udp, local: at, remote: at };
        session.handle_datagram(now, &flow, packet, &mut self.workspace);
    }

    /// Hands on what came, and does what is due. To be called after each batch of packets, and when
    /// [`Pull::poll_timeout`] says so.
    pub fn run(&mut self, now: Instant) {
        self.outlet.send_backlog();
        self.take_notes(now);
        if let Some(session) = &mut self.session {
            if session.poll_timeout(now).is_some_and(|at| at <= now) {
                session.handle_timeout(now);
            }
            session.end_turn(now);
        }
        self.absorb();
        self.tell_levels(now);
        if !self.packets.is_empty() {
            let packets = std::mem::take(&mut self.packets);
            self.outlet.send(self.id.shard(), ShardMessage::Made { packets });
        }
    }

    /// Hands over RTCP for the server, with the line that it is about.
    pub fn transmit(&mut self, mut send: impl FnMut(usize, &[u8])) {
        let Some(session) = &mut self.session else { return };
        let lines: Vec<usize> = (0..self.choices.len())
            .filter(|line| {
                matches!(self.choices.get(*line), Some(Choice { form: Form::Rtp(_), .. }))
            })
            .collect();
        session.transmit(|flow, packet| {
            let line = lines.iter().enumerate().find(|(place, _)| address(*place) == flow.local);
            if let Some((_, line)) = line {
                send(*line, packet);
            }
        });
    }

    /// When [`Pull::run`] wants to be called.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        if self.outlet.is_behind() {
            return Some(now);
        }
        self.session.as_mut()?.poll_timeout(now)
    }

    /// Has levels of its sound told, or not any more.
    pub fn listen_levels(&mut self, now: Instant, id: SourceId, listen: bool) {
        if let Some(aac) = self.aac.as_mut().filter(|aac| aac.track().id() == id) {
            aac.track_mut().levels = listen.then(AudioLevelMeter::default);
        } else if let Some(session) = &mut self.session {
            session.handle_command(now, TransportCommand::ListenLevels { id, listen });
        }
    }

    /// What came so far.
    pub fn stats(&mut self, now: Instant) -> RtspMediaStats {
        RtspMediaStats {
            bytes_received: self.bytes,
            packets_received: self.received,
            tracks: self
                .session
                .as_mut()
                .map(|session| session.stats(now).incoming_tracks)
                .unwrap_or_default(),
            transcoded: self.aac.as_ref().map(AacTrack::stats),
        }
    }

    /// Something of it is left out.
    pub fn warn(&mut self, error: PullError) {
        let text = error.to_string();
        if self.warned.len() < MAX_WARNINGS && !self.warned.contains(&text) {
            self.warned.push(text);
            let error = EngineError::from(error);
            self.mailbox.post(Event::InputWarning { input: self.id, error });
        }
    }

    /// Ends its tracks.
    pub fn close(&mut self) {
        for id in self.track_ids() {
            self.outlet.send(self.id.shard(), ShardMessage::MadeTrackClosed { track: id });
        }
        (self.session, self.aac, self.tracks) = (None, None, Vec::new());
    }

    fn track_ids(&self) -> Vec<SourceId> {
        self.tracks.iter().copied().chain(self.aac.as_ref().map(|aac| aac.track().id())).collect()
    }

    /// The server has something else now.
    fn end_tracks(&mut self) {
        for track in self.track_ids() {
            self.outlet.send(self.id.shard(), ShardMessage::MadeTrackClosed { track });
            self.mailbox.post(Event::InputTrackClosed { track });
        }
        (self.session, self.aac, self.tracks) = (None, None, Vec::new());
    }

    fn begin(
        &mut self,
        now: Instant,
        description: &Description,
        choices: &[Choice],
        sound: Option<AacTrack>,
    ) {
        if let Some(track) = &sound {
            let (made, inlet) = (track.track(), Arc::clone(&self.inlet));
            let (id, description) = (made.id(), made.description());
            let ssrc = description.encodings.first().map_or(0, |encoding| encoding.ssrc);
            let message = ShardMessage::MadeTrack { track: id, inlet, description };
            self.outlet.send(self.id.shard(), message);
            self.announce(InputTrackInfo {
                id,
                kind: Kind::Audio,
                codec: Codec::Opus,
                ssrc,
                size: None,
                reordered: false,
            });
        }
        self.aac = sound;
        let Some(options) = self.options(description, choices) else { return };
        let ports = (0..options.media.len()).map(|place| {
            let lease = Arc::new(PortLease { local: address(place) });
            BoundPort { rtp: Arc::clone(&lease), rtcp: lease, shared: false }
        });
        let (id, ports) = (TransportId::new(&self.ids, self.id.shard()), ports.collect());
        // What it cannot be made of was not chosen.
        self.session =
            plain::Session::new(now, id, Box::new(options), ports, &self.ids).ok().map(Box::new);
    }

    /// The same lines under other numbers, perhaps, and other parameter sets.
    fn go_on(&mut self, now: Instant, description: &Description, choices: &[Choice]) {
        if let Some(options) = self.options(description, choices)
            && let Some(session) = &mut self.session
        {
            // It has the same lines, and formats that are known.
            let _ = session.update(now, options);
        }
        for choice in choices {
            if let (Form::Aac(format), Some(aac)) = (&choice.form, &mut self.aac) {
                aac.restart(format.clone());
            }
        }
    }

    fn options(&self, description: &Description, choices: &[Choice]) -> Option<RtpOptions> {
        let lines: Vec<(Kind, &MediaFormat, bool)> = choices
            .iter()
            .filter_map(|choice| match &choice.form {
                Form::Rtp(format) => {
                    let feedback =
                        description.media.get(choice.media).is_some_and(|line| line.feedback);
                    Some((choice.kind, format, feedback))
                }
                Form::Aac(_) => None,
            })
            .collect();
        // Ids never come twice.
        let report_ssrc = (self.id.0 as u32).wrapping_mul(0x9e37_79b1).wrapping_add(1);
        (!lines.is_empty())
            .then(|| options(&lines, report_ssrc, format!("{report_ssrc:08x}"), self.mix_b_frames))
    }

    /// The place of a line in the session, if it is there.
    fn place_of(&self, line: usize) -> Option<usize> {
        let is_rtp = |choice: &Choice| matches!(choice.form, Form::Rtp(_));
        self.choices.get(line).filter(|choice| is_rtp(choice))?;
        Some(self.choices.iter().take(line).filter(|choice| is_rtp(choice)).count())
    }

    fn announce(&self, info: InputTrackInfo) {
        self.mailbox.post(Event::InputTrack { input: self.id, info });
    }

    /// Takes in what shards have left for it.
    fn take_notes(&mut self, now: Instant) {
        let notes = self.inlet.take_notes();
        for (id, wanted) in notes.demand {
            if let Some(aac) = self.aac.as_mut().filter(|aac| aac.track().id() == id) {
                aac.track_mut().set_wanted(wanted);
            } else if let Some(session) = &mut self.session {
                session.set_demand(now, id, wanted);
            }
        }
        if let Some(session) = &mut self.session {
            for (id, encoding) in notes.keyframes {
                session.request_keyframe(now, id, encoding, Need::Repair);
            }
        }
    }

    /// Hands on what the session has to say.
    fn absorb(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        // The shard knows a track before anybody can ask for it.
        let (mut new, mut warnings) = (Vec::new(), Vec::new());
        while let Some(event) = session.next_event() {
            match event {
                PeerEvent::Packet { packet } => self.packets.push(packet),
                PeerEvent::IncomingTrackChanged { id } => {
                    if let Some(description) = session.describe(id) {
                        let inlet = Arc::clone(&self.inlet);
                        let description = Arc::new(description);
                        let message = ShardMessage::MadeTrack { track: id, inlet, description };
                        self.outlet.send(self.id.shard(), message);
                    }
                }
                PeerEvent::Event(Event::IncomingTrack { info, .. }) => new.push(info),
                PeerEvent::Event(Event::RtpWarning { error, .. }) => warnings.push(error),
                PeerEvent::Event(event @ (Event::AudioLevel { .. } | Event::Encoding { .. })) => {
                    self.mailbox.post(event);
                }
                _ => {}
            }
        }
        for info in new {
            self.tracks.push(info.id);
            let codec = info.codecs.first().copied().unwrap_or(Codec::H264);
            let IncomingTrackInfo { id, kind, reordered, .. } = *info;
            self.announce(InputTrackInfo { id, kind, codec, ssrc: 0, size: None, reordered });
        }
        self.session = Some(session);
        warnings.into_iter().for_each(|error| self.warn(PullError::Pictures(error)));
    }

    /// Of the sound that is made here; the session tells of its own.
    fn tell_levels(&mut self, now: Instant) {
        let Some(track) = self.aac.as_mut().map(AacTrack::track_mut) else { return };
        let id = track.id();
        let Some(meter) = &mut track.levels else { return };
        for packet in self.packets.iter().filter(|packet| packet.track == id) {
            let Some((level, voice)) = packet.extensions.audio_level else { continue };
            if let Some((level, voice)) = meter.receive(now, level, voice) {
                self.mailbox.post(Event::AudioLevel { id, level, voice });
            }
        }
    }
}
