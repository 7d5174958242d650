//! What is where on the canvas of a mixer: the words of JavaScript, which cross as JSON with every
//! default filled in, and of the mixer of pictures, which checks them before it takes them.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::ids::PortId;

/// How tiles lie on the canvas.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// A tile in parts of the canvas.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fit {
    /// The picture fills the tile, what does not fit is cut off.
    #[default]
    Cover,
    /// All of the picture is shown, the background beside it.
    Contain,
}

/// Drawn inside a tile's edge.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Border {
    /// As a part of the tile's shorter side; 0 to 0.5.
    pub width: f32,
    pub colour: Colour,
}

/// Who is in a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TileSource {
    Port(PortId),
    /// Who is pinned, or else speaks.
    Speaker,
    /// The next port that no other tile has.
    Any,
}

/// A text or a picture over the tiles, or under them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Where it is, in parts of the canvas.
    pub rect: Parts,
    /// The tiles of layouts have 0; of equals, overlays lie above.
    pub z: i32,
    pub content: OverlayContent,
}

/// What an overlay shows.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OverlayContent {
    Text {
        /// Lines are broken where they have to be.
        text: String,
        /// As a part of the canvas' height; 0.005 to 1.
        size: f32,
        colour: Colour,
        /// Of the field behind the text.
        background: Option<Colour>,
        align: Align,
    },
    /// A JPEG or PNG file, as large as its rectangle allows: which of those that come with the
    /// overlays.
    Picture(usize),
}

/// Where lines of a text stand.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Align {
    #[default]
    Left,
    Center,
    Right,
}

/// A rectangle in parts of the canvas, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Parts {
    /// All of the canvas.
    pub const WHOLE: Parts = Parts { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

    /// Whether it has an area and lies on the canvas; rounding is forgiven.
    pub fn is_valid(self) -> bool {
        let span = |start: f32, length: f32| {
            (0.0..1.0).contains(&start) && length > 0.0 && start + length <= 1.0 + 1e-3
        };
        span(self.x, self.width) && span(self.y, self.height)
    }
}

/// sRGB, with how much of it covers what lies below. Crosses as 0xRRGGBB, opaque.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "u32")]
pub struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    /// 255 is opaque.
    pub alpha: u8,
}

impl Colour {
    /// Opaque white.
    pub const WHITE: Colour = Colour::rgb(255, 255, 255);
    /// Opaque black.
    pub const BLACK: Colour = Colour::rgb(0, 0, 0);

    /// An opaque colour, each part 0 to 255.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    /// The same colour with another opacity: 0 is invisible, 255 covers everything.
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Self { alpha, ..self }
    }
}

impl From<u32> for Colour {
    fn from(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self::rgb(red, green, blue)
    }
}

impl fmt::Debug for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { red, green, blue, alpha } = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}{alpha:02x}")
    }
}

impl<'de> Deserialize<'de> for PortId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(PortId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_and_overlays_are_read_as_they_cross() {
        let layout: Layout = serde_json::from_str("\"pip\"").unwrap();
        assert_eq!(layout, Layout::Pip);
        let tiles = r#"{"tiles":[{"rect":{"x":0,"y":0.5,"width":0.5,"height":0.5},"z":1,
            "fit":"contain","border":{"width":0.1,"colour":16711680},"radius":0,
            "source":{"port":64}},{"rect":{"x":0,"y":0,"width":1,"height":0.5},"z":0,
            "fit":"cover","border":null,"radius":0.5,"source":"speaker"}]}"#;
        let Layout::Tiles(tiles) = serde_json::from_str(tiles).unwrap() else { panic!() };
        assert_eq!(tiles[0].source, TileSource::Port(PortId(64)));
        let border = Border { width: 0.1, colour: Colour::rgb(255, 0, 0) };
        assert_eq!((tiles[0].fit, tiles[0].border), (Fit::Contain, Some(border)));
        assert_eq!((tiles[1].source, tiles[1].border), (TileSource::Speaker, None));

        let overlays = r#"[{"rect":{"x":0,"y":0,"width":1,"height":1},"z":-1,"content":{"picture":0}},
            {"rect":{"x":0,"y":0,"width":1,"height":1},"z":0,"content":{"text":{"text":"Ada",
            "size":0.1,"colour":0,"background":null,"align":"center"}}}]"#;
        let overlays: Vec<Overlay> = serde_json::from_str(overlays).unwrap();
        assert_eq!(overlays[0].content, OverlayContent::Picture(0));
        assert!(
            matches!(&overlays[1].content, OverlayContent::Text { align: Align::Center, .. }),
            "{overlays:?}"
        );
        assert!(serde_json::from_str::<Layout>("\"circle\"").is_err());
    }
}
