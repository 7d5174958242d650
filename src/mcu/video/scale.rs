//! Scaling of pictures, plane by plane, straight into a part of another picture.

use fast_image_resize::images::{TypedCroppedImageMut, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::picture::Picture;
use super::rect::Rect;

/// A part of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Crop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Crop {
    pub(super) fn whole(picture: &Picture) -> Self {
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        Self { x: 0.0, y: 0.0, width, height }
    }

    /// The middle of `picture` in the shape `width` to `height`.
    pub(super) fn covering(picture: &Picture, width: u16, height: u16) -> Self {
        let mut crop = Self::whole(picture);
        let shape = f64::from(width) / f64::from(height);
        if crop.width > crop.height * shape {
            let width = crop.height * shape;
            crop.x = (crop.width - width) / 2.0;
            crop.width = width;
        } else {
            let height = crop.width / shape;
            crop.y = (crop.height - height) / 2.0;
            crop.height = height;
        }
        crop
    }
}

/// Keeps its working memory.
#[derive(Default)]
pub(super) struct Scaler {
    resizer: Resizer,
}

impl Scaler {
    /// Scales `crop` of `source` to `rect` of `target`. What does not fit is left as it is.
    pub(super) fn scale(&mut self, source: &Picture, crop: Crop, target: &mut Picture, rect: Rect) {
        let whole = Crop::whole(source) == crop;
        if whole && source.size() == (rect.width, rect.height) && source.width().is_multiple_of(2) {
            let all = Rect::new(0, 0, rect.width, rect.height);
            return target.copy_part(source, all, rect.x, rect.y);
        }
        for plane in 0..3 {
            // A failure leaves the plane as it was: sizes of nothing have nothing to show.
            let _ = self.scale_plane(plane, source, crop, target, rect);
        }
    }

    fn scale_plane(
        &mut self,
        plane: usize,
        source: &Picture,
        crop: Crop,
        target: &mut Picture,
        rect: Rect,
    ) -> Option<()> {
        let (width, height) = source.plane_size(plane);
        let pixels = source.planes()[plane];
        let from = TypedImageRef::<U8>::from_buffer(width as u32, height as u32, pixels).ok()?;
        let (to_width, to_height) = target.plane_size(plane);
        let pixels = &mut *target.planes_mut()[plane];
        let to = TypedImage::<U8>::from_buffer(to_width as u32, to_height as u32, pixels).ok()?;
        let shrink = u32::from(plane > 0);
        let scaled = |n: u16| u32::from(n) >> shrink;
        let mut to = TypedCroppedImageMut::new(
            to,
            scaled(rect.x),
            scaled(rect.y),
            scaled(rect.width),
            scaled(rect.height),
        )
        .ok()?;
        let half = if plane > 0 { 0.5 } else { 1.0 };
        let x = (crop.x * half).min(width as f64 - 1.0);
        let y = (crop.y * half).min(height as f64 - 1.0);
        let crop_width = (crop.width * half).max(1.0).min(width as f64 - x);
        let crop_height = (crop.height * half).max(1.0).min(height as f64 - y);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(x, y, crop_width, crop_height)
            .use_alpha(false);
        self.resizer.resize_typed(&from, &mut to, &options).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::canvas::Colour;

    #[test]
    fn only_the_rectangle_is_painted() {
        let source = Picture::filled(37, 23, Colour::WHITE);
        let mut target = Picture::filled(64, 64, Colour::BLACK);
        let rect = Rect::new(8, 16, 32, 20);
        Scaler::default().scale(&source, Crop::whole(&source), &mut target, rect);
        for (at, value) in target.planes()[0].iter().enumerate() {
            let (x, y) = ((at % 64) as u16, (at / 64) as u16);
            let inside = (8..40).contains(&x) && (16..36).contains(&y);
            assert_eq!(*value, if inside { 235 } else { 16 }, "{x} {y}");
        }
    }

    #[test]
    fn covering_keeps_the_middle() {
        let picture = Picture::new(1280, 720);
        let crop = Crop::covering(&picture, 720, 720);
        assert_eq!(crop, Crop { x: 280.0, y: 0.0, width: 720.0, height: 720.0 });
        let crop = Crop::covering(&picture, 1280, 360);
        assert_eq!(crop, Crop { x: 0.0, y: 180.0, width: 1280.0, height: 360.0 });
    }

    #[test]
    fn tiny_pictures_are_scaled_too() {
        let mut target = Picture::filled(16, 16, Colour::BLACK);
        let rect = Rect::new(0, 0, 16, 16);
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2)] {
            let source = Picture::filled(width, height, Colour::WHITE);
            let crop = Crop::covering(&source, 16, 16);
            Scaler::default().scale(&source, crop, &mut target, rect);
            assert!(target.planes()[0].iter().all(|y| *y == 235), "{width}x{height}");
        }
    }
}
