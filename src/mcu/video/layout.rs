//! Where tiles may be: the layouts there are, and the words for tiles of one's own.

use super::colour::Colour;
use super::error::VideoError;
use super::rect::{Parts, Rect};
use crate::mcu::PortKey;

/// Most tiles of a layout.
pub const MAX_TILES: usize = 100;

/// How tiles lie on the canvas.
#[derive(Clone, PartialEq, Default, Debug)]
pub enum Layout {
    /// Everybody alike.
    #[default]
    Grid,
    /// The speaker large, the others in a strip below.
    Speaker,
    /// The speaker on the whole canvas, one other small in a corner.
    Pip,
    /// The speaker large, the others in a column beside.
    Sidebar,
    /// Tiles of one's own.
    Tiles(Vec<Tile>),
}

impl Layout {
    pub(super) fn check(&self) -> Result<(), VideoError> {
        let Layout::Tiles(tiles) = self else { return Ok(()) };
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
}

/// A tile in parts of the canvas.
#[derive(Clone, PartialEq, Debug)]
pub struct Tile {
    pub rect: Parts,
    /// Higher ones lie above; of equals, later ones.
    pub z: i32,
    pub fit: Fit,
    pub border: Option<Border>,
    /// Of rounded corners, as a part of the tile's shorter side; 0 to 0.5.
    pub radius: f32,
    pub source: TileSource,
}

/// What becomes of a picture of another shape than its tile.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Fit {
    /// The picture fills the tile, what does not fit is cut off.
    #[default]
    Cover,
    /// All of the picture is shown, the background beside it.
    Contain,
}

/// Drawn inside a tile's edge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Border {
    /// As a part of the tile's shorter side; 0 to 0.5.
    pub width: f32,
    pub colour: Colour,
}

/// Who is in a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TileSource {
    Port(PortKey),
    /// Who is pinned, or else speaks.
    Speaker,
    /// The next port that no other tile has.
    Any,
}

/// A tile of the canvas with its port.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Placement {
    pub port: PortKey,
    pub rect: Rect,
    pub z: i32,
    pub fit: Fit,
    /// Width in pixels.
    pub border: Option<(u16, Colour)>,
    /// In pixels.
    pub radius: u16,
}
