use std::sync::Mutex;

use super::*;
use crate::codec::Codec;
use crate::codec::format::{Format, Parameters};
use crate::control::conduit::{Conduit, Pcm, conduit_to};
use crate::control::ids::{ConduitId, Ended, Ids};
use crate::control::mixer::{AudioOptions, PcmFormat, Tapped};
use crate::control::snapshot::{self, StatsCollector};
use crate::control::stats::Shape;
use crate::engine::tap::Class;
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::{EncodingIndex, EncodingSet, Extensions};

const SHARD: ShardIndex = ShardIndex(0);
const TICK: Duration = Duration::from_millis(20);

/// What a mixer said to shards, which may refuse for a while.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<(Vec<ShardMessage>, bool)>>);

impl crate::engine::tap::Shards for Heard {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        let mut heard = self.0.lock().unwrap();
        if heard.1 {
            return Err(message);
        }
        heard.0.push(message);
        Ok(())
    }
}

struct Room {
    mixer: Mixer<Heard>,
    heard: Heard,
    inlet: Arc<Inlet>,
    requests: mpsc::Sender<Request>,
    mailbox: Arc<Mailbox>,
    ids: Ids,
    now: Instant,
    shared: SourceId,
}

impl Room {
    fn new() -> Self {
        let (ids, now) = (Ids::default(), Instant::now());
        let id = MixerId::new(&ids, SHARD);
        let (inlet, packets) = Inlet::new(|| ());
        let (sender, requests) = mpsc::channel(64);
        let audio = Made::new(now, SourceId::new(&ids, SHARD), &classes());
        let (shared, heard) = (audio.id(), Heard::default());
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let parts = Parts {
            id,
            mailbox: mailbox.clone(),
            shards: heard.clone(),
            inlet: inlet.clone(),
            packets,
            requests,
            audio: Some(audio),
            video: None,
            fonts: Fonts::default(),
        };
        let audio =
            AudioOptions { speakers: 3, stereo: false, bitrate: 32_000, fec: false, dtx: false };
        let options = MixerOptions { audio: Some(audio), video: None };
        let mixer = Mixer::new(parts, &options).unwrap();
        Self { mixer, heard, inlet, requests: sender, mailbox, ids, now, shared }
    }

    /// Gives the port and the track it gets.
    fn add_port(&mut self) -> (PortId, SourceId) {
        let port = PortId::new(&self.ids, SHARD);
        let track = Made::new(self.now, SourceId::new(&self.ids, SHARD), &classes());
        let id = track.id();
        let options = PortOptions {
            label: String::new(),
            gain: 1.0,
            position: 0.0,
            auto_gain: false,
            noise_suppression: false,
            muted: false,
            visible: true,
            screen: false,
        };
        self.ask(Request::AddPort { port, options, track: Some(track) });
        (port, id)
    }

    /// Feeds a port with a track that its shard describes at once.
    fn attach(&mut self, port: PortId) -> SourceId {
        let track = SourceId::new(&self.ids, ShardIndex(1));
        self.command(MixerCommand::Attach { port, kind: Kind::Audio, track: Some(track) });
        track
    }

    fn ask(&self, request: Request) {
        self.requests.try_send(request).ok().unwrap();
    }

    fn command(&self, command: MixerCommand) {
        self.ask(Request::Command(command));
    }

    fn collector(&self, request: u32) -> Arc<StatsCollector> {
        let (request, mailbox) = (RequestId(request), self.mailbox.clone());
        snapshot::collector(request, mailbox, Shape::Mixer)
    }

    fn listen(&self, track: SourceId, codecs: &[u8]) {
        let wanted = codecs.iter().fold(EncodingSet::NONE, |s, e| s.with(EncodingIndex(*e)));
        self.inlet.demand(track, wanted);
    }

    /// Runs for a while and gives what shards were told.
    fn run(&mut self, turns: u32) -> Vec<ShardMessage> {
        for _ in 0..turns {
            self.mixer.run(self.now, self.now);
            self.now += TICK;
        }
        std::mem::take(&mut self.heard.0.lock().unwrap().0)
    }
}

fn classes() -> Vec<Class> {
    let class = |codec| Class { codec, rung: 0, size: None, bitrate: 0, frame_rate: 0 };
    vec![class(Codec::Opus), class(Codec::Pcmu)]
}

fn description() -> Arc<SourceDescription> {
    let codec = Codec::Pcmu;
    let format = Format {
        codec,
        pt: 0,
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
        size: None,
        rates: Arc::default(),
    };
    let encodings = vec![encoding];
    let formats = [format].into();
    Arc::new(SourceDescription {
        formats,
        encodings,
        withheld: false,
        keyframes_on_request: true,
        alternatives: false,
        thinnest: None,
    })
}

