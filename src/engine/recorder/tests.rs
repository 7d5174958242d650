use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use super::*;
use crate::codec::Codec;
use crate::codec::packet::MadePacket;
use crate::container::testing::apply;
use crate::container::{Reader, Step, webm};
use crate::control::ids::{Ids, ShardIndex, SourceId};
use crate::control::recorder::{EncodingChoice, FormatChange, LineOptions, RecordingFormat};
use crate::control::recording::RecordingProgress;
use crate::control::stats::Share;
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Class, Made};
use crate::sfu::EncodingIndex;

const SHARD: ShardIndex = ShardIndex(0);
const TICK: Duration = Duration::from_millis(20);
const OPENING: RequestId = RequestId(1);

/// Parameter sets of 1280x720 and the slice of an IDR picture (RFC 6184 5.7.1).
const AVC_KEYFRAME: [u8; 25] = [
    0x78, 0, 11, 0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80, 0, 4, 0x68,
    0xce, 0x3c, 0x80, 0, 3, 0x65, 0x9a, 7,
];

/// What shards were told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<ShardMessage>>>);

impl Shards for Heard {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

/// A disk that keeps its file in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<MemoryState>>);

#[derive(Default)]
struct MemoryState {
    file: Vec<u8>,
    /// Files before it.
    files: Vec<Vec<u8>>,
    full: bool,
    news: Vec<DiskNews>,
}

impl Disk for Memory {
    fn has_room(&self, _: usize) -> bool {
        !self.0.lock().unwrap().full
    }

    fn waiting(&self) -> usize {
        0
    }

    fn write(&self, steps: Vec<Step>) {
        apply(&mut self.0.lock().unwrap().file, &steps);
    }

    fn begin(&self, _: PathBuf) {
        let mut state = self.0.lock().unwrap();
        let file = std::mem::take(&mut state.file);
        state.files.push(file);
    }

    fn finish(&self) {
        let mut state = self.0.lock().unwrap();
        let before: usize = state.files.iter().map(Vec::len).sum();
        let bytes = (before + state.file.len()) as u64;
        state.news.push(DiskNews::Finished { bytes });
    }

    fn poll(&self) -> Option<DiskNews> {
        self.0.lock().unwrap().news.pop()
    }
}

struct Studio {
    recorder: Recorder<Heard, Memory>,
    heard: Heard,
    disk: Memory,
    inlet: Arc<Inlet>,
    requests: mpsc::Sender<RecorderCommand>,
    mailbox: Arc<Mailbox>,
    ids: Ids,
    now: Instant,
    sources: Vec<Source>,
    events: Vec<Event>,
}

/// A track that sends.
struct Source {
    line: RecordedTrackId,
    made: Made,
    codec: Codec,
    sequence: u64,
    frames: u32,
}

fn options() -> RecorderOptions {
    RecorderOptions {
        file: "test.webm".into(),
        format: RecordingFormat::Webm,
        mode: 0o600,
        on_format_change: FormatChange::Inline,
        fragment: 500,
        max_size: None,
        max_duration: None,
    }
}

impl Studio {
    fn new(options: &RecorderOptions) -> Self {
        let (ids, now) = (Ids::default(), Instant::now());
        let (inlet, packets) = Inlet::new(|| ());
        let (sender, requests) = mpsc::channel(64);
        let (heard, disk) = (Heard::default(), Memory::default());
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let parts = Parts {
            id: RecorderId::new(&ids, SHARD),
            mailbox: mailbox.clone(),
            shards: heard.clone(),
            disk: disk.clone(),
            inlet: inlet.clone(),
            packets,
            requests,
            opening: OPENING,
            date: Duration::ZERO,
        };
        let recorder = Recorder::new(parts, options);
        let (sources, events) = (Vec::new(), Vec::new());
        Self { recorder, heard, disk, inlet, requests: sender, mailbox, ids, now, sources, events }
    }

    fn ask(&self, command: RecorderCommand) {
        self.requests.try_send(command).unwrap();
    }

