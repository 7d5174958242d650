//! Text: one line at a time, left to right, without shaping. In DejaVu Sans, and in fonts of the
//! application where that has no letter.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ab_glyph::{Font, FontArc, FontVec, Glyph, PxScale, ScaleFont};

use super::super::colour::Colour;
use super::pixmap::Pixmap;

/// Most characters of a line that are looked at.
const MAX_CHARACTERS: usize = 512;
/// Fonts of an application.
const MAX_FONTS: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in super::super) enum Weight {
    Regular,
    Bold,
}

/// The fonts of an application. DejaVu Sans is there without them. A clone is the same fonts.
#[derive(Clone, Default)]
pub struct Fonts(Arc<[FontArc]>);

impl Fonts {
    /// These and one more, for letters that those before do not have: a TrueType or OpenType
    /// font, or the first one of a collection.
    pub fn with(&self, file: Vec<u8>) -> Result<Self, String> {
        if self.0.len() >= MAX_FONTS {
            return Err(format!("more than {MAX_FONTS} fonts"));
        }
        let font = FontVec::try_from_vec(file).ok().filter(|font| em(font).is_some());
        let font = font.ok_or("not a TrueType or OpenType font")?;
        Ok(Self(self.0.iter().cloned().chain([FontArc::new(font)]).collect()))
    }

    /// The first font that has the letter. If none does, DejaVu Sans has a box for it.
    fn find(&self, weight: Weight, letter: char) -> Option<(usize, &FontArc)> {
        let usual = dejavu(weight)?;
        let mut all = [usual].into_iter().chain(&*self.0).enumerate();
        all.find(|(_, font)| font.glyph_id(letter).0 != 0).or(Some((0, usual)))
    }
}

impl fmt::Debug for Fonts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fonts({})", self.0.len())
    }
}

fn dejavu(weight: Weight) -> Option<&'static FontArc> {
    static REGULAR: OnceLock<Option<FontArc>> = OnceLock::new();
    static BOLD: OnceLock<Option<FontArc>> = OnceLock::new();
    let (cell, bytes) = match weight {
        Weight::Regular => (&REGULAR, dejavu::sans::regular as fn() -> _),
        Weight::Bold => (&BOLD, dejavu::sans::bold as fn() -> _),
    };
    cell.get_or_init(|| FontArc::try_from_slice(bytes()).ok()).as_ref()
}

/// What ab_glyph calls the height of a font, in what typesetters call its size.
fn em(font: &impl Font) -> Option<f32> {
    let height = font.height_unscaled() / font.units_per_em()?;
    (height > 0.0 && height.is_finite()).then_some(height)
}

/// A line of text, measured.
pub(in super::super) struct Line {
    /// Placed from the beginning of the baseline.
    glyphs: Vec<(FontArc, Glyph)>,
    /// All in pixels.
    pub width: f32,
    /// Of capital letters.
    pub cap_height: f32,
}

impl Line {
    /// Sets `text` in `size` pixels; what is wider than `width` ends with an ellipsis.
    pub(in super::super) fn set(
        fonts: &Fonts,
        text: &str,
        weight: Weight,
        size: f32,
        width: f32,
    ) -> Option<Self> {
        let usual = dejavu(weight)?;
        let scale = PxScale::from(size * em(usual)?);
        let ellipsis = usual.glyph_id('…').with_scale(scale);
        let room = width - usual.as_scaled(scale).h_advance(ellipsis.id);
        let mut glyphs: Vec<(FontArc, Glyph)> = Vec::new();
        let mut last = None;
        let mut x = 0.0;
        // Where the ellipsis would go, and after how many glyphs.
        let mut cut = (0, 0.0);
        let characters = text.chars().filter(|c| !c.is_control()).take(MAX_CHARACTERS);
        for character in characters {
            let (which, font) = fonts.find(weight, character)?;
            let scaled = font.as_scaled(PxScale::from(size * em(font)?));
            let id = scaled.glyph_id(character);
            if let Some((_, before)) = last.filter(|(font, _)| *font == which) {
                x += scaled.kern(before, id);
            }
            last = Some((which, id));
            let place = ab_glyph::point(x, 0.0);
            glyphs.push((font.clone(), id.with_scale_and_position(scaled.scale, place)));
            x += scaled.h_advance(id);
            if x <= room {
                cut = (glyphs.len(), x);
            }
            if x > width {
                glyphs.truncate(cut.0);
                let place = ab_glyph::point(cut.1, 0.0);
                glyphs.push((usual.clone(), Glyph { position: place, ..ellipsis.clone() }));
                x = width - room + cut.1;
                break;
            }
        }
        let scaled = usual.as_scaled(scale);
        let cap_height = usual
            .outline(usual.glyph_id('H'))
            .map_or(0.7 * size, |outline| outline.bounds.height().abs() * scaled.v_scale_factor());
        Some(Self { glyphs, width: x, cap_height })
    }

