//! Rooms of pictures: nine tiles on 1280x720 at 25 pictures a second.

use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::control::mixer::{Layout, MixerOptions, VideoOptions};
use medialoom::engine::tap::Class;
use serde_json::{Value, json};

use crate::memory::resident;
use crate::room::Room;
use crate::sources::moving;

const TILES: usize = 9;
const RATE: u8 = 25;

pub fn options(rungs: u8) -> MixerOptions {
    let video = VideoOptions {
        width: 1280,
        height: 720,
        frame_rate: RATE,
        codecs: vec!["vp8".to_owned()],
        bitrate: 1_500_000,
        rungs,
        background: 0x14181d,
        layout: Layout::Grid,
    };
    MixerOptions { audio: None, video: Some(video) }
}

pub fn classes(rungs: u8) -> Vec<Class> {
    let class = |rung: u8| Class {
        codec: Codec::Vp8,
        rung,
        size: Some((1280 >> rung, 720 >> rung)),
        bitrate: 1_500_000 / 3u32.pow(rung.into()),
        frame_rate: RATE,
    };
    (0..rungs).map(class).collect()
}

pub fn room(width: u16, height: u16, rungs: u8) -> Value {
    let before = resident();
    let mut room = Room::new(&options(rungs), &classes(rungs), Instant::now());
    if let Some(track) = room.video {
        room.watch(track, 0..rungs);
    }
    let packets = moving(width, height, RATE, 50);
    for index in 0..TILES {
        let (port, _) = room.add_port(&format!("Participant {index}"));
        room.feed(
            port,
            &packets,
            Duration::from_secs(1) / u32::from(RATE),
            None,
            Some((width, height)),
        );
    }
    room.run(Duration::from_secs(2));
    let memory = resident().saturating_sub(before);
    let measured = Duration::from_secs(10);
    let cpu = room.run(measured);
    let share = cpu.as_secs_f64() / measured.as_secs_f64();
    json!({
        "name": format!("nine of {width}x{height}, {rungs} size{}", if rungs > 1 { "s" } else { "" }),
        "kind": "video",
        "cores": share,
        "roomsPerCore": 1.0 / share,
        "millisecondsPerPicture": share * 1000.0 / f64::from(RATE),
        "memoryBytes": memory,
    })
}
