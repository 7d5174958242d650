//! Figures of ports and classes. All counts grow from the beginning.

use std::time::Duration;

/// Of a port, since it was added.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PortStats {
    pub packets: u64,
    pub decoded: u64,
    /// Frames that were complete but not decoded, because later ones were due.
    pub dropped: u64,
    /// Gaps that were given up, and frames that made no sense.
    pub lost: u64,
    /// Frames that could not be decoded, and packets of codecs that are not.
    pub errors: u64,
    /// Of the last picture.
    pub width: u16,
    pub height: u16,
    /// By the sink's clock.
    pub decode_time: Duration,
}

/// Of an output class, since it was first wanted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClassStats {
    pub encoded: u64,
    pub keyframes: u64,
    /// Of encoded pictures, without what packets add.
    pub bytes: u64,
    /// Pictures that the encoder left out to keep the rate.
    pub skipped: u64,
    pub errors: u64,
    /// Pictures as they are encoded now.
    pub width: u16,
    pub height: u16,
    /// Bits per second that are aimed at.
    pub bitrate: u32,
    /// By the sink's clock.
    pub encode_time: Duration,
}

/// Of the canvas.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CanvasStats {
    /// Ticks in which something was painted.
    pub painted: u64,
    /// Tiles and overlays that were painted.
    pub tiles: u64,
    /// By the sink's clock.
    pub paint_time: Duration,
}