    /// Records a new track. Gives its place among the sources.
    fn record(&mut self, codec: Codec) -> usize {
        let size = (codec.kind() == Kind::Video).then_some((320, 240));
        let class = Class { codec, rung: 0, size, bitrate: 1_000_000, frame_rate: 30 };
        let made = Made::new(self.now, SourceId::new(&self.ids, SHARD), &[class]);
        let line = RecordedTrackId::new(&self.ids, SHARD);
        let options = LineOptions {
            name: "somebody".into(),
            language: "und".into(),
            encoding: EncodingChoice::Best,
        };
        let track = made.id();
        self.ask(RecorderCommand::Record { line, kind: codec.kind(), track, options });
        self.recorder.run(self.now);
        self.inlet.described(track, Some(made.description()));
        self.recorder.run(self.now);
        self.sources.push(Source { line, made, codec, sequence: 0, frames: 0 });
        self.sources.len() - 1
    }

    /// One frame of a source.
    fn send(&mut self, source: usize, payload: &[u8]) {
        let Self { sources, inlet, now, .. } = self;
        let source = &mut sources[source];
        let packet = MadePacket {
            sequence: source.sequence,
            timestamp: source.sequence as u32 * 1_800,
            marker: true,
            codec: source.codec,
            payload: payload.into(),
            captured: *now,
            audio_level: None,
        };
        inlet.packet(&source.made.packet(*now, EncodingIndex(0), packet).unwrap());
        source.sequence += 1;
        source.frames += 1;
    }

    fn send_keyframe(&mut self, source: usize) {
        self.send(source, &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 7]);
    }

    fn send_larger_keyframe(&mut self, source: usize) {
        self.send(source, &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 7]);
    }

    fn send_inter(&mut self, source: usize) {
        self.send(source, &[0x10, 0x11, 0, 0, 7]);
    }

    fn turn(&mut self) {
        self.recorder.run(self.now);
        self.events.extend(self.mailbox.drain());
        self.now += TICK;
    }

    fn turns(&mut self, count: u32) {
        (0..count).for_each(|_| self.turn());
    }

    /// So many frames, one a turn, the first one a keyframe.
    fn send_group(&mut self, source: usize, frames: u32) {
        for frame in 0..frames {
            match frame {
                0 => self.send_keyframe(source),
                _ => self.send_inter(source),
            }
            self.turn();
        }
    }

    /// Closes it and gives the file.
    fn close(&mut self) -> Vec<u8> {
        self.ask(RecorderCommand::Close { request: RequestId(9) });
        self.turns(2);
        assert!(self.recorder.is_over());
        self.file()
    }

    fn file(&self) -> Vec<u8> {
        self.disk.0.lock().unwrap().file.clone()
    }

    fn closed(&self) -> Option<(CloseReason, RecordingProgress)> {
        self.events.iter().find_map(|event| match event {
            Event::RecorderClosed { reason, progress, .. } => Some((*reason, *progress)),
            _ => None,
        })
    }

    fn keyframes_asked(&self) -> usize {
        let heard = self.heard.0.lock().unwrap();
        heard.iter().filter(|m| matches!(m, ShardMessage::KeyframeWanted { .. })).count()
    }

    fn formats(&self) -> Vec<(Codec, u8)> {
        let formats = self.events.iter().filter_map(|event| match event {
            Event::RecordedTrackFormat { format, .. } => Some((format.codec, format.number)),
            _ => None,
        });
        formats.collect()
    }
}

/// Number, time in milliseconds, whether it is a keyframe, of every block.
fn blocks(file: &[u8]) -> Vec<(u8, i64, bool)> {
    let mut blocks = Vec::new();
    let (mut at, mut begin) = (0, 0);
    let number = |at: usize| {
        let len = file[at].leading_zeros() as usize + 1;
        let value = file[at..at + len].iter().fold(0u64, |v, b| v << 8 | u64::from(*b));
        (value & !(1 << (7 * len)), len)
    };
    // From the first cluster on there are only clusters, and what follows them.
    while let Some(next) = file[at..].windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]) {
        at += next + 12;
        while at < file.len() && [0xe7, 0xa3].contains(&file[at]) {
            let (size, len) = number(at + 1);
            let body = &file[at + 1 + len..at + 1 + len + size as usize];
            if file[at] == 0xe7 {
                begin = body.iter().fold(0i64, |v, b| v << 8 | i64::from(*b));
            } else {
                let relative = i16::from_be_bytes([body[1], body[2]]);
                blocks.push((body[0] & 0x7f, begin + i64::from(relative), body[3] & 0x80 != 0));
            }
            at += 1 + len + size as usize;
        }
    }
    blocks
}

