//! What the mixer is tested with: pictures that move, senders that encode them, and somebody who
//! watches.

mod av1;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::codec::{Decoder, Encoder, EncoderSettings};
use super::picture::{Picture, Pool};
use super::*;
use crate::codec::Codec;
use crate::codec::frame::Parts;
use crate::codec::frame::{Encoded, Packetizer};
use crate::mcu::{MadePacket, PortId, TakenPacket};

/// A picture with texture and a bar that moves with `step`.
pub(super) fn scene(width: u16, height: u16, hue: u8, step: u32) -> Picture {
    let mut picture = Picture::new(width, height);
    let (columns, rows) = (usize::from(width), usize::from(height));
    let [y_plane, u_plane, v_plane] = picture.planes_mut();
    for y in 0..rows {
        for x in 0..columns {
            let wave = ((x as f32 * 0.11).sin() + (y as f32 * 0.07).cos()) * 28.0;
            let bar = (x + 4 * step as usize) % columns < columns / 8;
            let luma = 110.0 + wave + if bar { 60.0 } else { 0.0 };
            y_plane[y * columns + x] = luma as u8;
        }
    }
    let chroma_columns = columns.div_ceil(2);
    for (at, (u, v)) in u_plane.iter_mut().zip(v_plane).enumerate() {
        let (x, y) = (at % chroma_columns, at / chroma_columns);
        *u = 90 + (hue % 70) + (x * 20 / columns) as u8;
        *v = 170 - (hue % 90) + (y * 20 / rows) as u8;
    }
    picture
}

/// Peak signal-to-noise ratio of the luma in dB.
pub(super) fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.size(), b.size());
    let (a, b) = (a.planes()[0], b.planes()[0]);
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0f64.powi(2) / (sum / a.len() as f64).max(1e-9)).log10()
}

/// Structural similarity of the luma, the mean over windows of 8 by 8 pixels (Wang et al., 2004).
pub(super) fn ssim(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.size(), b.size());
    let (width, height) = (usize::from(a.width()), usize::from(a.height()));
    let (a, b) = (a.planes()[0], b.planes()[0]);
    let (c1, c2) = ((0.01f64 * 255.0).powi(2), (0.03f64 * 255.0).powi(2));
    let (mut sum, mut windows) = (0.0, 0.0);
    for top in (0..height.saturating_sub(7)).step_by(4) {
        for left in (0..width.saturating_sub(7)).step_by(4) {
            let places = (0..64).map(|at| (top + at / 8) * width + left + at % 8);
            let (mut x, mut y, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for (p, q) in places.map(|place| (f64::from(a[place]), f64::from(b[place]))) {
                (x, y, xx, yy, xy) = (x + p, y + q, xx + p * p, yy + q * q, xy + p * q);
            }
            let (x, y) = (x / 64.0, y / 64.0);
            let (vx, vy, vxy) = (xx / 64.0 - x * x, yy / 64.0 - y * y, xy / 64.0 - x * y);
            sum += (2.0 * x * y + c1) * (2.0 * vxy + c2) / ((x * x + y * y + c1) * (vx + vy + c2));
            windows += 1.0;
        }
    }
    sum / windows
}

/// A rectangle of a picture, as a picture.
pub(super) fn part(picture: &Picture, rect: Rect) -> Picture {
    let mut part = Picture::new(rect.width, rect.height);
    part.copy_part(picture, rect, 0, 0);
    part
}

/// Sends an encoded scene.
pub(super) struct Sender {
    pub key: PortId,
    pub size: (u16, u16),
    coder: Coder,
    hue: u8,
    pub keyframe: bool,
    pub step: u32,
    /// Pictures and packets that were sent.
    pictures: u32,
    packets: u64,
}

enum Coder {
    Encoder(Box<(Encoder, Packetizer)>),
    /// Payloads of pictures, again and again.
    Recording(Vec<Vec<Vec<u8>>>),
}

