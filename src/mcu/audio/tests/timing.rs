//! What a tick costs. To be read in release mode:
//! `cargo test --release --lib --no-default-features --features mcu mcu::audio::tests::timing -- --nocapture`

use std::time::{Duration, Instant};

use super::support::{Meeting, Talker, opus};
use crate::codec::Codec;
use crate::mcu::PortId;
use crate::mcu::audio::{AudioOptions, AudioTarget};

/// Three talk among a thousand; everybody listens.
#[test]
fn three_talkers_among_a_thousand_ports() {
    let mut meeting = Meeting::new(AudioOptions::default());
    for key in 0..1000 {
        let mut talker = Talker::new(Codec::Opus, 300.0 + key as f32, 0.0);
        if key < 3 {
            talker.amplitude = 0.2;
            meeting.join(key, talker);
        } else {
            meeting.mixer.add_port(PortId(key), Default::default());
        }
        meeting.mixer.set_wanted(AudioTarget::Port(PortId(key)), opus());
    }
    meeting.run(50);
    let mut cost = Duration::ZERO;
    const TICKS: u32 = 200;
    for _ in 0..TICKS {
        for (key, talker) in &mut meeting.talkers {
            let packet = talker.packet(meeting.now);
            meeting.mixer.receive(*key, &packet);
        }
        meeting.heard.packets.clear();
        let began = Instant::now();
        meeting.mixer.tick(meeting.now, &mut meeting.heard);
        cost += began.elapsed();
        meeting.now += crate::mcu::audio::TICK;
        assert_eq!(meeting.heard.packets.len(), 1000);
    }
    println!("a tick of 3 talkers among 1,000 ports, 4 Opus encodes: {:?}", cost / TICKS);
}
