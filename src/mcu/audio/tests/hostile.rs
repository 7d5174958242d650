//! Peers that send anything.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::support::{Meeting, Talker, opus};
use crate::codec::Codec;
use crate::mcu::audio::{AudioOptions, AudioPortOptions, AudioTarget};
use crate::mcu::{PortId, TakenPacket};

const CODECS: [Codec; 5] = [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Vp8];

fn mutate(packet: &mut TakenPacket, random: &mut SmallRng) {
    let mut payload = packet.payload.to_vec();
    match random.random_range(0..8) {
        0 => payload.clear(),
        1 => payload.truncate(random.random_range(0..=payload.len())),
        2 => {
            payload = vec![0; random.random_range(0..1500)];
            random.fill(&mut payload[..]);
        }
        3 => payload.resize(random.random_range(0..9000), 0x55),
        _ if payload.is_empty() => {}
        _ => {
            for _ in 0..random.random_range(0..5) {
                let at = random.random_range(0..payload.len());
                payload[at] = random.random();
            }
        }
    }
    packet.payload = Arc::from(payload);
    match random.random_range(0..20) {
        0 => packet.timestamp = random.random(),
        1 => packet.timestamp = packet.timestamp.wrapping_add(random.random_range(0..200_000)),
        2 => packet.sequence = random.random(),
        3 => packet.sequence = packet.sequence.saturating_sub(random.random_range(0..300)),
        4 => packet.codec = CODECS[random.random_range(0..CODECS.len())],
        5 => packet.arrival -= Duration::from_millis(random.random_range(0..100_000)),
        6 => packet.captured += Duration::from_millis(random.random_range(0..100_000)),
        _ => {}
    }
    packet.red = random.random_ratio(1, 8);
    packet.audio_level = random.random_ratio(1, 2).then(|| random.random());
}

#[test]
fn nothing_that_comes_in_does_harm() {
    for seed in 0..6 {
        let mut random = SmallRng::seed_from_u64(seed);
        let stereo = seed % 2 == 0;
        let options = if stereo { AudioOptions::stereo() } else { AudioOptions::mono() };
        let mut meeting = Meeting::new(options);
        let mut talkers: Vec<_> =
            (0..4).map(|index| Talker::new(CODECS[index], 500.0, 0.3)).collect();
        for key in 0..4 {
            let options = AudioPortOptions { auto_gain: key == 1, ..AudioPortOptions::default() };
            meeting.mixer.add_port(PortId(key), options);
            meeting.mixer.set_wanted(AudioTarget::Port(PortId(key)), opus());
        }
        for _ in 0..400 {
            for (key, talker) in talkers.iter_mut().enumerate() {
                for _ in 0..random.random_range(0..3) {
                    let mut packet = talker.packet(meeting.now);
                    if random.random_ratio(1, 2) {
                        mutate(&mut packet, &mut random);
                    }
                    meeting.mixer.receive(PortId(key as u64), &packet);
                }
            }
            let _ = meeting.mixer.playout_delay(PortId(0));
            meeting.tick();
            assert!(meeting.mixer.speakers().count() <= 4);
        }
        for key in 0..4 {
            let stats = meeting.mixer.port_stats(PortId(key)).unwrap();
            assert!(stats.target_delay <= Duration::from_millis(500), "{stats:?}");
        }
        // Good packets are heard again.
        for key in 0..4 {
            meeting.mixer.reset_input(PortId(key));
            meeting.talkers.push((PortId(key), Talker::new(Codec::Opus, 500.0, 0.3)));
        }
        meeting.run(100);
        assert_eq!(meeting.mixer.speakers().count(), 4);
        assert!(meeting.mixer.speakers().all(|speaker| speaker.level > -26));
    }
}

#[test]
fn a_flood_is_bounded() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, Talker::new(Codec::Pcmu, 500.0, 0.3));
    for _ in 0..5000 {
        let now = meeting.now;
        let packet = meeting.talkers[0].1.packet(now);
        meeting.mixer.receive(PortId(1), &packet);
    }
    let stats = meeting.mixer.port_stats(PortId(1)).unwrap();
    assert!(stats.buffered <= Duration::from_millis(1100), "{stats:?}");
    assert!(stats.packets == 5000);
}
