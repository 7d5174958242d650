//! The actor of one mixer: takes commands, packets of its inputs and what shards note for it, and
//! gives packets of mixed tracks to the shard that its tracks live on. Does no I/O and reads no
//! clock.

mod bitrates;
mod error;
mod load;
mod pictures;
mod snapshots;
mod sound;
mod stats;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::codec::Kind;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{ConduitId, MixerId, PortId, RequestId, ShardIndex, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::mixer::{MixerCommand, MixerOptions, PortOptions};
use crate::control::stats::Share;
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Inlet, LeftPackets, Made, Notes, Outlet, Shards, Taker};
pub use crate::mcu::video::{Fonts, VideoError};
use crate::sfu::SourcePacket;
use crate::sfu::source::SourceDescription;
use error::MixerError;
pub use load::Load;
use pictures::Pictures;
use sound::Sound;

/// Commands that may wait for a mixer.
pub const MAX_COMMANDS: usize = 65_536;
/// How often a mixer looks at what it is told while it has something to mix.
const LOOK: Duration = Duration::from_millis(20);

/// What reaches a mixer from JavaScript's side.
pub enum Request {
    Command(MixerCommand),
    /// With the track that the port gets.
    AddPort {
        port: PortId,
        options: PortOptions,
        track: Option<Made>,
    },
}

/// The actor; see the module.
pub struct Mixer<S: Shards> {
    id: MixerId,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    requests: mpsc::Receiver<Request>,
    inputs: Taker<PortId>,
    ports: HashSet<PortId>,
    sound: Option<Sound>,
    pictures: Option<Pictures>,
    load: Load,
    /// Reused for packets of one turn.
    made: Vec<Arc<SourcePacket>>,
    over: bool,
}

/// What a mixer is made of.
pub struct Parts<S> {
    pub id: MixerId,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    pub packets: LeftPackets,
    pub requests: mpsc::Receiver<Request>,
    pub audio: Option<Made>,
    pub video: Option<Made>,
    pub fonts: Fonts,
}

impl<S: Shards> Mixer<S> {
    /// Errors: `InvalidArg` when the canvas cannot be made.
    pub fn new(parts: Parts<S>, options: &MixerOptions) -> Result<Self, EngineError> {
        let sound = options.audio.as_ref().zip(parts.audio);
        let pictures = options.video.as_ref().zip(parts.video);
        Ok(Self {
            inputs: Taker::new(parts.id.into(), Arc::clone(&parts.inlet)),
            id: parts.id,
            ports: HashSet::new(),
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            packets: parts.packets,
            requests: parts.requests,
            sound: sound.map(|(options, track)| Sound::new(options, track)),
            pictures: pictures
                .map(|(o, track)| Pictures::new(o, track, parts.fonts))
                .transpose()?,
            load: Load::default(),
            made: Vec::new(),
            over: false,
        })
    }

    /// Whether it was closed or failed; it need not run again.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Does what is due, and gives when to be called next; `None` when woken. `clock` tells the
    /// time when asked, for what takes long.
    pub fn run(&mut self, now: Instant, due: Instant) -> Option<Instant> {
        self.load.ran(now, now.saturating_duration_since(due));
        self.outlet.send_backlog();
        while let Ok(request) = self.requests.try_recv() {
            self.take_request(now, request);
            if self.over {
                return None;
            }
        }
        let notes = self.inlet.take_notes();
        self.take_notes(notes);
        if self.over {
            return None;
        }
        self.take_packets();
        let next = self.mix(now);
        self.tap(now);
        self.send_made();
        let backlog = self.outlet.is_behind().then(|| now + LOOK);
        next.into_iter().chain(backlog).min()
    }

    fn mix(&mut self, now: Instant) -> Option<Instant> {
        let Self { id, mailbox, sound, pictures, inputs, made, load, .. } = self;
        let sound_due = sound.as_mut().and_then(|sound| sound.run(now, *id, mailbox, made));
        let pictures_due = pictures.as_mut().and_then(|pictures| {
            for input in inputs.iter().filter(|input| input.kind == Kind::Video) {
                let sound = sound.as_ref().filter(|_| sound_due.is_some());
                pictures.set_delay(input.place, sound.and_then(|s| s.playout_delay(input.place)));
            }
            if let Some(sound) = sound.as_ref() {
                pictures.set_speakers(sound.speakers(), sound.dominant());
            }
            pictures.run(now, load, mailbox, made)
        });
        if let Some(effort) = self.load.poll_change()
            && self.pictures.is_some()
        {
            let (mixer, late) = (self.id, self.load.late());
            self.mailbox.post(Event::MixerEffort { mixer, effort: effort.name(), late });
        }
        // What it is told it sees when it runs next.
        let next = sound_due.into_iter().chain(pictures_due).min()?;
        Some(next.min(now + LOOK))
    }

