//! Sound and pictures are in a file when they were captured, whatever their ways and clocks were like.

use std::fs::{File, OpenOptions};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use medialoom::codec::Kind;
use medialoom::container::Reader;
use medialoom::container::reader::ReadFrame;
use medialoom::control::event::{Event, TransportState};
use medialoom::control::ids::TransportId;
use medialoom::control::recorder::RecordingFormat;
use str0m::media::{Direction, MediaKind, Mid, Rid};
use str0m::rtp::ExtensionValues;

use crate::allocations::allocated;
use crate::simulation::encoder::pattern::Place;
use crate::simulation::encoder::{self, Position, SIZES, h264, vp8};
use crate::support::World;
use crate::support::client::{Client, Source, SourcePacket};
use crate::support::link::{Link, LinkConditions, Loss};
use crate::support::network::{Access, Conditions};
use crate::support::recorder::{OnDisk, Recording, Storage};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const TURN: Duration = Duration::from_millis(20);
const CONNECTING: Duration = Duration::from_secs(30);

/// What sound and pictures may be apart.
const IN_STEP: i64 = 40;
/// Seconds of ten minutes in which one picture may be further apart, and of how many at both ends in none.
const MOMENTS: usize = 3;
const ENDS: usize = 20;
/// How much faster the clock of a sound card runs than that of its computer.
const DRIFT: f64 = 200e-6;
/// How much longer pictures take than sound, and the way there than the way back.
const ASYMMETRY: Duration = Duration::from_millis(150);
/// In bytes. An index of WebM has a place for every cluster, up to a limit.
const MAX_GROWTH: isize = 512 << 10;
/// Datagrams of pictures are larger than this, and no others are.
const PICTURE: usize = 300;

/// Bytes of a stamp.
const STAMP: usize = 16;

/// Says when it was captured, at the end of a frame: four bits a byte, none of which is a start code.
fn stamp(mut payload: Vec<u8>, captured: Duration) -> Vec<u8> {
    let micros = captured.as_micros() as u64;
    payload.extend((0..STAMP).map(|place| 0x40 | (micros >> (4 * place)) as u8 & 15));
    payload
}

/// When a frame of a file was captured.
fn captured(frame: &ReadFrame) -> Duration {
    let stamp: &[u8; STAMP] = frame.data.last_chunk().unwrap();
    let digits = stamp.iter().rev();
    Duration::from_micros(digits.fold(0, |micros, digit| micros << 4 | u64::from(digit & 15)))
}

/// Opus of a sound card that has a clock of its own.
struct Microphone {
    epoch: Instant,
    start: Instant,
    interval: Duration,
    packets: u32,
}

impl Microphone {
    fn new(epoch: Instant, interval: Duration) -> Self {
        Self { epoch, start: epoch, interval, packets: 0 }
    }
}

impl Source for Microphone {
    /// So many samples are there earlier than they should be.
    fn next(&self) -> Instant {
        self.start + (self.interval * self.packets).div_f64(1.0 + DRIFT)
    }

    fn packets(&mut self, now: Instant) -> Vec<SourcePacket> {
        let mut packets = Vec::new();
        while self.next() <= now {
            let samples = self.interval.as_micros() as u64 * 48 / 1_000;
            packets.push(SourcePacket {
                rid: None,
                sequence: 1_000 + u64::from(self.packets),
                timestamp: (u64::from(self.packets) * samples) as u32,
                marker: self.packets == 0,
                payload: stamp(vec![0xfc; 40], self.next() - self.epoch),
                extensions: ExtensionValues::default(),
            });
            self.packets += 1;
        }
        packets
    }

    fn request_keyframe(&mut self, _: Option<Rid>) {}

    fn start(&mut self, now: Instant) {
        self.start = now;
    }
}

/// Pictures by the clock of its computer, each in two packets.
struct Camera {
    format: RecordingFormat,
    epoch: Instant,
    start: Instant,
    frame: u64,
    wanted: bool,
}

impl Camera {
    const FRAMES_PER_SECOND: u64 = 15;

    fn payload(&self, key: bool, first: bool, captured: Duration) -> Vec<u8> {
        let frame = encoder::Frame {
            place: if key { Place::Key } else { Place::Base },
            picture: self.frame,
            base_pictures: self.frame,
            spatial: 0,
            spatial_layers: 1,
            inter_layer: false,
            key_only: false,
        };
        let position = Position { first, last: !first };
        let (size, filling) = (SIZES[0], vec![0x5a; 400]);
        let mut payload = match self.format {
            RecordingFormat::Mp4 => h264::start(&frame, position, size, filling.len() + STAMP),
            _ => vp8::start(&frame, position, size),
        };
        payload.extend(filling);
        stamp(payload, captured)
    }
}

impl Source for Camera {
    fn next(&self) -> Instant {
        self.start + SECOND.mul_f64(self.frame as f64 / Self::FRAMES_PER_SECOND as f64)
    }

