//! Mixers as the binding sees them: made on the pool of tasks, asked by commands.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::HostError;
use super::media_threads::Outside;
use super::running::{Actor, Running};
use super::tasks::{TaskPool, Waker};
use crate::codec::Codec;
use crate::control::conduit::{Conduit, conduit_to};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::CloseReason;
use crate::control::ids::{ConduitId, Ended, IdMap, Ids, MixerId, PortId, ShardIndex, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::mixer::{MixerCommand, MixerOptions, PortOptions, VideoOptions};
use crate::control::snapshot::StatsCollector;
use crate::engine::message::ShardMessage;
use crate::engine::mixer::{Fonts, MAX_COMMANDS, Mixer, Parts, Request};
use crate::engine::tap::{Class, Inlet, Made, rid};
use crate::queue::conduit::Weight;

/// Mixers of one endpoint.
const MAX_MIXERS: usize = 10_000;
/// Ports of one mixer.
const MAX_PORTS: usize = 10_000;
/// Codecs that sound is offered in, most wanted first.
const SOUND: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma];

pub(super) struct Mixing {
    pool: Arc<TaskPool>,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    shards: usize,
    mixers: Arc<Mixers>,
}

/// The mixers there are.
#[derive(Default)]
pub(super) struct Mixers(Mutex<Known>);

#[derive(Default)]
struct Known {
    handles: IdMap<MixerId, Handle>,
    /// How many there ever were: they take turns with the shards.
    made: usize,
    /// Of mixers that are made from now on.
    fonts: Fonts,
}

struct Handle {
    requests: mpsc::Sender<Request>,
    waker: Waker,
    inlet: Arc<Inlet>,
    sound: bool,
    ports: usize,
}

/// A mixed track, for JavaScript.
#[derive(Clone, Debug)]
pub struct MixedTrackInfo {
    pub id: SourceId,
    /// Codec, size by its RID where there are several, and SSRC of each encoding.
    pub encodings: Vec<(Codec, Option<String>, u32)>,
}

/// A mixer that was made.
#[derive(Clone, Debug)]
pub struct MixerInfo {
    pub id: MixerId,
    pub audio: Option<MixedTrackInfo>,
    pub video: Option<MixedTrackInfo>,
}

impl Mixing {
    pub(super) fn new(
        pool: Arc<TaskPool>,
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        shards: usize,
        mixers: Arc<Mixers>,
    ) -> Self {
        Self { pool, ids, mailbox, outside, shards, mixers }
    }

    pub(super) fn create(&self, options: &MixerOptions) -> Result<MixerInfo, EngineError> {
        let mut mixers = self.lock();
        mixers.handles.retain(|_, handle| !handle.requests.is_closed());
        if mixers.handles.len() >= MAX_MIXERS {
            return Err(HostError::MixerLimit(MAX_MIXERS).into());
        }
        let id = MixerId::new(&self.ids, ShardIndex((mixers.made % self.shards) as u8));
        let waker = self.pool.waker();
        let (inlet, packets) = Inlet::new({
            let waker = waker.clone();
            move || waker.wake()
        });
        let (sender, requests) = mpsc::channel(MAX_COMMANDS);
        let now = Instant::now();
        let audio = options.audio.as_ref().map(|_| self.track(now, id, &sound_classes()));
        let video =
            options.video.as_ref().map(|o| video_classes(o).map(|c| self.track(now, id, &c)));
        let video = video.transpose()?;
        let info =
            MixerInfo { id, audio: audio.as_ref().map(info), video: video.as_ref().map(info) };
        let descriptions: Vec<_> =
            audio.iter().chain(&video).map(|track| (track.id(), track.description())).collect();
        let parts = Parts {
            id,
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            inlet: Arc::clone(&inlet),
            packets,
            requests,
            audio,
            video,
            fonts: mixers.fonts.clone(),
        };
        let mixer = Mixer::new(parts, options)?;
        // Known to their shard before anybody can attach something to them.
        for (track, description) in descriptions {
            let inlet = Arc::clone(&inlet);
            self.send(id.shard(), ShardMessage::MadeTrack { track, inlet, description })?;
        }
        self.pool.spawn(&waker, Box::new(Running(mixer)))?;
        let sound = options.audio.is_some();
        mixers.made += 1;
        mixers.handles.insert(id, Handle { requests: sender, waker, inlet, sound, ports: 0 });
        Ok(info)
    }

    pub(super) fn add_font(&self, file: Vec<u8>) -> Result<(), EngineError> {
        let mut mixers = self.lock();
        mixers.fonts = mixers.fonts.with(file).map_err(HostError::Font)?;
        Ok(())
    }