#[test]
fn every_frame_is_in_the_file_at_its_time_and_the_file_is_whole() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    let audio = studio.record(Codec::Opus);
    for tick in 0..100 {
        match tick % 50 {
            0 => studio.send_keyframe(video),
            _ => studio.send_inter(video),
        }
        studio.send(audio, &[0xf8, 0xff, 0xfe]);
        studio.turn();
    }
    studio.turns(2);
    let file = studio.close();
    let blocks = blocks(&file);
    assert_eq!(blocks.len(), 200);
    for track in [1, 2] {
        let times: Vec<i64> = blocks.iter().filter(|b| b.0 == track).map(|b| b.1).collect();
        assert_eq!(times, (0..100).map(|tick| tick * 20).collect::<Vec<_>>(), "track {track}");
    }
    let mut codecs = studio.formats();
    codecs.sort_by_key(|(_, number)| *number);
    assert_eq!(codecs.len(), 2);
    let (reason, progress) = studio.closed().unwrap();
    assert_eq!(reason, CloseReason::Closed);
    assert_eq!(progress.bytes, file.len() as u64);
    assert_eq!(progress.duration, Duration::from_millis(2_000));
    assert!(webm::repair(file.as_slice(), file.len() as u64).unwrap().steps.is_empty());
}

#[test]
fn what_a_crash_leaves_has_all_but_the_last_tenth_of_a_second() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 100);
    for _ in 0..50 {
        studio.send_inter(video);
        studio.turn();
        let last = blocks(&studio.file()).last().unwrap().1;
        let sent = i64::from(studio.sources[video].frames - 1) * 20;
        assert!(sent - last <= 100, "{last} of {sent} ms");
    }
}

#[test]
fn what_a_crash_leaves_of_an_mp4_has_all_but_the_last_fragment_and_a_tenth_of_a_second() {
    let mut studio = Studio::new(&RecorderOptions { format: RecordingFormat::Mp4, ..options() });
    let video = studio.record(Codec::H264);
    let audio = studio.record(Codec::Opus);
    let mut least = u128::MAX;
    for tick in 0..500 {
        match tick % 150 {
            0 => studio.send(video, &AVC_KEYFRAME),
            _ => studio.send(video, &[0x61, 0x9a, 7]),
        }
        studio.send(audio, &[0xf8, 0xff, 0xfe]);
        studio.turn();
        if tick < 100 {
            continue;
        }
        let file = studio.file();
        let len = file.len() as u64;
        let mut reader = Reader::open(file, len).unwrap();
        let last = std::iter::from_fn(|| reader.next().unwrap()).map(|frame| frame.time).max();
        let lost = (TICK * tick - last.unwrap()).as_millis();
        assert!(lost <= 600, "{lost} ms at {tick}");
        least = least.min(lost);
    }
    assert!(least < 200, "it has what was written just now: {least} ms");
}

#[test]
fn a_lost_frame_is_waited_for_and_then_a_keyframe_is_asked_for_and_gone_on_with() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 20);
    let asked = studio.keyframes_asked();
    studio.sources[video].sequence += 1;
    for _ in 0..40 {
        studio.send_inter(video);
        studio.turn();
    }
    assert_eq!(studio.keyframes_asked(), asked, "a repetition may come");
    for _ in 0..30 {
        studio.send_inter(video);
        studio.turn();
    }
    assert_eq!(studio.keyframes_asked(), asked + 1);
    studio.send_group(video, 20);
    let blocks = blocks(&studio.close());
    assert_eq!(blocks.len(), 40, "all before the loss and all from the keyframe on");
    assert!(blocks[20].2, "it goes on with a keyframe");
    assert_eq!(blocks[20].1, 90 * 20, "at its time");
}

