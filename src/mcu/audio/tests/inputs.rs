//! Every kind of source, and what comes out to the application.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::support::{Meeting, Talker, opus, residues, strength};
use crate::codec::{Codec, red};
use crate::mcu::PortId;
use crate::mcu::audio::file::tests::wav;
use crate::mcu::audio::{
    AudioOptions, AudioPortOptions, AudioTarget, CodecSet, PcmError, PcmFormat, PcmFrame, TapKey,
    TapSource, Tone, g711, g722, signal,
};

const SHARED: AudioTarget = AudioTarget::Shared;
const PORT: PortId = PortId(1);
const FULL: PcmFormat = PcmFormat { rate: 48_000, channels: 1, frame_ms: 20 };

fn samples(pcm: &[i16]) -> Vec<f32> {
    pcm.iter().map(|&sample| signal::from_i16(sample)).collect()
}

/// What the shared mix sounds like.
fn heard(meeting: &Meeting) -> Vec<f32> {
    samples(&meeting.heard.pcm[&TapKey(0)])
}

fn meeting() -> Meeting {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(SHARED), FULL);
    meeting
}

#[test]
fn every_codec_is_heard_and_clean() {
    for (codec, noise) in
        [(Codec::Opus, -40.0), (Codec::Pcmu, -48.0), (Codec::Pcma, -48.0), (Codec::G722, -43.0)]
    {
        let mut meeting = meeting();
        meeting.join(1, Talker::new(codec, 1000.0, 0.25));
        meeting.run(150);
        let heard = &heard(&meeting)[48_000..];
        let strength = strength(heard, 1000.0, 48e3);
        assert!((strength + 15.05).abs() < 0.7, "{codec}: {strength}");
        let loudest = residues(heard, &[1000.0], 4800).into_iter().fold(-127.0, f32::max);
        assert!(loudest < noise, "{codec}: {loudest}");
        let stats = meeting.mixer.port_stats(PORT).unwrap();
        assert_eq!((stats.packets, stats.late, stats.discarded), (150, 0, 0), "{codec}");
    }
}

#[test]
fn every_codec_comes_out() {
    let mut meeting = meeting();
    meeting.join(1, Talker::new(Codec::Opus, 1000.0, 0.25));
    meeting.mixer.set_wanted(SHARED, CodecSet::CODECS.into_iter().collect());
    meeting.run(100);
    let law = |codec, law: g711::Law| -> Vec<f32> {
        let packets = meeting.heard.of(SHARED, codec);
        packets
            .flat_map(|packet| packet.payload.to_vec())
            .map(|byte| signal::from_i16(law.decode(byte)))
            .collect()
    };
    let mut decoder = g722::Decoder::default();
    let wide: Vec<f32> = meeting
        .heard
        .of(SHARED, Codec::G722)
        .flat_map(|packet| packet.payload.to_vec())
        .flat_map(|byte| decoder.decode(byte).map(signal::from_i16))
        .collect();
    let sounds = [
        (meeting.heard.opus(SHARED), 48_000),
        (law(Codec::Pcmu, g711::Law::Mu), 8_000),
        (law(Codec::Pcma, g711::Law::A), 8_000),
        (wide, 16_000),
    ];
    for (sound, rate) in sounds {
        assert_eq!(sound.len(), 2 * rate);
        let strength = strength(&sound[rate..], 1000.0, rate as f32);
        assert!((strength + 15.05).abs() < 1.0, "{rate}: {strength}");
    }
    let last = meeting.heard.of(SHARED, Codec::Pcmu).last().unwrap();
    assert_eq!((last.timestamp, last.payload.len()), (99 * 160, 160));
    assert_eq!(last.audio_level, Some((-15, true)));
}

#[test]
fn a_port_may_change_its_codec_or_source_without_a_click() {
    let mut meeting = meeting();
    meeting.join(1, Talker::new(Codec::Opus, 400.0, 0.25));
    meeting.run(60);
    for (codec, reset) in [(Codec::Pcmu, false), (Codec::G722, false), (Codec::Opus, true)] {
        meeting.talkers[0].1 = Talker::new(codec, 400.0, 0.25);
        if reset {
            meeting.mixer.reset_input(PORT);
        }
        meeting.run(60);
    }
    let heard = heard(&meeting);
    let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    // A sine of 400 Hz at that amplitude moves by 0.0131 at most.
    assert!(step < 0.035, "{step}");
    assert!(strength(&heard[heard.len() - 24_000..], 400.0, 48e3) > -16.0);
}

