//! A small picture in RGBA to draw on.

use crate::control::canvas::Colour;

/// Straight alpha; transparent at first.
#[derive(Clone, Debug)]
pub(in super::super) struct Pixmap {
    pub width: u16,
    pub height: u16,
    pub data: Vec<u8>,
}

impl Pixmap {
    pub(in super::super) fn new(width: u16, height: u16) -> Self {
        let data = vec![0; 4 * usize::from(width) * usize::from(height)];
        Self { width, height, data }
    }

    /// Lays `colour` over a pixel, where there is one.
    pub(in super::super) fn blend(&mut self, x: i32, y: i32, colour: Colour, coverage: f32) {
        if x < 0 || y < 0 || x >= i32::from(self.width) || y >= i32::from(self.height) {
            return;
        }
        let alpha = coverage.clamp(0.0, 1.0) * f32::from(colour.alpha) / 255.0;
        if alpha <= 0.0 {
            return;
        }
        let at = 4 * (y as usize * usize::from(self.width) + x as usize);
        let Some(pixel) = self.data.get_mut(at..at + 4) else { return };
        let below = f32::from(pixel[3]) / 255.0 * (1.0 - alpha);
        let sum = alpha + below;
        for (own, new) in pixel.iter_mut().zip([colour.red, colour.green, colour.blue]) {
            *own = ((f32::from(*own) * below + f32::from(new) * alpha) / sum).round() as u8;
        }
        pixel[3] = (sum * 255.0).round() as u8;
    }

    /// Fills a shape given by the signed distance to its edge in pixels, negative inside, with a
    /// smooth edge.
    pub(in super::super) fn fill(&mut self, colour: Colour, distance: impl Fn(f32, f32) -> f32) {
        for y in 0..i32::from(self.height) {
            for x in 0..i32::from(self.width) {
                let coverage = 0.5 - distance(x as f32 + 0.5, y as f32 + 0.5);
                self.blend(x, y, colour, coverage);
            }
        }
    }
}

/// Signed distance from a point to the edge of a rectangle with rounded corners.
pub(in super::super) fn rounded_rect(
    (x, y): (f32, f32),
    (left, top): (f32, f32),
    (width, height): (f32, f32),
    radius: f32,
) -> f32 {
    let dx = (x - left - width / 2.0).abs() - width / 2.0 + radius;
    let dy = (y - top - height / 2.0).abs() - height / 2.0 + radius;
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_rectangle_has_no_corners() {
        let mut pixmap = Pixmap::new(20, 10);
        pixmap.fill(Colour::WHITE, |x, y| rounded_rect((x, y), (0.0, 0.0), (20.0, 10.0), 5.0));
        let alpha = |x: usize, y: usize| pixmap.data[4 * (y * 20 + x) + 3];
        assert_eq!((alpha(0, 0), alpha(19, 9)), (0, 0));
        assert_eq!((alpha(10, 5), alpha(10, 0)), (255, 255));
        assert!(alpha(0, 5) > 240, "the end of a half circle");
    }

    #[test]
    fn half_covered_twice_is_three_quarters() {
        let mut pixmap = Pixmap::new(1, 1);
        pixmap.blend(0, 0, Colour::BLACK, 0.5);
        pixmap.blend(0, 0, Colour::WHITE, 0.5);
        pixmap.blend(9, 0, Colour::WHITE, 0.5);
        assert_eq!(pixmap.data[3], 192);
        assert!((160..=180).contains(&pixmap.data[0]), "{:?}", pixmap.data);
    }
}
