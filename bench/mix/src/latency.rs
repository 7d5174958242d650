//! How much later something leaves a mixer than it came in, on fake time.

use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::mcu::audio::{AudioSink, AudioTarget, PcmFormat, PcmFrame, TICK, TapKey, TapSource};
use medialoom::mcu::video::{
    self, Background, ClassIndex, ClassOptions, Fonts, Frame, PixelFormat, Source, TapOptions,
    VideoMixer, VideoOptions, VideoPortOptions, VideoSink, Wanted,
};
use medialoom::mcu::{MadePacket, PortId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::network::UnderWay;
use crate::sources::{PORT, opus_mixer};

/// What an Opus encoder waits for behind a frame (RFC 7587 4.2: 6.5 ms).
const LOOKAHEAD: Duration = Duration::from_micros(6_500);
const CLICKS: usize = 200;
/// Frames from one click to the next.
const PERIOD: u64 = 50;

#[derive(Default)]
struct Out {
    packets: Vec<MadePacket>,
    /// The tap hears something.
    loud: bool,
}

impl AudioSink for Out {
    fn packet(&mut self, _: AudioTarget, packet: MadePacket) {
        self.packets.push(packet);
    }

    fn pcm(&mut self, _: TapKey, samples: &[i16], _: Instant) {
        self.loud |= samples.iter().any(|sample| sample.unsigned_abs() > 2_000);
    }
}

/// Of a network with up to 10 ms of jitter: from the arrival of the packet with the beginning of a
/// sound to the moment at which a packet with it leaves.
pub fn sound() -> Value {
    let start = Instant::now();
    let mut rng = SmallRng::seed_from_u64(1);
    let (mut sender, mut mixer) = (opus_mixer(), opus_mixer());
    let format = PcmFormat { rate: 48_000, channels: 1, frame_ms: 20 };
    mixer.add_tap(TapKey(1), TapSource::Mix(AudioTarget::Shared), format);

    // Each with whether a sound begins in it.
    let mut under_way = UnderWay::new();
    let mut arrived: Option<Instant> = None;
    let mut added = Vec::new();
    let mut beyond = Vec::new();
    let mut quiet = 0;
    for tick in 0..CLICKS as u64 * PERIOD {
        let now = start + TICK * tick as u32;
        let click = tick % PERIOD == PERIOD / 2;
        let sample = |index: usize| {
            if click { if (index / 24).is_multiple_of(2) { 12_000 } else { -12_000 } } else { 0 }
        };
        let samples: Vec<i16> = (0..960).map(sample).collect();
        let pcm = PcmFrame { samples: &samples, channels: 1, rate: 48_000, timestamp: now };
        let _ = sender.write_pcm(PORT, &pcm);
        let mut sent = Out::default();
        sender.tick(now, &mut sent);
        for packet in sent.packets {
            let arrival = now + TICK + Duration::from_micros(rng.random_range(0..10_000));
            under_way.send(packet, arrival, click);
        }
        // The mixer's clock has no relation to the sender's.
        let moment = now + Duration::from_millis(7);
        under_way.take(moment, |packet, click| {
            mixer.receive(PORT, &packet);
            if click {
                arrived = Some(packet.arrival);
            }
        });
        let mut out = Out::default();
        mixer.tick(moment, &mut out);
        quiet = if out.loud { 0 } else { quiet + 1 };
        if out.loud
            && let Some(arrival) = arrived.take()
        {
            let waited = moment - arrival + LOOKAHEAD;
            let target = mixer.port_stats(PORT).map_or(Duration::ZERO, |stats| stats.target_delay);
            added.push(waited);
            beyond.push(waited.saturating_sub(target));
        }
    }
    json!({
        "name": "sound",
        "kind": "latency",
        "clicks": added.len(),
        "addedMsP50": percentile(&mut added, 0.5),
        "addedMsP99": percentile(&mut added, 0.99),
        "beyondTargetMsP50": percentile(&mut beyond, 0.5),
        "beyondTargetMsP99": percentile(&mut beyond, 0.99),
    })
}

pub fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort();
    let place = ((times.len() as f64 - 1.0) * share).round().max(0.0) as usize;
    times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// Pictures of the size that is sent, and of the canvas.
const SIZE: (u16, u16) = (320, 180);
const RATE: u32 = 25;

#[derive(Default)]
struct Seen {
    packets: Vec<MadePacket>,
    /// How bright the middle of the canvas is.
    middle: Option<u8>,
}

impl VideoSink for Seen {
    fn packet(&mut self, _: ClassIndex, packet: MadePacket, _: bool) {
        self.packets.push(packet);
    }

    fn frame(&mut self, _: video::TapKey, frame: Frame<'_>, _: Instant) {
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        self.middle = frame.data.get(height / 2 * width + width / 2).copied();
    }

    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, _: PortId) {}
}

