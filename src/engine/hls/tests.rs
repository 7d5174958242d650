use std::sync::Mutex;

use super::*;
use crate::codec::packet::MadePacket;
use crate::control::error::ErrorCode;
use crate::control::ids::{Ids, ShardIndex};
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Class, Made};
use crate::hls::{Answer, Body, Shape, rules};
use crate::sfu::EncodingIndex;

const SHARD: ShardIndex = ShardIndex(0);
const TICK: Duration = Duration::from_millis(20);

/// What shards were told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<ShardMessage>>>);

impl Shards for Heard {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

struct Studio {
    packager: Packager<Heard>,
    stream: Arc<Stream>,
    heard: Heard,
    inlet: Arc<Inlet>,
    requests: mpsc::Sender<HlsCommand>,
    mailbox: Arc<Mailbox>,
    ids: Ids,
    now: Instant,
}

/// A track that sends.
struct Source {
    made: Made,
    rendition: RecordedTrackId,
    codec: Codec,
    sequence: u64,
}

impl Studio {
    fn new() -> Self {
        let (ids, now) = (Ids::default(), Instant::now());
        let (inlet, packets) = Inlet::new(|| ());
        let (sender, requests) = mpsc::channel(64);
        let heard = Heard::default();
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let shape = Shape { part: 10 * TICK, segment: 50 * TICK, window: 4 };
        let stream = Arc::new(Stream::new(shape, Duration::from_secs(1_700_000_000)));
        let packager = Packager::new(Parts {
            id: HlsId::new(&ids, SHARD),
            mailbox: mailbox.clone(),
            shards: heard.clone(),
            inlet: inlet.clone(),
            packets,
            requests,
            stream: stream.clone(),
            begun: now,
        });
        Self { packager, stream, heard, inlet, requests: sender, mailbox, ids, now }
    }

    fn add(&mut self, codec: Codec) -> Source {
        let size = (codec.kind() == Kind::Video).then_some((320, 240));
        let class = Class { codec, rung: 0, size, bitrate: 1_000_000, frame_rate: 50 };
        let made = Made::new(self.now, SourceId::new(&self.ids, SHARD), &[class]);
        let options = LineOptions {
            name: String::new(),
            language: "und".into(),
            encoding: EncodingChoice::Best,
        };
        let (rendition, track) = (RecordedTrackId::new(&self.ids, SHARD), made.id());
        assert!(self.stream.add(rendition, codec.kind(), "", "und"));
        let add = HlsCommand::Add { rendition, kind: codec.kind(), track, options };
        self.requests.try_send(add).unwrap();
        self.packager.run(self.now);
        self.inlet.described(track, Some(made.description()));
        self.packager.run(self.now);
        Source { made, rendition, codec, sequence: 0 }
    }

    /// One frame of a source, and some time.
    fn send(&mut self, source: &mut Source, payload: &[u8]) {
        let packet = MadePacket {
            sequence: source.sequence,
            timestamp: source.sequence as u32 * source.codec.clock_rate() / 50,
            marker: true,
            codec: source.codec,
            payload: payload.into(),
            captured: self.now,
            audio_level: None,
        };
        self.inlet.packet(&source.made.packet(self.now, EncodingIndex(0), packet).unwrap());
        source.sequence += 1;
        self.turn();
    }

    fn turn(&mut self) {
        self.now += TICK;
        self.packager.run(self.now);
    }

    fn ask(&mut self, path: &str) -> Option<Answer> {
        let answer = Arc::new(Mutex::new(None));
        let kept = answer.clone();
        let reply = Box::new(move |given| *kept.lock().unwrap() = Some(given));
        self.stream.ask(self.now, path, "", reply);
        self.packager.run(self.now);
        answer.lock().unwrap().take()
    }

    fn playlist(&mut self, path: &str) -> String {
        let answer = self.ask(path).expect("a playlist");
        let Body::Playlist(text) = answer.body else { panic!("{answer:?}") };
        String::from_utf8(text.to_vec()).unwrap()
    }

