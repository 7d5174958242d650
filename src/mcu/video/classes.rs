//! Output classes: the canvas scaled once per size, encoded once per class.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::codec::{Encoder, EncoderSettings};
use super::options::{ClassIndex, ClassOptions, Effort};
use super::picture::{Picture, Pool};
use super::rect::{Rect, even};
use super::scale::{Crop, Scaler};
use super::sink::VideoSink;
use super::stats::ClassStats;
use crate::codec::frame::{Encoded, Packetizer};

/// Between keyframes that viewers ask for.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);
/// A still canvas is encoded this often, so that a viewer who missed something sees it.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// After a change, so many more pictures are encoded although nothing changed: what moved was
/// coarse and gets sharp.
const SHARPENING: u8 = 8;
/// After an encoder failed, how long until the next one is tried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What there is to encode.
pub(super) struct Input<'a> {
    pub canvas: &'a Picture,
    /// Grows when the canvas changes.
    pub version: u64,
    pub now: Instant,
    /// Since the mixer began, 90,000 a second.
    pub timestamp: u64,
    /// Pictures of the canvas per second.
    pub fps: f32,
    pub effort: Effort,
    /// Counts the pictures of the canvas.
    pub number: u64,
}

/// The canvas in the sizes that classes have, of one version each.
#[derive(Default)]
pub(super) struct Rungs {
    scaled: Vec<Rung>,
}

struct Rung {
    picture: Arc<Picture>,
    version: u64,
    /// It was of use since this last went round.
    used: bool,
}

impl Rungs {
    fn get(
        &mut self,
        (width, height): (u16, u16),
        input: &Input<'_>,
        scaler: &mut Scaler,
        pool: &mut Pool,
    ) -> Arc<Picture> {
        let found = self.scaled.iter_mut().find(|rung| rung.picture.size() == (width, height));
        if let Some(rung) = found {
            rung.used = true;
            if rung.version == input.version {
                return rung.picture.clone();
            }
            rung.version = input.version;
            if let Some(own) = Arc::get_mut(&mut rung.picture) {
                scale(input.canvas, own, scaler);
                return rung.picture.clone();
            }
        }
        let mut picture = pool.take(width, height);
        if let Some(own) = Arc::get_mut(&mut picture) {
            scale(input.canvas, own, scaler);
        }
        self.scaled.retain(|rung| rung.picture.size() != (width, height));
        self.scaled.push(Rung { picture: picture.clone(), version: input.version, used: true });
        picture
    }

    /// Gives back what no class has use for.
    pub(super) fn tidy(&mut self, pool: &mut Pool) {
        for rung in self.scaled.extract_if(.., |rung| !std::mem::take(&mut rung.used)) {
            pool.give(rung.picture);
        }
    }
}

fn scale(canvas: &Picture, target: &mut Picture, scaler: &mut Scaler) {
    let rect = Rect::new(0, 0, target.width(), target.height());
    // Another shape than the canvas': nothing is cut off, black bars beside.
    let inner = rect.fitted(canvas.width().into(), canvas.height().into());
    let barred = rect.width.abs_diff(inner.width) > 2 || rect.height.abs_diff(inner.height) > 2;
    if barred {
        target.fill_part(rect, crate::control::canvas::Colour::BLACK);
    }
    let inner = if barred { inner } else { rect };
    scaler.scale(canvas, Crop::whole(canvas), target, inner);
}

pub(super) struct Class {
    index: ClassIndex,
    options: ClassOptions,
    wanted: bool,
    bitrate: u32,
    encoder: Option<(EncoderSettings, Encoder)>,
    packetizer: Packetizer,
    keyframe_wanted: bool,
    last_keyframe: Option<Instant>,
    last_encoded: Option<Instant>,
    /// Of the canvas that was encoded last.
    version: u64,
    sharpening: u8,
    failed: Option<Instant>,
    encoded: Vec<u8>,
    stats: ClassStats,
}