fn packet(track: SourceId, sequence: u64, now: Instant) -> Arc<SourcePacket> {
    Arc::new(SourcePacket {
        track,
        encoding: EncodingIndex(0),
        ssrc: 1,
        sequence,
        timestamp: sequence as u32 * 160,
        marker: false,
        codec: Codec::Pcmu,
        red: false,
        telephone_event: false,
        source_pt: 0,
        // Loud enough to be heard.
        payload: Arc::from([0x10, 0x90].repeat(80)),
        arrival: now,
        captured: now,
        to_reported: Some(0),
        description: Default::default(),
        extensions: Extensions { audio_level: Some((-10, true)), ..Extensions::default() },
    })
}

/// What shards were told of a track's tap: the encodings, or `None` where it ended.
fn taps(messages: &[ShardMessage], of: SourceId) -> Vec<Option<EncodingSet>> {
    let taps = messages.iter().filter_map(|message| match message {
        ShardMessage::Tap { track, wanted, .. } if *track == of => Some(Some(*wanted)),
        ShardMessage::Untap { track, .. } if *track == of => Some(None),
        _ => None,
    });
    taps.collect()
}

fn codecs(messages: &[ShardMessage], of: SourceId) -> Vec<Codec> {
    let packets = messages.iter().filter_map(|message| match message {
        ShardMessage::Made { packets } => Some(packets.iter()),
        _ => None,
    });
    packets.flatten().filter(|packet| packet.track == of).map(|packet| packet.codec).collect()
}

#[test]
fn inputs_are_taken_only_while_somebody_listens() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let track = room.attach(port);
    assert!(taps(&room.run(3), track).is_empty(), "nobody listens");
    assert_eq!(room.mixer.run(room.now, room.now), None, "it sleeps");
    room.listen(room.shared, &[0]);
    assert_eq!(taps(&room.run(3), track), [Some(EncodingSet::ALL)]);
    room.inlet.described(track, Some(description()));
    let only = EncodingSet::NONE.with(EncodingIndex(0));
    assert_eq!(taps(&room.run(3), track), [Some(only)]);
    room.listen(room.shared, &[]);
    assert_eq!(taps(&room.run(3), track), [Some(EncodingSet::NONE)]);
    room.command(MixerCommand::Attach { port, kind: Kind::Audio, track: None });
    assert_eq!(taps(&room.run(3), track), [None]);
}

#[test]
fn who_looks_at_how_loud_it_is_listens() {
    let mut room = Room::new();
    let (port, to_speaker) = room.add_port();
    let (_, to_listener) = room.add_port();
    let track = room.attach(port);
    room.inlet.described(track, Some(description()));
    for of in [to_speaker, to_listener] {
        room.command(MixerCommand::ListenLevels { track: of, listen: true });
    }
    let mut messages = room.run(1);
    assert_eq!(taps(&messages, track).len(), 1, "its sound is taken");
    for sequence in 0..50 {
        room.inlet.packet(&packet(track, sequence, room.now));
        messages.extend(room.run(1));
    }
    assert!(codecs(&messages, to_listener).is_empty(), "and not sent");
    let level = |event: &Event| match event {
        Event::AudioLevel { id, level, .. } => Some((*id, *level)),
        _ => None,
    };
    let levels: Vec<_> = room.mailbox.drain().iter().filter_map(level).collect();
    let of = |id| levels.iter().find(|(of, _)| *of == id).map(|(_, level)| *level);
    assert_eq!(of(to_speaker), Some(-127), "nobody hears themselves");
    assert!(of(to_listener).unwrap() > -40, "{levels:?}");
    for of in [to_speaker, to_listener] {
        room.command(MixerCommand::ListenLevels { track: of, listen: false });
    }
    assert_eq!(taps(&room.run(1), track), [Some(EncodingSet::NONE)]);
    assert_eq!(room.mixer.run(room.now, room.now), None, "it sleeps");
}

fn conduit(room: &Room) -> Arc<Conduit<Pcm>> {
    conduit_to(ConduitId::new(&room.ids, SHARD), room.mailbox.clone(), 10_000)
}

fn half_a_second(now: Instant) -> Pcm {
    Pcm { samples: vec![5_000; 8_000], sample_rate: 16_000, channels: 1, timestamp: now }
}

#[test]
fn what_is_written_is_played_in_time_though_nobody_listens() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let written = conduit(&room);
    room.command(MixerCommand::WritePcm { port, conduit: written.clone() });
    written.offer(half_a_second(room.now)).unwrap();
    written.finish();
    room.run(20);
    assert!((300_000..500_000).contains(&written.progress()), "{}", written.progress());
    room.run(10);
    assert!(written.is_closed(), "all was taken");
    assert_eq!(written.progress(), 500_000);
    room.run(2);
    assert_eq!(room.mixer.run(room.now, room.now), None, "it sleeps");
}