impl Sender {
    /// What AV1 shows has a size of its own.
    pub(super) fn new(key: u64, codec: Codec, width: u16, height: u16) -> Self {
        let (coder, size, hue) = if codec == Codec::Av1 {
            (Coder::Recording(av1::recording()), av1::SIZE, av1::HUE)
        } else {
            let encoder = Encoder::new(EncoderSettings {
                codec,
                width,
                height,
                fps: 25.0,
                bitrate: 2_000_000,
                fast: false,
            });
            let coder = Coder::Encoder(Box::new((encoder.unwrap(), Packetizer::new(codec))));
            (coder, (width, height), (key * 37) as u8)
        };
        let key = PortId(key);
        Self { key, size, coder, hue, keyframe: true, step: 0, pictures: 0, packets: 0 }
    }

    pub(super) fn scene(&self) -> Picture {
        scene(self.size.0, self.size.1, self.hue, self.step)
    }

    /// The packets of the next picture.
    pub(super) fn next(&mut self, now: Instant) -> Vec<TakenPacket> {
        self.step += 1;
        self.pictures += 1;
        let timestamp = self.pictures * 3600;
        let mut packets = Vec::new();
        let keyframe = std::mem::take(&mut self.keyframe);
        let picture = self.scene();
        match &mut self.coder {
            Coder::Encoder(coder) => {
                let (encoder, packetizer) = &mut **coder;
                let mut data = Vec::new();
                let encoded = encoder.encode(&picture, timestamp.into(), keyframe, &mut data);
                let Some(keyframe) = encoded.unwrap() else { return Vec::new() };
                let (width, height) = self.size;
                let encoded =
                    Encoded { data: &data, keyframe, width, height, timestamp, captured: now };
                let emit = |packet| packets.push(input_packet(packet, now));
                packetizer.packetize(&encoded, emit).unwrap();
            }
            Coder::Recording(pictures) => {
                if keyframe || self.step as usize > pictures.len() {
                    self.step = 1;
                }
                let payloads = &pictures[self.step as usize - 1];
                for (at, payload) in payloads.iter().enumerate() {
                    let packet = MadePacket {
                        sequence: self.packets,
                        timestamp,
                        marker: at + 1 == payloads.len(),
                        codec: Codec::Av1,
                        payload: payload.as_slice().into(),
                        captured: now,
                        audio_level: None,
                    };
                    self.packets += 1;
                    packets.push(input_packet(packet, now));
                }
            }
        }
        packets
    }
}

fn input_packet(packet: MadePacket, now: Instant) -> TakenPacket {
    TakenPacket {
        sequence: packet.sequence + 1000,
        timestamp: packet.timestamp,
        marker: packet.marker,
        codec: packet.codec,
        red: false,
        payload: packet.payload,
        arrival: now,
        captured: packet.captured,
        audio_level: None,
        rotation: 0,
    }
}

/// Watches a class: puts packets together and decodes them.
pub(super) struct Viewer {
    parts: Parts,
    decoder: Decoder,
    pool: Pool,
    pub picture: Option<Arc<Picture>>,
    pub frames: u32,
    pub keyframes: u32,
    pub timestamps: Vec<u32>,
    next: Option<u64>,
}

impl Viewer {
    fn new(codec: Codec) -> Self {
        Self {
            parts: Parts::default(),
            decoder: Decoder::new(codec).unwrap().unwrap(),
            pool: Pool::default(),
            picture: None,
            frames: 0,
            keyframes: 0,
            timestamps: Vec::new(),
            next: None,
        }
    }

    fn take(&mut self, packet: &MadePacket, keyframe: bool) {
        assert!(self.next.is_none_or(|next| next == packet.sequence), "numbers have gaps");
        self.next = Some(packet.sequence + 1);
        self.parts.push(packet.codec, &packet.payload).unwrap();
        if !packet.marker {
            return;
        }
        let Parts { data, starts, .. } = &mut self.parts;
        let decoded = self.decoder.decode(data, starts, &mut self.pool).unwrap();
        self.picture = decoded.or(self.picture.take());
        self.parts.clear();
        self.frames += 1;
        self.keyframes += u32::from(keyframe);
        self.timestamps.push(packet.timestamp);
    }
}

