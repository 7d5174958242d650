//! Mixing pictures: tracks of several senders in, tracks of one canvas out.

mod arrange;
mod canvas;
mod classes;
mod codec;
mod colour;
mod corners;
mod draw;
mod error;
mod face;
mod input;
mod layout;
mod mixer;
mod options;
mod overlay;
mod picture;
mod port;
mod rect;
mod scale;
mod sink;
mod stats;
mod taps;

pub use crate::control::canvas::{
    Align, Border, Colour, Fit, Layout, Overlay, OverlayContent, Parts, Tile, TileSource,
};
pub(super) use codec::library_versions;
pub use draw::Fonts;
pub use error::{EncoderError, ImageError, VideoError};
pub use layout::{MAX_TILES, Placement};
pub use mixer::VideoMixer;
pub use options::*;
pub use overlay::MAX_OVERLAYS;
pub use rect::Rect;
pub use sink::VideoSink;
pub use stats::{CanvasStats, ClassStats, PortStats};
pub use taps::MAX_TAPS;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