#[test]
fn what_is_taken_back_is_not_played_and_what_follows_is_counted_from_there() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let written = conduit(&room);
    room.command(MixerCommand::WritePcm { port, conduit: written.clone() });
    written.offer(half_a_second(room.now)).unwrap();
    room.run(10);
    let played = written.progress();
    written.clear();
    room.run(10);
    assert!(written.progress() <= played + 20_000, "{played}, then {}", written.progress());
    let cut = written.progress();
    written.offer(half_a_second(room.now)).unwrap();
    written.finish();
    room.run(40);
    assert_eq!(written.progress(), cut + 500_000);
}

#[test]
fn readers_of_a_port_end_with_it_and_others_go_on() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let format = PcmFormat { sample_rate: 16_000, channels: 1, frame_duration: 20 };
    let read = [Tapped::Mix, Tapped::ForPort(port), Tapped::OfPort(port)].map(|tapped| {
        let conduit = conduit(&room);
        let command = MixerCommand::ReadPcm { tapped, format, conduit: conduit.clone() };
        room.command(command);
        conduit
    });
    room.run(3);
    assert!(read.iter().all(|conduit| !conduit.is_closed()));
    room.command(MixerCommand::RemovePort { port });
    room.run(1);
    assert_eq!(read.map(|conduit| conduit.is_closed()), [false, true, true]);
}

#[test]
fn a_track_that_feeds_two_ports_is_taken_once() {
    let mut room = Room::new();
    let ((first, _), (second, _)) = (room.add_port(), room.add_port());
    room.listen(room.shared, &[0]);
    let track = room.attach(first);
    room.command(MixerCommand::Attach { port: second, kind: Kind::Audio, track: Some(track) });
    room.inlet.described(track, Some(description()));
    assert_eq!(taps(&room.run(3), track).len(), 1);
    room.command(MixerCommand::RemovePort { port: first });
    assert!(taps(&room.run(3), track).is_empty(), "the other still takes it");
    room.command(MixerCommand::RemovePort { port: second });
    assert_eq!(taps(&room.run(3), track), [None]);
}

#[test]
fn what_is_taken_of_a_track_is_made_and_nothing_else() {
    let mut room = Room::new();
    let ((speaker, to_speaker), (_, to_listener)) = (room.add_port(), room.add_port());
    let track = room.attach(speaker);
    room.inlet.described(track, Some(description()));
    room.listen(to_listener, &[0, 1]);
    room.run(1);
    let mut messages = Vec::new();
    for sequence in 0..50 {
        room.inlet.packet(&packet(track, sequence, room.now));
        messages.extend(room.run(1));
    }
    let made = codecs(&messages, to_listener);
    assert!(made.iter().filter(|codec| **codec == Codec::Opus).count() > 40);
    assert!(made.iter().filter(|codec| **codec == Codec::Pcmu).count() > 40);
    assert!(codecs(&messages, to_speaker).is_empty());
    assert!(codecs(&messages, room.shared).is_empty());
    let speakers = |event: &Event| match event {
        Event::MixerSpeakers { ports, .. } => Some(ports.clone()),
        _ => None,
    };
    let told: Vec<_> = room.mailbox.drain().iter().filter_map(speakers).collect();
    assert_eq!(told, [vec![speaker]]);
}

#[test]
fn closing_lets_everything_go() {
    let mut room = Room::new();
    let (port, own) = room.add_port();
    let track = room.attach(port);
    room.listen(own, &[0]);
    room.run(2);
    room.command(MixerCommand::Close { request: RequestId(7) });
    let messages = room.run(1);
    assert_eq!(taps(&messages, track), [None]);
    let closed = |message: &ShardMessage| match message {
        ShardMessage::MadeTrackClosed { track } => Some(*track),
        _ => None,
    };
    let mut tracks: Vec<_> = messages.iter().filter_map(closed).collect();
    tracks.sort();
    assert_eq!(tracks, [room.shared, own]);
    assert!(room.mixer.is_over());
    let reply = Event::Reply { request: RequestId(7), result: Ok(Reply::Done) };
    assert_eq!(room.mailbox.drain().last(), Some(&reply));
}

#[test]
fn a_mixer_goes_on_without_the_tracks_of_a_media_thread_that_died() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let (other, _) = room.add_port();
    room.listen(room.shared, &[0]);
    let (lost, ended) = (room.attach(port), Ended::new(&room.ids, ShardIndex(1)));
    let later = room.attach(other);
    room.run(2);
    room.inlet.thread_ended(ended);
    room.run(1);
    let fed: Vec<SourceId> = room.mixer.inputs.iter().map(|input| input.track).collect();
    assert_eq!(fed, [later], "and not {lost}");
    assert!(!room.mixer.is_over());
}

