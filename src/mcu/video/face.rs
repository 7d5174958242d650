//! What is drawn on a tile beside the picture: the name, marks, and who has no picture.

use super::draw::{Fonts, Pixmap, Sprite, Typesetter, Weight, rounded_rect};
use super::rect::{Rect, even};
use crate::control::canvas::Colour;

/// Of a muted microphone.
const MUTED: Colour = Colour::rgb(0xff, 0x6b, 0x6b);
/// Around who speaks.
pub(super) const SPEAKING: Colour = Colour::rgb(0x4a, 0xde, 0x80);
const LABEL_FIELD: Colour = Colour::rgb(0x0b, 0x0d, 0x12).with_alpha(168);
/// Of who has no picture; which one follows from the name.
const PALETTE: [Colour; 8] = [
    Colour::rgb(0x5b, 0x7c, 0xfa),
    Colour::rgb(0x0e, 0x9f, 0x9a),
    Colour::rgb(0xc2, 0x5b, 0xd6),
    Colour::rgb(0xe0, 0x7a, 0x3f),
    Colour::rgb(0x3f, 0x9d, 0x5a),
    Colour::rgb(0xd6, 0x4f, 0x7a),
    Colour::rgb(0x8a, 0x6d, 0xf0),
    Colour::rgb(0xb0, 0x8a, 0x2e),
];

/// The shortest side of a tile that has room for a label.
const LABEL_NEEDS: u16 = 56;

/// A label with the mark of who is muted, for a tile of this size, and its distance from the lower
/// left corner.
pub(super) fn label(
    fonts: &Fonts,
    name: Option<&str>,
    muted: bool,
    tile: Rect,
) -> Option<(Sprite, u16)> {
    let name = name.filter(|name| !name.trim().is_empty());
    if tile.width.min(tile.height) < LABEL_NEEDS || (name.is_none() && !muted) {
        return None;
    }
    let size = (f32::from(tile.height) * 0.062).clamp(11.0, 26.0);
    let margin = even((size * 0.55) as u16).max(4);
    let padding = size * 0.6;
    let icon = if muted { size * 1.15 } else { 0.0 };
    let gap = if muted && name.is_some() { size * 0.3 } else { 0.0 };
    let room = f32::from(tile.width - 2 * margin) - 2.0 * padding - icon - gap;
    let setter = Typesetter::new(fonts, Weight::Regular);
    let line = setter.set(name.unwrap_or_default(), size, room.max(size));
    let width = (line.width + icon + gap + 2.0 * padding).ceil() as u16;
    let width = width.min(tile.width - 2 * margin);
    let height = even((size * 1.75) as u16);
    let mut pixmap = Pixmap::new(width, height);
    let (w, h) = (f32::from(width), f32::from(height));
    pixmap.fill(LABEL_FIELD, |x, y| rounded_rect((x, y), (0.0, 0.0), (w, h), h * 0.32));
    if muted {
        microphone_off(&mut pixmap, padding, (h - icon) / 2.0, icon);
    }
    let baseline = ((h + line.cap_height) / 2.0).round();
    line.draw(&mut pixmap, padding + icon + gap, baseline, Colour::WHITE);
    Some((Sprite::new(&pixmap), margin))
}

/// Distance to the stretch between two points.
fn segment((x, y): (f32, f32), (x1, y1): (f32, f32), (x2, y2): (f32, f32)) -> f32 {
    let (dx, dy) = (x2 - x1, y2 - y1);
    let along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy).max(f32::EPSILON);
    let along = along.clamp(0.0, 1.0);
    (x - x1 - along * dx).hypot(y - y1 - along * dy)
}

/// A crossed-out microphone in a square.
fn microphone_off(pixmap: &mut Pixmap, left: f32, top: f32, size: f32) {
    pixmap.fill(MUTED, |x, y| {
        let (x, y) = ((x - left) / size, (y - top) / size);
        let point = (x, y);
        let capsule = segment(point, (0.5, 0.24), (0.5, 0.46)) - 0.15;
        let circle = ((x - 0.5).hypot(y - 0.46) - 0.28).abs() - 0.045;
        let bracket = if y > 0.46 { circle } else { f32::MAX };
        let stem = segment(point, (0.5, 0.74), (0.5, 0.92)) - 0.045;
        let foot = segment(point, (0.36, 0.92), (0.64, 0.92)) - 0.045;
        let stroke = segment(point, (0.16, 0.1), (0.84, 0.92));
        // The stroke keeps a distance to what it crosses.
        let microphone = capsule.min(bracket).min(stem).min(foot).max(0.12 - stroke);
        microphone.min(stroke - 0.05) * size
    });
}

