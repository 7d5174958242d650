//! What participants send: made once with the engine's own encoders, then repeated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::mcu::audio::{
    AudioMixer, AudioOptions, AudioPortOptions, AudioSink, AudioTarget, CodecSet, PcmFrame, TICK,
};
use medialoom::mcu::video::{
    Background, ClassIndex, ClassOptions, Fonts, Frame, PixelFormat, TapKey, VideoMixer,
    VideoOptions, VideoPortOptions, VideoSink, Wanted,
};
use medialoom::mcu::{MadePacket, PortId};

use crate::voice::{RATE, Voice};

pub type Packets = Arc<Vec<Vec<MadePacket>>>;

/// The one port of a mixer that makes packets.
pub const PORT: PortId = PortId(1);

/// A mixer whose sound somebody takes in Opus.
pub fn opus_mixer() -> AudioMixer {
    let mut mixer = AudioMixer::new(AudioOptions::mono());
    mixer.add_port(PORT, AudioPortOptions::default());
    mixer.set_wanted(AudioTarget::Shared, CodecSet::EMPTY.with(Codec::Opus));
    mixer
}

#[derive(Default)]
struct Kept(Vec<MadePacket>);

impl AudioSink for Kept {
    fn packet(&mut self, _: AudioTarget, packet: MadePacket) {
        self.0.push(packet);
    }
}

/// Two seconds of somebody who talks, in Opus.
pub fn talking(seed: u64) -> Packets {
    let now = Instant::now();
    let mut mixer = opus_mixer();
    let mut voice = Voice::new(seed);
    let mut samples = [0; 960];
    let frames = (0..100).map(|frame| {
        voice.fill(&mut samples);
        let timestamp = now + TICK * frame;
        let pcm = PcmFrame { samples: &samples, channels: 1, rate: RATE, timestamp };
        let _ = mixer.write_pcm(PORT, &pcm);
        let mut kept = Kept::default();
        mixer.tick(timestamp, &mut kept);
        kept.0
    });
    Arc::new(frames.collect())
}

/// Somebody who listens with an open microphone: packets of next to nothing.
pub fn silent() -> Packets {
    // An Opus frame of silence, as encoders write it: CELT, 20 ms, mono.
    let packet = MadePacket {
        sequence: 0,
        timestamp: 0,
        marker: false,
        codec: Codec::Opus,
        payload: Arc::from([0xf8, 0xff, 0xfe].as_slice()),
        captured: Instant::now(),
        audio_level: None,
    };
    Arc::new(vec![vec![packet]])
}

#[derive(Default)]
struct Pictures(Vec<MadePacket>);

impl VideoSink for Pictures {
    fn packet(&mut self, _: ClassIndex, packet: MadePacket, _: bool) {
        self.0.push(packet);
    }

    fn frame(&mut self, _: TapKey, _: Frame<'_>, _: Instant) {}

    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, _: PortId) {}
}

/// Something that moves, in VP8: it begins with a keyframe and can be repeated.
pub fn moving(width: u16, height: u16, frame_rate: u8, frames: u32) -> Packets {
    let now = Instant::now();
    let bitrate = u32::from(width) * u32::from(height) * 2;
    let class = ClassOptions { codec: Codec::Vp8, width, height, frame_divisor: 1, bitrate };
    let mut mixer = VideoMixer::new(VideoOptions {
        width,
        height,
        fps: frame_rate.into(),
        background: Background::default(),
        fonts: Fonts::default(),
        classes: vec![class],
    })
    .unwrap();
    mixer.add_port(PORT, VideoPortOptions::default()).unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    let interval = Duration::from_secs(1) / u32::from(frame_rate);
    let mut data = vec![128; PixelFormat::I420.len(width, height)];
    let made = (0..frames).map(|frame| {
        draw(&mut data, width, height, frame);
        let at = now + interval * frame;
        let picture = Frame { width, height, format: PixelFormat::I420, data: &data };
        let _ = mixer.write_frame(PORT, &picture, at);
        let mut kept = Pictures::default();
        mixer.tick(at, &mut kept);
        kept.0
    });
    Arc::new(made.collect())
}

/// A shaded background with a bright disc that goes round, as somebody moves before a wall.
pub fn draw(data: &mut [u8], width: u16, height: u16, frame: u32) {
    let (w, h) = (usize::from(width), usize::from(height));
    let angle = frame as f32 * 0.1;
    let (cx, cy) = (w as f32 * (0.5 + 0.2 * angle.cos()), h as f32 * (0.5 + 0.2 * angle.sin()));
    let radius = h as f32 * 0.25;
    for y in 0..h {
        for x in 0..w {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let inside = dx * dx + dy * dy < radius * radius;
            let texture = ((x * 7 + y * 13) % 23) as u8;
            data[y * w + x] =
                if inside { 180 + texture } else { 40 + (x * 80 / w) as u8 + texture / 4 };
        }
    }
}