    /// Whether the track's shard was told to send it; forgets what it heard.
    fn taps(&self) -> Vec<bool> {
        let heard = std::mem::take(&mut *self.heard.0.lock().unwrap());
        let taps = heard.iter().filter_map(|message| match message {
            ShardMessage::Tap { wanted, .. } => Some(wanted.contains(EncodingIndex(0))),
            ShardMessage::Untap { .. } => Some(false),
            _ => None,
        });
        taps.collect()
    }
}

/// What came to be told.
fn errors(mailbox: &Mailbox) -> Vec<ErrorCode> {
    let errors = mailbox.drain().into_iter().filter_map(|event| match event {
        Event::RenditionError { error, .. } => Some(error.code),
        _ => None,
    });
    errors.collect()
}

/// A STAP-A (RFC 6184 5.7.1) of parameter sets and a picture that needs no other.
fn h264_keyframe() -> Vec<u8> {
    let sps = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4];
    let pps = [0x68, 0xce, 0x3c, 0x80];
    let idr = [0x65, 0x88, 0x84, 0x00];
    let mut stap = vec![0x78];
    for nal in [&sps[..], &pps, &idr] {
        stap.extend_from_slice(&(nal.len() as u16).to_be_bytes());
        stap.extend_from_slice(nal);
    }
    stap
}

const H264_INTER: [u8; 4] = [0x41, 0x9a, 0x00, 0x01];

#[test]
fn tracks_are_taken_while_somebody_watches() {
    let mut studio = Studio::new();
    let mut sound = studio.add(Codec::Opus);
    studio.send(&mut sound, &[0xfc, 1]);
    assert!(studio.taps().is_empty(), "nobody watches");
    assert_eq!(studio.ask("a0/live.m3u8"), None, "there is nothing yet");
    assert_eq!(studio.taps(), [true]);
    (0..70).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    let text = studio.playlist("a0/live.m3u8");
    assert!(text.contains("#EXTINF:1.00000,\n"), "{text}");
    studio.now += Duration::from_secs(31);
    studio.turn();
    assert_eq!(studio.taps(), [false]);
    let watched = studio.mailbox.drain().into_iter().filter_map(|event| match event {
        Event::HlsWatched { watched, .. } => Some(watched),
        _ => None,
    });
    assert_eq!(watched.collect::<Vec<_>>(), [true, false]);
}

/// The first part of each segment.
fn firsts(playlist: &str) -> Vec<&str> {
    let parts = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:"));
    parts.filter(|line| line.contains(".0-")).collect()
}

#[test]
fn a_keyframe_is_asked_for_before_each_segment_and_begins_it() {
    let mut studio = Studio::new();
    let mut pictures = studio.add(Codec::H264);
    studio.ask("v0/live.m3u8");
    let mut asked = Vec::new();
    studio.heard.0.lock().unwrap().clear();
    for frame in 0..200u32 {
        let wanted = std::mem::take(&mut *studio.heard.0.lock().unwrap());
        let wanted = wanted.iter().any(|m| matches!(m, ShardMessage::KeyframeWanted { .. }));
        if wanted {
            asked.push(frame);
        }
        match frame == 0 || wanted {
            true => studio.send(&mut pictures, &h264_keyframe()),
            false => studio.send(&mut pictures, &H264_INTER),
        }
    }
    let segments = studio.stream.rendition_stats(pictures.rendition).segments;
    assert!(
        (4..=5).contains(&segments) && asked.len() >= 3,
        "{segments} segments, asked at {asked:?}"
    );
    let text = studio.playlist("v0/live.m3u8");
    let firsts: Vec<&str> = firsts(&text);
    assert!(firsts.iter().all(|line| line.ends_with(",INDEPENDENT=YES")), "{text}");
}

#[test]
fn what_players_cannot_play_is_told_and_the_rest_goes_on() {
    let mut studio = Studio::new();
    let mut sound = studio.add(Codec::Opus);
    let mut pictures = studio.add(Codec::Vp8);
    assert_eq!(studio.ask("index.m3u8"), None);
    let keyframe = [0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 7];
    for _ in 0..60 {
        studio.send(&mut sound, &[0xfc, 1]);
        studio.send(&mut pictures, &keyframe);
    }
    assert_eq!(errors(&studio.mailbox), [ErrorCode::CodecMismatch]);
    assert_eq!(studio.ask("index.m3u8").map(|answer| answer.status), Some(200));
    assert_eq!(studio.ask("v1/live.m3u8").map(|answer| answer.status), Some(404));
}

#[test]
fn what_cannot_be_filled_is_a_discontinuity_and_the_end_is_told_to_who_waits() {
    let mut studio = Studio::new();
    let mut sound = studio.add(Codec::Opus);
    studio.ask("a0/live.m3u8");
    (0..55).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    // It had no turn meanwhile.
    studio.now += Duration::from_secs(15);
    (0..55).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    let text = studio.playlist("a0/live.m3u8");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    rules::assert_right(&text);
    studio.stream.close();
    studio.turn();
    assert!(studio.packager.is_over());
    assert_eq!(studio.ask("a0/live.m3u8").map(|answer| answer.status), Some(410));
}