#[test]
fn a_mixer_whose_tracks_lived_on_a_media_thread_that_died_closes_with_an_error_and_answers() {
    let mut room = Room::new();
    room.inlet.thread_ended(Ended::new(&room.ids, SHARD));
    room.run(1);
    assert!(room.mixer.is_over());
    let events = room.mailbox.drain();
    let failed = matches!(
        &events[0],
        Event::MixerError { error, .. } if error.message.contains("media thread 0")
    );
    assert!(failed, "{events:?}");
    let closed = matches!(events[1], Event::MixerClosed { reason: CloseReason::Error, .. });
    assert!(closed, "{events:?}");
    assert!(room.requests.is_closed(), "what is asked now is refused");
}

#[test]
fn what_is_asked_too_late_is_answered() {
    let mut room = Room::new();
    room.command(MixerCommand::Close { request: RequestId(1) });
    room.command(MixerCommand::Stats { collector: room.collector(2) });
    room.command(MixerCommand::Close { request: RequestId(3) });
    room.run(1);
    let answered = |event: &Event| match event {
        Event::Reply { request, result } => Some((request.0, result.is_ok())),
        _ => None,
    };
    let mut replies: Vec<_> = room.mailbox.drain().iter().filter_map(answered).collect();
    replies.sort();
    assert_eq!(replies, [(1, true), (2, false), (3, true)]);
}

#[test]
fn what_a_shard_has_no_room_for_comes_later_in_order() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    room.listen(room.shared, &[0]);
    room.heard.0.lock().unwrap().1 = true;
    let first = room.attach(port);
    assert!(room.run(3).is_empty());
    let second = room.attach(port);
    assert!(room.run(3).is_empty());
    room.heard.0.lock().unwrap().1 = false;
    let messages = room.run(3);
    assert_eq!(taps(&messages, first), [Some(EncodingSet::ALL), None]);
    assert_eq!(taps(&messages, second), [Some(EncodingSet::ALL)]);
}

#[test]
fn a_track_that_is_gone_feeds_nothing_any_more() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    room.listen(room.shared, &[0]);
    let track = room.attach(port);
    room.run(2);
    room.inlet.described(track, None);
    assert!(taps(&room.run(2), track).is_empty(), "its shard knows");
    assert_eq!(room.mixer.inputs.iter().count(), 0);
}

#[test]
fn of_who_is_silent_few_packets_are_looked_at_until_there_is_something_to_hear() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    room.listen(room.shared, &[0]);
    let track = room.attach(port);
    room.inlet.described(track, Some(description()));
    room.run(1);
    let send = |room: &mut Room, sequences: std::ops::Range<u64>, level: i8| {
        for sequence in sequences {
            let mut packet = packet(track, sequence, room.now);
            let own = Arc::get_mut(&mut packet).unwrap();
            own.extensions.audio_level = Some((level, false));
            room.inlet.packet(&packet);
            room.run(1);
        }
    };
    let looked_at = |room: &Room| {
        let sound = room.mixer.sound.as_ref().and_then(|sound| sound.stats(port));
        sound.map_or(0, |stats| stats.packets_received)
    };
    send(&mut room, 1..161, -127);
    // The first one, and one in sixteen.
    assert_eq!(looked_at(&room), 11);
    assert_eq!(stats::of(&room.mixer).ports[0].sound.as_ref().unwrap().packets_received, 160);
    // Whoever speaks is heard at once, and their pauses are part of it.
    send(&mut room, 161..163, -20);
    assert_eq!(room.mixer.sound.as_ref().unwrap().speakers(), [port]);
    send(&mut room, 163..173, -127);
    assert_eq!(looked_at(&room), 11 + 12);
}

/// Pictures follow the clock that sound is said to keep.
#[test]
fn sound_is_as_old_as_it_says_after_the_thread_was_held_up() {
    let mut room = Room::new();
    let (port, _) = room.add_port();
    let track = room.attach(port);
    room.inlet.described(track, Some(description()));
    room.listen(room.shared, &[0]);
    for held_up in [0, 30, 90, 110, 150, 190, 210, 900] {
        room.now += Duration::from_millis(held_up);
        let mut messages = Vec::new();
        for sequence in 0..10 {
            room.inlet.packet(&packet(track, sequence, room.now));
            messages.extend(room.run(1));
        }
        let mixed = messages.iter().filter_map(|message| match message {
            ShardMessage::Made { packets } => packets.last(),
            _ => None,
        });
        let last = mixed.last().expect("it is mixed");
        let age = room.now.saturating_duration_since(last.captured);
        assert!(age <= 2 * TICK, "{age:?} after {held_up} ms");
    }
}
