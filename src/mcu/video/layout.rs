//! Which layouts are taken, and where their tiles come to lie.

use super::error::VideoError;
use super::rect::Rect;
use crate::control::canvas::{Colour, Fit, Layout};
use crate::mcu::PortId;

/// Most tiles of a layout.
pub const MAX_TILES: usize = 100;

/// Refuses tiles that cannot be drawn, and more than there may be.
pub(super) fn check(layout: &Layout) -> Result<(), VideoError> {
    let Layout::Tiles(tiles) = layout else { return Ok(()) };
    if tiles.len() > MAX_TILES {
        return Err(VideoError::TooMany { what: "tiles", limit: MAX_TILES });
    }
    for tile in tiles {
        if !tile.rect.is_valid() {
            return Err(VideoError::Outside("a tile"));
        }
        if !(0.0..=0.5).contains(&tile.radius) {
            return Err(VideoError::Radius(tile.radius));
        }
        if tile.border.is_some_and(|border| !(0.0..=0.5).contains(&border.width)) {
            return Err(VideoError::BorderWidth);
        }
    }
    Ok(())
}

/// A tile of the canvas with its port.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Placement {
    pub port: PortId,
    pub rect: Rect,
    pub z: i32,
    pub fit: Fit,
    /// Width in pixels.
    pub border: Option<(u16, Colour)>,
    /// In pixels.
    pub radius: u16,
}
