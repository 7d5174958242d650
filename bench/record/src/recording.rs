//! Recordings of 1.5 Mbit/s of pictures and Opus, from packets to the page cache.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use medialoom::codec::frame::{Encoded, Packetizer};
use medialoom::codec::packet::MadePacket;
use medialoom::codec::{Codec, Kind};
use medialoom::control::ids::{Ids, RecordedTrackId, RecorderId, RequestId, ShardIndex, SourceId};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::recorder::{
    EncodingChoice, FormatChange, LineOptions, RecorderCommand, RecorderOptions, RecordingFormat,
};
use medialoom::engine::message::ShardMessage;
use medialoom::engine::recorder::{Parts, Recorder};
use medialoom::engine::tap::{Class, Inlet, Made, Shards};
use medialoom::sfu::{EncodingIndex, SourcePacket};
use tokio::sync::mpsc;

use crate::disk::DirectDisk;
use crate::memory::resident;

const SHARD: ShardIndex = ShardIndex(0);
/// Of sound and of recorders.
const TICK: Duration = Duration::from_millis(20);
/// Three pictures in five ticks are 30 a second.
const PICTURES: [bool; 5] = [true, false, true, false, true];
/// Of a picture, at 1.5 Mbit/s.
const PICTURE_BYTES: usize = 6_250;
const GROUP: u64 = 60;
const SPS_720P: [u8; 11] = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80];

pub struct Measured {
    pub per_core: f64,
    /// Of one.
    pub memory: f64,
    /// CPU to close one.
    pub close_ms: f64,
}

struct Nobody;

impl Shards for Nobody {
    fn send(&self, _: ShardIndex, _: ShardMessage) -> Result<(), ShardMessage> {
        Ok(())
    }
}

struct Recording {
    recorder: Recorder<Nobody, DirectDisk>,
    inlet: Arc<Inlet>,
    requests: mpsc::Sender<RecorderCommand>,
    video: Made,
    audio: Made,
    mailbox: Arc<Mailbox>,
    codec: Codec,
    packetizer: Packetizer,
    sounds: u64,
    pictures: u64,
}

pub fn measure(
    folder: &Path,
    format: RecordingFormat,
    recordings: usize,
    seconds: u32,
) -> Measured {
    let (ids, mut now) = (Ids::default(), Instant::now());
    let before = resident();
    let paths: Vec<_> = (0..recordings).map(|n| folder.join(format!("bench-record-{n}"))).collect();
    let mut all: Vec<Recording> =
        paths.iter().map(|path| Recording::begin(path, format, &ids, now)).collect();
    let (mut source, mut recording) = (Duration::ZERO, Duration::ZERO);
    for tick in 0..seconds * 50 {
        now += TICK;
        for each in &mut all {
            let start = ProcessTime::now();
            let packets = each.packets(tick, now);
            source += start.elapsed();
            let start = ProcessTime::now();
            packets.iter().for_each(|packet| each.inlet.packet(packet));
            each.recorder.run(now);
            each.mailbox.drain();
            recording += start.elapsed();
        }
    }
    let memory = resident().saturating_sub(before) as f64 / recordings as f64;
    let start = ProcessTime::now();
    for each in &mut all {
        let close = RecorderCommand::Close { request: RequestId(9) };
        each.requests.try_send(close).expect("it has room");
        each.recorder.run(now);
    }
    let close_ms = start.elapsed().as_secs_f64() * 1e3 / recordings as f64;
    paths.iter().for_each(|path| {
        let len = std::fs::metadata(path).map_or(0, |file| file.len());
        assert!(len > u64::from(seconds) * 150_000, "all of it was written: {len} bytes");
        let _ = std::fs::remove_file(path);
    });
    let per_core = recordings as f64 * f64::from(seconds) / recording.as_secs_f64();
    Measured { per_core, memory, close_ms }
}

impl Recording {
    fn begin(path: &Path, format: RecordingFormat, ids: &Ids, now: Instant) -> Self {
        let (inlet, packets) = Inlet::new(|| ());
        let (sender, requests) = mpsc::channel(64);
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let parts = Parts {
            id: RecorderId::new(ids, SHARD),
            mailbox: Arc::clone(&mailbox),
            shards: Nobody,
            disk: DirectDisk::create(path).expect("a file can be made"),
            inlet: Arc::clone(&inlet),
            packets,
            requests,
            opening: RequestId(1),
            date: Duration::ZERO,
        };
        let options = RecorderOptions {
            file: path.to_owned(),
            format,
            on_format_change: FormatChange::Inline,
            fragment: 500,
            mode: 0o600,
            max_size: None,
            max_duration: None,
        };
        let mut recorder = Recorder::new(parts, &options);
        let codec = if format == RecordingFormat::Mp4 { Codec::H264 } else { Codec::Vp8 };
        let [video, audio] = [codec, Codec::Opus].map(|codec| {
            let size = (codec.kind() == Kind::Video).then_some((1280, 720));
            let class = Class { codec, rung: 0, size, bitrate: 1_500_000, frame_rate: 30 };
            let made = Made::new(now, SourceId::new(ids, SHARD), &[class]);
            let line = RecordedTrackId::new(ids, SHARD);
            let options = LineOptions {
                name: "somebody".into(),
                language: "und".into(),
                encoding: EncodingChoice::Best,
            };
            let (kind, track) = (codec.kind(), made.id());
            let record = RecorderCommand::Record { line, kind, track, options };
            sender.try_send(record).expect("it has room");
            recorder.run(now);
            inlet.described(track, Some(made.description()));
            made
        });
        recorder.run(now);
        let packetizer = Packetizer::new(codec);
        let requests = sender;
        let (sounds, pictures) = (0, 0);
        Self {
            recorder,
            inlet,
            requests,
            video,
            audio,
            mailbox,
            codec,
            packetizer,
            sounds,
            pictures,
        }
    }

    /// What comes in one tick.
    fn packets(&mut self, tick: u32, now: Instant) -> Vec<Arc<SourcePacket>> {
        let mut packets = Vec::new();
        let sound = MadePacket {
            sequence: self.sounds,
            timestamp: self.sounds as u32 * 960,
            marker: false,
            codec: Codec::Opus,
            payload: vec![0xf8; 80].into(),
            captured: now,
            audio_level: None,
        };
        self.sounds += 1;
        packets.extend(self.audio.packet(now, EncodingIndex(0), sound));
        if PICTURES[tick as usize % PICTURES.len()] {
            let keyframe = self.pictures % GROUP == 0;
            let data = picture(self.codec, keyframe);
            let encoded = Encoded {
                data: &data,
                keyframe,
                width: 1280,
                height: 720,
                timestamp: self.pictures as u32 * 3_000,
                captured: now,
            };
            let Self { packetizer, video, .. } = self;
            let made = packetizer.packetize(&encoded, |packet| {
                packets.extend(video.packet(now, EncodingIndex(0), packet));
            });
            made.expect("it is a frame");
            self.pictures += 1;
        }
        packets
    }
}

fn picture(codec: Codec, keyframe: bool) -> Vec<u8> {
    let mut frame = match (codec, keyframe) {
        (Codec::H264, true) => {
            let sets = [&[0, 0, 0, 1], &SPS_720P[..], &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]].concat();
            [&sets[..], &[0, 0, 0, 1, 0x65]].concat()
        }
        (Codec::H264, false) => vec![0, 0, 0, 1, 0x41],
        (_, true) => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02],
        (_, false) => vec![0x11, 0, 0],
    };
    frame.resize(PICTURE_BYTES, 0x7f);
    frame
}
