//! Text and pictures that lie over the tiles, or under them.

use super::error::{ImageError, VideoError};
use std::sync::Arc;

use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;

use super::draw::{self, Fonts, Line, Pixmap, Sprite, Typesetter, Weight, rounded_rect};
use super::rect::Rect;
use crate::control::canvas::{Align, Colour, Overlay, OverlayContent};

/// Most overlays of a canvas.
pub const MAX_OVERLAYS: usize = 32;
/// Most bytes of an overlay's text.
const MAX_TEXT: usize = 4096;

/// An overlay as it is laid over the canvas.
pub(super) struct Rendered {
    pub rect: Rect,
    pub z: i32,
    pub sprite: Sprite,
}

/// Draws overlays for a canvas of this size. `files` are those that pictures name by their place.
pub(super) fn render(
    fonts: &Fonts,
    overlays: &[Overlay],
    files: &[Arc<[u8]>],
    width: u16,
    height: u16,
) -> Result<Vec<Rendered>, VideoError> {
    if overlays.len() > MAX_OVERLAYS {
        return Err(VideoError::TooMany { what: "overlays", limit: MAX_OVERLAYS });
    }
    overlays.iter().map(|overlay| render_one(fonts, overlay, files, width, height)).collect()
}

fn render_one(
    fonts: &Fonts,
    overlay: &Overlay,
    files: &[Arc<[u8]>],
    width: u16,
    height: u16,
) -> Result<Rendered, VideoError> {
    if !overlay.rect.is_valid() {
        return Err(VideoError::Outside("an overlay"));
    }
    let room = Rect::of_parts(overlay.rect, width, height);
    let (rect, pixmap) = match &overlay.content {
        OverlayContent::Text { text, size, colour, background, align } => {
            if !(0.005..=1.0).contains(size) || text.len() > MAX_TEXT {
                return Err(VideoError::OverlayText);
            }
            let size = size * f32::from(height);
            let lines = |width| wrap(fonts, text, size, width);
            (room, render_text(lines, size, *colour, *background, *align, room))
        }
        OverlayContent::Picture(place) => {
            let file = files.get(*place).ok_or(VideoError::NoPicture)?;
            let picture = draw::decode(file)?;
            let rect = room.fitted(picture.width.into(), picture.height.into());
            (rect, scale(&picture, rect)?)
        }
    };
    Ok(Rendered { rect, z: overlay.z, sprite: Sprite::new(&pixmap) })
}

fn render_text(
    lines: impl FnOnce(f32) -> Vec<Line>,
    size: f32,
    colour: Colour,
    background: Option<Colour>,
    align: Align,
    room: Rect,
) -> Pixmap {
    let mut pixmap = Pixmap::new(room.width, room.height);
    let (width, height) = (f32::from(room.width), f32::from(room.height));
    let mut padding = 0.0;
    if let Some(background) = background {
        padding = size * 0.4;
        let radius = (size * 0.3).min(width / 2.0).min(height / 2.0);
        pixmap.fill(background, |x, y| rounded_rect((x, y), (0.0, 0.0), (width, height), radius));
    }
    let inner = (width - 2.0 * padding).max(1.0);
    let spacing = size * 1.25;
    let fits = (height / spacing).floor().max(1.0) as usize;
    let mut lines = lines(inner);
    lines.truncate(fits);
    let top = (height - spacing * lines.len() as f32) / 2.0;
    for (index, line) in lines.iter().enumerate() {
        let x = match align {
            Align::Left => 0.0,
            Align::Center => (inner - line.width) / 2.0,
            Align::Right => inner - line.width,
        };
        let middle = top + spacing * (index as f32 + 0.5);
        line.draw(&mut pixmap, padding + x, (middle + line.cap_height / 2.0).round(), colour);
    }
    pixmap
}

/// Lines no wider than `width`, broken between words.
fn wrap(fonts: &Fonts, text: &str, size: f32, width: f32) -> Vec<Line> {
    let setter = Typesetter::new(fonts, Weight::Regular);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in words(paragraph) {
            let longer = format!("{line}{word}");
            let fits = setter.set(longer.trim_end(), size, f32::MAX).width <= width;
            if fits || line.is_empty() {
                line = longer;
            } else {
                lines.push(setter.set(line.trim_end(), size, width));
                line = word.to_owned();
            }
        }
        lines.push(setter.set(line.trim_end(), size, width));
    }
    lines
}