    /// Has the shards send what is needed of the inputs, and nothing else.
    fn tap(&mut self, now: Instant) {
        let heard = self.sound.as_ref().is_some_and(Sound::is_wanted);
        let pictures = &self.pictures;
        self.inputs.update(now, |input| match input.kind {
            // Of sound there is no size.
            Kind::Audio => heard.then_some((0, 0)),
            Kind::Video => pictures.as_ref().and_then(|pictures| pictures.wanted(input.place)),
        });
        if let Some(pictures) = &mut self.pictures {
            for port in pictures.take_keyframes_needed() {
                self.inputs.ask_for_keyframe(port);
            }
        }
        for message in self.inputs.take_messages() {
            self.send(message.0, message.1);
        }
    }

    fn take_request(&mut self, now: Instant, request: Request) {
        match request {
            Request::AddPort { port, options, track } => {
                self.ports.insert(port);
                if let Some((sound, track)) = self.sound.as_mut().zip(track) {
                    sound.add_port(port, &options, track);
                }
                if let Some(pictures) = &mut self.pictures {
                    pictures.add_port(port, &options);
                }
            }
            Request::Command(command) => self.take_command(now, command),
        }
    }

    fn take_command(&mut self, now: Instant, command: MixerCommand) {
        use MixerCommand as C;
        match command {
            C::SetPort { port, options } => {
                if let Some(sound) = &mut self.sound {
                    sound.set_port(port, &options);
                }
                if let Some(pictures) = &mut self.pictures {
                    pictures.set_port(port, &options);
                }
            }
            C::RemovePort { port } => self.remove_port(port),
            C::Attach { port, kind, track } => self.attach(port, kind, track),
            C::SetLayout { layout } => self.with_pictures(|pictures| pictures.set_layout(layout)),
            C::SetBackground { colour, picture, request } => {
                let result = self.pictures.as_mut().map(|p| p.set_background(colour, picture));
                self.answer(request, result);
            }
            C::SetOverlays { overlays, pictures: files, request } => {
                let result = self.pictures.as_mut().map(|p| p.set_overlays(&overlays, &files));
                self.answer(request, result);
            }
            C::Pin { ports } => self.with_pictures(|pictures| pictures.pin(&ports)),
            C::Snapshot { port, options, request } => match &mut self.pictures {
                Some(pictures) => pictures.snapshot(now, port, options, request),
                None => self.answer(request, None::<Result<(), VideoError>>),
            },
            C::ReadPcm { tapped, format, conduit } => match &mut self.sound {
                Some(sound) => sound.read(tapped, format, conduit),
                None => conduit.close(),
            },
            C::WritePcm { port, conduit } => {
                self.attach(port, Kind::Audio, None);
                match &mut self.sound {
                    Some(sound) => sound.write(port, conduit),
                    None => conduit.close(),
                }
            }
            C::ReadFrames { port, format, conduit } => match &mut self.pictures {
                Some(pictures) => pictures.read(port, format, conduit),
                None => conduit.close(),
            },
            C::WriteFrames { port, conduit } => {
                self.attach(port, Kind::Video, None);
                match &mut self.pictures {
                    Some(pictures) => pictures.write(port, conduit),
                    None => conduit.close(),
                }
            }
            C::SetTone { port, tone } => {
                if let Some(sound) = &mut self.sound {
                    sound.set_tone(port, tone);
                }
            }
            C::PlayFile { port, file, repeat, request } => {
                let result = self.sound.as_mut().map(|s| s.play_file(port, file, repeat));
                self.answer(request, result);
            }
            C::ListenLevels { track, listen } => {
                if let Some(sound) = &mut self.sound {
                    sound.listen_levels(track, listen);
                }
            }
            C::RemoveConduit { conduit } => self.remove_conduit(conduit),
            C::Stats { collector } => {
                collector.add(Share { mixer: Some(stats::of(self)), ..Share::default() });
            }
            C::Close { request } => {
                self.close(CloseReason::Closed);
                self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
            }
        }
    }

    fn with_pictures(&mut self, action: impl FnOnce(&mut Pictures)) {
        if let Some(pictures) = &mut self.pictures {
            action(pictures);
        }
    }

    fn answer<E: Into<MixerError>>(&self, request: RequestId, result: Option<Result<(), E>>) {
        let result = match result {
            Some(Ok(())) => Ok(Reply::Done),
            Some(Err(error)) => Err(Into::<MixerError>::into(error).into()),
            None => Err(MixerError::Unmixed.into()),
        };
        self.mailbox.post(Event::Reply { request, result });
    }

    fn attach(&mut self, port: PortId, kind: Kind, track: Option<SourceId>) {
        if !self.inputs.attach(port, kind, track) {
            return;
        }
        match kind {
            Kind::Audio => self.sound.iter_mut().for_each(|sound| sound.reset_input(port)),
            Kind::Video => self.pictures.iter_mut().for_each(|p| p.reset_input(port)),
        }
    }