impl Class {
    pub(super) fn new(index: ClassIndex, options: ClassOptions) -> Self {
        Self {
            index,
            options,
            wanted: false,
            bitrate: options.bitrate,
            encoder: None,
            packetizer: Packetizer::new(options.codec),
            keyframe_wanted: false,
            last_keyframe: None,
            last_encoded: None,
            version: 0,
            sharpening: 0,
            failed: None,
            encoded: Vec::new(),
            stats: ClassStats::default(),
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(super) fn set_wanted(&mut self, wanted: bool) {
        self.wanted = wanted;
        if !wanted {
            self.encoder = None;
            self.encoded = Vec::new();
            self.keyframe_wanted = false;
        }
    }

    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        let (least, most) = (*ClassOptions::BITRATES.start(), *ClassOptions::BITRATES.end());
        self.bitrate = bitrate.clamp(least, most);
    }

    pub(super) fn request_keyframe(&mut self) {
        self.keyframe_wanted = self.wanted;
    }

    pub(super) fn stats(&self) -> ClassStats {
        ClassStats { bitrate: self.bitrate, ..self.stats }
    }

    /// Encodes the canvas, when there is a reason to.
    pub(super) fn encode(
        &mut self,
        input: &Input<'_>,
        rungs: &mut Rungs,
        scaler: &mut Scaler,
        pool: &mut Pool,
        sink: &mut impl VideoSink,
    ) {
        if !self.wanted || !self.is_due(input) {
            return;
        }
        if let Err(()) = self.prepare(input) {
            return;
        }
        let Some((settings, encoder)) = &mut self.encoder else { return };
        let size = (settings.width, settings.height);
        let picture = rungs.get(size, input, scaler, pool);
        let keyframe = self.keyframe_wanted && keyframe_allowed(self.last_keyframe, input.now);
        let timestamp = i64::try_from(input.timestamp).unwrap_or(i64::MAX);
        self.encoded.clear();
        let begun = sink.clock();
        let result = encoder.encode(&picture, timestamp, keyframe, &mut self.encoded);
        if let (Some(begun), Some(ended)) = (begun, sink.clock()) {
            self.stats.encode_time += ended.saturating_sub(begun);
        }
        (self.stats.width, self.stats.height) = size;
        match result {
            Ok(Some(keyframe)) => self.emit(input, size, keyframe, sink),
            Ok(None) => self.stats.skipped += 1,
            Err(_) => self.fail(input.now),
        }
    }

    /// Whether this picture of the canvas is one for the class.
    fn is_due(&mut self, input: &Input<'_>) -> bool {
        let fresh = self.encoder.is_none();
        let keyframe = self.keyframe_wanted && keyframe_allowed(self.last_keyframe, input.now);
        let turn = input.number.is_multiple_of(self.options.frame_divisor.into());
        if !turn && !fresh && !keyframe {
            return false;
        }
        if self.version != input.version {
            self.sharpening = SHARPENING;
        } else if self.sharpening > 0 {
            self.sharpening -= 1;
        } else {
            let since = |last| input.now.saturating_duration_since(last);
            let refresh = self.last_encoded.is_none_or(|last| since(last) >= REFRESH_INTERVAL);
            if !fresh && !keyframe && !refresh {
                return false;
            }
        }
        true
    }

    /// Sees to an encoder of the size, rate and effort that are wanted now.
    fn prepare(&mut self, input: &Input<'_>) -> Result<(), ()> {
        let settings = self.settings(input);
        if let Some((current, encoder)) = &mut self.encoder {
            if current.bitrate != settings.bitrate {
                encoder.set_bitrate(settings.bitrate);
                current.bitrate = settings.bitrate;
            }
            if current.fast != settings.fast && encoder.set_fast(settings.fast) {
                current.fast = settings.fast;
            }
            if *current == settings {
                return Ok(());
            }
        }
        let now = input.now;
        let since = |failed| now.saturating_duration_since(failed);
        if self.failed.is_some_and(|failed| since(failed) < RETRY_INTERVAL) {
            return Err(());
        }
        match Encoder::new(settings) {
            Ok(encoder) => {
                self.encoder = Some((settings, encoder));
                Ok(())
            }
            Err(_) => {
                self.fail(now);
                Err(())
            }
        }
    }

    fn settings(&self, input: &Input<'_>) -> EncoderSettings {
        let half = |side: u16| if input.effort >= Effort::HalfSize { even(side / 2) } else { side };
        // OpenH264 encodes nothing smaller.
        let least = self.options.width.min(16);
        EncoderSettings {
            codec: self.options.codec,
            width: half(self.options.width).max(least),
            height: half(self.options.height).max(self.options.height.min(16)),
            fps: (input.fps / f32::from(self.options.frame_divisor)).max(1.0),
            bitrate: self.bitrate,
            fast: input.effort >= Effort::Fast,
        }
    }

    fn fail(&mut self, now: Instant) {
        self.stats.errors += 1;
        self.encoder = None;
        self.failed = Some(now);
    }

    fn emit(
        &mut self,
        input: &Input<'_>,
        (width, height): (u16, u16),
        keyframe: bool,
        sink: &mut impl VideoSink,
    ) {
        self.version = input.version;
        self.last_encoded = Some(input.now);
        self.stats.encoded += 1;
        self.stats.bytes += self.encoded.len() as u64;
        if keyframe {
            self.stats.keyframes += 1;
            self.last_keyframe = Some(input.now);
            self.keyframe_wanted = false;
        }
        let encoded = Encoded {
            data: &self.encoded,
            keyframe,
            width,
            height,
            timestamp: input.timestamp as u32,
            captured: input.now,
        };
        let index = self.index;
        let mut emit = |packet| sink.packet(index, packet, keyframe);
        // Only frames of AV1 can be refused, which nothing encodes here.
        let _ = self.packetizer.packetize(&encoded, &mut emit);
    }
}

fn keyframe_allowed(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= KEYFRAME_INTERVAL)
}