/// What is not broken, with the spaces behind it. Chinese and Japanese have no spaces: each of
/// their characters is a word, with the punctuation behind it.
fn words(paragraph: &str) -> impl Iterator<Item = &str> {
    let ideograph = |c: char| {
        matches!(c, '\u{2e80}'..='\u{2fff}' | '\u{3040}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}')
    };
    let mut rest = paragraph.trim_start();
    std::iter::from_fn(move || {
        let pairs = rest.char_indices().zip(rest.chars().skip(1));
        let mut breaks = pairs.filter(|((_, one), next)| {
            let space = one.is_whitespace() && !next.is_whitespace();
            space || ideograph(*next) || (ideograph(*one) && next.is_alphanumeric())
        });
        let end = breaks.next().map_or(rest.len(), |((at, one), _)| at + one.len_utf8());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// Typed, so that the module has the code for this one layout of pixels.
fn scale(picture: &Pixmap, rect: Rect) -> Result<Pixmap, ImageError> {
    let mut scaled = Pixmap::new(rect.width, rect.height);
    let (width, height) = (picture.width.into(), picture.height.into());
    let source = TypedImageRef::<U8x4>::from_buffer(width, height, &picture.data)
        .map_err(ImageError::conversion)?;
    let (width, height) = (rect.width.into(), rect.height.into());
    let mut target = TypedImage::<U8x4>::from_buffer(width, height, &mut scaled.data)
        .map_err(ImageError::conversion)?;
    Resizer::new().resize_typed(&source, &mut target, None).map_err(ImageError::conversion)?;
    Ok(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::canvas::Parts;

    fn text(text: &str) -> Overlay {
        Overlay {
            rect: Parts { x: 0.1, y: 0.1, width: 0.5, height: 0.3 },
            z: 1,
            content: OverlayContent::Text {
                text: text.into(),
                size: 0.05,
                colour: Colour::WHITE,
                background: Some(Colour::BLACK.with_alpha(100)),
                align: Align::Center,
            },
        }
    }

    #[test]
    fn text_is_broken_into_lines_that_fit() {
        let lines = wrap(&Fonts::default(), "one two three four five\n\nsix", 20.0, 90.0);
        assert!(lines.len() >= 5, "{}", lines.len());
        assert!(lines.iter().all(|line| line.width <= 90.0));
        assert_eq!(wrap(&Fonts::default(), "", 20.0, 90.0).len(), 0);
    }

    #[test]
    fn words_end_with_their_spaces_and_ideographs_with_their_punctuation() {
        let split = |text| words(text).collect::<Vec<_>>();
        assert_eq!(split("  one  two"), ["one  ", "two"]);
        assert_eq!(split("会議は9時、室A"), ["会", "議", "は", "9", "時、", "室", "A"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn overlays_are_inside_their_rectangle() {
        let rendered = render(&Fonts::default(), &[text("Hello")], &[], 640, 360).unwrap();
        assert_eq!(rendered[0].rect, Rect::new(64, 36, 320, 108));
        assert_eq!(rendered[0].sprite.width(), 320);
    }

    #[test]
    fn a_picture_keeps_its_shape() {
        let picture = super::super::picture::Picture::new(100, 100);
        let file = draw::encode(&picture, crate::mcu::video::SnapshotFormat::Png).unwrap();
        let overlay = Overlay { rect: Parts::WHOLE, z: 0, content: OverlayContent::Picture(0) };
        let rendered = render(&Fonts::default(), &[overlay], &[Arc::from(file)], 640, 360).unwrap();
        assert_eq!(rendered[0].rect, Rect::new(140, 0, 360, 360));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let refused = |overlays: &[Overlay]| {
            render(&Fonts::default(), overlays, &[Arc::from([1, 2, 3])], 64, 64).is_err()
        };
        assert!(refused(&vec![text("a"); MAX_OVERLAYS + 1]));
        assert!(refused(&[text(&"a".repeat(5000))]));
        let mut outside = text("a");
        outside.rect.x = 0.9;
        assert!(refused(&[outside]));
        for place in [0, 1] {
            let content = OverlayContent::Picture(place);
            assert!(refused(&[Overlay { rect: Parts::WHOLE, z: 0, content }]), "{place}");
        }
    }
}
