//! Loss, jitter, pauses and clocks that differ.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::support::{Meeting, Talker, residues, strength};
use crate::codec::Codec;
use crate::mcu::audio::{
    AudioOptions, AudioPortOptions, AudioTarget, PcmFormat, PortStats, TICK, TapKey, TapSource,
    signal,
};
use crate::mcu::{PortId, TakenPacket};

const PORT: PortId = PortId(1);
const TAP: PcmFormat = PcmFormat { rate: 48_000, channels: 1, frame_ms: 20 };

/// One talker over a network that says for each packet how long it takes, or that it is lost.
fn talk(
    mut talker: Talker,
    packets: usize,
    mut network: impl FnMut(usize) -> Option<u64>,
) -> (Vec<f32>, PortStats, Duration) {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.mixer.add_port(PORT, AudioPortOptions::default());
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(AudioTarget::Shared), TAP);
    let mut way: Vec<TakenPacket> = Vec::new();
    for index in 0..packets {
        let mut packet = talker.packet(meeting.now);
        if let Some(delay) = network(index) {
            packet.arrival += Duration::from_millis(delay);
            way.push(packet);
        }
        way.sort_by_key(|packet| packet.arrival);
        let end = meeting.now + TICK;
        let arrived = way.iter().take_while(|packet| packet.arrival < end).count();
        for packet in way.drain(..arrived) {
            meeting.mixer.receive(PORT, &packet);
        }
        meeting.now = end;
        meeting.mixer.tick(end, &mut meeting.heard);
    }
    let heard = meeting.heard.pcm[&TapKey(0)].iter().map(|&s| signal::from_i16(s)).collect();
    let delay = meeting.mixer.playout_delay(PORT).unwrap();
    (heard, meeting.mixer.port_stats(PORT).unwrap(), delay)
}

fn worst(heard: &[f32], frequency: f32) -> f32 {
    residues(heard, &[frequency], 960).into_iter().fold(-127.0, f32::max)
}

#[test]
fn an_even_network_costs_little_delay() {
    let (_, stats, delay) = talk(Talker::new(Codec::Opus, 500.0, 0.25), 1000, |_| Some(5));
    assert_eq!((stats.late, stats.concealed_ms), (0, 0), "{stats:?}");
    assert!(stats.target_delay <= Duration::from_millis(35), "{stats:?}");
    // Captured a packet before it was sent, and the way.
    assert!(delay < Duration::from_millis(70), "{delay:?}");
}

#[test]
fn jitter_is_waited_for() {
    let mut random = SmallRng::seed_from_u64(3550);
    let talker = Talker::new(Codec::Opus, 500.0, 0.25);
    let (heard, stats, delay) = talk(talker, 1500, |_| Some(random.random_range(5..65)));
    assert!(stats.late < 40, "{stats:?}");
    assert!((60..130).contains(&stats.target_delay.as_millis()), "{stats:?}");
    assert!((80..200).contains(&delay.as_millis()), "{delay:?}");
    let middle = residues(&heard[480_000..], &[500.0], 960);
    let bad = middle.iter().filter(|residue| **residue > -35.0).count();
    assert!(bad < middle.len() / 20, "{bad} of {}", middle.len());
}

#[test]
fn lost_opus_packets_come_back_from_those_behind() {
    let lossy = |index| (index % 10 != 7).then_some(5);
    // FEC is of SILK, which speech at a low rate is coded with.
    let talker = Talker::new(Codec::Opus, 130.0, 0.25).with_voice();
    let (heard, stats, _) = talk(talker, 500, lossy);
    assert!(stats.fec >= 25, "{stats:?}");
    assert!(stats.concealed_ms < 500, "{stats:?}");
    let quietest = heard[48_000..].chunks(4800).map(signal::level).fold(0.0, f32::min);
    assert!(quietest > -30.0, "{quietest}");
}

#[test]
fn lost_packets_of_old_codecs_are_made_up() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let lossy = |index| (index % 10 != 7).then_some(5);
        let (heard, stats, _) = talk(Talker::new(codec, 500.0, 0.25), 500, lossy);
        assert!((900..1100).contains(&stats.concealed_ms), "{codec}: {stats:?}");
        assert_eq!((stats.fec, stats.late), (0, 0));
        // A loss of a tenth that was silent would be heard at -22 dBov and worse.
        let worst = worst(&heard[48_000..], 500.0);
        assert!(worst < -24.0, "{codec}: {worst}");
        let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.25 * 500.0 * std::f32::consts::TAU / 48e3 * 2.0, "{codec}: {step}");
    }
}

