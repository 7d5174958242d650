//! A camera and its encoder: packets as a browser's encoder sends them, but for the picture.

pub mod av1;
pub mod h264;
pub mod pattern;
pub mod vp8;
pub mod vp9;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use str0m::RtcConfig;
use str0m::media::Rid;
use str0m::rtp::ExtensionValues;

use self::pattern::Place;
use super::dependency;
use super::ledger::Ledger;
use super::stamp::{self, MAX_REFERENCES, NO_REFERENCE, Stamp};
use crate::support::client::{Source, SourcePacket};

pub const FRAMES_PER_SECOND: u32 = 30;
const CLOCK: u32 = 90_000;

/// Payload of a packet without descriptor and stamp: libwebrtc fills some 1,200 bytes.
const MAX_CHUNK: usize = 1_100;

/// Encoders bound how often they answer keyframe requests.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);

/// Height, width and bits a second of an encoding. In SVC the rate is that of a layer with all
/// layers that it needs, so that every codec makes the same steps.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub width: u16,
    pub height: u16,
    pub rate: u32,
}

pub const SIZES: [Size; 3] = [
    Size { width: 320, height: 180, rate: 150_000 },
    Size { width: 640, height: 360, rate: 500_000 },
    Size { width: 1280, height: 720, rate: 1_500_000 },
];

pub const RIDS: [&str; 3] = ["q", "h", "f"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// Three RIDs with three temporal layers each.
    Vp8Simulcast,
    /// Three RIDs.
    H264Simulcast,
    /// Three spatial and three temporal layers in one stream, between which `key_only` predicts in
    /// key pictures alone (L3T3_KEY).
    Vp9Svc {
        key_only: bool,
        flexible: bool,
    },
    Av1Svc {
        key_only: bool,
    },
}

impl Coding {
    pub fn rids(self) -> &'static [&'static str] {
        if self.simulcast() { &RIDS } else { &[] }
    }

    pub fn simulcast(self) -> bool {
        matches!(self, Self::Vp8Simulcast | Self::H264Simulcast)
    }

    pub fn temporal_layers(self) -> bool {
        self != Self::H264Simulcast
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Vp8Simulcast => "VP8 simulcast",
            Self::H264Simulcast => "H264 simulcast",
            Self::Vp9Svc { key_only: false, flexible: false } => "VP9 L3T3",
            Self::Vp9Svc { key_only: false, flexible: true } => "VP9 L3T3 flexible",
            Self::Vp9Svc { key_only: true, flexible: false } => "VP9 L3T3_KEY",
            Self::Vp9Svc { key_only: true, flexible: true } => "VP9 L3T3_KEY flexible",
            Self::Av1Svc { key_only: false } => "AV1 L3T3",
            Self::Av1Svc { key_only: true } => "AV1 L3T3_KEY",
        }
    }

    /// A client that knows this codec alone.
    pub fn configure(self, config: RtcConfig) -> RtcConfig {
        let config = config.clear_codecs().set_extension_map(dependency::extension_map());
        match self {
            Self::Vp8Simulcast => config.enable_vp8(true),
            Self::H264Simulcast => config.enable_h264(true),
            Self::Vp9Svc { .. } => config.enable_vp9(true),
            Self::Av1Svc { .. } => config.enable_av1(true),
        }
    }

    fn key_only(self) -> bool {
        matches!(self, Self::Vp9Svc { key_only: true, .. } | Self::Av1Svc { key_only: true })
    }
}

/// What a payload descriptor has to tell of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub place: Place,
    /// Pictures of this stream before it.
    pub picture: u64,
    /// Base layer pictures of this stream before it, with itself when it is one.
    pub base_pictures: u64,
    pub spatial: u8,
    pub spatial_layers: u8,
    /// Predicted from the spatial layer below.
    pub inter_layer: bool,
    pub key_only: bool,
}

/// Where a packet is in its frame, and the frame in its picture.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub first: bool,
    pub last: bool,
}

/// One RTP stream.
struct Stream {
    rid: Option<Rid>,
    index: u8,
    /// Its spatial layers, with the rate of each alone.
    layers: Vec<Layer>,
    sequence: u64,
    timestamp: u32,
    picture: u64,
    since_key: u64,
    base_pictures: u64,
    keyframe_wanted: bool,
    last_keyframe: Option<Instant>,
}

