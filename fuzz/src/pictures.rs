//! One hostile sender of pictures in a mixer, who gets better in the end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::mcu::video::{
    Background, ClassIndex, ClassOptions, Fonts, Frame, PixelFormat, Source, TapKey, TapOptions,
    VideoMixer, VideoOptions, VideoPortOptions, VideoSink, Wanted,
};
use medialoom::mcu::{MadePacket, PortId, TakenPacket};

use crate::recording;
use crate::script::{Packet, Script};

/// Flags of a packet.
pub const MARKER: u8 = 1;
/// Begins another picture.
pub const NEXT: u8 = 2;
/// The canvas makes a picture behind it.
pub const TICK: u8 = 4;
/// The source is switched before it.
const RESET: u8 = 8;
/// Two bits: turns of the picture.
const ROTATION: u32 = 4;
/// Of a codec that the port had not.
const OTHER: u8 = 64;
/// Its sender's clock is wrong.
const CLOCK: u8 = 128;

const PORT: PortId = PortId(1);
const INTERVAL: Duration = Duration::from_millis(40);
/// Most pixels that a decoder gives: what inspection lets through of this build.
const MAX_PIXELS: u32 = 256 * 256;
/// Ticks in which good pictures have to be seen again: pictures of a wrong clock may wait for two
/// seconds before them.
const RECOVERY: usize = 100;

/// Plays a script into a mixer; panics when something is out of bounds, or good pictures are not
/// seen afterwards.
pub fn play(codec: Codec, data: &[u8]) {
    let script = Script::parse(data);
    let mut room = Room::new(codec, script.options);
    script.packets.iter().for_each(|packet| room.receive(packet));
    room.tick();
    room.recover();
}

struct Room {
    codec: Codec,
    mixer: VideoMixer,
    audience: Audience,
    now: Instant,
    sequence: u64,
    highest: u64,
    timestamp: u32,
}

impl Room {
    fn new(codec: Codec, options: u8) -> Self {
        let mut mixer = mixer(64, 48, Vec::new());
        mixer.add_port(PORT, VideoPortOptions::default()).unwrap();
        let port = TapOptions {
            source: Source::Port(PORT),
            format: if options & 1 == 0 { PixelFormat::Rgba } else { PixelFormat::I420 },
            size: (options & 2 == 0).then_some((48, 32)),
            max_fps: 60.0,
            steady: options & 16 != 0,
        };
        mixer.add_tap(TapKey(1), port).unwrap();
        let canvas = TapOptions { source: Source::Canvas, size: None, ..port };
        if options & 4 == 0 {
            mixer.add_tap(TapKey(2), canvas).unwrap();
        }
        if options & 8 != 0 {
            mixer.set_delay(PORT, Some(Duration::from_millis(100)));
        }
        let now = Instant::now() + Duration::from_secs(3600);
        let audience = Audience::default();
        let mut room =
            Self { codec, mixer, audience, now, sequence: 1000, highest: 1000, timestamp: 0 };
        room.tick();
        room
    }

