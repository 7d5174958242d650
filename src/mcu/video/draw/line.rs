//! One line of text: in reading order (UAX 9), each stretch in the first font that has its letters,
//! shaped as its script asks for.

use std::cell::OnceCell;
use std::ops::Range;

use rustybuzz::{Direction, Face, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use super::font::{Font, Fonts, Weight};
use super::pixmap::Pixmap;
use crate::control::canvas::Colour;

/// Most characters of a line that are looked at.
const MAX_CHARACTERS: usize = 512;

/// Sets lines. Looking into the files of the fonts takes a while, so one setter is for many lines.
pub(in super::super) struct Typesetter<'a> {
    fonts: Vec<(&'a Font, OnceCell<Option<Face<'a>>>)>,
}

/// A line of text, measured.
pub(in super::super) struct Line {
    glyphs: Vec<Glyph>,
    size: f32,
    /// All in pixels.
    pub width: f32,
    /// Of capital letters.
    pub cap_height: f32,
}

struct Glyph {
    font: Font,
    id: u16,
    /// From the beginning of the baseline.
    x: f32,
    y: f32,
}

impl<'a> Typesetter<'a> {
    pub(in super::super) fn new(fonts: &'a Fonts, weight: Weight) -> Self {
        Self { fonts: fonts.all(weight).map(|font| (font, OnceCell::new())).collect() }
    }

    /// Sets `text` in `size` pixels; what is wider than `width` ends with an ellipsis.
    pub(in super::super) fn set(&self, text: &str, size: f32, width: f32) -> Line {
        let characters = text.chars().filter(|c| !c.is_control()).take(MAX_CHARACTERS);
        // A name with a picture nobody has is better without than with a box.
        let text: String = characters.filter(|c| !is_pictograph(*c) || self.has(*c)).collect();
        let text = text.trim();
        let whole = self.lay_out(text, size);
        if whole.width <= width {
            return whole;
        }
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let cut = |at: usize| self.lay_out(&format!("{}…", text[..at].trim_end()), size);
        // At least the ellipsis is there.
        let fitting = ends.partition_point(|at| cut(*at).width <= width);
        cut(ends.get(fitting.saturating_sub(1)).copied().unwrap_or(0))
    }

    fn lay_out(&self, text: &str, size: f32) -> Line {
        let mut line = Line { glyphs: Vec::new(), size, width: 0.0, cap_height: 0.7 * size };
        if let Some((usual, _)) = self.fonts.first()
            && let Some(face) = self.face(0)
            && let Some(capital) = face.glyph_index('H')
            && let Some(outline) = usual.outline(capital.0, size, (0.0, 0.0))
        {
            line.cap_height = outline.px_bounds().height();
        }
        let bidi = BidiInfo::new(text, None);
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let rtl = levels[run.start].is_rtl();
                let mut stretches = self.stretches(text, run);
                if rtl {
                    stretches.reverse();
                }
                for (font, range) in stretches {
                    self.shape(&mut line, font, &text[range], rtl);
                }
            }
        }
        line
    }

    /// Parts of a range in one font each, in logical order.
    fn stretches(&self, text: &str, range: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut stretches: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, letter) in text[range.clone()].char_indices() {
            let at = range.start + at;
            let end = at + letter.len_utf8();
            // If nobody has it, DejaVu Sans has a box for it.
            let font = self.fonts.iter().position(|(font, _)| font.has(letter)).unwrap_or(0);
            match stretches.last_mut() {
                Some((last, range)) if *last == font || joins(letter) => range.end = end,
                _ => stretches.push((font, at..end)),
            }
        }
        stretches
    }

    fn shape(&self, line: &mut Line, font: usize, text: &str, rtl: bool) {
        let Some(face) = self.face(font) else { return };
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        let shaped = rustybuzz::shape(face, &[], buffer);
        let scale = line.size / face.units_per_em() as f32;
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let x = line.width + position.x_offset as f32 * scale;
            let y = -(position.y_offset as f32) * scale;
            line.glyphs.push(Glyph {
                font: self.fonts[font].0.clone(),
                id: info.glyph_id as u16,
                x,
                y,
            });
            line.width += position.x_advance as f32 * scale;
        }
    }

    fn has(&self, letter: char) -> bool {
        self.fonts.iter().any(|(font, _)| font.has(letter))
    }

    fn face(&self, index: usize) -> Option<&Face<'a>> {
        let (font, face) = self.fonts.get(index)?;
        face.get_or_init(|| Face::from_slice(font.file(), 0)).as_ref()
    }
}

/// Emoji, flags and the like, which common fonts have in colours or not at all.
fn is_pictograph(letter: char) -> bool {
    matches!(letter, '\u{1f000}'..='\u{1faff}')
}