fn canvas() -> VideoMixer {
    let (width, height) = SIZE;
    let class =
        ClassOptions { codec: Codec::Vp8, width, height, frame_divisor: 1, bitrate: 300_000 };
    let mut mixer = VideoMixer::new(VideoOptions {
        width,
        height,
        fps: RATE as f32,
        background: Background::default(),
        fonts: Fonts::default(),
        classes: vec![class],
    })
    .unwrap();
    mixer.add_port(PORT, VideoPortOptions::default()).unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    mixer
}

/// From the arrival of the last packet of a picture to the moment at which the canvas has it. What
/// encoding takes comes on top.
pub fn picture() -> Value {
    let start = Instant::now();
    let mut rng = SmallRng::seed_from_u64(1);
    let (mut sender, mut mixer) = (canvas(), canvas());
    let tap =
        TapOptions { source: Source::Canvas, format: PixelFormat::I420, size: None, max_fps: 60.0 };
    mixer.add_tap(video::TapKey(1), tap).unwrap();
    // What nobody wants yet is not looked at.
    mixer.tick(start, &mut Seen::default());
    let (width, height) = SIZE;
    // Each with how bright its picture is, if it is the last of one that is another.
    let mut under_way = UnderWay::new();
    let mut awaited: Option<(Instant, bool)> = None;
    let mut added = Vec::new();
    let interval = Duration::from_secs(1) / RATE;
    for number in 0..2_000u32 {
        let now = start + interval * number;
        let bright = number / 10 % 2 == 1;
        let mut data = vec![if bright { 200 } else { 40 }; PixelFormat::I420.len(width, height)];
        data[usize::from(width) * usize::from(height)..].fill(128);
        let frame = Frame { width, height, format: PixelFormat::I420, data: &data };
        let _ = sender.write_frame(PORT, &frame, now);
        let mut sent = Seen::default();
        sender.tick(now, &mut sent);
        let arrival = now + Duration::from_micros(rng.random_range(1_000..30_000));
        let last = sent.packets.len();
        for (index, packet) in sent.packets.into_iter().enumerate() {
            let changes = (index + 1 == last && number % 10 == 0).then_some(bright);
            under_way.send(packet, arrival, changes);
        }
        let moment = now + Duration::from_millis(31);
        under_way.take(moment, |packet, changes| {
            mixer.receive(PORT, &packet);
            if let Some(bright) = changes {
                awaited = Some((packet.arrival, bright));
            }
        });
        let mut seen = Seen::default();
        mixer.tick(moment, &mut seen);
        if let (Some((arrival, bright)), Some(middle)) = (awaited, seen.middle)
            && (middle > 120) == bright
        {
            added.push(moment - arrival);
            awaited = None;
        }
    }
    json!({
        "name": "picture",
        "kind": "latency",
        "changes": added.len(),
        "addedMsP50": percentile(&mut added, 0.5),
        "addedMsP99": percentile(&mut added, 0.99),
    })
}