#[test]
fn a_disk_that_does_not_keep_up_costs_whole_groups_of_pictures() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 30);
    studio.disk.0.lock().unwrap().full = true;
    studio.send_inter(video);
    studio.turn();
    studio.disk.0.lock().unwrap().full = false;
    for _ in 0..5 {
        studio.send_inter(video);
        studio.turn();
    }
    studio.send_group(video, 10);
    let blocks = blocks(&studio.close());
    assert_eq!(blocks.len(), 40);
    assert!(blocks[30].2);
    assert_eq!(studio.closed().unwrap().1.frames_dropped, 6);
    assert!(studio.keyframes_asked() > 1, "not all of the group has to be lost");
}

#[test]
fn a_disk_that_fails_ends_the_recorder_with_what_it_said() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.disk.0.lock().unwrap().news.push(DiskNews::Opened);
    studio.send_group(video, 20);
    let full = io::Error::from(io::ErrorKind::StorageFull);
    studio.disk.0.lock().unwrap().news.push(DiskNews::Failed(full));
    studio.turn();
    assert!(studio.recorder.is_over());
    assert_eq!(studio.closed().unwrap().0, CloseReason::Error);
    let error = studio.events.iter().find_map(|event| match event {
        Event::RecorderError { error, .. } => Some(error.clone()),
        _ => None,
    });
    assert_eq!(error.unwrap().code, crate::control::error::ErrorCode::Io);
    let heard = studio.heard.0.lock().unwrap();
    let untapped = heard.iter().any(|message| matches!(message, ShardMessage::Untap { .. }));
    assert!(untapped, "nothing is sent to it any more");
}

#[test]
fn a_file_that_cannot_be_made_is_told_to_who_asked_for_it() {
    let mut studio = Studio::new(&options());
    let denied = io::Error::from(io::ErrorKind::PermissionDenied);
    studio.disk.0.lock().unwrap().news.push(DiskNews::Failed(denied));
    studio.turn();
    let reply = studio.events.iter().find_map(|event| match event {
        Event::Reply { request: OPENING, result } => Some(result.clone()),
        _ => None,
    });
    assert!(reply.unwrap().is_err());
    assert!(studio.recorder.is_over());
}

#[test]
fn a_pause_takes_no_time_and_ends_with_a_keyframe() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 50);
    studio.ask(RecorderCommand::Pause { paused: true });
    for _ in 0..50 {
        studio.send_inter(video);
        studio.turn();
    }
    studio.ask(RecorderCommand::Pause { paused: false });
    studio.turn();
    studio.send_inter(video);
    studio.turn();
    studio.send_group(video, 10);
    let blocks = blocks(&studio.close());
    assert_eq!(blocks.len(), 60);
    assert!(blocks[50].2);
    let gap = blocks[50].1 - blocks[49].1;
    assert!((20..=80).contains(&gap), "{gap} ms");
}

#[test]
fn a_line_that_pauses_leaves_a_gap() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 50);
    let line = studio.sources[video].line;
    studio.ask(RecorderCommand::PauseLine { line, paused: true });
    studio.turns(50);
    studio.ask(RecorderCommand::PauseLine { line, paused: false });
    studio.turn();
    studio.send_group(video, 10);
    let blocks = blocks(&studio.close());
    assert_eq!(blocks.len(), 60);
    assert_eq!(blocks[50].1, 101 * 20);
}

#[test]
fn a_publisher_that_returns_goes_on_in_the_same_line() {
    let mut studio = Studio::new(&options());
    let first = studio.record(Codec::Vp8);
    studio.send_group(first, 50);
    let line = studio.sources[first].line;
    studio.inlet.described(studio.sources[first].made.id(), None);
    studio.turns(50);

    let class = Class {
        codec: Codec::Vp8,
        rung: 0,
        size: Some((320, 240)),
        bitrate: 1_000_000,
        frame_rate: 30,
    };
    let made = Made::new(studio.now, SourceId::new(&studio.ids, SHARD), &[class]);
    let track = Some(made.id());
    studio.ask(RecorderCommand::Attach { line, track });
    studio.turn();
    studio.inlet.described(made.id(), Some(made.description()));
    studio.turn();
    studio.sources.push(Source { line, made, codec: Codec::Vp8, sequence: 700, frames: 0 });
    studio.send_group(1, 10);
    let blocks = blocks(&studio.close());
    assert_eq!(blocks.len(), 60);
    assert!(blocks.iter().all(|block| block.0 == 1), "one track of the file");
    assert_eq!(blocks[50].1, 102 * 20);
}