    fn receive(&mut self, packet: &Packet) {
        if packet.flags & RESET != 0 {
            self.mixer.reset_input(PORT);
        }
        if packet.flags & NEXT != 0 {
            self.timestamp = self.timestamp.wrapping_add(3600);
        }
        let codec = match self.codec {
            codec if packet.flags & OTHER == 0 => codec,
            Codec::Vp8 => Codec::H264,
            _ => Codec::Vp8,
        };
        let sequence = self.sequence.saturating_add_signed(packet.shift.into());
        self.highest = self.highest.max(sequence);
        self.sequence += 1;
        let early = Duration::from_millis(30_000 * u64::from(packet.flags & CLOCK != 0));
        self.mixer.receive(
            PORT,
            &TakenPacket {
                sequence,
                timestamp: self.timestamp,
                marker: packet.flags & MARKER != 0,
                codec,
                red: false,
                payload: Arc::from(&packet.payload[..]),
                arrival: self.now,
                captured: if packet.shift < 0 { self.now - early } else { self.now + early },
                audio_level: None,
                rotation: packet.flags >> ROTATION & 3,
            },
        );
        if packet.flags & TICK != 0 {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.mixer.tick(self.now, &mut self.audience);
        self.now += INTERVAL;
        let stats = self.mixer.port_stats(PORT).unwrap();
        let pixels = u32::from(stats.width) * u32::from(stats.height);
        assert!(pixels <= MAX_PIXELS, "a picture of {}x{}", stats.width, stats.height);
    }

    /// A sender that answers requests for keyframes is seen again.
    fn recover(&mut self) {
        let decoded = |mixer: &VideoMixer| mixer.port_stats(PORT).unwrap().decoded;
        let before = decoded(&self.mixer);
        self.sequence = self.highest + 1;
        self.audience.keyframe_needed = true;
        for _ in 0..RECOVERY {
            if std::mem::take(&mut self.audience.keyframe_needed) {
                self.timestamp = self.timestamp.wrapping_add(3600);
                self.send(keyframe(self.codec));
            } else {
                self.send(&[(true, Vec::new())]);
            }
            self.tick();
            if decoded(&self.mixer) > before {
                return;
            }
        }
        panic!("good pictures are not seen: {:?}", self.mixer.port_stats(PORT));
    }

    /// Markers and payloads, in order.
    fn send(&mut self, packets: &[(bool, Vec<u8>)]) {
        for (marker, payload) in packets {
            let packet = TakenPacket {
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: *marker,
                codec: self.codec,
                red: false,
                payload: Arc::from(&payload[..]),
                arrival: self.now,
                captured: self.now,
                audio_level: None,
                rotation: 0,
            };
            self.mixer.receive(PORT, &packet);
            self.sequence += 1;
        }
    }
}

fn mixer(width: u16, height: u16, classes: Vec<ClassOptions>) -> VideoMixer {
    let background = Background::default();
    VideoMixer::new(VideoOptions {
        width,
        height,
        fps: 25.0,
        background,
        fonts: Fonts::default(),
        classes,
    })
    .unwrap()
}

#[derive(Default)]
struct Audience {
    keyframe_needed: bool,
    packets: Vec<MadePacket>,
}

impl VideoSink for Audience {
    fn packet(&mut self, _: ClassIndex, packet: MadePacket, _: bool) {
        self.packets.push(packet);
    }

    fn frame(&mut self, _: TapKey, frame: Frame<'_>, _: Instant) {
        assert_eq!(frame.data.len(), frame.format.len(frame.width, frame.height));
    }

    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, _: PortId) {
        self.keyframe_needed = true;
    }
}

/// A good keyframe.
fn keyframe(codec: Codec) -> &'static [(bool, Vec<u8>)] {
    type Packets = Vec<(bool, Vec<u8>)>;
    static ENCODED: [OnceLock<Packets>; 4] = [const { OnceLock::new() }; 4];
    let slot = match codec {
        Codec::Vp8 => 0,
        Codec::Vp9 => 1,
        Codec::Av1 => 2,
        _ => 3,
    };
    ENCODED[slot].get_or_init(|| {
        if codec == Codec::Av1 {
            let payloads = recording::av1().swap_remove(0);
            let last = payloads.len() - 1;
            return payloads.into_iter().enumerate().map(|(at, p)| (at == last, p)).collect();
        }
        let packets = encode(codec, 32, 32, 1, 1_000_000);
        packets.iter().map(|packet| (packet.marker, packet.payload.to_vec())).collect()
    })
}

/// Packets of a picture that moves, as a mixer encodes it: each frame with its own timestamp.
pub fn encode(
    codec: Codec,
    width: u16,
    height: u16,
    frames: usize,
    bitrate: u32,
) -> Vec<MadePacket> {
    let class = ClassOptions { codec, width, height, frame_divisor: 1, bitrate };
    let mut mixer = mixer(width, height, vec![class]);
    mixer.add_port(PORT, VideoPortOptions::default()).unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    let mut audience = Audience::default();
    let mut now = Instant::now();
    for step in 0..frames {
        let data: Vec<u8> = (0..PixelFormat::I420.len(width, height))
            .map(|at| (at * (at / 97 + 3) / 7 + 11 * step) as u8 ^ (at >> 5) as u8)
            .collect();
        let frame = Frame { width, height, format: PixelFormat::I420, data: &data };
        mixer.write_frame(PORT, &frame, now).unwrap();
        mixer.tick(now, &mut audience);
        now += INTERVAL;
    }
    audience.packets
}
