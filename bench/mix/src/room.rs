//! A mixer as the engine runs it, with what shards would give it and take from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use medialoom::codec::format::{Format, Parameters};
use medialoom::codec::{Codec, Description};
use medialoom::control::ids::{Ids, MixerId, PortId, ShardIndex, SourceId};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::mixer::{MixerCommand, MixerOptions, PortOptions};
use medialoom::engine::message::ShardMessage;
use medialoom::engine::mixer::{Mixer, Parts, Request, Shards};
use medialoom::engine::tap::{Class, Inlet, Made};
use medialoom::mcu::MadePacket;
use medialoom::mcu::video::Fonts;
use medialoom::sfu::source::{SourceDescription, SourceEncoding};
use medialoom::sfu::{EncodingIndex, EncodingSet, Extensions, SourcePacket};
use tokio::sync::mpsc;

/// Takes what the mixer makes, to nowhere.
struct Sink;

impl Shards for Sink {
    fn send(&self, _: ShardIndex, _: ShardMessage) -> Result<(), ShardMessage> {
        Ok(())
    }
}

pub struct Room {
    mixer: Mixer<Sink>,
    inlet: Arc<Inlet>,
    requests: mpsc::Sender<Request>,
    ids: Ids,
    now: Instant,
    pub audio: Option<SourceId>,
    pub video: Option<SourceId>,
    sources: Vec<Source>,
    /// CPU that the mixer used.
    pub cpu: Duration,
    pub turns: u32,
}

/// A participant's track: packets that repeat.
struct Source {
    track: SourceId,
    codec: Codec,
    packets: Arc<Vec<Vec<MadePacket>>>,
    /// Which turn it is at, and where its numbers are.
    at: usize,
    sequence: u64,
    timestamp: u32,
    timestamp_step: u32,
    /// Between two steps of the source.
    interval: Duration,
    next: Instant,
    level: Option<(i8, bool)>,
}

const SHARD: ShardIndex = ShardIndex(0);

impl Room {
    pub fn new(options: &MixerOptions, classes: &[Class], now: Instant) -> Self {
        let ids = Ids::default();
        let id = MixerId::new(&ids, SHARD);
        let (inlet, packets) = Inlet::new(|| ());
        let (requests, receiver) = mpsc::channel(65_536);
        let track = |classes: &[Class]| Made::new(now, SourceId::new(&ids, SHARD), classes);
        let audio = options.audio.as_ref().map(|_| track(&sound_classes()));
        let video = options.video.as_ref().map(|_| track(classes));
        let (audio_id, video_id) = (audio.as_ref().map(Made::id), video.as_ref().map(Made::id));
        let parts = Parts {
            id,
            mailbox: Arc::new(Mailbox::new(|| ())),
            shards: Sink,
            inlet: Arc::clone(&inlet),
            packets,
            requests: receiver,
            audio,
            video,
            fonts: Fonts::default(),
        };
        let mixer = Mixer::new(parts, options).unwrap();
        Self {
            mixer,
            inlet,
            requests,
            ids,
            now,
            audio: audio_id,
            video: video_id,
            sources: Vec::new(),
            cpu: Duration::ZERO,
            turns: 0,
        }
    }

    /// Adds a port. Gives the track it gets.
    pub fn add_port(&mut self, label: &str) -> (PortId, Option<SourceId>) {
        let port = PortId::new(&self.ids, SHARD);
        let track = self
            .audio
            .map(|_| Made::new(self.now, SourceId::new(&self.ids, SHARD), &sound_classes()));
        let id = track.as_ref().map(Made::id);
        self.ask(Request::AddPort { port, options: port_options(label), track });
        (port, id)
    }