    fn packets(&mut self, now: Instant) -> Vec<SourcePacket> {
        let mut packets = Vec::new();
        while self.next() <= now {
            let captured = self.next() - self.epoch;
            let key = std::mem::take(&mut self.wanted);
            for first in [true, false] {
                packets.push(SourcePacket {
                    rid: None,
                    sequence: 2_000 + 2 * self.frame + u64::from(!first),
                    timestamp: (self.frame * 90_000 / Self::FRAMES_PER_SECOND) as u32,
                    marker: !first,
                    payload: self.payload(key, first, captured),
                    extensions: ExtensionValues::default(),
                });
            }
            self.frame += 1;
        }
        packets
    }

    fn request_keyframe(&mut self, _: Option<Rid>) {
        self.wanted = true;
    }

    fn start(&mut self, now: Instant) {
        self.start = now;
    }
}

/// Milliseconds from the moments at which frames of a kind are in a file back to those at which they
/// were captured: the same for all where they are in step. With their times in the file.
fn distances(frames: &[ReadFrame], track: usize) -> Vec<(Duration, i64)> {
    let of_track = frames.iter().filter(|frame| frame.track == track);
    let distance = |frame: &ReadFrame| {
        let (shown, made) = (frame.time.as_millis() as i64, captured(frame).as_millis() as i64);
        (frame.time, shown - made)
    };
    of_track.map(distance).collect()
}

/// How far pictures are behind sound, in milliseconds, at each second of a file: what a flash is
/// behind its beep.
fn offsets(frames: &[ReadFrame], sound: usize, pictures: usize) -> Vec<i64> {
    let (heard, seen) = (distances(frames, sound), distances(frames, pictures));
    let seconds = heard.last().map_or(0, |(time, _)| time.as_secs());
    let nearest = |of: &[(Duration, i64)], at: Duration| {
        let after = of.partition_point(|(time, _)| *time < at);
        of.get(after).filter(|(time, _)| *time < at + SECOND).map(|(_, distance)| *distance)
    };
    let at = |second| {
        let at = Duration::from_secs(second);
        Some(nearest(&seen, at)? - nearest(&heard, at)?)
    };
    (0..seconds).filter_map(at).collect()
}

fn read(file: Vec<u8>, len: u64) -> (Reader, Vec<ReadFrame>) {
    let mut reader = Reader::open(file, len).unwrap();
    let frames = std::iter::from_fn(|| reader.next().unwrap()).collect();
    (reader, frames)
}

/// Somebody far away, and what is sent from there.
struct Far {
    world: World,
    tracks: usize,
    transport: TransportId,
}

impl Far {
    /// Sends sound, and pictures as a format holds them.
    fn new(format: RecordingFormat, microphone: Duration, camera: bool) -> Self {
        let mut world = World::new(1, 15, Conditions::GOOD);
        let codec = |config: str0m::RtcConfig| {
            let config = config.clear_codecs().enable_opus(true, false);
            let mp4 = format == RecordingFormat::Mp4;
            config.enable_vp8(!mp4).enable_h264(mp4)
        };
        let client = world.add_client(|now, address| Client::with(now, address, codec));
        let transport = world.create_transport(0, Default::default());
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        if camera {
            world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
        }
        world.offer_from_client(client, transport);
        let epoch = world.start;
        let mids: Vec<Mid> =
            world.clients[client].sending.iter().map(|sending| sending.mid).collect();
        let microphone = Microphone::new(epoch, microphone);
        world.clients[client].send_from(mids[0], Box::new(microphone));
        if let Some(mid) = mids.get(1) {
            let camera = Camera { format, epoch, start: epoch, frame: 0, wanted: true };
            world.clients[client].send_from(*mid, Box::new(camera));
        }
        Self { world, tracks: mids.len(), transport }
    }

    /// The way there takes longer than the way back, pictures longer than sound, and some are lost.
    fn over_a_bad_way(mut self) -> Self {
        let loss = Loss::Random(0.03);
        let way = LinkConditions { loss, ..LinkConditions::with_delay(20) };
        let way_there = LinkConditions { delay: way.delay + ASYMMETRY, ..way };
        let address = self.world.clients[0].address;
        let access = Access { to_peer: Link::new(1, way), from_peer: Link::new(2, way_there) };
        self.world.network.links.insert(address, access);
        self.world.network.detour = Some(Box::new(move |from, bytes| {
            let picture = from == address && bytes.len() > PICTURE;
            if picture { ASYMMETRY } else { Duration::ZERO }
        }));
        self
    }

    /// No report of theirs arrives: SRTCP shows its first type of packet (RFC 5761 4).
    fn without_reports(mut self) -> Self {
        let address = self.world.clients[0].address;
        let report = |bytes: &[u8]| bytes.len() > 1 && bytes[0] >= 128 && bytes[1] == 200;
        self.world.network.drop = Some(Box::new(move |to, bytes| to != address && report(bytes)));
        self
    }

