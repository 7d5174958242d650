//! What is pushed, with tracks made by hand and shards that write down what they are told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::codec::Codec;
use crate::codec::packet::MadePacket;
use crate::control::ids::{Ids, ShardIndex};
use crate::control::ingest::RtmpOutputOptions;
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Class, Made, Shards};
use crate::ingest::rtmp::{Server, ServerEvent};
use crate::ingest::ts::{Demuxer, Unit};
use crate::sfu::{EncodingIndex, EncodingSet};

const SHARD: ShardIndex = ShardIndex(0);
const FRAME: Duration = Duration::from_millis(20);

/// What shards are told: tracks that are taken, and that are not any more.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<(SourceId, bool)>>>);

impl Shards for Taken {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        match message {
            ShardMessage::Tap { track, wanted, .. } => {
                self.0.lock().unwrap().push((track, wanted != EncodingSet::NONE));
            }
            ShardMessage::Untap { track, .. } => self.0.lock().unwrap().push((track, false)),
            _ => {}
        }
        Ok(())
    }
}

impl Taken {
    fn take(&self) -> Vec<(SourceId, bool)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn sorted(&self) -> Vec<(SourceId, bool)> {
        let mut all = self.take();
        all.sort();
        all
    }
}

/// A track of Opus, and one of H264, of which nothing comes.
struct Scene {
    sound: Made,
    pictures: Made,
    inlet: Arc<Inlet>,
    taken: Taken,
    now: Instant,
    spoken: u64,
}

impl Scene {
    fn new() -> (Self, Parts<Taken>) {
        let (ids, now) = (Ids::default(), Instant::now());
        let made = |codec, size| {
            let class = Class { codec, rung: 0, size, bitrate: 100_000, frame_rate: 50 };
            Made::new(now, SourceId::new(&ids, SHARD), &[class])
        };
        let (sound, pictures) = (made(Codec::Opus, None), made(Codec::H264, Some((320, 240))));
        let (inlet, packets) = Inlet::new(|| ());
        let taken = Taken::default();
        let parts = Parts {
            id: OutputId::new(&ids, SHARD),
            shards: taken.clone(),
            inlet: Arc::clone(&inlet),
            packets,
            audio: Some(sound.id()),
            video: Some(pictures.id()),
        };
        for track in [&sound, &pictures] {
            inlet.described(track.id(), Some(track.description()));
        }
        (Self { sound, pictures, inlet, taken, now, spoken: 0 }, parts)
    }

    /// A packet of sound, 20 ms later.
    fn speak(&mut self) {
        self.now += FRAME;
        let packet = MadePacket {
            sequence: self.spoken,
            timestamp: self.spoken as u32 * 960,
            marker: false,
            codec: Codec::Opus,
            payload: [0xfc, 7].as_slice().into(),
            captured: self.now,
            audio_level: None,
        };
        self.spoken += 1;
        self.inlet.packet(&self.sound.packet(self.now, EncodingIndex(0), packet).unwrap());
    }
}

fn rtmp_options() -> RtmpOutputOptions {
    RtmpOutputOptions {
        address: "192.0.2.1:1935".parse().unwrap(),
        url: "rtmp://192.0.2.1/live".to_owned(),
        app: "live".to_owned(),
        tls: None,
        reconnect: 60,
        key: "key".to_owned(),
        audio: None,
        video: None,
    }
}

/// Talks to a server until it takes the stream, beginning with what was to be sent already.
fn connect(push: &mut RtmpPush<Taken>, now: Instant, mut said: Vec<u8>) {
    let mut server = Server::default();
    for _ in 0..20 {
        said.extend(push.run(now, 0).unwrap());
        let mut rest = &said[..];
        while let Some(event) = server.receive(&mut rest).unwrap() {
            if matches!(event, ServerEvent::Publish(_)) {
                server.accept();
            }
        }
        if push.receive(&server.take_output()).unwrap() {
            return;
        }
        said.clear();
    }
    panic!("the server does not take it");
}

#[test]
fn a_server_that_is_not_ready_gets_nothing_that_waited_for_it() {
    let (mut scene, parts) = Scene::new();
    let mut push = RtmpPush::new(parts, &rtmp_options());
    connect(&mut push, scene.now, Vec::new());
    push.run(scene.now, 0).unwrap();
    scene.speak();
    push.run(scene.now, 0).unwrap();
    assert_eq!(push.stats().sounds_sent, 1);
    // Lost: what comes until another connection is ready is left out.
    push.begin_anew();
    let mut said = Vec::new();
    for _ in 0..10 {
        scene.speak();
        said.extend(push.run(scene.now, 0).unwrap());
    }
    assert_eq!(push.stats().sounds_sent, 1);
    scene.speak();
    connect(&mut push, scene.now, said);
    push.run(scene.now, 0).unwrap();
    scene.speak();
    push.run(scene.now, 0).unwrap();
    assert_eq!(push.stats().sounds_sent, 2, "it goes on with what comes now");
}

#[test]
fn tracks_are_taken_while_somebody_takes_the_stream_and_left_at_the_end() {
    let (scene, parts) = Scene::new();
    let mut push = RtmpPush::new(parts, &rtmp_options());
    let tracks = [scene.sound.id(), scene.pictures.id()];
    let all = |taken: bool| tracks.map(|track| (track, taken)).to_vec();
    let said = push.run(scene.now, 0).unwrap();
    assert_eq!(scene.taken.take(), [], "nobody is there yet");
    connect(&mut push, scene.now, said);
    push.run(scene.now, 0).unwrap();
    assert_eq!(scene.taken.sorted(), all(true));
    push.finish();
    assert_eq!(scene.taken.sorted(), all(false));
}

#[test]
fn a_stream_that_nobody_takes_any_more_takes_nothing_and_leaves_its_tracks_at_the_end() {
    let (scene, parts) = Scene::new();
    let mut push = StreamPush::new(parts);
    let tracks = [scene.sound.id(), scene.pictures.id()];
    push.run(scene.now, true, |_| {});
    assert_eq!(scene.taken.sorted(), tracks.map(|track| (track, true)));
    push.run(scene.now, false, |_| {});
    assert_eq!(scene.taken.sorted(), tracks.map(|track| (track, false)), "between two of them");
    push.run(scene.now, true, |_| {});
    scene.taken.take();
    push.finish();
    assert_eq!(scene.taken.sorted(), tracks.map(|track| (track, false)));
}

#[test]
fn sound_goes_on_for_newcomers_when_the_track_of_pictures_is_gone() {
    let (mut scene, parts) = Scene::new();
    let mut push = StreamPush::new(parts);
    push.run(scene.now, true, |_| {});
    let mut run = |scene: &mut Scene| {
        let mut payloads = Vec::new();
        for _ in 0..10 {
            scene.speak();
            push.run(scene.now, true, |payload| payloads.push(payload));
        }
        payloads
    };
    assert_eq!(run(&mut scene), [], "a receiver begins with a keyframe, which comes yet");
    scene.inlet.described(scene.pictures.id(), None);
    let payloads = run(&mut scene);
    assert!(payloads.first().is_some_and(|payload| payload.begins));
    let (mut demuxer, mut sounds) = (Demuxer::default(), 0);
    for payload in payloads {
        demuxer.push(&payload.data, |unit| sounds += usize::from(matches!(unit, Unit::Sound(..))));
    }
    assert!(sounds >= 9, "{sounds} of 10");
}
