//! Times of 33 bits at 90 kHz, which wrap every 26.5 hours, made a line that goes on.

/// Ticks of a millisecond.
pub(super) const TICKS: i64 = 90;
const BITS: u32 = 33;

/// Extends times of all tracks of a program by the one that came last.
#[derive(Default, Debug)]
pub(super) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// Ticks on the line.
    pub(super) fn extend(&mut self, time: u64) -> i64 {
        // The beginning is a turn away from 0, so that what is a little earlier is not below it.
        let last = *self.last.get_or_insert((1 << BITS) + time as i64);
        let extended = last.wrapping_add(difference(time, last as u64));
        // Whoever sends nothing but jumps does so for more than any clock has room.
        self.last = Some(if extended < 0 { (1 << BITS) + time as i64 } else { extended });
        extended.max(0)
    }
}

/// From one time to another, by the shorter way.
pub(super) fn difference(time: u64, from: u64) -> i64 {
    ((time.wrapping_sub(from) << (64 - BITS)) as i64) >> (64 - BITS)
}

/// Milliseconds, which wrap at 32 bits.
pub(super) fn milliseconds(ticks: i64) -> u32 {
    (ticks / TICKS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_through_the_wrap_and_a_little_back() {
        let mut clock = Clock::default();
        let first = clock.extend((1 << 33) - 90);
        assert_eq!(clock.extend(90) - first, 180);
        assert_eq!(clock.extend((1 << 33) - 45) - first, 45);
        assert_eq!(difference(10, (1 << 33) - 10), 20);
        assert_eq!(difference((1 << 33) - 10, 10), -20);
    }
}