#[test]
fn a_line_whose_frames_nobody_can_read_ends_and_others_go_on() {
    let mut studio = Studio::new(&options());
    let (sealed, open) = (studio.record(Codec::Vp8), studio.record(Codec::Vp8));
    for _ in 0..20 {
        // A keyframe without the start code.
        studio.send(sealed, &[0x10, 0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
        studio.send_keyframe(open);
        studio.turn();
    }
    let error = studio.events.iter().find_map(|event| match event {
        Event::RecordedTrackError { line, error } => Some((*line, error.clone())),
        _ => None,
    });
    let (line, error) = error.unwrap();
    assert_eq!(line, studio.sources[sealed].line);
    assert_eq!(error.code, crate::control::error::ErrorCode::CodecMismatch);
    assert_eq!(blocks(&studio.close()).len(), 20);
}

#[test]
fn a_picture_of_another_size_goes_on_in_the_same_file() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 20);
    studio.send_larger_keyframe(video);
    studio.turn();
    studio.send_inter(video);
    studio.turns(3);
    assert_eq!(blocks(&studio.close()).len(), 22);
    let sizes = studio.events.iter().filter_map(|event| match event {
        Event::RecordedTrackFormat { format, .. } => Some((format.number, format.size.unwrap())),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(1, (320, 240)), (1, (640, 480))]);
}

#[test]
fn a_picture_of_another_size_begins_another_file_where_that_is_wanted() {
    let split =
        RecorderOptions { on_format_change: FormatChange::Split, max_duration: None, ..options() };
    let mut studio = Studio::new(&split);
    let (video, audio) = (studio.record(Codec::Vp8), studio.record(Codec::Opus));
    let both = |studio: &mut Studio, larger: bool, frames: u32| {
        for frame in 0..frames {
            match frame {
                0 if larger => studio.send_larger_keyframe(video),
                0 => studio.send_keyframe(video),
                _ => studio.send_inter(video),
            }
            studio.send(audio, &[0xf8, 0xff, 0xfe]);
            studio.turn();
        }
    };
    both(&mut studio, false, 50);
    both(&mut studio, true, 50);
    // The same size again: no other file.
    both(&mut studio, true, 50);
    studio.turns(2);
    let second = studio.close();
    let files = studio.disk.0.lock().unwrap().files.clone();
    assert_eq!(files.len(), 1);
    for (file, frames) in [(&files[0], 50), (&second, 100)] {
        assert!(webm::repair(file.as_slice(), file.len() as u64).unwrap().steps.is_empty());
        let blocks = blocks(file);
        let pictures: Vec<_> = blocks.iter().filter(|block| block.0 == 1).collect();
        assert!(pictures[0].2 && pictures[0].1 == 0, "it begins with its keyframe");
        assert_eq!(pictures.len(), frames);
        let sound = blocks.iter().filter(|block| block.0 == 2).count();
        assert!(sound.abs_diff(frames) <= 1, "{sound} packets of sound");
    }
    let begun = studio.events.iter().find_map(|event| match event {
        Event::RecorderFile { file, .. } => Some(file.clone()),
        _ => None,
    });
    assert_eq!(begun, Some("test-2.webm".into()));
    let (_, progress) = studio.closed().unwrap();
    assert_eq!(progress.duration, Duration::from_millis(3_000));
    assert_eq!(progress.bytes, (files[0].len() + second.len()) as u64);
    assert_eq!(progress.frames_dropped, 0);
}

#[test]
fn who_changes_the_size_with_every_picture_gets_no_file_for_each() {
    let split =
        RecorderOptions { on_format_change: FormatChange::Split, max_duration: None, ..options() };
    let mut studio = Studio::new(&split);
    let video = studio.record(Codec::Vp8);
    // A hundred changes in two seconds.
    for _ in 0..50 {
        studio.send_keyframe(video);
        studio.turn();
        studio.send_larger_keyframe(video);
        studio.turn();
    }
    studio.turns(2);
    let last = studio.close();
    assert_eq!(studio.closed().unwrap().1.frames_dropped, 0);
    let files = studio.disk.0.lock().unwrap().files.clone();
    assert!((1..=4).contains(&files.len()), "{} files before the last", files.len());
    let all: usize = files.iter().chain([&last]).map(|file| blocks(file).len()).sum();
    assert_eq!(all, 100);
}

