//! The fonts that text is set in: DejaVu Sans, and fonts of the application for letters that it
//! does not have.

use super::super::error::VideoError;
use std::fmt;
use std::sync::{Arc, OnceLock};

use ab_glyph::{Font as _, FontRef, FontVec, OutlinedGlyph, PxScale};

/// Fonts of an application.
const MAX_FONTS: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in super::super) enum Weight {
    Regular,
    Bold,
}

/// The fonts of an application. DejaVu Sans is there without them. A clone is the same fonts.
#[derive(Clone, Default)]
pub struct Fonts(Arc<[Font]>);

impl Fonts {
    /// These and one more, for letters that those before do not have: a TrueType or OpenType
    /// font, or the first one of a collection.
    pub fn with(&self, file: Vec<u8>) -> Result<Self, VideoError> {
        if self.0.len() >= MAX_FONTS {
            return Err(VideoError::TooMany { what: "fonts", limit: MAX_FONTS });
        }
        let font = FontVec::try_from_vec(file).map(|font| Font::Loaded(Arc::new(font)));
        let font = font.ok().filter(|font| font.scale(1.0).is_some());
        let font = font.ok_or(VideoError::NotAFont)?;
        Ok(Self(self.0.iter().cloned().chain([font]).collect()))
    }

    /// In the order in which they are asked for a letter.
    pub(super) fn all(&self, weight: Weight) -> impl Iterator<Item = &Font> {
        dejavu(weight).into_iter().chain(&*self.0)
    }
}

impl fmt::Debug for Fonts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fonts({})", self.0.len())
    }
}

/// One font. A clone is the same one.
#[derive(Clone)]
pub(super) enum Font {
    BuiltIn(&'static [u8], Arc<FontRef<'static>>),
    Loaded(Arc<FontVec>),
}

impl Font {
    fn built_in(file: &'static [u8]) -> Option<Self> {
        Some(Self::BuiltIn(file, Arc::new(FontRef::try_from_slice(file).ok()?)))
    }

    pub(super) fn file(&self) -> &[u8] {
        match self {
            Self::BuiltIn(file, _) => file,
            Self::Loaded(font) => font.as_slice(),
        }
    }

    pub(super) fn has(&self, letter: char) -> bool {
        let glyph = match self {
            Self::BuiltIn(_, font) => font.glyph_id(letter),
            Self::Loaded(font) => font.glyph_id(letter),
        };
        glyph.0 != 0
    }

    /// The glyph in `size` pixels with its origin at a point, if there is anything to see of it.
    pub(super) fn outline(
        &self,
        glyph: u16,
        size: f32,
        (x, y): (f32, f32),
    ) -> Option<OutlinedGlyph> {
        let id = ab_glyph::GlyphId(glyph);
        let glyph = id.with_scale_and_position(self.scale(size)?, ab_glyph::point(x, y));
        match self {
            Self::BuiltIn(_, font) => font.outline_glyph(glyph),
            Self::Loaded(font) => font.outline_glyph(glyph),
        }
    }

    /// What ab_glyph calls the size that typesetters call `size`.
    fn scale(&self, size: f32) -> Option<PxScale> {
        let (height, units) = match self {
            Self::BuiltIn(_, font) => (font.height_unscaled(), font.units_per_em()),
            Self::Loaded(font) => (font.height_unscaled(), font.units_per_em()),
        };
        let scale = size * height / units?;
        (scale > 0.0 && scale.is_finite()).then_some(PxScale::from(scale))
    }
}

fn dejavu(weight: Weight) -> Option<&'static Font> {
    static REGULAR: OnceLock<Option<Font>> = OnceLock::new();
    static BOLD: OnceLock<Option<Font>> = OnceLock::new();
    let (cell, file) = match weight {
        Weight::Regular => (&REGULAR, dejavu::sans::regular()),
        Weight::Bold => (&BOLD, dejavu::sans::bold()),
    };
    cell.get_or_init(|| Font::built_in(file)).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_font_is_refused_and_so_is_one_too_many() {
        let font: &[u8] = include_bytes!("../testing/ideograph.ttf");
        let mut fonts = Fonts::default();
        assert!(fonts.with(Vec::new()).is_err());
        assert!(fonts.with(vec![0; 1000]).is_err());
        for _ in 0..MAX_FONTS {
            fonts = fonts.with(font.to_vec()).unwrap();
        }
        assert!(fonts.with(font.to_vec()).is_err());
    }
}
