//! What JavaScript says of pictures, in the words of the mixer of pictures.

use std::sync::Arc;

use crate::control::mixer::{Align, Layout, Overlay, Place, PortOptions, Tile, TileSource};
use crate::mcu::PortKey;
use crate::mcu::video::{self, Colour, Parts, Placeholder, VideoPortOptions};

/// 0xRRGGBB.
pub fn colour(rgb: u32) -> Colour {
    let [_, red, green, blue] = rgb.to_be_bytes();
    Colour::rgb(red, green, blue)
}

pub fn port(options: &PortOptions) -> VideoPortOptions {
    VideoPortOptions {
        label: (!options.label.is_empty()).then(|| options.label.clone()),
        placeholder: Placeholder::Initials,
        visible: options.visible,
        screen: options.screen,
    }
}

pub fn layout(layout: &Layout) -> video::Layout {
    match layout {
        Layout::Grid => video::Layout::Grid,
        Layout::Speaker => video::Layout::Speaker,
        Layout::Pip => video::Layout::Pip,
        Layout::Sidebar => video::Layout::Sidebar,
        Layout::Tiles { tiles } => video::Layout::Tiles(tiles.iter().map(tile).collect()),
    }
}

fn tile(tile: &Tile) -> video::Tile {
    let border = video::Border { width: tile.border, colour: colour(tile.border_color) };
    video::Tile {
        rect: parts(&tile.place),
        z: tile.z,
        fit: if tile.contain { video::Fit::Contain } else { video::Fit::Cover },
        border: (tile.border > 0.0).then_some(border),
        radius: tile.radius,
        source: match tile.source {
            TileSource::Port { port } => video::TileSource::Port(PortKey(port)),
            TileSource::Speaker => video::TileSource::Speaker,
            TileSource::Any => video::TileSource::Any,
        },
    }
}

/// `files` are those that pictures among the overlays name by their place.
pub fn overlay(overlay: &Overlay, files: &[Arc<[u8]>]) -> video::Overlay {
    let file = overlay.picture.and_then(|place| files.get(place));
    let text = || video::OverlayContent::Text {
        text: overlay.text.clone().unwrap_or_default(),
        size: overlay.size,
        colour: colour(overlay.color),
        background: overlay.background.map(colour),
        align: match overlay.align {
            Align::Left => video::Align::Start,
            Align::Center => video::Align::Middle,
            Align::Right => video::Align::End,
        },
    };
    video::Overlay {
        rect: parts(&overlay.place),
        z: overlay.z,
        content: file.map_or_else(text, |file| video::OverlayContent::Picture(Arc::clone(file))),
    }
}

fn parts(place: &Place) -> Parts {
    Parts { x: place.x, y: place.y, width: place.width, height: place.height }
}