/// The colour of who has no picture: of the circle and of the field around it.
pub(super) fn colours(name: Option<&str>, port: u64) -> (Colour, Colour) {
    // FNV-1a: the same name has the same colour everywhere.
    let hash = |bytes: &[u8]| {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let hash = name.map_or_else(|| hash(&port.to_le_bytes()), |name| hash(name.as_bytes()));
    let colour = PALETTE[(hash >> 32) as usize % PALETTE.len()];
    let dark = |c: u8| (f32::from(c) * 0.24) as u8 + 14;
    (colour, Colour::rgb(dark(colour.red), dark(colour.green), dark(colour.blue)))
}

/// First letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut letters = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
        .map(|letter| letter.to_uppercase().next().unwrap_or(letter));
    let first = letters.next();
    first.into_iter().chain(letters.next_back()).collect()
}

/// A circle with initials, or with the outline of somebody whose name is not known.
pub(super) fn avatar(fonts: &Fonts, name: Option<&str>, colour: Colour, tile: Rect) -> Sprite {
    let diameter = even((f32::from(tile.width.min(tile.height)) * 0.46) as u16).max(2);
    let size = f32::from(diameter);
    let mut pixmap = Pixmap::new(diameter, diameter);
    let middle = size / 2.0;
    let circle = |x: f32, y: f32| (x - middle).hypot(y - middle) - middle + 0.5;
    pixmap.fill(colour, circle);
    let initials = name.map(initials).filter(|letters| !letters.is_empty());
    let setter = Typesetter::new(fonts, Weight::Bold);
    let line = initials.map(|text| setter.set(&text, size * 0.4, size));
    match line {
        Some(line) => {
            let baseline = ((size + line.cap_height) / 2.0).round();
            line.draw(&mut pixmap, (size - line.width) / 2.0, baseline, Colour::WHITE);
        }
        None => pixmap.fill(Colour::WHITE.with_alpha(230), |x, y| {
            let head = (x - middle).hypot(y - size * 0.38) - size * 0.17;
            let shoulders = (x - middle).hypot(y - size * 0.92) - size * 0.32;
            head.min(shoulders).max(circle(x, y) + size * 0.04)
        }),
    }
    Sprite::new(&pixmap)
}

/// A line along a tile's edge, inside.
pub(super) fn ring(tile: Rect, radius: u16, width: u16, colour: Colour) -> Sprite {
    let mut pixmap = Pixmap::new(tile.width, tile.height);
    let size = (f32::from(tile.width), f32::from(tile.height));
    let (radius, width) = (f32::from(radius), f32::from(width));
    let band = radius.max(width).ceil() as i32 + 1;
    let (columns, rows) = (i32::from(tile.width), i32::from(tile.height));
    let mut paint = |x: i32, y: i32| {
        let outer = rounded_rect((x as f32 + 0.5, y as f32 + 0.5), (0.0, 0.0), size, radius);
        // Covered up to the outer edge, but not within the inner one.
        let coverage = (0.5 - outer).clamp(0.0, 1.0) - (0.5 - outer - width).clamp(0.0, 1.0);
        pixmap.blend(x, y, colour, coverage);
    };
    for y in 0..rows {
        if y < band || y >= rows - band {
            (0..columns).for_each(|x| paint(x, y));
        } else {
            (0..band.min(columns)).for_each(|x| paint(x, y));
            ((columns - band).max(band)..columns).for_each(|x| paint(x, y));
        }
    }
    Sprite::new(&pixmap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("ada lovelace"), "AL");
        assert_eq!(initials("  Jean-Luc de la  Fontaine "), "JF");
        assert_eq!(initials("Plato"), "P");
        assert_eq!(initials("(42) ßen"), "4S");
        assert_eq!(initials("-- !"), "");
    }

    #[test]
    fn a_label_fits_its_tile() {
        let long = "Karl Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph";
        for (width, height) in [(56, 56), (60, 200), (160, 90), (426, 240), (1280, 720)] {
            let tile = Rect::new(0, 0, width, height);
            for (name, muted) in [(Some(long), true), (Some("A"), false), (None, true)] {
                let (sprite, margin) = label(&Fonts::default(), name, muted, tile).unwrap();
                assert!(sprite.width() + margin <= width, "{width}x{height} {name:?}");
                assert!(sprite.height() + margin <= height);
            }
        }
        assert!(
            label(&Fonts::default(), Some("A"), true, Rect::new(0, 0, 54, 90)).is_none(),
            "no room"
        );
        assert!(label(&Fonts::default(), None, false, Rect::new(0, 0, 640, 360)).is_none());
        assert!(label(&Fonts::default(), Some(" "), false, Rect::new(0, 0, 640, 360)).is_none());
    }

    #[test]
    fn the_smallest_tiles_have_faces() {
        for side in [2, 4, 10] {
            let tile = Rect::new(0, 0, side, side);
            avatar(&Fonts::default(), Some("Ada L"), Colour::WHITE, tile);
            avatar(&Fonts::default(), None, Colour::WHITE, tile);
            ring(tile, 1, 4, SPEAKING);
        }
    }
}
