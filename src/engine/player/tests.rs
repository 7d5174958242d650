use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use super::*;
use crate::codec::{Codec, Kind};
use crate::container::reader::{Coding, ReadTrack};
use crate::control::error::EngineError;
use crate::control::ids::{Ids, ShardIndex};
use crate::control::player::PlayerPosition;

const SHARD: ShardIndex = ShardIndex(0);
const OPENING: RequestId = RequestId(1);
const MS: Duration = Duration::from_millis(1);
/// A keyframe of VP8, 320x240, and a frame that is none.
const KEYFRAME: [u8; 12] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 7, 7];
const INTER: [u8; 4] = [0x11, 0, 0, 7];
/// A packet of Opus, 20 ms.
const OPUS: [u8; 3] = [0xf8, 0xff, 0xfe];

/// What shards were told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<ShardMessage>>>);

impl Shards for Heard {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

/// A file as a disk would have it.
#[derive(Clone)]
enum Film {
    /// So many pictures of 40 ms, every so many a keyframe, with sound as long.
    Whole {
        pictures: u32,
        every: u32,
    },
    Sound {
        packets: u32,
    },
    /// So many packets of sound, all at its beginning.
    AtOnce {
        packets: u32,
    },
    /// It cannot be opened.
    None,
    /// Of another codec.
    Other,
    /// Pictures come as they are decoded, and not as they are shown.
    OutOfOrder,
}

/// Files in memory that give what they are asked for at once, but not while `stuck`.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<ShelfState>>);

#[derive(Default)]
struct ShelfState {
    films: Vec<Film>,
    news: VecDeque<(u64, FileNews)>,
    read: Vec<Reading>,
    stuck: bool,
}

fn track(codec: Codec) -> ReadTrack {
    let (kind, coding) = (codec.kind(), Coding::Codec(codec));
    ReadTrack { kind, coding, record: Vec::new(), rotation: 0, default: true }
}

impl ShelfState {
    fn give(&mut self, reading: Reading) {
        let film = self.films[reading.item].clone();
        let sound = Some((1, track(Codec::Opus)));
        let (codec, pictures, every, packets) = match film {
            Film::Whole { pictures, every } => (Some(Codec::Vp8), pictures, every, 2 * pictures),
            Film::Sound { packets } | Film::AtOnce { packets } => (None, 0, 1, packets),
            Film::Other => (Some(Codec::H264), 0, 1, 10),
            Film::OutOfOrder => (Some(Codec::Vp8), 40, 40, 0),
            Film::None => {
                let error = PlayerError::Open(std::io::ErrorKind::NotFound.into());
                return self.news.push_back((reading.number, FileNews::Failed(error)));
            }
        };
        let video = codec.map(|codec| (0, track(codec)));
        let picture = 40 * MS;
        let first = (reading.from.as_millis() as u32 / 40).min(pictures.saturating_sub(1)) / every;
        let begins = if video.is_some() { picture * first * every } else { reading.from };
        let chosen = Chosen { audio: sound, video };
        let duration = Some(picture * pictures.max(packets / 2));
        let opened = FileNews::Opened(OpenedFile { chosen, duration, begins });
        self.news.push_back((reading.number, opened));
        let mut frames = BTreeMap::new();
        for index in first * every..pictures {
            let order = if matches!(film, Film::OutOfOrder) { index ^ 1 } else { index };
            let keyframe = index % every == 0;
            let data = if keyframe { KEYFRAME.to_vec() } else { INTER.to_vec() };
            let frame = FileFrame { kind: Kind::Video, time: picture * order, keyframe, data };
            frames.insert((picture * index, 0), frame);
        }
        for index in 0..packets {
            let time =
                if matches!(film, Film::AtOnce { .. }) { Duration::ZERO } else { 20 * MS * index };
            let data = OPUS.to_vec();
            let frame = FileFrame { kind: Kind::Audio, time, keyframe: true, data };
            if time >= begins {
                frames.insert((time, 1 + index), frame);
            }
        }
        let frames = frames.into_values().map(|frame| (reading.number, FileNews::Frame(frame)));
        self.news.extend(frames);
        self.news.push_back((reading.number, FileNews::End));
    }
}

impl Files for Shelf {
    fn read(&mut self, reading: Reading) {
        let mut state = self.0.lock().unwrap();
        state.read.push(reading);
        state.give(reading);
    }

    fn forget(&mut self) {
        self.0.lock().unwrap().news.clear();
    }

