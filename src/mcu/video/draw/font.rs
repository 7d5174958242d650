//! Text in DejaVu Sans: one line at a time, left to right, without shaping.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};

use super::super::colour::Colour;
use super::pixmap::Pixmap;

/// Most characters of a line that are looked at.
const MAX_CHARACTERS: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in super::super) enum Weight {
    Regular,
    Bold,
}

fn font(weight: Weight) -> Option<&'static FontRef<'static>> {
    static REGULAR: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    static BOLD: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    let (cell, bytes) = match weight {
        Weight::Regular => (&REGULAR, dejavu::sans::regular as fn() -> _),
        Weight::Bold => (&BOLD, dejavu::sans::bold as fn() -> _),
    };
    cell.get_or_init(|| FontRef::try_from_slice(bytes()).ok()).as_ref()
}

/// A line of text, measured.
pub(in super::super) struct Line {
    glyphs: Vec<(GlyphId, f32)>,
    weight: Weight,
    scale: PxScale,
    /// All in pixels.
    pub width: f32,
    /// Of capital letters.
    pub cap_height: f32,
}

impl Line {
    /// Sets `text` in `size` pixels; what is wider than `width` ends with an ellipsis.
    pub(in super::super) fn set(text: &str, weight: Weight, size: f32, width: f32) -> Option<Self> {
        let font = font(weight)?;
        // The size of a font is what typesetters call it: pixels per em.
        let scale = PxScale::from(size * font.height_unscaled() / font.units_per_em()?);
        let scaled = font.as_scaled(scale);
        let ellipsis = scaled.glyph_id('…');
        let room = width - scaled.h_advance(ellipsis);
        let mut glyphs: Vec<(GlyphId, f32)> = Vec::new();
        let mut x = 0.0;
        // Where the ellipsis would go, and after how many glyphs.
        let mut cut = (0, 0.0);
        let characters = text.chars().filter(|c| !c.is_control()).take(MAX_CHARACTERS);
        for character in characters {
            let glyph = scaled.glyph_id(character);
            if let Some((last, _)) = glyphs.last() {
                x += scaled.kern(*last, glyph);
            }
            glyphs.push((glyph, x));
            x += scaled.h_advance(glyph);
            if x <= room {
                cut = (glyphs.len(), x);
            }
            if x > width {
                glyphs.truncate(cut.0);
                glyphs.push((ellipsis, cut.1));
                x = cut.1 + scaled.h_advance(ellipsis);
                break;
            }
        }
        let cap_height = font
            .outline(font.glyph_id('H'))
            .map_or(0.7 * size, |outline| outline.bounds.height().abs() * scaled.v_scale_factor());
        Some(Self { glyphs, weight, scale, width: x, cap_height })
    }

    /// Draws it beginning at `x` on its baseline.
    pub(in super::super) fn draw(
        &self,
        pixmap: &mut Pixmap,
        x: f32,
        baseline: f32,
        colour: Colour,
    ) {
        let Some(font) = font(self.weight) else { return };
        for (id, offset) in &self.glyphs {
            let position = ab_glyph::point(x + offset, baseline);
            let glyph = id.with_scale_and_position(self.scale, position);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|x, y, coverage| {
                let (x, y) = (bounds.min.x as i32 + x as i32, bounds.min.y as i32 + y as i32);
                pixmap.blend(x, y, colour, coverage);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_drawn_where_it_was_measured() {
        let line = Line::set("Hxg", Weight::Regular, 20.0, 200.0).unwrap();
        assert!((30.0..45.0).contains(&line.width), "{}", line.width);
        assert!((13.0..16.0).contains(&line.cap_height), "{}", line.cap_height);
        let mut pixmap = Pixmap::new(60, 30);
        line.draw(&mut pixmap, 0.0, 20.0, Colour::WHITE);
        let mut columns =
            (0..60).filter(|x| (0..30).any(|y| pixmap.data[4 * (y * 60 + x) + 3] > 0));
        let last = columns.next_back().unwrap() as f32;
        assert!(last > line.width - 5.0 && last < line.width, "{last} of {}", line.width);
    }

    #[test]
    fn a_long_name_ends_with_an_ellipsis() {
        let name = "Wolfgang Amadeus Theophilus ".repeat(9);
        let line = Line::set(&name, Weight::Bold, 14.0, 100.0).unwrap();
        assert!(line.width <= 100.0 && line.width > 70.0);
        assert!(line.glyphs.len() < 15);
    }

    #[test]
    fn nothing_is_a_line_of_no_width() {
        let line = Line::set("\n\u{7}", Weight::Regular, 14.0, 100.0).unwrap();
        assert_eq!(line.width, 0.0);
    }

    #[test]
    fn where_not_even_an_ellipsis_fits_nothing_breaks() {
        assert!(Line::set("abc", Weight::Regular, 14.0, 1.0).is_some());
    }
}