#[test]
fn an_application_is_heard_at_any_rate() {
    for (rate, channels) in [(8_000, 1), (16_000, 2), (24_000, 1), (48_000, 2)] {
        let mut meeting = meeting();
        meeting.mixer.add_port(PORT, AudioPortOptions::default());
        let mut sample = 0;
        for _ in 0..100 {
            let pcm: Vec<i16> = (0..rate / 50)
                .flat_map(|_| {
                    sample += 1;
                    let angle = sample as f32 * 440.0 * std::f32::consts::TAU / rate as f32;
                    std::iter::repeat_n((angle.sin() * 8192.0) as i16, channels)
                })
                .collect();
            let frame =
                PcmFrame { samples: &pcm, channels: channels as u8, rate, timestamp: meeting.now };
            meeting.mixer.write_pcm(PORT, &frame).unwrap();
            meeting.tick();
        }
        let strength = strength(&heard(&meeting)[48_000..], 440.0, 48e3);
        assert!((strength + 15.05).abs() < 0.3, "{rate}: {strength}");
        assert!(meeting.mixer.pcm_queued(PORT) < Duration::from_millis(40));
    }
}

#[test]
fn an_application_that_writes_too_much_is_told() {
    let mut meeting = meeting();
    let frame = PcmFrame { samples: &[0; 960], channels: 1, rate: 48_000, timestamp: meeting.now };
    assert_eq!(meeting.mixer.write_pcm(PORT, &frame), Err(PcmError::NoSuchPort));
    meeting.mixer.add_port(PORT, AudioPortOptions::default());
    let taken = (0..60).filter(|_| meeting.mixer.write_pcm(PORT, &frame).is_ok()).count();
    assert_eq!((taken, meeting.mixer.pcm_queued(PORT)), (50, Duration::from_secs(1)));
    assert_eq!(meeting.mixer.write_pcm(PORT, &frame), Err(PcmError::Full));
}

#[test]
fn taps_give_every_format() {
    let mut meeting = Meeting::new(AudioOptions::stereo());
    meeting.join(1, Talker::new(Codec::Opus, 1000.0, 0.25));
    let mut key = 0;
    for source in [TapSource::Mix(SHARED), TapSource::Input(PORT)] {
        for rate in [8_000, 16_000, 24_000, 48_000] {
            for (channels, frame_ms) in [(1, 10), (2, 20)] {
                let format = PcmFormat { rate, channels, frame_ms };
                assert!(meeting.mixer.add_tap(TapKey(key), source, format));
                key += 1;
            }
        }
    }
    let wrong = PcmFormat { rate: 44_100, ..FULL };
    assert!(!meeting.mixer.add_tap(TapKey(99), TapSource::Mix(SHARED), wrong));
    assert!(!meeting.mixer.add_tap(TapKey(99), TapSource::Input(PortId(77)), FULL));
    meeting.run(100);
    for (&TapKey(key), pcm) in &meeting.heard.pcm {
        let rate = [8_000, 16_000, 24_000, 48_000][key as usize / 2 % 4];
        let channels = 1 + key as usize % 2;
        assert_eq!(pcm.len(), 2 * rate * channels);
        let one: Vec<i16> = pcm.iter().step_by(channels).copied().collect();
        let strength = strength(&samples(&one)[rate..], 1000.0, rate as f32);
        assert!((strength + 15.05).abs() < 0.7, "{rate}: {strength}");
    }
    let halves: Vec<_> =
        meeting.heard.pcm_frames.iter().filter(|(tap, ..)| *tap == TapKey(0)).take(2).collect();
    assert_eq!((halves[0].1, halves[1].1), (80, 80));
    assert_eq!(halves[1].2 - halves[0].2, Duration::from_millis(10));
}

#[test]
fn an_input_is_tapped_whether_it_is_heard_or_not() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, Talker::new(Codec::Opus, 600.0, 0.25));
    let muted = AudioPortOptions { muted: true, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PORT, muted);
    meeting.mixer.add_tap(TapKey(0), TapSource::Input(PORT), FULL);
    meeting.run(100);
    assert!((strength(&heard(&meeting)[48_000..], 600.0, 48e3) + 15.0).abs() < 0.7);
    assert_eq!(meeting.mixer.speakers().count(), 0);
    meeting.mixer.remove_tap(TapKey(0));
    assert!(meeting.mixer.idle());
}

#[test]
fn a_tap_without_a_port_does_not_hear_it() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, Talker::new(Codec::Opus, 600.0, 0.25));
    meeting.join(2, Talker::new(Codec::Opus, 900.0, 0.25));
    let others = TapSource::Mix(AudioTarget::Port(PORT));
    meeting.mixer.add_tap(TapKey(0), others, FULL);
    meeting.run(100);
    let heard = &heard(&meeting)[48_000..];
    assert!(strength(heard, 600.0, 48e3) < -60.0);
    assert!((strength(heard, 900.0, 48e3) + 15.0).abs() < 0.7);
}

