//! What a video mixer and its ports are told.

use super::error::{EncoderError, VideoError};
use std::sync::Arc;

use super::draw::Fonts;
use crate::codec::Codec;
use crate::control::canvas::Colour;
use crate::mcu::PortId;

/// Widest and highest canvas, and picture that is decoded.
pub const MAX_SIDE: u16 = 4096;
/// Most pixels of a canvas.
pub const MAX_CANVAS_PIXELS: u32 = 3840 * 2160;
/// Most output classes of one mixer.
pub const MAX_CLASSES: usize = 16;
/// Most ports of one mixer.
pub const MAX_PORTS: usize = 1024;

/// What a mixer is made with.
#[derive(Clone, Debug)]
pub struct VideoOptions {
    /// Even, 2 to [`MAX_SIDE`]; at most [`MAX_CANVAS_PIXELS`] together.
    pub width: u16,
    pub height: u16,
    /// Pictures per second, 1 to 60; how often [`tick`](super::VideoMixer::tick) is called.
    pub fps: f32,
    pub background: Background,
    /// For letters that DejaVu Sans does not have.
    pub fonts: Fonts,
    pub classes: Vec<ClassOptions>,
}

impl VideoOptions {
    pub(super) fn check(&self) -> Result<(), VideoError> {
        check_size(self.width, self.height)?;
        if !(1.0..=60.0).contains(&self.fps) {
            return Err(VideoError::FrameRate { asked: self.fps, range: "1 to 60" });
        }
        if self.classes.len() > MAX_CLASSES {
            return Err(VideoError::TooMany { what: "output classes", limit: MAX_CLASSES });
        }
        self.classes.iter().try_for_each(ClassOptions::check)
    }
}

/// What lies behind the tiles.
#[derive(Clone, PartialEq, Debug)]
pub enum Background {
    Colour(Colour),
    /// A JPEG or PNG file; it covers the canvas.
    Picture(Arc<[u8]>),
}

impl Default for Background {
    fn default() -> Self {
        Background::Colour(Colour::rgb(0x16, 0x18, 0x1d))
    }
}

/// An output class: encoded once for all its viewers. Smaller sizes make rungs for slower links.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClassOptions {
    /// VP8, VP9 or H.264.
    pub codec: Codec,
    /// Even, within the limits of a canvas.
    pub width: u16,
    pub height: u16,
    /// Every so many pictures of the canvas are encoded; 1 to 60.
    pub frame_divisor: u8,
    /// Bits per second, 10,000 to 100,000,000.
    pub bitrate: u32,
}

impl ClassOptions {
    pub(super) const BITRATES: std::ops::RangeInclusive<u32> = 10_000..=100_000_000;

    fn check(&self) -> Result<(), VideoError> {
        check_size(self.width, self.height)?;
        if !matches!(self.codec, Codec::Vp8 | Codec::Vp9 | Codec::H264) {
            return Err(EncoderError::Unsupported(self.codec).into());
        }
        if !(1..=60).contains(&self.frame_divisor) {
            return Err(VideoError::FrameDivisor(self.frame_divisor));
        }
        if !Self::BITRATES.contains(&self.bitrate) {
            return Err(VideoError::Bitrate(self.bitrate));
        }
        if self.codec == Codec::H264 && (self.width < 16 || self.height < 16) {
            return Err(VideoError::Size {
                width: self.width,
                height: self.height,
                rule: "16x16 or more, as H.264 needs",
            });
        }
        // Level 5.2, the highest that the encoder knows.
        if self.codec == Codec::H264 && (self.width > 3840 || self.height > 2160) {
            return Err(VideoError::Size {
                width: self.width,
                height: self.height,
                rule: "up to 3840x2160, as H.264 needs",
            });
        }
        Ok(())
    }
}

fn check_size(width: u16, height: u16) -> Result<(), VideoError> {
    let side = |side: u16| (2..=MAX_SIDE).contains(&side) && side.is_multiple_of(2);
    let pixels = u32::from(width) * u32::from(height);
    if side(width) && side(height) && pixels <= MAX_CANVAS_PIXELS {
        return Ok(());
    }
    Err(VideoError::Size { width, height, rule: "an even size up to 3840x2160" })
}

/// Names an output class: its place in [`VideoOptions::classes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassIndex(pub u8);

/// How a port is shown.
#[derive(Clone, PartialEq, Debug)]
pub struct VideoPortOptions {
    /// Drawn on the tile, and the source of a placeholder's initials.
    pub label: Option<String>,
    pub placeholder: Placeholder,
    /// Takes part in the layout.
    pub visible: bool,
    /// A shared screen: gets the room it needs, and nothing of it is cut off.
    pub screen: bool,
}

impl Default for VideoPortOptions {
    fn default() -> Self {
        Self { label: None, placeholder: Placeholder::Initials, visible: true, screen: false }
    }
}

/// What a tile shows when its port has no picture.
#[derive(Clone, PartialEq, Debug)]
pub enum Placeholder {
    /// The port has no tile while it has no picture.
    Hide,
    /// Initials of the label on a coloured field.
    Initials,
    /// A JPEG or PNG file.
    Picture(Arc<[u8]>),
}

/// How much is spent on encoding; each step includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Effort {
    #[default]
    Full,
    /// The encoders search less.
    Fast,
    /// Every other picture.
    HalfRate,
    /// Half the width and height.
    HalfSize,
}

impl Effort {
    /// As JavaScript names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Fast => "fast",
            Self::HalfRate => "half-rate",
            Self::HalfSize => "half-size",
        }
    }
}

/// Pixels of the canvas that a port's tile covers: what it is worth to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub width: u16,
    pub height: u16,
}

/// Names a frame tap; given by whoever makes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TapKey(pub u64);

/// The canvas, or what one port sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    Canvas,
    Port(PortId),
}

/// How the pixels of a frame lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// Y, U and V planes after each other, without padding; chroma sizes are rounded up.
    I420,
    /// Four bytes per pixel, rows from the top, without padding.
    Rgba,
}

impl PixelFormat {
    /// Bytes of a picture.
    pub fn len(self, width: u16, height: u16) -> usize {
        let (width, height) = (usize::from(width), usize::from(height));
        match self {
            PixelFormat::I420 => width * height + 2 * width.div_ceil(2) * height.div_ceil(2),
            PixelFormat::Rgba => 4 * width * height,
        }
    }
}

/// Pictures for an application.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TapOptions {
    pub source: Source,
    pub format: PixelFormat,
    /// Pictures are scaled to it; even, within the limits of a canvas. `None`: as they are.
    pub size: Option<(u16, u16)>,
    /// Pictures per second at most.
    pub max_fps: f32,
    /// That many, again when there is no other picture.
    pub steady: bool,
}

impl TapOptions {
    pub(super) fn check(&self) -> Result<(), VideoError> {
        if let Some((width, height)) = self.size {
            check_size(width, height)?;
        }
        if !(self.max_fps > 0.0 && self.max_fps <= 60.0) {
            return Err(VideoError::FrameRate { asked: self.max_fps, range: "up to 60" });
        }
        Ok(())
    }
}

/// A picture that an application writes or is given.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub width: u16,
    pub height: u16,
    pub format: PixelFormat,
    pub data: &'a [u8],
}

/// The file that a snapshot becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotFormat {
    /// Quality 1 to 100.
    Jpeg {
        quality: u8,
    },
    Png,
}