/// Seconds of a playlist: of its segments, and of the parts of the one that is not over.
fn seconds(playlist: &str) -> f64 {
    let of = |text: &str, name: &str| -> f64 {
        let lengths = text.lines().filter_map(|line| line.strip_prefix(name));
        lengths.map(|line| line.split(',').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    let (_, open) = playlist.rsplit_once("#EXT-X-PROGRAM-DATE-TIME:").unwrap();
    let is_open = !open.contains("#EXTINF:");
    of(playlist, "#EXTINF:") + if is_open { of(open, "#EXT-X-PART:DURATION=") } else { 0.0 }
}

#[test]
fn pictures_that_come_less_often_than_parts_end_are_shown_again() {
    // Turns between two pictures, of 20 ms; parts are of 200 ms.
    for turns in [6, 11, 13, 30, 110] {
        let mut studio = Studio::new();
        let mut pictures = studio.add(Codec::H264);
        studio.ask("v0/live.m3u8");
        studio.send(&mut pictures, &h264_keyframe());
        for turn in 1..=260 {
            match turn % turns {
                0 => studio.send(&mut pictures, &H264_INTER),
                _ => studio.turn(),
            }
        }
        let text = studio.playlist("v0/live.m3u8");
        rules::assert_right(&text);
        assert!(!text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
        assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:0\n"), "{text}");
        // 261 turns, but for what is waited for and the part that is not over.
        assert!((4.2..5.3).contains(&seconds(&text)), "{turns}: {text}");
        let firsts: Vec<&str> = firsts(&text);
        assert!(firsts.iter().all(|line| line.ends_with(",INDEPENDENT=YES")), "{text}");
    }
}

#[test]
fn a_camera_that_stops_is_still_shown_and_goes_on_without_a_leap() {
    let mut studio = Studio::new();
    let mut pictures = studio.add(Codec::H264);
    studio.ask("v0/live.m3u8");
    studio.send(&mut pictures, &h264_keyframe());
    (0..30).for_each(|_| studio.send(&mut pictures, &H264_INTER));
    (0..300).for_each(|_| studio.turn());
    let still = studio.playlist("v0/live.m3u8");
    rules::assert_right(&still);
    assert!(still.lines().filter(|line| line.contains("INDEPENDENT=YES")).count() > 10, "{still}");
    (0..60).for_each(|_| studio.send(&mut pictures, &H264_INTER));
    let text = studio.playlist("v0/live.m3u8");
    rules::assert_right(&text);
    assert!(!text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
}

#[test]
fn sound_that_is_left_out_is_silence() {
    let mut studio = Studio::new();
    let mut sound = studio.add(Codec::Opus);
    studio.ask("a0/live.m3u8");
    (0..20).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    // Discontinuous transmission: a packet each 400 ms. Then it is muted.
    for turn in 0..300 {
        match turn % 20 {
            0 if turn < 100 => studio.send(&mut sound, &[0xfc, 1]),
            _ => studio.turn(),
        }
    }
    let text = studio.playlist("a0/live.m3u8");
    rules::assert_right(&text);
    assert!(!text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
    let behind = 320.0 * 0.02 - 0.25 - seconds(&text);
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:0\n") && behind < 0.3, "{behind} s in {text}");
    // What comes late has its silence already; what comes then is heard.
    (0..50).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    rules::assert_right(&studio.playlist("a0/live.m3u8"));
}

#[test]
fn what_was_on_its_way_when_it_came_to_rest_is_no_part_of_what_comes_then() {
    let mut studio = Studio::new();
    let mut sound = studio.add(Codec::Opus);
    studio.ask("a0/live.m3u8");
    (0..70).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    studio.now += Duration::from_secs(31);
    studio.turn();
    assert_eq!(studio.taps(), [true, false]);
    // The shard had not heard of it yet.
    (0..3).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    studio.now += Duration::from_secs(60);
    studio.ask("a0/live.m3u8");
    (0..70).for_each(|_| studio.send(&mut sound, &[0xfc, 1]));
    let text = studio.playlist("a0/live.m3u8");
    let first = text.lines().find(|line| line.starts_with("#EXT-X-PART:")).unwrap();
    assert!(first.starts_with("#EXT-X-PART:DURATION=0.20000,"), "{text}");
    assert!(!text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
}