/// Marks, variation selectors and joiners belong to the letter before them.
fn joins(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

impl Line {
    /// Draws it beginning at `x` on its baseline.
    pub(in super::super) fn draw(
        &self,
        pixmap: &mut Pixmap,
        x: f32,
        baseline: f32,
        colour: Colour,
    ) {
        for glyph in &self.glyphs {
            let origin = (x + glyph.x, baseline + glyph.y);
            let Some(outline) = glyph.font.outline(glyph.id, self.size, origin) else { continue };
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
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn set(text: &str, weight: Weight, size: f32, width: f32) -> Line {
        Typesetter::new(&Fonts::default(), weight).set(text, size, width)
    }

    fn ids(line: &Line) -> Vec<u16> {
        line.glyphs.iter().map(|glyph| glyph.id).collect()
    }

    #[test]
    fn a_line_is_drawn_where_it_was_measured() {
        let line = set("Hxg", Weight::Regular, 20.0, 200.0);
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
        let line = set(&name, Weight::Bold, 14.0, 100.0);
        assert!(line.width <= 100.0 && line.width > 70.0);
        assert!(line.glyphs.len() < 15);
        assert_eq!(ids(&line).last(), ids(&set("…", Weight::Bold, 14.0, 100.0)).last());
    }

    #[test]
    fn nothing_is_a_line_of_no_width() {
        let line = set("\n\u{7}", Weight::Regular, 14.0, 100.0);
        assert_eq!(line.width, 0.0);
    }

    #[test]
    fn where_not_even_an_ellipsis_fits_nothing_breaks() {
        assert_eq!(set("abc", Weight::Regular, 14.0, 1.0).glyphs.len(), 1);
    }

    #[test]
    fn hebrew_is_read_from_the_right() {
        let letter = |letter: &str| ids(&set(letter, Weight::Regular, 14.0, 100.0))[0];
        let (alef, bet) = (letter("\u{5d0}"), letter("\u{5d1}"));
        assert_eq!(ids(&set("\u{5d0}\u{5d1}", Weight::Regular, 14.0, 100.0)), [bet, alef]);
        let mixed = ids(&set("A \u{5d0}\u{5d1}", Weight::Regular, 14.0, 100.0));
        assert_eq!((mixed[0], &mixed[2..]), (letter("A"), &[bet, alef][..]));
        let long = set(&"\u{5d0}".repeat(50), Weight::Regular, 14.0, 100.0);
        assert_eq!(ids(&long)[0], letter("…"), "what is left out comes at the left");
    }

    #[test]
    fn arabic_letters_are_joined() {
        let alone = ids(&set("\u{645}", Weight::Regular, 14.0, 100.0))[0];
        let word = ids(&set("\u{645}\u{62d}\u{645}\u{62f}", Weight::Regular, 14.0, 100.0));
        assert!(!word.contains(&alone), "{word:?}");
    }

    #[test]
    fn marks_stay_with_their_letters() {
        let line = set("e\u{323}\u{301}", Weight::Regular, 14.0, 100.0);
        let plain = set("e", Weight::Regular, 14.0, 100.0);
        assert!((line.width - plain.width).abs() < 0.1, "{} {}", line.width, plain.width);
    }

    #[test]
    fn pictures_that_no_font_has_are_left_out() {
        let name = set("\u{1f469} Ada \u{1f6a9}", Weight::Regular, 14.0, 100.0);
        assert_eq!(ids(&name), ids(&set("Ada", Weight::Regular, 14.0, 100.0)));
    }

    /// Has one letter, \u{738b}, as wide as it is high.
    const IDEOGRAPH: &[u8] = include_bytes!("../testing/ideograph.ttf");

    #[test]
    fn a_letter_that_dejavu_lacks_is_taken_from_the_font_that_has_it() {
        let fonts = Fonts::default().with(IDEOGRAPH.to_vec()).unwrap();
        let draw = |fonts: &Fonts, text: &str| {
            let line = Typesetter::new(fonts, Weight::Regular).set(text, 20.0, 200.0);
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

    /// Names come from peers.
    #[test]
    fn any_text_can_be_set() {
        let fonts = Fonts::default().with(IDEOGRAPH.to_vec()).unwrap();
        let setter = Typesetter::new(&fonts, Weight::Regular);
        let mut random = SmallRng::seed_from_u64(1);
        let blocks =
            [0x20, 0x300, 0x590, 0x600, 0x900, 0xe00, 0x1100, 0x2000, 0x202a, 0x738b, 0xfe00];
        for _ in 0..500 {
            let length = random.random_range(0..40);
            let text: String = (0..length)
                .filter_map(|_| {
                    let block = blocks[random.random_range(0..blocks.len())];
                    let any = random.random_range(0..0x11_0000);
                    let near = block + random.random_range(0..0x60);
                    char::from_u32(if random.random_ratio(1, 8) { any } else { near })
                })
                .collect();
            let line = setter.set(&text, 14.0, random.random_range(0.0..300.0));
            line.draw(&mut Pixmap::new(40, 20), 0.0, 15.0, Colour::WHITE);
        }
    }

    #[test]
    fn a_font_that_was_cut_off_does_no_harm() {
        for end in [1, 12, 40, 100, 400, IDEOGRAPH.len() - 1] {
            if let Ok(cut) = Fonts::default().with(IDEOGRAPH[..end].to_vec()) {
                let line = Typesetter::new(&cut, Weight::Bold).set("\u{738b}", 20.0, 200.0);
                line.draw(&mut Pixmap::new(30, 30), 0.0, 20.0, Colour::WHITE);
            }
        }
    }
}