    fn poll(&mut self) -> Option<(u64, FileNews)> {
        let mut state = self.0.lock().unwrap();
        if state.stuck { None } else { state.news.pop_front() }
    }
}

/// One packet that left: when it did, how long after the beginning of the test, and its RTP time.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Sent {
    kind: Kind,
    at: Duration,
    captured: Duration,
    timestamp: u32,
    keyframe: bool,
}

struct Cinema {
    player: Player<Heard, Shelf>,
    shelf: Shelf,
    heard: Heard,
    requests: mpsc::Sender<PlayerCommand>,
    mailbox: Arc<Mailbox>,
    inlet: Arc<Inlet>,
    begun: Instant,
    now: Instant,
    sent: Vec<Sent>,
    events: Vec<Event>,
}

const OPTIONS: PlayerOptions =
    PlayerOptions { loops: false, from: 0.0, audio: true, video: true, mix_b_frames: false };

impl Cinema {
    fn new(films: &[Film], options: PlayerOptions) -> Self {
        let (ids, now) = (Ids::default(), Instant::now());
        let (inlet, _) = Inlet::new(|| ());
        let (sender, requests) = mpsc::channel(64);
        let heard = Heard::default();
        let shelf = Shelf::default();
        shelf.0.lock().unwrap().films = films.to_vec();
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let name = || SourceId::new(&ids, SHARD);
        let parts = Parts {
            id: PlayerId::new(&ids, SHARD),
            mailbox: mailbox.clone(),
            shards: heard.clone(),
            files: shelf.clone(),
            inlet: inlet.clone(),
            requests,
            names: TrackNames { audio: name(), video: name() },
            items: films.len(),
            opening: OPENING,
        };
        let player = Player::new(parts, options);
        let (sent, events) = (Vec::new(), Vec::new());
        let mut cinema = Self {
            player,
            shelf,
            heard,
            requests: sender,
            mailbox,
            inlet,
            begun: now,
            now,
            sent,
            events,
        };
        cinema.turn();
        cinema
    }

    fn ask(&mut self, command: PlayerCommand) {
        self.requests.try_send(command).unwrap();
        self.turn();
    }

    /// One turn. Gives when it wants the next one.
    fn turn(&mut self) -> Option<Instant> {
        let next = self.player.run(self.now);
        self.events.extend(self.mailbox.drain());
        let since = |at: Instant| at.saturating_duration_since(self.begun);
        for message in self.heard.0.lock().unwrap().drain(..) {
            let ShardMessage::Made { packets } = message else { continue };
            self.sent.extend(packets.iter().map(|packet| Sent {
                kind: packet.codec.kind(),
                at: since(self.now),
                captured: since(packet.captured),
                timestamp: packet.timestamp,
                keyframe: packet.description.keyframe,
            }));
        }
        next
    }

    /// Lets it run when it wants to for so long.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.turn().filter(|next| *next < end) {
            assert!(next >= self.now, "not in the past");
            // What is due now is done.
            self.now = next.max(self.now + Duration::from_micros(1));
        }
        self.now = end;
        self.turn();
    }

    fn sent(&self, kind: Kind) -> Vec<Sent> {
        self.sent.iter().filter(|sent| sent.kind == kind).copied().collect()
    }

    fn replies(&self, request: RequestId) -> Option<Result<Reply, EngineError>> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Reply { request: of, result } if *of == request => Some(result.clone()),
            _ => None,
        })
    }

    fn seek(&mut self, item: usize, to: Duration) -> Option<f64> {
        let request = RequestId(7);
        self.ask(PlayerCommand::Seek { item, to, request });
        match self.replies(request) {
            Some(Ok(Reply::Seconds(seconds))) => Some(seconds),
            _ => None,
        }
    }

    fn ended(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::PlayerEnded { .. })).count()
    }

    fn items(&self) -> Vec<(usize, bool)> {
        let items = self.events.iter().filter_map(|event| match event {
            Event::PlayerItem { item, looped, .. } => Some((*item, *looped)),
            _ => None,
        });
        items.collect()
    }

    fn errors(&self) -> Vec<(Option<usize>, &'static str)> {
        let errors = self.events.iter().filter_map(|event| match event {
            Event::PlayerError { item, error, .. } => Some((*item, error.code.name())),
            _ => None,
        });
        errors.collect()
    }

    fn position(&self) -> PlayerPosition {
        self.player.position(self.now)
    }
}

