//! Sequence numbers of 31 bits (3.1), made a line that does not wrap.

const BITS: u32 = 31;
pub(super) const MASK: u32 = (1 << BITS) - 1;

/// Extends a number by one that is near it.
pub(super) fn extend(number: u32, near: u64) -> Option<u64> {
    near.checked_add_signed(difference(number, near as u32).into())
}

/// As packets have it.
pub(super) fn wire(index: u64) -> u32 {
    index as u32 & MASK
}

/// From one number to another, by the shorter way.
fn difference(number: u32, from: u32) -> i32 {
    ((number.wrapping_sub(from) << 1) as i32) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_through_the_wrap() {
        let near = (1 << 31) + 5;
        assert_eq!(extend(7, near), Some(near + 2));
        assert_eq!(extend(MASK, near), Some(near - 6));
        assert_eq!(extend(wire(near + 1000), near), Some(near + 1000));
        assert_eq!(extend(MASK, 0), None, "before the beginning");
    }
}