    fn remove_port(&mut self, port: PortId) {
        if !self.ports.remove(&port) {
            return;
        }
        self.inputs.attach(port, Kind::Audio, None);
        self.inputs.attach(port, Kind::Video, None);
        let track = self.sound.as_mut().and_then(|sound| sound.remove_port(port));
        if let Some(pictures) = &mut self.pictures {
            pictures.remove_port(port);
        }
        if let Some(track) = track {
            self.send(self.id.shard(), ShardMessage::MadeTrackClosed { track: track.id() });
        }
    }

    fn remove_conduit(&mut self, conduit: ConduitId) {
        let found = self.sound.as_mut().is_some_and(|sound| sound.remove_conduit(conduit));
        if !found && let Some(pictures) = &mut self.pictures {
            pictures.remove_conduit(conduit);
        }
    }

    fn take_notes(&mut self, notes: Notes) {
        for (track, description) in notes.sources {
            self.described(track, description);
        }
        for ended in notes.ended {
            if self.id.ended_with(ended) {
                return self.fail_with(MixerError::ThreadFailed(ended.shard));
            }
            for track in self.inputs.ended(ended) {
                self.described(track, None);
            }
        }
        for (track, wanted) in notes.demand {
            let heard = self.sound.as_mut().is_some_and(|sound| sound.set_demand(track, wanted));
            if !heard && let Some(pictures) = &mut self.pictures {
                pictures.set_demand(track, wanted);
            }
        }
        for (track, encoding) in notes.keyframes {
            if let Some(pictures) = &mut self.pictures {
                pictures.request_keyframe(track, encoding);
            }
        }
    }

    /// What feeds ports is something else now, or gone.
    fn described(&mut self, track: SourceId, description: Option<Arc<SourceDescription>>) {
        for (port, kind) in self.inputs.described(track, description) {
            match kind {
                Kind::Audio => self.sound.iter_mut().for_each(|s| s.reset_input(port)),
                Kind::Video => self.pictures.iter_mut().for_each(|p| p.reset_input(port)),
            }
        }
    }

    fn take_packets(&mut self) {
        let Self { packets, inputs, sound, pictures, .. } = self;
        while let Some(packet) = packets.poll() {
            inputs.receive(&packet, |input, packet| match input.kind {
                Kind::Audio => {
                    if let Some(sound) = sound {
                        input.doze.takes_from(sound.receive(input.place, packet));
                    }
                }
                Kind::Video => pictures.iter_mut().for_each(|p| p.receive(input.place, packet)),
            });
        }
    }

    fn send_made(&mut self) {
        if self.made.is_empty() {
            return;
        }
        let packets = std::mem::take(&mut self.made);
        self.send(self.id.shard(), ShardMessage::Made { packets });
    }

    fn send(&mut self, shard: ShardIndex, message: ShardMessage) {
        self.outlet.send(shard, message);
    }

    /// Ends it: its tracks close, and nothing comes from its inputs any more.
    pub fn close(&mut self, reason: CloseReason) {
        self.inputs.clear();
        for (shard, message) in self.inputs.take_messages() {
            self.send(shard, message);
        }
        let sounds = self.sound.iter().flat_map(|sound| sound.tracks().map(Made::id));
        let pictures = self.pictures.iter().map(|pictures| pictures.track().id());
        let tracks: Vec<SourceId> = sounds.chain(pictures).collect();
        for track in tracks {
            self.send(self.id.shard(), ShardMessage::MadeTrackClosed { track });
        }
        self.sound.iter_mut().for_each(Sound::close);
        let Self { pictures, mailbox, .. } = self;
        pictures.iter_mut().for_each(|pictures| pictures.close(mailbox));
        self.mailbox.post(Event::MixerClosed { mixer: self.id, reason });
        self.over = true;
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            if let Request::Command(command) = request {
                self.refuse(command);
            }
        }
    }

    /// Answers what was asked too late.
    fn refuse(&self, command: MixerCommand) {
        use MixerCommand as C;
        let request = match command {
            C::Close { request } => {
                self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
                return;
            }
            C::SetBackground { request, .. }
            | C::SetOverlays { request, .. }
            | C::Snapshot { request, .. }
            | C::PlayFile { request, .. } => request,
            C::ReadPcm { conduit, .. } | C::WritePcm { conduit, .. } => return conduit.close(),
            C::ReadFrames { conduit, .. } | C::WriteFrames { conduit, .. } => {
                return conduit.close();
            }
            _ => return,
        };
        let result = Err(MixerError::Closed.into());
        self.mailbox.post(Event::Reply { request, result });
    }

    /// It panicked.
    pub fn fail(&mut self) {
        self.fail_with(MixerError::Failed);
    }

    fn fail_with(&mut self, error: MixerError) {
        let error = error.into();
        self.mailbox.post(Event::MixerError { mixer: self.id, error });
        self.close(CloseReason::Error);
    }
}

#[cfg(test)]
mod tests;
