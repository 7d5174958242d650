//! Sound and picture of one sender leave a mixer in step, however differently they came.
#![cfg(feature = "mcu")]

use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::mcu::audio::{
    AudioMixer, AudioOptions, AudioPortOptions, AudioSink, AudioTarget, CodecSet, PcmFormat,
    PcmFrame, TapKey, TapSource,
};
use medialoom::mcu::video::{
    self, Background, ClassIndex, ClassOptions, Fonts, Frame, PixelFormat, Source, TapOptions,
    VideoMixer, VideoOptions, VideoPortOptions, VideoSink, Wanted,
};
use medialoom::mcu::{MadePacket, PortId, TakenPacket};

const PORT: PortId = PortId(1);
/// Of sound. Pictures come with every other one.
const TICK: Duration = Duration::from_millis(20);
const SIZE: (u16, u16) = (160, 90);

/// What a mixer made in one turn.
#[derive(Default)]
struct Made {
    packets: Vec<MadePacket>,
    loud: bool,
    bright: Option<bool>,
}

impl AudioSink for Made {
    fn packet(&mut self, _: AudioTarget, packet: MadePacket) {
        self.packets.push(packet);
    }

    fn pcm(&mut self, _: TapKey, samples: &[i16], _: Instant) {
        self.loud |= samples.iter().any(|sample| sample.unsigned_abs() > 2_000);
    }
}

impl VideoSink for Made {
    fn packet(&mut self, _: ClassIndex, packet: MadePacket, _: bool) {
        self.packets.push(packet);
    }

    fn frame(&mut self, _: video::TapKey, frame: Frame<'_>, _: Instant) {
        let middle = usize::from(SIZE.1) / 2 * usize::from(SIZE.0) + usize::from(SIZE.0) / 2;
        self.bright = frame.data.get(middle).map(|luma| *luma > 128);
    }

    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, _: PortId) {}
}

fn sound() -> AudioMixer {
    let mut mixer = AudioMixer::new(AudioOptions::mono());
    mixer.add_port(PORT, AudioPortOptions::default());
    mixer.set_wanted(AudioTarget::Shared, CodecSet::EMPTY.with(Codec::Opus));
    let format = PcmFormat { rate: 48_000, channels: 1, frame_ms: 20 };
    mixer.add_tap(TapKey(1), TapSource::Mix(AudioTarget::Shared), format);
    mixer
}

fn pictures() -> VideoMixer {
    let (width, height) = SIZE;
    let class =
        ClassOptions { codec: Codec::Vp8, width, height, frame_divisor: 1, bitrate: 500_000 };
    let background = Background::default();
    let (fonts, classes) = (Fonts::default(), vec![class]);
    let options = VideoOptions { width, height, fps: 25.0, background, fonts, classes };
    let mut mixer = VideoMixer::new(options).unwrap();
    mixer.add_port(PORT, VideoPortOptions::default()).unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    let source = Source::Canvas;
    let tap =
        TapOptions { source, format: PixelFormat::I420, size: None, max_fps: 60.0, steady: false };
    mixer.add_tap(video::TapKey(1), tap).unwrap();
    mixer
}

fn input(packet: MadePacket, captured: Instant, arrival: Instant) -> TakenPacket {
    TakenPacket {
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        marker: packet.marker,
        codec: packet.codec,
        red: false,
        payload: packet.payload,
        arrival,
        captured,
        audio_level: packet.audio_level.map(|(level, _)| level),
        rotation: 0,
    }
}

/// Milliseconds from each flash to its beep, as a mixer shows and plays them, when sound takes
/// `sound` and pictures take `picture` milliseconds to come, and some up to 20 more.
fn skews(sound_takes: u64, picture_takes: u64) -> Vec<i64> {
    let start = Instant::now() + Duration::from_secs(60);
    let (mut microphone, mut camera) = (sound(), pictures());
    let (mut heard, mut seen) = (sound(), pictures());
    seen.tick(start, &mut Made::default());
    let mut under_way: Vec<TakenPacket> = Vec::new();
    let (mut flashes, mut beeps) = (Vec::new(), Vec::new());
    let (mut was_bright, mut quiet) = (false, 0);
    for tick in 0..1_000u32 {
        let now = start + TICK * tick;
        // On for 300 ms of every second.
        let on = tick % 50 < 15;
        let wave = |at: usize| if on && (at / 24).is_multiple_of(2) { 12_000 } else { 300 };
        let samples: Vec<i16> = (0..960).map(wave).collect();
        let pcm = PcmFrame { samples: &samples, channels: 1, rate: 48_000, timestamp: now };
        microphone.write_pcm(PORT, &pcm).unwrap();
        let mut sent = Made::default();
        microphone.tick(now, &mut sent);
        let later = |takes: u64| now + Duration::from_millis(takes + u64::from(tick * 7 % 21));
        let own = sent.packets.drain(..);
        under_way.extend(own.map(|packet| input(packet, now, later(sound_takes))));
        if tick % 2 == 0 {
            let (width, height) = SIZE;
            let mut data = vec![if on { 220 } else { 30 }; PixelFormat::I420.len(width, height)];
            data[usize::from(width) * usize::from(height)..].fill(128);
            let frame = Frame { width, height, format: PixelFormat::I420, data: &data };
            camera.write_frame(PORT, &frame, now).unwrap();
            camera.tick(now, &mut sent);
            let own = sent.packets.drain(..);
            under_way.extend(own.map(|packet| input(packet, now, later(picture_takes))));
        }
        under_way.sort_by_key(|packet| packet.arrival);
        let come = under_way.partition_point(|packet| packet.arrival <= now);
        for packet in under_way.drain(..come) {
            match packet.codec {
                Codec::Opus => {
                    heard.receive(PORT, &packet);
                }
                _ => seen.receive(PORT, &packet),
            }
        }
        // As the engine runs them.
        let mut made = Made::default();
        heard.tick(now, &mut made);
        seen.set_delay(PORT, heard.playout_delay(PORT));
        if tick % 2 == 0 {
            seen.tick(now, &mut made);
        }
        if made.loud && quiet > 10 {
            beeps.push(now);
        }
        quiet = if made.loud { 0 } else { quiet + 1 };
        let bright = made.bright.unwrap_or(was_bright);
        if bright && !was_bright {
            flashes.push(now);
        }
        was_bright = bright;
    }
    let milliseconds = |later: Instant, earlier: Instant| {
        let ahead = later.saturating_duration_since(earlier).as_millis() as i64;
        ahead - earlier.saturating_duration_since(later).as_millis() as i64
    };
    // The first seconds are those in which the jitter buffer finds its size.
    let settled = flashes.into_iter().filter(|flash| *flash > start + Duration::from_secs(5));
    let nearest = |flash: Instant| {
        beeps.iter().map(|beep| milliseconds(*beep, flash)).min_by_key(|skew| skew.abs())
    };
    settled.filter_map(nearest).collect()
}

#[test]
fn sound_and_picture_leave_within_forty_milliseconds_of_each_other() {
    for (sound, picture) in [(20, 20), (20, 60), (80, 20), (10, 0)] {
        let skews = skews(sound, picture);
        println!("sound takes {sound} ms, pictures {picture}: {skews:?}");
        assert!(skews.len() >= 12, "{} flashes", skews.len());
        let worst = skews.iter().map(|skew| skew.abs()).max().unwrap();
        assert!(worst <= 40, "sound takes {sound} ms, pictures {picture}: {skews:?}");
    }
}
