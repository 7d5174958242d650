//! Rounded corners: what lies under them is kept while a tile is painted and laid back over it.

use super::draw::{mix, rounded_rect};
use super::picture::Picture;
use super::rect::Rect;

/// The corners of one tile at a time.
#[derive(Default)]
pub(super) struct Corners {
    rect: Rect,
    radius: u16,
    /// Samples of all corners, plane by plane.
    samples: Vec<u8>,
    /// How much of the upper left corner is not the tile's, of luma and of chroma; the others
    /// mirror it.
    masks: [Vec<u8>; 2],
    /// The radius the masks are of.
    masked: u16,
}

impl Corners {
    /// Keeps what lies under the corners of a tile.
    pub(super) fn save(&mut self, picture: &Picture, rect: Rect, radius: u16) {
        self.rect = rect;
        self.radius = radius.next_multiple_of(2).min(rect.width / 2).min(rect.height / 2) & !1;
        self.samples.clear();
        if self.radius == 0 {
            return;
        }
        if self.masked != self.radius {
            self.masked = self.radius;
            self.masks = [mask(self.radius, 1), mask(self.radius, 2)];
        }
        for plane in 0..3 {
            let stride = picture.plane_size(plane).0;
            for (start, len, _) in self.rows(plane, stride) {
                self.samples.extend_from_slice(&picture.planes()[plane][start..start + len]);
            }
        }
    }

    /// Lays it back.
    pub(super) fn restore(&mut self, picture: &mut Picture) {
        if self.radius == 0 {
            return;
        }
        let mut samples = self.samples.iter();
        for plane in 0..3 {
            let stride = picture.plane_size(plane).0;
            let mask = &self.masks[usize::from(plane > 0)];
            for (start, len, (row, mirrored)) in self.rows(plane, stride) {
                let row = &mask[row * len..(row + 1) * len];
                let own = &mut picture.planes_mut()[plane][start..start + len];
                for (x, own) in own.iter_mut().enumerate() {
                    let alpha = row[if mirrored { len - 1 - x } else { x }];
                    if let Some(sample) = samples.next() {
                        *own = mix(*own, *sample, alpha);
                    }
                }
            }
        }
    }

    /// Rows of the corners in a plane: where they start, how long they are, which row of the mask
    /// they have and whether it is mirrored.
    fn rows(
        &self,
        plane: usize,
        stride: usize,
    ) -> impl Iterator<Item = (usize, usize, (usize, bool))> + use<> {
        let shrink = usize::from(plane > 0);
        let scaled = |n: u16| usize::from(n) >> shrink;
        let len = scaled(self.radius);
        let (left, right) = (scaled(self.rect.x), scaled(self.rect.right()));
        let (top, bottom) = (scaled(self.rect.y), scaled(self.rect.bottom()));
        (0..len).flat_map(move |row| {
            let (upper, lower) = ((top + row) * stride, (bottom - 1 - row) * stride);
            [
                (upper + left, len, (row, false)),
                (upper + right - len, len, (row, true)),
                (lower + left, len, (row, false)),
                (lower + right - len, len, (row, true)),
            ]
        })
    }
}

/// How much of each sample lies outside the circle; `step` is luma samples per sample.
fn mask(radius: u16, step: usize) -> Vec<u8> {
    let side = usize::from(radius) / step;
    let radius = f32::from(radius);
    let outside = |x: usize, y: usize| {
        let middle = |n: usize| (n as f32 + 0.5) * step as f32;
        let whole = (4.0 * radius, 4.0 * radius);
        let distance = rounded_rect((middle(x), middle(y)), (0.0, 0.0), whole, radius);
        ((distance / step as f32 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8
    };
    (0..side * side).map(|at| outside(at % side, at / side)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::canvas::Colour;

    #[test]
    fn the_corners_stay_and_the_rest_is_painted() {
        let mut picture = Picture::filled(64, 48, Colour::BLACK);
        let rect = Rect::new(8, 8, 40, 30);
        let mut corners = Corners::default();
        corners.save(&picture, rect, 9);
        picture.fill_part(rect, Colour::WHITE);
        corners.restore(&mut picture);
        let luma = picture.planes()[0];
        for (x, y) in [(8, 8), (47, 8), (8, 37), (47, 37)] {
            assert_eq!(luma[y * 64 + x], 16, "{x} {y}");
        }
        for (x, y) in [(28, 8), (8, 22), (47, 22), (28, 37), (14, 14)] {
            assert_eq!(luma[y * 64 + x], 235, "{x} {y}");
        }
        // Mirrored both ways.
        for y in 0..30 {
            for x in 0..40 {
                let at = |x: usize, y: usize| luma[(8 + y) * 64 + 8 + x];
                assert_eq!(at(x, y), at(39 - x, y));
                assert_eq!(at(x, y), at(x, 29 - y));
            }
        }
    }

    #[test]
    fn no_radius_changes_nothing() {
        let mut picture = Picture::filled(16, 16, Colour::BLACK);
        let mut corners = Corners::default();
        corners.save(&picture, Rect::new(0, 0, 2, 2), 1);
        picture.fill_part(Rect::new(0, 0, 2, 2), Colour::WHITE);
        corners.restore(&mut picture);
        assert_eq!(picture.planes()[0][0], 235);
    }
}