    pub(super) fn add_port(
        &self,
        mixer: MixerId,
        options: PortOptions,
    ) -> Result<(PortId, Option<MixedTrackInfo>), EngineError> {
        let mut mixers = self.lock();
        let handle = mixers.handles.get_mut(&mixer).ok_or(HostError::MixerClosed)?;
        if handle.ports >= MAX_PORTS {
            return Err(HostError::PortLimit(MAX_PORTS).into());
        }
        let port = PortId::new(&self.ids, mixer.shard());
        let track = handle.sound.then(|| self.track(Instant::now(), mixer, &sound_classes()));
        let info = track.as_ref().map(info);
        if let Some(track) = &track {
            let (inlet, description) = (Arc::clone(&handle.inlet), track.description());
            let message = ShardMessage::MadeTrack { track: track.id(), inlet, description };
            self.send(mixer.shard(), message)?;
        }
        handle.ask(Request::AddPort { port, options, track })?;
        handle.ports += 1;
        Ok((port, info))
    }

    /// Has every mixer add its share.
    pub(super) fn add_stats(&self, collector: &Arc<StatsCollector>) -> Result<(), EngineError> {
        for handle in self.lock().handles.values() {
            let command = MixerCommand::Stats { collector: Arc::clone(collector) };
            match handle.ask(Request::Command(command)) {
                // It failed, and nobody has looked since.
                Err(error) if error.code == ErrorCode::Closed => {}
                asked => asked?,
            }
        }
        Ok(())
    }

    pub(super) fn command(&self, mixer: MixerId, command: MixerCommand) -> Result<(), EngineError> {
        let mut mixers = self.lock();
        let handle = mixers.handles.get_mut(&mixer).ok_or(HostError::MixerClosed)?;
        let removes = matches!(command, MixerCommand::RemovePort { .. });
        let closes = matches!(command, MixerCommand::Close { .. });
        handle.ask(Request::Command(command))?;
        handle.ports -= usize::from(removes && handle.ports > 0);
        if closes {
            mixers.handles.remove(&mixer);
        }
        Ok(())
    }

    /// A queue to or from JavaScript, bounded by weight.
    pub(super) fn conduit<T: Weight>(&self, mixer: MixerId, capacity: usize) -> Arc<Conduit<T>> {
        let id = ConduitId::new(&self.ids, mixer.shard());
        conduit_to(id, Arc::clone(&self.mailbox), capacity)
    }

    fn track(&self, now: Instant, mixer: MixerId, classes: &[Class]) -> Made {
        Made::new(now, SourceId::new(&self.ids, mixer.shard()), classes)
    }

    fn send(&self, shard: ShardIndex, message: ShardMessage) -> Result<(), EngineError> {
        self.outside.send(shard, message).map_err(|_| HostError::ThreadBehind(shard).into())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.mixers.lock()
    }
}

impl Mixers {
    /// A shard lost all it had: what mixers take from there, and the mixers whose tracks it had.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().handles.values() {
            handle.inlet.thread_ended(ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Handle {
    fn ask(&self, request: Request) -> Result<(), EngineError> {
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => HostError::CallsWaitForMixer { calls: MAX_COMMANDS },
            TrySendError::Closed(_) => HostError::MixerClosed,
        })?;
        self.waker.wake();
        Ok(())
    }
}

fn sound_classes() -> Vec<Class> {
    let class = |codec| Class { codec, rung: 0, size: None, bitrate: 0, frame_rate: 0 };
    SOUND.into_iter().map(class).collect()
}

fn video_classes(options: &VideoOptions) -> Result<Vec<Class>, EngineError> {
    let mut classes = Vec::new();
    for (index, name) in options.codecs.iter().enumerate() {
        let codec = Codec::from_name(name)
            .filter(|codec| matches!(codec, Codec::Vp8 | Codec::Vp9 | Codec::H264));
        let codec = codec.ok_or(HostError::MixedCodec(index))?;
        for rung in 0..options.rungs {
            let side = |full: u16| ((full >> rung) & !1).max(16);
            classes.push(Class {
                codec,
                rung,
                size: Some((side(options.width), side(options.height))),
                // A quarter of the pixels needs more than a quarter of the bits.
                bitrate: (f64::from(options.bitrate) / 3f64.powi(rung.into())) as u32,
                frame_rate: options.frame_rate,
            });
        }
    }
    Ok(classes)
}

fn info(track: &Made) -> MixedTrackInfo {
    let description = track.description();
    let several = description.encodings.iter().any(|encoding| encoding.rid.is_some());
    let encodings = track.classes().zip(&description.encodings);
    MixedTrackInfo {
        id: track.id(),
        encodings: encodings
            .map(|((_, class), encoding)| {
                (class.codec, several.then(|| rid(class.rung).to_owned()), encoding.ssrc)
            })
            .collect(),
    }
}

impl Actor for Mixer<Outside<ShardMessage>> {
    const NAME: &'static str = "mixer";

    fn run(&mut self, now: Instant, due: Instant) -> Option<Instant> {
        self.run(now, due)
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn fail(&mut self) {
        self.fail();
    }

    fn abandon(&mut self, _: Instant) {
        self.close(CloseReason::Parent);
    }
}