#[test]
fn tones_and_files_are_heard_beside_the_loudest() {
    let mut meeting = Meeting::new(AudioOptions { speakers: 1, ..AudioOptions::default() });
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(SHARED), FULL);
    meeting.join(1, Talker::new(Codec::Opus, 600.0, 0.3));
    for key in [2, 3, 4] {
        meeting.mixer.add_port(PortId(key), AudioPortOptions::default());
    }
    let tone = Tone { frequency: 697.0, second: Some(1336.0), level: -40.0 };
    meeting.mixer.set_tone(PortId(2), Some(tone));
    let quiet = AudioPortOptions { gain: 0.02, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PortId(3), quiet);
    meeting.mixer.play_file(PortId(3), wav(16_000, 2, 16_000), false).unwrap();
    meeting.mixer.set_port(PortId(4), quiet);
    meeting.mixer.play_file(PortId(4), wav(8_000, 1, 4_000), true).unwrap();
    meeting.run(100);
    meeting.mixer.stop_file(PortId(4));
    meeting.mixer.set_tone(PortId(2), None);
    meeting.run(50);
    assert_eq!(meeting.heard.ended, [PortId(3)]);
    let heard = heard(&meeting);
    let during = &heard[9_600..43_200];
    assert!((strength(during, 1336.0, 48e3) + 43.0).abs() < 1.5);
    assert!(strength(during, 440.0, 48e3) > -44.0);
    assert!(strength(during, 600.0, 48e3) > -15.0);
    let after = &heard[120_000..];
    assert!(strength(after, 1336.0, 48e3) < -60.0 && strength(after, 440.0, 48e3) < -60.0);
}

#[test]
fn redundancy_takes_the_place_of_what_is_lost() {
    let mut meeting = meeting();
    meeting.mixer.add_port(PORT, AudioPortOptions::default());
    meeting.mixer.set_wanted(SHARED, opus());
    let mut talker = Talker::new(Codec::Opus, 1000.0, 0.25);
    let mut before: Arc<[u8]> = Arc::new([]);
    for tick in 0..200 {
        let mut packet = talker.packet(meeting.now);
        let mut payload = Vec::new();
        if tick > 0 {
            payload.extend(red::header(111, 960, before.len() as u16));
        }
        payload.push(111);
        payload.extend(before.iter().filter(|_| tick > 0));
        payload.extend(packet.payload.iter());
        before = std::mem::replace(&mut packet.payload, payload.into());
        packet.red = true;
        if tick % 4 != 3 {
            meeting.mixer.receive(PORT, &packet);
        }
        meeting.tick();
    }
    let stats = meeting.mixer.port_stats(PORT).unwrap();
    assert!(stats.redundant >= 45, "{stats:?}");
    assert_eq!((stats.fec, stats.concealed_ms), (0, 0), "{stats:?}");
    let worst =
        residues(&heard(&meeting)[48_000..], &[1000.0], 4800).into_iter().fold(-127.0, f32::max);
    assert!(worst < -40.0, "{worst}");
}

#[test]
fn five_loud_voices_are_not_clipped() {
    let mut meeting = Meeting::new(AudioOptions { speakers: 5, ..AudioOptions::default() });
    meeting.mixer.add_tap(TapKey(0), TapSource::Mix(SHARED), FULL);
    let frequencies = [310.0, 470.0, 720.0, 1130.0, 1690.0];
    for (key, frequency) in frequencies.into_iter().enumerate() {
        let key = PortId(key as u64);
        meeting.mixer.add_port(key, AudioPortOptions::default());
        meeting.mixer.set_tone(key, Some(Tone { frequency, second: None, level: -1.0 }));
    }
    meeting.mixer.set_wanted(SHARED, opus());
    meeting.run(150);
    let heard = &heard(&meeting)[72_000..];
    assert!(heard.iter().all(|sample| sample.abs() < 0.9));
    let loudest = residues(heard, &frequencies, 2400).into_iter().fold(-127.0, f32::max);
    let signal = signal::level(heard);
    assert!(loudest < signal - 33.0, "distortion {loudest} of {signal}");
    let limited = meeting.mixer.target_stats(SHARED).unwrap().limited_db;
    assert!((6.0..16.0).contains(&limited), "{limited}");
}

#[test]
fn automatic_gain_works_in_the_mix() {
    let mut meeting = meeting();
    meeting.join(1, Talker::new(Codec::Opus, 500.0, 0.02));
    let options = AudioPortOptions { auto_gain: true, ..AudioPortOptions::default() };
    meeting.mixer.set_port(PORT, options);
    meeting.run(600);
    let level = signal::level(&heard(&meeting)[480_000..]);
    assert!((-24.0..-20.0).contains(&level), "{level}");
}

#[test]
fn noise_is_suppressed_where_it_is_asked_for() {
    let level = |noise_suppression| {
        let mut random = SmallRng::seed_from_u64(1);
        let (mut meeting, mut hum) = (meeting(), 0.0f32);
        let options = AudioPortOptions { noise_suppression, ..AudioPortOptions::default() };
        meeting.mixer.add_port(PORT, options);
        for _ in 0..200 {
            let noise: Vec<i16> = (0..960)
                .map(|_| {
                    hum = hum * 0.95 + random.random_range(-200.0..200.0);
                    hum as i16
                })
                .collect();
            let timestamp = meeting.now;
            let frame = PcmFrame { samples: &noise, channels: 1, rate: 48_000, timestamp };
            meeting.mixer.write_pcm(PORT, &frame).unwrap();
            meeting.tick();
        }
        signal::level(&heard(&meeting)[120_000..])
    };
    let (with, without) = (level(true), level(false));
    assert!(with < without - 6.0, "{without} to {with} dBov");
}
