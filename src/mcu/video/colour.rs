//! Colours, and what they are in BT.601 limited range, in which all pictures are mixed.

use crate::control::canvas::Colour;

impl Colour {
    /// Y, U and V.
    pub(super) fn yuv(self) -> [u8; 3] {
        yuv(self.red, self.green, self.blue)
    }
}

/// ITU-R BT.601, limited range, in 8-bit fixed point.
pub(super) fn yuv(red: u8, green: u8, blue: u8) -> [u8; 3] {
    let (r, g, b) = (i32::from(red), i32::from(green), i32::from(blue));
    let y = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16;
    let u = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128;
    let v = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128;
    [y as u8, u as u8, v as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_the_ends_of_the_limited_range() {
        assert_eq!(Colour::BLACK.yuv(), [16, 128, 128]);
        assert_eq!(Colour::WHITE.yuv(), [235, 128, 128]);
        // BT.601: red is Y 81, U 90, V 240.
        assert_eq!(Colour::rgb(255, 0, 0).yuv(), [82, 90, 240]);
    }
}
