//! Rooms of sound: three talk, everybody listens.

use std::time::{Duration, Instant};

use medialoom::control::mixer::{AudioOptions, MixerOptions};
use serde_json::{Value, json};

use crate::memory::resident;
use crate::room::Room;
use crate::sources::{silent, talking};

pub const TALKING: usize = 3;

pub fn options() -> MixerOptions {
    let audio = AudioOptions { speakers: 4, stereo: false, bitrate: 32_000, fec: true, dtx: false };
    MixerOptions { audio: Some(audio), video: None }
}

/// A room with so many, of whom three talk.
pub fn make(participants: usize, now: Instant) -> Room {
    let mut room = Room::new(&options(), &[], now);
    let silence = silent();
    for index in 0..participants {
        let (port, track) = room.add_port("");
        // One that nobody is attached to would not be made.
        if let Some(track) = track {
            room.watch(track, [0]);
        }
        let (packets, level) = if index < TALKING {
            (talking(index as u64 + 1), (-25, true))
        } else {
            (silence.clone(), (-127, false))
        };
        room.feed(port, &packets, Duration::from_millis(20), Some(level), None);
    }
    room
}

pub fn room(participants: usize) -> Value {
    let before = resident();
    let mut room = make(participants, Instant::now());
    room.run(Duration::from_secs(3));
    let memory = resident().saturating_sub(before);
    let measured = Duration::from_secs(10);
    let cpu = room.run(measured);
    let share = cpu.as_secs_f64() / measured.as_secs_f64();
    json!({
        "name": format!("{participants} participants"),
        "kind": "audio",
        "cores": share,
        "roomsPerCore": 1.0 / share,
        "microsecondsPerParticipantSecond": share * 1e6 / participants as f64,
        "memoryBytes": memory,
    })
}
