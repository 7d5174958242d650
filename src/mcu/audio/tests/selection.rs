//! Who is heard, by whom.

use std::time::Duration;

use super::support::{Meeting, Talker, opus, strength};
use crate::codec::Codec;
use crate::mcu::PortId;
use crate::mcu::audio::{AudioOptions, AudioPortOptions, AudioTarget, CodecSet, TICK};

const SHARED: AudioTarget = AudioTarget::Shared;

fn port(key: u64) -> AudioTarget {
    AudioTarget::Port(PortId(key))
}

/// Three talk; a fourth listens.
fn meeting(options: AudioOptions) -> Meeting {
    let mut meeting = Meeting::new(options);
    for (key, frequency) in [(1, 400.0), (2, 700.0), (3, 1100.0)] {
        meeting.join(key, Talker::new(Codec::Opus, frequency, 0.1));
    }
    meeting.mixer.add_port(PortId(4), AudioPortOptions::default());
    for target in [SHARED, port(1), port(2), port(3), port(4)] {
        meeting.mixer.set_wanted(target, opus());
    }
    meeting
}

#[test]
fn everybody_hears_all_but_themselves() {
    let mut meeting = meeting(AudioOptions::default());
    meeting.run(100);
    for (target, own) in
        [(SHARED, None), (port(1), Some(400.0)), (port(2), Some(700.0)), (port(4), None)]
    {
        let heard = &meeting.heard.opus(target)[48_000..];
        for frequency in [400.0, 700.0, 1100.0] {
            let strength = strength(heard, frequency, 48e3);
            if own == Some(frequency) {
                assert!(strength < -55.0, "{target:?} hears itself: {strength}");
            } else {
                assert!((strength + 23.0).abs() < 2.0, "{target:?} {frequency}: {strength}");
            }
        }
    }
    // Who does not talk gets the very packets of the shared mix, numbered for themselves.
    let shared: Vec<_> = meeting.heard.of(SHARED, Codec::Opus).collect();
    let listener: Vec<_> = meeting.heard.of(port(4), Codec::Opus).collect();
    assert_eq!((shared.len(), listener.len()), (100, 100));
    for (one, other) in shared.iter().zip(&listener) {
        assert!(std::sync::Arc::ptr_eq(&one.payload, &other.payload));
    }
    assert_eq!(meeting.mixer.target_stats(port(4)).unwrap().encodes, 0);
    assert!(meeting.mixer.target_stats(port(1)).unwrap().encodes > 90);
}

#[test]
fn a_mix_of_which_only_the_level_is_wanted_is_mixed_and_not_encoded() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, Talker::new(Codec::Opus, 400.0, 0.1));
    meeting.mixer.add_port(PortId(2), AudioPortOptions::default());
    meeting.run(5);
    assert!(meeting.heard.levels.is_empty());
    for target in [port(1), port(2)] {
        meeting.mixer.set_metered(target, true);
    }
    meeting.run(50);
    let last = |heard: &super::support::Heard, of| {
        heard
            .levels
            .iter()
            .rfind(|(target, ..)| *target == of)
            .map(|(_, level, voice)| (*level, *voice))
    };
    assert_eq!(meeting.heard.levels.len(), 100, "one of each in a tick");
    assert_eq!(last(&meeting.heard, port(1)), Some((-127, false)), "nobody but itself");
    // A sine of a tenth of full scale.
    assert_eq!(last(&meeting.heard, port(2)), Some((-23, true)));
    assert!(meeting.heard.packets.is_empty());
    assert_eq!(meeting.mixer.target_stats(port(1)).unwrap().encodes, 0);
    meeting.mixer.set_metered(port(1), false);
    meeting.mixer.set_metered(port(2), false);
    assert!(meeting.mixer.idle());
}

#[test]
fn numbers_and_timestamps_go_on_through_every_change() {
    let mut meeting = meeting(AudioOptions::default());
    for round in 0..6 {
        meeting.run(30);
        meeting.talker(1).amplitude = if round % 2 == 0 { 0.0 } else { 0.1 };
        meeting.run(70);
    }
    for target in [SHARED, port(1), port(4)] {
        for (index, packet) in meeting.heard.of(target, Codec::Opus).enumerate() {
            assert_eq!(packet.sequence, index as u64);
            assert_eq!(packet.timestamp, index as u32 * 960);
            assert_eq!(packet.marker, index == 0);
        }
    }
}

#[test]
fn only_the_loudest_are_decoded() {
    let mut meeting = Meeting::new(AudioOptions { speakers: 2, ..AudioOptions::default() });
    for key in 0..10 {
        let amplitude = 0.05 + 0.05 * if key < 2 { key as f32 + 8.0 } else { 0.0 };
        meeting.join(key, Talker::new(Codec::Opus, 300.0 + 100.0 * key as f32, amplitude));
    }
    meeting.mixer.set_wanted(SHARED, opus());
    meeting.run(100);
    let speakers: Vec<_> = meeting.mixer.speakers().map(|speaker| speaker.port).collect();
    assert_eq!(speakers, [PortId(1), PortId(0)]);
    // Both began at once and neither pauses: whoever was first has the word.
    assert!(meeting.mixer.dominant_speaker().is_some_and(|port| speakers.contains(&port)));
    let heard = &meeting.heard.opus(SHARED)[48_000..];
    assert!(strength(heard, 400.0, 48e3) > -14.0);
    assert!(strength(heard, 700.0, 48e3) < -60.0);
}

