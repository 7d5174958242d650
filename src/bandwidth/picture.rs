//! What the layers of one source have in common, and guesses at what it has not told.

use super::layer::Layer;

/// Frames a second of a source that has not told.
const USUAL_FRAME_RATE: f32 = 30.0;

/// The temporal layers of one encoding and spatial layer: one size, several frame rates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    encoding: u8,
    spatial: u8,
    /// 0: unknown.
    pub(super) width: u16,
    pub(super) height: u16,
    /// A guess when the size is unknown.
    pub(super) pixels: f32,
    /// Bits a second with all frames.
    bitrate: u64,
    highest: u8,
}

impl Picture {
    pub(super) fn holds(&self, layer: &Layer) -> bool {
        (self.encoding, self.spatial) == (layer.encoding, layer.spatial)
    }

    /// Frames a second of one of its layers. Each temporal layer usually doubles them.
    pub(super) fn frame_rate(&self, layer: &Layer, layers: &[Layer]) -> f32 {
        if layer.frame_rate > 0.0 {
            return layer.frame_rate;
        }
        let (reference, known) = layers
            .iter()
            .filter(|other| self.holds(other) && other.frame_rate > 0.0)
            .min_by_key(|other| other.temporal.abs_diff(layer.temporal))
            .map_or((USUAL_FRAME_RATE, self.highest), |other| (other.frame_rate, other.temporal));
        reference * 2f32.powi(i32::from(layer.temporal) - i32::from(known))
    }
}

/// Looks at the layers and puts what it finds into `pictures`.
pub(super) fn find(layers: &[Layer], pictures: &mut Vec<Picture>) {
    pictures.clear();
    for layer in layers {
        let index = pictures.iter().position(|picture| picture.holds(layer));
        let index = index.unwrap_or_else(|| {
            let &Layer { encoding, spatial, .. } = layer;
            let (width, height, pixels) = (0, 0, 0.0);
            pictures.push(Picture {
                encoding,
                spatial,
                width,
                height,
                pixels,
                bitrate: 0,
                highest: 0,
            });
            pictures.len() - 1
        });
        let picture = &mut pictures[index];
        picture.bitrate = picture.bitrate.max(layer.bitrate);
        picture.highest = picture.highest.max(layer.temporal);
        if picture.width == 0 && layer.width > 0 && layer.height > 0 {
            (picture.width, picture.height) = (layer.width, layer.height);
            picture.pixels = f32::from(layer.width) * f32::from(layer.height);
        }
    }
    for index in 0..pictures.len() {
        if pictures[index].width == 0 {
            pictures[index].pixels = guess_pixels(&pictures[index], pictures);
        }
    }
}

/// As many pixels to the bit as the known picture that costs about the same.
fn guess_pixels(picture: &Picture, pictures: &[Picture]) -> f32 {
    pictures
        .iter()
        .filter(|known| known.width > 0 && known.bitrate > 0)
        .min_by_key(|known| known.bitrate.abs_diff(picture.bitrate))
        .map_or(picture.bitrate as f32, |known| {
            known.pixels * picture.bitrate as f32 / known.bitrate as f32
        })
}