struct Layer {
    size: Size,
    /// Bytes sent beyond the rate, which smaller frames make up for.
    debt: f64,
}

pub struct Encoder {
    coding: Coding,
    random: SmallRng,
    epoch: Instant,
    next: Instant,
    tick: u64,
    /// How hard the picture is to compress just now.
    content: f64,
    streams: Vec<Stream>,
    ledger: Rc<RefCell<Ledger>>,
}

impl Encoder {
    /// Tells the ledger what it sends. `epoch` is when stamps begin to count.
    pub fn new(coding: Coding, seed: u64, epoch: Instant, ledger: Rc<RefCell<Ledger>>) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let layer = |size: Size| Layer { size, debt: 0.0 };
        let layers: Vec<Vec<Layer>> = if coding.simulcast() {
            SIZES.iter().map(|size| vec![layer(*size)]).collect()
        } else {
            // What is not predicted from the layer below takes what it would take alone.
            let saved = |size: &Size| if coding.key_only() { 0 } else { size.rate };
            let below = [0].into_iter().chain(SIZES.iter().map(saved));
            let alone = SIZES
                .iter()
                .zip(below)
                .map(|(size, below)| layer(Size { rate: size.rate - below, ..*size }));
            vec![alone.collect()]
        };
        let rids = coding.rids();
        let streams = layers.into_iter().enumerate().map(|(index, layers)| Stream {
            rid: rids.get(index).map(|rid| Rid::from(*rid)),
            index: index as u8,
            layers,
            sequence: random.random_range(1..30_000),
            timestamp: random.random(),
            picture: random.random_range(0..0x8000),
            since_key: 0,
            base_pictures: random.random_range(0..256),
            keyframe_wanted: true,
            last_keyframe: None,
        });
        let streams = streams.collect();
        Self { coding, random, epoch, next: epoch, tick: 0, content: 1.0, streams, ledger }
    }
}

impl Source for Encoder {
    fn next(&self) -> Instant {
        self.next
    }

    fn start(&mut self, now: Instant) {
        self.next = now;
    }

    fn request_keyframe(&mut self, rid: Option<Rid>) {
        let wanted = |stream: &&mut Stream| rid.is_none() || stream.rid == rid;
        self.streams.iter_mut().filter(wanted).for_each(|stream| stream.keyframe_wanted = true);
        self.ledger.borrow_mut().keyframe_requests += 1;
    }

    fn packets(&mut self, now: Instant) -> Vec<SourcePacket> {
        let mut packets = Vec::new();
        while self.next <= now {
            let drift = self.random.random_range(-0.05..=0.05);
            self.content = (self.content + drift).clamp(0.8, 1.2);
            let captured = self.next;
            let mut context = Context {
                coding: self.coding,
                random: &mut self.random,
                content: self.content,
                captured,
                epoch: self.epoch,
                ledger: &mut self.ledger.borrow_mut(),
            };
            for stream in &mut self.streams {
                stream.encode(&mut context, &mut packets);
            }
            self.tick += 1;
            self.next += Duration::from_secs(1) / FRAMES_PER_SECOND;
        }
        packets
    }
}

struct Context<'a> {
    coding: Coding,
    random: &'a mut SmallRng,
    content: f64,
    captured: Instant,
    epoch: Instant,
    ledger: &'a mut Ledger,
}

impl Stream {
    fn encode(&mut self, context: &mut Context, packets: &mut Vec<SourcePacket>) {
        let now = context.captured;
        let rests = self.last_keyframe.is_some_and(|last| now - last < KEYFRAME_INTERVAL);
        if self.keyframe_wanted && !rests {
            self.keyframe_wanted = false;
            self.last_keyframe = Some(now);
            self.since_key = 0;
            context.ledger.keyframes += 1;
        }
        let place = match context.coding.temporal_layers() {
            true => Place::after_key(self.since_key),
            false if self.since_key == 0 => Place::Key,
            false => Place::Base,
        };
        if place.temporal() == 0 {
            self.base_pictures += 1;
        }
        for spatial in 0..self.layers.len() {
            self.encode_layer(context, place, spatial, packets);
        }
        self.picture += 1;
        self.since_key += 1;
        self.timestamp = self.timestamp.wrapping_add(CLOCK / FRAMES_PER_SECOND);
    }

