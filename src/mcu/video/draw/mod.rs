//! Drawing: text and shapes in RGBA, and sprites that are laid over pictures.

mod font;
mod image_file;
mod line;
mod pixmap;
mod sprite;

pub use font::Fonts;
pub(super) use font::Weight;
pub(super) use image_file::{decode, encode};
pub(super) use line::{Line, Typesetter};
pub(super) use pixmap::{Pixmap, rounded_rect};
pub(super) use sprite::{Sprite, mix};