    /// Records all of it as soon as it is there.
    fn record<F: Storage>(&mut self, format: RecordingFormat, file: F) -> Recording<F> {
        let Self { world, tracks, transport } = self;
        // Both ends: the last flight of a handshake may be lost, and comes again after a second or more.
        let connected =
            Event::TransportState { transport: *transport, state: TransportState::Connected };
        world.run_until(CONNECTING, "connecting", |world| {
            world.clients[0].connected && world.events.contains(&connected)
        });
        let recording = Recording::new(world, format, file);
        world.run_until(CONNECTING, "tracks", |world| world.tracks_of(*transport).len() >= *tracks);
        for track in world.tracks_of(*transport) {
            recording.record(world, track.kind, track.id);
        }
        recording
    }

    fn run<F: Storage>(
        &mut self,
        recordings: &mut [Recording<F>],
        length: Duration,
        turn: Duration,
    ) {
        let end = self.world.now + length;
        while self.world.now < end {
            recordings.iter_mut().for_each(|recording| recording.turn(&mut self.world));
            self.world.run(turn);
            self.world.events.clear();
        }
    }
}

/// What flashes are behind their beeps in a recording of somebody far away.
fn recorded_offsets(mut far: Far, format: RecordingFormat, length: Duration) -> Vec<i64> {
    let mut recording = far.record(format, Vec::new());
    far.run(std::slice::from_mut(&mut recording), length, TURN);
    let (file, len) = recording.close(&mut far.world);
    let (reader, frames) = read(file, len);
    let place = |kind| reader.tracks().iter().position(|track| track.kind == kind).unwrap();
    let (sound, pictures) = (place(Kind::Audio), place(Kind::Video));
    let expected = |per_second: u64| (length.as_secs() * per_second * 9 / 10) as usize;
    for (track, per_second) in [(sound, 50), (pictures, Camera::FRAMES_PER_SECOND)] {
        let count = frames.iter().filter(|frame| frame.track == track).count();
        assert!(count >= expected(per_second), "{count} frames of track {track}");
    }
    offsets(&frames, sound, pictures)
}

/// The bad way, and what is sent over it.
fn far_away(format: RecordingFormat) -> Far {
    Far::new(format, 20 * MS, true).over_a_bad_way()
}

fn ten_minutes_are_in_step(format: RecordingFormat) {
    let offsets = recorded_offsets(far_away(format), format, 600 * SECOND);
    assert!(offsets.len() >= 590, "{} seconds", offsets.len());
    let apart: Vec<_> =
        offsets.iter().enumerate().filter(|(_, offset)| offset.abs() > IN_STEP).collect();
    // A packet that is lost with three of its repetitions comes later than a file waits for it.
    assert!(apart.len() <= MOMENTS, "{apart:?}");
    let ends = |second| second < ENDS || second + ENDS >= offsets.len();
    assert!(!apart.iter().any(|(second, _)| ends(*second)), "{apart:?}");
}

#[test]
fn a_flash_is_with_its_beep_for_ten_minutes_in_webm_over_a_bad_way_with_clocks_that_drift() {
    ten_minutes_are_in_step(RecordingFormat::Webm);
}

#[test]
fn a_flash_is_with_its_beep_for_ten_minutes_in_mp4_over_a_bad_way_with_clocks_that_drift() {
    ten_minutes_are_in_step(RecordingFormat::Mp4);
}

#[test]
fn without_reports_of_their_sender_they_would_not_be_together() {
    let format = RecordingFormat::Webm;
    let offsets = recorded_offsets(far_away(format).without_reports(), format, 30 * SECOND);
    assert!(offsets.iter().all(|offset| *offset > IN_STEP), "{offsets:?}");
}

#[test]
fn twelve_hours_are_as_long_as_they_were_and_take_no_more_memory_than_one() {
    const INTERVAL: Duration = Duration::from_millis(400);
    const HOUR: Duration = Duration::from_secs(3_600);
    let formats = [RecordingFormat::Webm, RecordingFormat::Mp4];
    let mut far = Far::new(RecordingFormat::Webm, INTERVAL, false);
    let mut recordings = formats.map(|format| far.record(format, OnDisk(nameless_file())));
    far.run(&mut recordings, HOUR, INTERVAL);
    let after_an_hour = allocated();
    far.run(&mut recordings, 11 * HOUR, INTERVAL);
    let grown = allocated() - after_an_hour;
    assert!(grown < MAX_GROWTH, "{grown} bytes in eleven hours");
    for (recording, format) in recordings.into_iter().zip(formats) {
        let (file, len) = recording.close(&mut far.world);
        let mut reader = Reader::open(file, len).unwrap();
        let (mut count, mut first, mut worst) = (0, None, 0);
        while let Some(frame) = reader.next().unwrap() {
            let distance = frame.time.as_millis() as i64 - captured(&frame).as_millis() as i64;
            worst = worst.max((distance - *first.get_or_insert(distance)).abs());
            count += 1;
        }
        assert!(count >= 12 * HOUR.as_millis() / INTERVAL.as_millis() - 10, "{count} packets");
        assert!(worst <= IN_STEP, "{format:?}: {worst} ms");
    }
}

/// Goes with its descriptor.
fn nameless_file() -> File {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("medialoom-hours-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}