#[test]
fn repeated_and_mixed_up_packets_change_nothing() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.mixer.add_port(PORT, AudioPortOptions::default());
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(AudioTarget::Shared), TAP);
    let mut talker = Talker::new(Codec::Opus, 500.0, 0.25);
    for _ in 0..150 {
        let (one, two) = (talker.packet(meeting.now), talker.packet(meeting.now + TICK));
        meeting.tick();
        for packet in [&two, &one, &two] {
            let packet = TakenPacket { arrival: meeting.now, ..packet.clone() };
            meeting.mixer.receive(PORT, &packet);
        }
        meeting.tick();
    }
    let stats = meeting.mixer.port_stats(PORT).unwrap();
    assert!((140..=160).contains(&(stats.discarded + stats.late)), "{stats:?}");
    assert_eq!(stats.fec, 0);
    let heard: Vec<f32> =
        meeting.heard.pcm[&TapKey(0)].iter().map(|&s| signal::from_i16(s)).collect();
    assert!(worst(&heard[96_000..], 500.0) < -38.0, "{}", worst(&heard[96_000..], 500.0));
}

#[test]
fn a_stall_is_caught_up_with() {
    // Half a second in which nothing comes, and then all at once.
    let network = |index: usize| {
        Some(if (300..325).contains(&index) { (325 - index as u64) * 20 } else { 5 })
    };
    let (heard, stats, delay) = talk(Talker::new(Codec::Opus, 500.0, 0.25), 3000, network);
    assert!(stats.late < 10, "{stats:?}");
    assert!(stats.target_delay < Duration::from_millis(60), "{stats:?}");
    assert!(delay < Duration::from_millis(120), "{delay:?}");
    for (index, window) in heard[2_400_000..].chunks_exact(4800).enumerate() {
        let strength = strength(window, 500.0, 48e3);
        // A speed that is off by a percent would make this a quarter.
        assert!((strength + 15.0).abs() < 1.5, "{index}: {strength}");
    }
}

#[test]
fn a_pause_of_the_sender_is_no_loss() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.mixer.add_port(PORT, AudioPortOptions::default());
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(AudioTarget::Shared), TAP);
    let mut talker = Talker::new(Codec::Opus, 500.0, 0.25);
    for tick in 0..600 {
        let packet = talker.packet(meeting.now);
        if tick % 100 < 60 {
            meeting.mixer.receive(PORT, &packet);
        } else {
            // DTX: no number is used up.
            talker.sequence -= 1;
        }
        meeting.tick();
    }
    let stats = meeting.mixer.port_stats(PORT).unwrap();
    assert_eq!((stats.concealed_ms, stats.fec, stats.late), (0, 0, 0), "{stats:?}");
    assert!(stats.target_delay <= Duration::from_millis(50));
    // A word after a pause comes at once.
    let heard: Vec<f32> =
        meeting.heard.pcm[&TapKey(0)].iter().map(|&s| signal::from_i16(s)).collect();
    let began = heard[96_000 * 5..].iter().position(|sample| sample.abs() > 0.1).unwrap();
    assert!(began < 4800, "{began}");
}

#[test]
fn a_sender_whose_clock_jumps_is_followed() {
    let mut talker = Some(Talker::new(Codec::Opus, 500.0, 0.25));
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, talker.take().unwrap());
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(AudioTarget::Shared), TAP);
    meeting.run(100);
    meeting.talker(1).timestamp = 77;
    meeting.run(100);
    meeting.talker(1).timestamp = 0x9000_0000;
    meeting.run(100);
    let heard: Vec<f32> =
        meeting.heard.pcm[&TapKey(0)].iter().map(|&s| signal::from_i16(s)).collect();
    for from in [120, 220] {
        for window in heard[from * 960..(from + 60) * 960].chunks(4800) {
            let strength = strength(window, 500.0, 48e3);
            assert!((strength + 15.0).abs() < 0.7, "{from}: {strength}");
        }
    }
}