fn steps(sent: &[Sent], of: impl Fn(&Sent) -> u64) -> Vec<u64> {
    sent.windows(2).map(|pair| of(&pair[1]) - of(&pair[0])).collect()
}

fn each(values: Vec<u64>, expected: u64) {
    assert!(values.iter().all(|value| *value == expected), "{expected}: {values:?}");
}

const FILM: Film = Film::Whole { pictures: 100, every: 25 };

#[test]
fn every_frame_leaves_when_it_is_due_with_the_first_at_once() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    assert!(matches!(cinema.replies(OPENING), Some(Ok(Reply::Player(_)))));
    cinema.run(500 * MS);
    assert!(cinema.sent.is_empty(), "time stands still before it is to go on");
    cinema.ask(PlayerCommand::Play);
    assert!(cinema.sent(Kind::Video)[0].keyframe, "the first picture is there in the same turn");
    cinema.run(3_000 * MS);
    let (video, audio) = (cinema.sent(Kind::Video), cinema.sent(Kind::Audio));
    assert_eq!((video.len(), audio.len()), (76, 151));
    for sent in video.iter().chain(&audio) {
        assert!(sent.at - sent.captured < MS, "{sent:?}");
    }
    each(steps(&video, |sent| sent.captured.as_millis() as u64), 40);
    each(steps(&video, |sent| sent.timestamp.into()), 3_600);
    each(steps(&audio, |sent| sent.timestamp.into()), 960);
    assert_eq!(video[0].captured, audio[0].captured, "sound and pictures are in step");
}

#[test]
fn frames_without_a_length_of_their_own_take_no_more_memory_than_others() {
    let packets = 2 * (MAX_BYTES / 128) as u32;
    let cinema = Cinema::new(&[Film::AtOnce { packets }], OPTIONS);
    let left = cinema.shelf.0.lock().unwrap().news.len();
    assert!(left >= packets as usize / 2, "{left} of {packets} are left where they were");
}

#[test]
fn a_pause_is_a_gap_in_time_and_in_nothing_else() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(1_000 * MS);
    cinema.ask(PlayerCommand::Pause);
    let sent = cinema.sent.len();
    cinema.run(5_000 * MS);
    assert_eq!(cinema.sent.len(), sent);
    assert_eq!(cinema.position().position, 1_000 * MS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(1_000 * MS);
    let video = cinema.sent(Kind::Video);
    let gaps = steps(&video, |sent| sent.captured.as_millis() as u64);
    assert_eq!(gaps.iter().filter(|gap| **gap != 40).collect::<Vec<_>>(), [&5_040]);
    let ticks = steps(&video, |sent| sent.timestamp.into());
    assert_eq!(ticks.iter().filter(|gap| **gap != 3_600).collect::<Vec<_>>(), [&(5_040 * 90)]);
    assert_eq!(video.len(), 51, "no picture is lost and none comes twice");
    assert_eq!(cinema.position().position, 2_000 * MS);
}

#[test]
fn a_jump_goes_to_the_keyframe_before_and_on_from_there_at_once() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(500 * MS);
    assert_eq!(cinema.seek(0, 2_500 * MS), Some(2.0));
    let before = cinema.sent(Kind::Video).len();
    assert!(cinema.sent(Kind::Video)[before - 1].keyframe);
    cinema.run(400 * MS);
    let video = cinema.sent(Kind::Video);
    each(steps(&video[before - 1..], |sent| sent.captured.as_millis() as u64), 40);
    assert_eq!(cinema.position().position, 2_400 * MS);
    // Backwards as well, and the stream goes on forwards.
    assert_eq!(cinema.seek(0, Duration::ZERO), Some(0.0));
    cinema.run(400 * MS);
    let sent = cinema.sent(Kind::Audio);
    assert!(sent.windows(2).all(|pair| pair[1].timestamp > pair[0].timestamp));
    assert_eq!(cinema.position().position, 400 * MS);
}

#[test]
fn a_jump_while_time_stands_still_shows_its_first_picture_and_plays_it_later() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    assert_eq!(cinema.seek(0, 3_100 * MS), Some(3.0));
    cinema.run(2_000 * MS);
    let shown = cinema.sent(Kind::Video);
    assert_eq!((shown.len(), shown[0].keyframe), (1, true));
    assert!(cinema.sent(Kind::Audio).is_empty());
    cinema.ask(PlayerCommand::Play);
    cinema.run(200 * MS);
    let video = cinema.sent(Kind::Video);
    assert!(video[1].keyframe, "nothing may be behind the picture that was shown");
    assert!(video[1].timestamp > video[0].timestamp);
}

