//! Rectangles of whole pixels on the canvas.

use crate::control::canvas::Parts;

/// Even in all its numbers, so that it covers whole samples of chroma.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Rect {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Rect {
    /// All four numbers have to be even.
    pub const fn new(x: u16, y: u16, width: u16, height: u16) -> Self {
        Self { x, y, width, height }
    }

    /// The first column behind it.
    pub fn right(self) -> u16 {
        self.x + self.width
    }

    /// The first row below it.
    pub fn bottom(self) -> u16 {
        self.y + self.height
    }

    /// Whether they share a pixel.
    pub fn overlaps(self, other: Rect) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The even rectangle inside a canvas that comes closest to one of parts of it; at least 2 by 2.
    pub fn of_parts(parts: Parts, width: u16, height: u16) -> Self {
        let (x, w) = even_span(parts.x, parts.width, width);
        let (y, h) = even_span(parts.y, parts.height, height);
        Self::new(x, y, w, h)
    }

    /// The largest even rectangle of the shape `width` to `height`, in the middle of this one.
    pub fn fitted(self, width: u32, height: u32) -> Self {
        let (own_width, own_height) = (u64::from(self.width), u64::from(self.height));
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let (w, h) = if own_width * height <= own_height * width {
            (own_width, own_width * height / width)
        } else {
            (own_height * width / height, own_height)
        };
        let (w, h) = (even(w as u16).max(2), even(h as u16).max(2));
        Self::new(self.x + even((self.width - w) / 2), self.y + even((self.height - h) / 2), w, h)
    }
}

/// The even number at or below it.
pub fn even(value: u16) -> u16 {
    value & !1
}

/// Start and length, both even, within `whole`, which is even and at least 2.
fn even_span(start: f32, length: f32, whole: u16) -> (u16, u16) {
    let at =
        |part: f32| ((part * f32::from(whole) / 2.0).round().max(0.0) as u16).min(whole / 2) * 2;
    let begin = at(start).min(whole - 2);
    (begin, at(start + length).clamp(begin + 2, whole) - begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_meet_give_rectangles_that_meet() {
        for width in [2u16, 6, 98, 1280] {
            for n in 1..20u16 {
                let mut x = 0;
                for i in 0..n {
                    let part = |i: u16| f32::from(i) / f32::from(n);
                    let parts =
                        Parts { x: part(i), width: part(i + 1) - part(i), y: 0.0, height: 1.0 };
                    let rect = Rect::of_parts(parts, width, 2);
                    assert!(
                        rect.right() <= width
                            && rect.x.is_multiple_of(2)
                            && rect.width.is_multiple_of(2)
                    );
                    if width > 2 * n {
                        assert_eq!(rect.x, x);
                    }
                    x = rect.right();
                }
                assert_eq!(x, width);
            }
        }
    }

    #[test]
    fn a_fitted_rectangle_stays_inside() {
        let rect = Rect::new(10, 20, 640, 360);
        assert_eq!(rect.fitted(16, 9), rect);
        assert_eq!(rect.fitted(1, 1), Rect::new(150, 20, 360, 360));
        assert_eq!(rect.fitted(10_000, 1), Rect::new(10, 198, 640, 2));
        assert_eq!(rect.fitted(1, u32::MAX).width, 2);
    }

    #[test]
    fn parts_outside_the_canvas_are_not_valid() {
        assert!(Parts::WHOLE.is_valid());
        for parts in [
            Parts { x: -0.1, ..Parts::WHOLE },
            Parts { x: 0.5, ..Parts::WHOLE },
            Parts { width: 0.0, ..Parts::WHOLE },
            Parts { height: f32::NAN, ..Parts::WHOLE },
            Parts { y: f32::INFINITY, ..Parts::WHOLE },
        ] {
            assert!(!parts.is_valid(), "{parts:?}");
        }
    }
}