#[cfg(feature = "mcu")]
#[test]
fn telephone_sound_becomes_opus_where_the_file_holds_none_and_samples_in_wav() {
    for (format, least) in [(RecordingFormat::Ogg, 40), (RecordingFormat::Wav, 8_000)] {
        let mut studio = Studio::new(&RecorderOptions { format, ..options() });
        let audio = studio.record(Codec::Pcmu);
        for _ in 0..50 {
            studio.send(audio, &[0xff; 160]);
            studio.turn();
        }
        studio.turns(2);
        let file = studio.close();
        assert!(file.len() > least, "{format:?}: {} bytes", file.len());
        let expected = if format == RecordingFormat::Ogg { Codec::Opus } else { Codec::Pcmu };
        assert_eq!(studio.formats(), [(expected, 1)]);
        let duration = studio.closed().unwrap().1.duration.as_millis();
        assert!((940..=1_000).contains(&duration), "{format:?}: {duration} ms");
    }
}

#[cfg(not(feature = "mcu"))]
#[test]
fn what_would_have_to_be_decoded_is_refused_before_anything_is_written() {
    for (format, codec) in [
        (RecordingFormat::Wav, Codec::Opus),
        (RecordingFormat::Ogg, Codec::Pcmu),
        (RecordingFormat::Webm, Codec::G722),
    ] {
        let mut studio = Studio::new(&RecorderOptions { format, ..options() });
        let audio = studio.record(codec);
        let before = studio.file();
        for _ in 0..20 {
            studio.send(audio, &[0xff; 160]);
            studio.turn();
        }
        let error = studio.events.iter().find_map(|event| match event {
            Event::RecordedTrackError { error, .. } => Some(error.clone()),
            _ => None,
        });
        let error = error.unwrap();
        assert_eq!(error.code, crate::control::error::ErrorCode::CodecMismatch);
        assert!(error.message.contains(codec.name()), "{}", error.message);
        assert!(studio.file() == before);
    }
}

#[test]
fn the_statistics_of_all_have_those_of_a_recorder() {
    let mut studio = Studio::new(&options());
    let video = studio.record(Codec::Vp8);
    studio.send_group(video, 20);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let collector = Arc::new(crate::queue::collector::Collector::new({
        let seen = Arc::clone(&seen);
        move |shares: Vec<Share>| seen.lock().unwrap().extend(shares)
    }));
    studio.ask(RecorderCommand::AddStats { collector });
    studio.turn();
    let shares = seen.lock().unwrap();
    let stats = shares[0].recorder.as_ref().unwrap();
    assert_eq!(stats.tracks[0].frames, 20);
    assert!(stats.bytes > 16_384);
}

#[test]
fn it_closes_when_it_has_grown_to_what_it_may() {
    let by_time = RecorderOptions { max_duration: Some(1_000), ..options() };
    let by_size = RecorderOptions { max_size: Some(18_000), ..options() };
    for options in [by_time, by_size] {
        let mut studio = Studio::new(&options);
        let video = studio.record(Codec::Vp8);
        studio.send_group(video, 400);
        let (reason, progress) = studio.closed().unwrap();
        assert_eq!(reason, CloseReason::Limit);
        assert!(progress.duration < Duration::from_millis(7_000), "{progress:?}");
        let file = studio.file();
        assert!(webm::repair(file.as_slice(), file.len() as u64).unwrap().steps.is_empty());
    }
}

#[test]
fn lines_are_bounded() {
    let mut studio = Studio::new(&options());
    for _ in 0..65 {
        studio.record(Codec::Opus);
    }
    studio.turn();
    let refused = studio.events.iter().filter(|e| matches!(e, Event::RecordedTrackError { .. }));
    assert_eq!(refused.count(), 1);
}