    /// Draws it beginning at `x` on its baseline.
    pub(in super::super) fn draw(
        &self,
        pixmap: &mut Pixmap,
        x: f32,
        baseline: f32,
        colour: Colour,
    ) {
        for (font, glyph) in &self.glyphs {
            let position = ab_glyph::point(x + glyph.position.x, baseline);
            let glyph = Glyph { position, ..glyph.clone() };
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
        let line = Line::set(&Fonts::default(), "Hxg", Weight::Regular, 20.0, 200.0).unwrap();
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
        let line = Line::set(&Fonts::default(), &name, Weight::Bold, 14.0, 100.0).unwrap();
        assert!(line.width <= 100.0 && line.width > 70.0);
        assert!(line.glyphs.len() < 15);
    }

    #[test]
    fn nothing_is_a_line_of_no_width() {
        let line = Line::set(&Fonts::default(), "\n\u{7}", Weight::Regular, 14.0, 100.0).unwrap();
        assert_eq!(line.width, 0.0);
    }

    /// Has one letter, \u{738b}, as wide as it is high.
    const IDEOGRAPH: &[u8] = include_bytes!("../testing/ideograph.ttf");

    #[test]
    fn a_letter_that_dejavu_lacks_is_taken_from_the_font_that_has_it() {
        let fonts = Fonts::default().with(IDEOGRAPH.to_vec()).unwrap();
        let draw = |fonts: &Fonts, text: &str| {
            let line = Line::set(fonts, text, Weight::Regular, 20.0, 200.0).unwrap();
            let mut pixmap = Pixmap::new(100, 30);
            line.draw(&mut pixmap, 0.0, 20.0, Colour::WHITE);
            (line.width, pixmap.data)
        };
        let (width, drawn) = draw(&fonts, "\u{738b}");
        assert!((width - 20.0).abs() < 0.1, "{width}");
        assert_ne!(drawn, draw(&Fonts::default(), "\u{738b}").1, "a box");
        let (wider, _) = draw(&fonts, "\u{738b}Li");
        let (latin, _) = draw(&Fonts::default(), "Li");
        assert!((wider - width - latin).abs() < 0.1, "{wider}");
        assert_eq!(draw(&fonts, "Li"), draw(&Fonts::default(), "Li"));
        assert_eq!(draw(&fonts, "\u{9999}"), draw(&Fonts::default(), "\u{9999}"), "nobody has it");
    }

    #[test]
    fn what_is_no_font_is_refused_and_so_is_one_too_many() {
        let mut fonts = Fonts::default();
        assert!(fonts.with(Vec::new()).is_err());
        assert!(fonts.with(vec![0; 1000]).is_err());
        for end in [1, 12, 40, 100, 400, IDEOGRAPH.len() - 1] {
            // Cut off it may still be a font, but must do no harm.
            if let Ok(cut) = fonts.with(IDEOGRAPH[..end].to_vec()) {
                let line = Line::set(&cut, "\u{738b}", Weight::Bold, 20.0, 200.0).unwrap();
                line.draw(&mut Pixmap::new(30, 30), 0.0, 20.0, Colour::WHITE);
            }
        }
        for _ in 0..MAX_FONTS {
            fonts = fonts.with(IDEOGRAPH.to_vec()).unwrap();
        }
        assert!(fonts.with(IDEOGRAPH.to_vec()).is_err());
    }

    #[test]
    fn where_not_even_an_ellipsis_fits_nothing_breaks() {
        assert!(Line::set(&Fonts::default(), "abc", Weight::Regular, 14.0, 1.0).is_some());
    }
}