    /// Feeds a port with packets that repeat, one entry each `interval`.
    pub fn feed(
        &mut self,
        port: PortId,
        packets: &Arc<Vec<Vec<MadePacket>>>,
        interval: Duration,
        level: Option<(i8, bool)>,
        size: Option<(u16, u16)>,
    ) {
        let track = SourceId::new(&self.ids, SHARD);
        let codec = packets.iter().flatten().next().map_or(Codec::Opus, |packet| packet.codec);
        let kind = codec.kind();
        self.ask(Request::Command(MixerCommand::Attach { port, kind, track: Some(track) }));
        self.inlet.described(track, Some(Arc::new(describe(codec, size))));
        let timestamp_step = (codec.clock_rate() as f64 * interval.as_secs_f64()).round() as u32;
        // Not all at once, as in life.
        let offset = interval * (self.sources.len() as u32 % 7) / 7;
        self.sources.push(Source {
            track,
            codec,
            packets: Arc::clone(packets),
            at: 0,
            sequence: 1,
            timestamp: 0,
            timestamp_step,
            interval,
            next: self.now + offset,
            level,
        });
    }

    /// Somebody takes these encodings of a mixed track.
    pub fn watch(&self, track: SourceId, encodings: impl IntoIterator<Item = u8>) {
        let wanted =
            encodings.into_iter().fold(EncodingSet::NONE, |set, e| set.with(EncodingIndex(e)));
        self.inlet.demand(track, wanted);
    }

    fn ask(&self, request: Request) {
        self.requests.try_send(request).ok().unwrap();
    }

    /// One turn of the mixer, after the packets that came until then. Gives when it wants the next.
    pub fn turn(&mut self, now: Instant) -> Option<Instant> {
        self.now = now;
        for source in &mut self.sources {
            source.send(now, &self.inlet);
        }
        let before = ThreadTime::now();
        let next = self.mixer.run(now, now);
        self.cpu += before.elapsed();
        self.turns += 1;
        next
    }

    /// Runs for so long, on fake time, and gives the CPU it took.
    pub fn run(&mut self, time: Duration) -> Duration {
        let (cpu, end) = (self.cpu, self.now + time);
        let mut now = self.now;
        while now < end {
            now = self
                .turn(now)
                .unwrap_or(now + Duration::from_millis(20))
                .max(now + Duration::from_micros(100));
        }
        self.cpu - cpu
    }
}

impl Source {
    fn send(&mut self, now: Instant, inlet: &Inlet) {
        while self.next <= now {
            let packets = &self.packets[self.at % self.packets.len()];
            for packet in packets {
                inlet.packet(&Arc::new(SourcePacket {
                    track: self.track,
                    encoding: EncodingIndex(0),
                    ssrc: 1,
                    sequence: self.sequence,
                    timestamp: self.timestamp,
                    marker: packet.marker,
                    codec: self.codec,
                    red: false,
                    telephone_event: false,
                    source_pt: 96,
                    payload: Arc::clone(&packet.payload),
                    arrival: self.next,
                    captured: self.next,
                    to_reported: Some(0),
                    description: Description::parse(self.codec, &packet.payload, None),
                    extensions: Extensions { audio_level: self.level, ..Extensions::default() },
                }));
                self.sequence += 1;
            }
            self.at += 1;
            self.timestamp = self.timestamp.wrapping_add(self.timestamp_step);
            self.next += self.interval;
        }
    }
}

fn describe(codec: Codec, size: Option<(u16, u16)>) -> SourceDescription {
    let format = Format {
        codec,
        pt: 96,
        red: None,
        rtx: None,
        events: None,
        parameters: Parameters::default(),
    };
    let encoding = SourceEncoding {
        index: EncodingIndex(0),
        rid: None,
        ssrc: 1,
        codec,
        active: true,
        rank: 1,
        size,
        rates: Arc::default(),
    };
    SourceDescription {
        formats: [format].into(),
        encodings: vec![encoding],
        alternatives: false,
        keyframes_on_request: true,
        withheld: false,
        thinnest: None,
    }
}

pub fn port_options(label: &str) -> PortOptions {
    PortOptions {
        label: label.to_owned(),
        gain: 1.0,
        position: 0.0,
        auto_gain: false,
        noise_suppression: false,
        muted: false,
        visible: true,
        screen: false,
    }
}

pub fn sound_classes() -> Vec<Class> {
    let class = |codec| Class { codec, rung: 0, size: None, bitrate: 0, frame_rate: 0 };
    [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma].into_iter().map(class).collect()
}