#[test]
fn a_file_that_loops_has_no_gap_and_says_so() {
    let options = PlayerOptions { loops: true, ..OPTIONS };
    let mut cinema = Cinema::new(&[Film::Whole { pictures: 30, every: 30 }], options);
    cinema.ask(PlayerCommand::Play);
    cinema.run(5_000 * MS);
    let (video, audio) = (cinema.sent(Kind::Video), cinema.sent(Kind::Audio));
    each(steps(&video, |sent| sent.captured.as_millis() as u64), 40);
    each(steps(&audio, |sent| sent.timestamp.into()), 960);
    assert_eq!(cinema.items(), [(0, true); 4]);
    assert_eq!(cinema.ended(), 0);
    assert_eq!(cinema.position().position, 200 * MS);
    cinema.ask(PlayerCommand::SetLoop { loops: false });
    cinema.run(3_000 * MS);
    assert_eq!(cinema.ended(), 1, "what was read ahead is played, and then it is over");
}

#[test]
fn a_playlist_has_no_gap_between_its_files_and_takes_more_while_it_plays() {
    let film = |pictures| Film::Whole { pictures, every: 10 };
    let mut cinema = Cinema::new(&[film(20), film(30)], OPTIONS);
    cinema.shelf.0.lock().unwrap().films.push(film(40));
    cinema.ask(PlayerCommand::Play);
    cinema.run(1_000 * MS);
    assert_eq!(cinema.position().item, 1);
    cinema.ask(PlayerCommand::SetItems { count: 3 });
    cinema.run(3_000 * MS);
    let video = cinema.sent(Kind::Video);
    assert_eq!(video.len(), 90);
    each(steps(&video, |sent| sent.captured.as_millis() as u64), 40);
    each(steps(&cinema.sent(Kind::Audio), |sent| sent.timestamp.into()), 960);
    assert_eq!(cinema.items(), [(1, false), (2, false)]);
    assert_eq!(cinema.ended(), 1);
    let position = cinema.position();
    assert_eq!((position.item, position.position, position.playing), (2, 1_600 * MS, false));
}