    fn encode_layer(
        &mut self,
        context: &mut Context,
        place: Place,
        spatial: usize,
        packets: &mut Vec<SourcePacket>,
    ) {
        let coding = context.coding;
        let frame = Frame {
            place,
            picture: self.picture,
            base_pictures: self.base_pictures,
            spatial: spatial as u8,
            spatial_layers: self.layers.len() as u8,
            inter_layer: spatial > 0 && (place == Place::Key || !coding.key_only()),
            key_only: coding.key_only(),
        };
        let bytes = self.layers[spatial].draw_size(context, place);
        let chunks = bytes.div_ceil(MAX_CHUNK);
        let stamp = Stamp {
            stream: self.index,
            spatial: if coding.simulcast() { self.index } else { frame.spatial },
            temporal: place.temporal(),
            height: self.layers[spatial].size.height,
            frame: number(self.picture, spatial as u32),
            captured: (context.captured - context.epoch).as_micros() as u64,
            references: references(coding, &frame),
            packet: 0,
            packets: chunks as u16,
            bytes: bytes as u32,
        };
        let size = self.layers[spatial].size;
        for chunk in 0..chunks {
            let position = Position { first: chunk == 0, last: chunk + 1 == chunks };
            let share = bytes / chunks + usize::from(chunk < bytes % chunks);
            let mut extensions = ExtensionValues::default();
            let mut payload = match coding {
                Coding::Vp8Simulcast => vp8::start(&frame, position, size),
                Coding::H264Simulcast => h264::start(&frame, position, size, share + stamp::LENGTH),
                Coding::Vp9Svc { flexible, .. } => vp9::start(&frame, position, flexible),
                Coding::Av1Svc { .. } => {
                    let descriptor = dependency::Descriptor::of(&frame, position);
                    extensions.user_values.set(dependency::DescriptorBytes(descriptor.write()));
                    av1::start(&frame, position)
                }
            };
            payload.resize(payload.len() + share, 0x5a);
            Stamp { packet: chunk as u16, ..stamp }.write(&mut payload);
            context.ledger.note_sent(context.captured, &stamp, payload.len());
            packets.push(SourcePacket {
                rid: self.rid,
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: position.last && spatial + 1 == self.layers.len(),
                payload,
                extensions,
            });
            self.sequence += 1;
        }
    }
}

impl Layer {
    /// Around what the place's share of the rate allows; whatever a frame takes beyond, the next
    /// ones save.
    fn draw_size(&mut self, context: &mut Context, place: Place) -> usize {
        let mean = f64::from(self.size.rate / FRAMES_PER_SECOND) / 8.0;
        let weight = match (context.coding.temporal_layers(), place) {
            (false, Place::Base) => 1.0,
            _ => place.weight(),
        };
        let saving = 1.0 - (self.debt / (8.0 * mean)).clamp(-0.25, 0.3);
        let noise = context.random.random_range(0.8..=1.2);
        let bytes = mean * weight * context.content * noise * saving;
        let budget = if place == Place::Key { 1.6 } else { weight };
        self.debt += bytes - mean * budget;
        (bytes as usize).max(20)
    }
}

/// The number of a frame in its stream.
fn number(picture: u64, spatial: u32) -> u32 {
    picture as u32 * 4 + spatial
}

fn references(coding: Coding, frame: &Frame) -> [u32; MAX_REFERENCES] {
    let mut found = [NO_REFERENCE; MAX_REFERENCES];
    let back = |pictures: u32| number(frame.picture - u64::from(pictures), frame.spatial.into());
    let back_by = match frame.place {
        // Without temporal layers each picture is predicted from the one before.
        Place::Base if !coding.temporal_layers() => Some(1),
        place => place.reference(),
    };
    found[0] = back_by.map_or(NO_REFERENCE, back);
    if frame.inter_layer {
        found[1] = number(frame.picture, u32::from(frame.spatial) - 1);
    }
    found
}