/// Takes everything and remembers it.
#[derive(Default)]
pub(super) struct Audience {
    pub viewers: BTreeMap<ClassIndex, Viewer>,
    pub wanted: BTreeMap<PortId, Option<Wanted>>,
    pub keyframes: Vec<PortId>,
    pub frames: Vec<(TapKey, u16, u16, usize)>,
    pub packets: usize,
}

impl VideoSink for Audience {
    fn packet(&mut self, class: ClassIndex, packet: MadePacket, keyframe: bool) {
        self.packets += 1;
        let viewer = self.viewers.entry(class).or_insert_with(|| Viewer::new(packet.codec));
        viewer.take(&packet, keyframe);
    }

    fn frame(&mut self, tap: TapKey, frame: Frame<'_>, _: Instant) {
        assert_eq!(frame.data.len(), frame.format.len(frame.width, frame.height));
        self.frames.push((tap, frame.width, frame.height, frame.data.len()));
    }

    fn wanted(&mut self, port: PortId, wanted: Option<Wanted>) {
        self.wanted.insert(port, wanted);
    }

    fn keyframe_needed(&mut self, port: PortId) {
        self.keyframes.push(port);
    }
}

/// A mixer with its senders and viewers, on a clock of its own.
pub(super) struct Room {
    pub mixer: VideoMixer,
    pub senders: Vec<Sender>,
    pub audience: Audience,
    pub now: Instant,
}

impl Room {
    pub(super) const TICK: Duration = Duration::from_millis(40);

    /// One class per codec, of the canvas' size, all watched.
    pub(super) fn new(width: u16, height: u16, codecs: &[Codec]) -> Self {
        let class = |codec: &Codec| ClassOptions {
            codec: *codec,
            width,
            height,
            frame_divisor: 1,
            bitrate: 3_000_000,
        };
        let mut mixer = VideoMixer::new(VideoOptions {
            width,
            height,
            fps: 25.0,
            background: Background::default(),
            fonts: Fonts::default(),
            classes: codecs.iter().map(class).collect(),
        })
        .unwrap();
        for class in 0..codecs.len() as u8 {
            mixer.set_wanted(ClassIndex(class), true);
        }
        Self { mixer, senders: Vec::new(), audience: Audience::default(), now: Instant::now() }
    }

    /// Somebody with a camera.
    pub(super) fn join(&mut self, key: u64, codec: Codec, width: u16, height: u16) -> PortId {
        self.senders.push(Sender::new(key, codec, width, height));
        self.join_silent(key, None)
    }

    /// Somebody without.
    pub(super) fn join_silent(&mut self, key: u64, label: Option<&str>) -> PortId {
        let label = label.map(str::to_owned);
        let options = VideoPortOptions { label, ..VideoPortOptions::default() };
        self.mixer.add_port(PortId(key), options).unwrap();
        PortId(key)
    }

    /// Everybody sends a picture, the canvas makes one.
    pub(super) fn tick(&mut self) {
        for sender in &mut self.senders {
            sender.keyframe |= self.audience.keyframes.contains(&sender.key);
            for packet in sender.next(self.now) {
                self.mixer.receive(sender.key, &packet);
            }
        }
        self.tick_silent();
    }

    /// Nobody sends anything.
    pub(super) fn tick_silent(&mut self) {
        self.audience.keyframes.clear();
        self.mixer.tick(self.now, &mut self.audience);
        self.now += Self::TICK;
    }

    pub(super) fn ticks(&mut self, count: u32) {
        (0..count).for_each(|_| self.tick());
    }

    /// What a viewer of the class sees.
    pub(super) fn seen(&self, class: u8) -> &Picture {
        self.audience.viewers[&ClassIndex(class)].picture.as_ref().unwrap()
    }

    pub(super) fn tile(&self, key: PortId) -> Rect {
        self.mixer.placements().iter().find(|p| p.port == key).unwrap().rect
    }
}