#[test]
fn levels_are_measured_where_nobody_tells_them() {
    let mut meeting = Meeting::new(AudioOptions { speakers: 1, ..AudioOptions::default() });
    for (key, amplitude) in [(1, 0.02), (2, 0.3)] {
        let mut talker = Talker::new(Codec::Pcma, 400.0 * key as f32, amplitude);
        talker.level = false;
        meeting.join(key, talker);
    }
    meeting.mixer.set_wanted(SHARED, opus());
    meeting.run(100);
    assert_eq!(meeting.mixer.dominant_speaker(), Some(PortId(2)));
    assert!(meeting.mixer.speakers().next().unwrap().level > -15);
}

#[test]
fn the_muted_are_not_heard_and_gain_counts() {
    let mut meeting = meeting(AudioOptions::default());
    meeting.run(50);
    let muted = AudioPortOptions { muted: true, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PortId(1), muted);
    let louder = AudioPortOptions { gain: 2.0, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PortId(2), louder);
    meeting.run(150);
    let heard = &meeting.heard.opus(SHARED)[144_000..];
    assert!(strength(heard, 400.0, 48e3) < -60.0);
    assert!((strength(heard, 700.0, 48e3) + 17.0).abs() < 2.0);
    assert!((strength(heard, 1100.0, 48e3) + 23.0).abs() < 2.0);
}

#[test]
fn positions_are_heard_in_a_stereo_mix() {
    let mut meeting = meeting(AudioOptions::stereo());
    let left = AudioPortOptions { position: -1.0, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PortId(1), left);
    meeting.mixer.set_port(PortId(2), AudioPortOptions { position: 0.7, ..left });
    meeting.run(100);
    let mut decoder = crate::mcu::audio::opus::Decoder::new(true);
    let mut both = Vec::new();
    for packet in meeting.heard.of(SHARED, Codec::Opus) {
        decoder.decode(&packet.payload, &mut both).unwrap();
    }
    let side =
        |side: usize| both[96_000..].iter().skip(side).step_by(2).copied().collect::<Vec<_>>();
    let difference =
        |frequency| strength(&side(0), frequency, 48e3) - strength(&side(1), frequency, 48e3);
    assert!(difference(400.0) > 12.0, "{}", difference(400.0));
    assert!(difference(700.0) < -6.0, "{}", difference(700.0));
    assert!(difference(1100.0).abs() < 1.0, "{}", difference(1100.0));
}

#[test]
fn a_thousand_silent_ports_are_not_looked_at() {
    let mut meeting = meeting(AudioOptions::default());
    for key in 10..1010 {
        let mut talker = Talker::new(Codec::Pcmu, 300.0, 0.0);
        talker.level = true;
        meeting.join(key, talker);
    }
    meeting.run(20);
    assert_eq!(meeting.mixer.active_ports(), 3);
    assert!(meeting.mixer.port_stats(PortId(500)).unwrap().buffered < Duration::from_millis(200));
}

#[test]
fn nothing_wanted_or_nothing_heard_is_idle() {
    let mut meeting = meeting(AudioOptions::default());
    meeting.run(20);
    assert!(!meeting.mixer.idle());
    meeting.talkers.clear();
    meeting.run(250);
    assert!(meeting.mixer.idle());
    let before = meeting.heard.packets.len();
    // Time went by without ticks.
    meeting.now += TICK * 500;
    meeting.join(7, Talker::new(Codec::Opus, 500.0, 0.2));
    meeting.tick();
    assert!(!meeting.mixer.idle());
    let resumed = &meeting.heard.packets[before].1;
    assert_eq!(resumed.timestamp, (270 + 500) * 960);
    for target in [SHARED, port(1), port(2), port(3), port(4)] {
        meeting.mixer.set_wanted(target, CodecSet::EMPTY);
    }
    assert!(meeting.mixer.idle());
}

#[test]
fn dtx_sends_nothing_in_silence_but_time_goes_on() {
    let mut meeting = Meeting::new(AudioOptions { dtx: true, ..AudioOptions::default() });
    meeting.join(1, Talker::new(Codec::Opus, 500.0, 0.2));
    meeting.mixer.set_wanted(SHARED, opus());
    meeting.run(50);
    meeting.talker(1).amplitude = 0.0;
    meeting.run(150);
    meeting.talker(1).amplitude = 0.2;
    meeting.run(50);
    let packets: Vec<_> = meeting.heard.of(SHARED, Codec::Opus).collect();
    assert!(packets.len() < 180, "{}", packets.len());
    let last = packets.last().unwrap();
    assert_eq!((last.timestamp, last.sequence), (249 * 960, packets.len() as u64 - 1));
    assert!(
        packets
            .windows(2)
            .all(|pair| { pair[1].marker == (pair[1].timestamp - pair[0].timestamp > 960) })
    );
}