#[test]
fn playing_on_behind_the_end_begins_anew() {
    let mut cinema = Cinema::new(&[Film::Sound { packets: 50 }], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(2_000 * MS);
    assert_eq!((cinema.ended(), cinema.sent.len()), (1, 50));
    cinema.ask(PlayerCommand::Play);
    cinema.run(2_000 * MS);
    assert_eq!((cinema.ended(), cinema.sent.len()), (2, 100));
}

#[test]
fn it_begins_where_it_is_to_begin() {
    let mut cinema = Cinema::new(&[FILM], PlayerOptions { from: 1_900.0, ..OPTIONS });
    assert_eq!(cinema.position().position, 1_000 * MS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(5_000 * MS);
    assert_eq!(cinema.sent(Kind::Video).len(), 75);
}

#[test]
fn a_disk_that_does_not_keep_up_stops_time_and_breaks_nothing() {
    let mut cinema = Cinema::new(&[Film::Whole { pictures: 400, every: 25 }], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(500 * MS);
    cinema.shelf.0.lock().unwrap().stuck = true;
    cinema.run(3_000 * MS);
    cinema.shelf.0.lock().unwrap().stuck = false;
    cinema.run(20_000 * MS);
    let video = cinema.sent(Kind::Video);
    assert_eq!(video.len(), 400);
    let gaps = steps(&video, |sent| sent.captured.as_millis() as u64);
    let large: Vec<_> = gaps.iter().filter(|gap| **gap != 40).collect();
    assert_eq!(large.len(), 1, "{large:?}");
    assert_eq!(cinema.player.stalls, 1);
}

#[test]
fn no_more_is_read_ahead_than_is_of_use() {
    let mut cinema = Cinema::new(&[Film::Whole { pictures: 10_000, every: 25 }], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    for _ in 0..10 {
        cinema.run(1_000 * MS);
        let waiting: usize = cinema.player.lines.iter().map(|line| line.waiting().count()).sum();
        assert!(waiting < 100, "{waiting} frames");
    }
}

#[test]
fn the_first_file_has_to_be_one() {
    let code = |films: &[Film]| match Cinema::new(films, OPTIONS).replies(OPENING) {
        Some(Err(error)) => error.code.name(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(&[Film::None]), "ERR_IO");
    assert_eq!(code(&[Film::Sound { packets: 0 }]), "ERR_FORMAT");
    assert_eq!(code(&[Film::OutOfOrder]), "ERR_CODEC_MISMATCH");
}

#[test]
fn pictures_that_are_decoded_first_are_sent_before_those_that_are_shown_first() {
    let mut line = Line::new(&track(Codec::Vp8)).unwrap();
    // I P B B, twice.
    let shown = [0, 3, 1, 2, 4, 7, 5, 6];
    for (index, place) in shown.into_iter().enumerate() {
        let data = if index == 0 { KEYFRAME.to_vec() } else { INTER.to_vec() };
        line.push(40 * MS * place, index == 0, data);
    }
    assert!(line.is_reordered());
    let mut sent = Vec::new();
    for now in 0..8 {
        while let Some(ready) = line.take(40 * MS * now) {
            assert!(ready.shown >= 40 * MS * now, "it comes before it is shown");
            sent.push(ready.shown);
        }
    }
    assert_eq!(sent, shown.map(|place| 40 * MS * place), "in the order of the file");
}

#[test]
fn a_later_file_that_cannot_be_played_is_told_of_and_passed_over() {
    let mut cinema = Cinema::new(&[FILM, Film::None, Film::Other, FILM], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(9_000 * MS);
    let expected = [(Some(1), "ERR_IO"), (Some(2), "ERR_CODEC_MISMATCH")];
    assert_eq!(cinema.errors(), expected);
    assert_eq!(cinema.sent(Kind::Video).len(), 200);
    assert_eq!(cinema.ended(), 1);
}

#[test]
fn files_that_vanish_while_they_loop_end_the_player() {
    let options = PlayerOptions { loops: true, ..OPTIONS };
    let mut cinema = Cinema::new(&[Film::Whole { pictures: 100, every: 25 }], options);
    cinema.shelf.0.lock().unwrap().films = vec![Film::None];
    cinema.ask(PlayerCommand::Play);
    cinema.run(10_000 * MS);
    assert_eq!(cinema.sent(Kind::Video).len(), 100, "what was read is played");
    assert!(cinema.errors().len() < 5, "{:?}", cinema.errors());
    assert!(cinema.ended() == 1 || cinema.player.is_over());
}

#[test]
fn closing_ends_the_tracks_and_answers_everybody() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    let (stats, close) = (RequestId(3), RequestId(4));
    cinema.requests.try_send(PlayerCommand::Close { request: close }).unwrap();
    cinema.requests.try_send(PlayerCommand::Stats { request: stats }).unwrap();
    cinema.player.run(cinema.now);
    let heard = cinema.heard.0.lock().unwrap().split_off(0);
    let closed = |m: &&ShardMessage| matches!(m, ShardMessage::MadeTrackClosed { .. });
    assert_eq!(heard.iter().filter(closed).count(), 2);
    cinema.events.extend(cinema.mailbox.drain());
    assert_eq!(cinema.replies(close), Some(Ok(Reply::Done)));
    assert!(matches!(cinema.replies(stats), Some(Err(error)) if error.code.name() == "ERR_CLOSED"));
    assert!(cinema.player.is_over());
}

#[test]
fn it_ends_with_the_thread_of_its_tracks() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    let ids = Ids::default();
    (0..10).for_each(|_| _ = SourceId::new(&ids, SHARD));
    cinema.inlet.thread_ended(crate::control::ids::Ended::new(&ids, SHARD));
    cinema.turn();
    assert_eq!(cinema.errors(), [(None, "ERR_INTERNAL")]);
    assert!(cinema.player.is_over());
}

#[test]
fn statistics_say_what_was_played() {
    let mut cinema = Cinema::new(&[FILM], OPTIONS);
    cinema.ask(PlayerCommand::Play);
    cinema.run(1_000 * MS);
    let request = RequestId(3);
    cinema.ask(PlayerCommand::Stats { request });
    let Some(Ok(Reply::Stats(stats))) = cinema.replies(request) else { panic!("no statistics") };
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["playing"], true);
    assert_eq!(stats["position"], 1.0);
    assert_eq!((&stats["video"]["frames"], &stats["video"]["keyframes"]), (&26.into(), &2.into()));
    assert_eq!(stats["audio"]["codec"], "opus");
}
