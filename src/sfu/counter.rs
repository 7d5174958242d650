//! A number that counts frames, continued when the source changes.

/// Continues a counter of few bits - picture id, TL0PICIDX, frame number - over switches. Within
/// a segment differences stay as the source has them; a new segment goes on with the next number.
#[derive(Clone, Default, Debug)]
pub(super) struct Counter {
    /// The newest source value of the segment, unwrapped. `None` before the segment has one.
    source: Option<u64>,
    /// Added to unwrapped source values, wrapping.
    offset: u64,
    /// The highest output so far, unwrapped.
    output: Option<u64>,
    /// Values left out on purpose, with the offset that holds up to each; oldest first.
    skipped: Vec<(u64, u64)>,
}

/// Values left out that are remembered: two seconds of a layer with 15 frames a second.
const MAX_SKIPPED: usize = 32;

/// Where unwrapped values begin: far enough up that a late packet never goes below zero.
const BASE: u64 = 1 << 32;

impl Counter {
    /// The next value comes from another place.
    pub(super) fn end_segment(&mut self) {
        self.source = None;
        self.skipped.clear();
    }

    /// Leaves out a value that was not mapped, so that those behind it close the gap. A late one
    /// keeps its place: those behind it have theirs already.
    pub(super) fn skip(&mut self, value: u16, bits: u8) {
        let Some(newest) = self.source else { return };
        let source = nearest(newest, value, bits);
        if source > newest {
            if self.skipped.len() == MAX_SKIPPED {
                self.skipped.remove(0);
            }
            self.skipped.push((source, self.offset));
            self.offset = self.offset.wrapping_sub(1);
            self.source = Some(source);
        }
    }

    fn offset_of(&self, source: u64) -> u64 {
        let before = self.skipped.iter().find(|(skipped, _)| source <= *skipped);
        before.map_or(self.offset, |(_, offset)| *offset)
    }

    /// Takes a value of `bits` bits and gives the output unwrapped; the caller keeps as many bits
    /// as its field has.
    pub(super) fn map(&mut self, value: u16, bits: u8) -> u64 {
        let Some(newest) = self.source else {
            let source = BASE + u64::from(value);
            let output = self.output.map_or(source, |output| output + 1);
            self.source = Some(source);
            self.offset = output.wrapping_sub(source);
            self.output = Some(output);
            return output;
        };
        let source = nearest(newest, value, bits);
        let output = source.wrapping_add(self.offset_of(source));
        if source >= newest {
            self.source = Some(source);
            self.output = self.output.max(Some(output));
        }
        output
    }

    /// What [`Counter::map`] gave for a value of the segment, as long as it is not far behind.
    pub(super) fn mapped(&self, value: u16, bits: u8) -> u64 {
        let source = self.source.map_or(u64::from(value), |newest| nearest(newest, value, bits));
        source.wrapping_add(self.offset_of(source))
    }
}

/// The value with these low bits that is nearest to `newest`, ahead or behind.
fn nearest(newest: u64, value: u16, bits: u8) -> u64 {
    let modulus = 1u64 << bits;
    let ahead = u64::from(value).wrapping_sub(newest) & (modulus - 1);
    let source = newest.wrapping_add(ahead);
    if ahead < modulus / 2 { source } else { source.wrapping_sub(modulus) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays_as_it_is() {
        assert_eq!(Counter::default().map(0x1234, 15) as u16 & 0x7fff, 0x1234);
    }

    #[test]
    fn a_wrap_in_the_source_is_one_step() {
        for (bits, last) in [(7, 0x7f), (8, 0xff), (15, 0x7fff), (16, 0xffff)] {
            let mut counter = Counter::default();
            let before = counter.map(last, bits);
            assert_eq!(counter.map(0, bits), before + 1, "{bits} bits");
            assert_eq!(counter.map(last, bits), before, "late, {bits} bits");
        }
    }

    #[test]
    fn a_new_segment_goes_on_with_the_next_number() {
        let mut counter = Counter::default();
        let last = counter.map(100, 15);
        counter.end_segment();
        assert_eq!(counter.map(7, 15), last + 1);
        assert_eq!(counter.map(9, 15), last + 3);
        assert_eq!(counter.map(8, 15), last + 2);
        counter.end_segment();
        assert_eq!(counter.map(8, 15), last + 4);
    }

    #[test]
    fn values_left_out_leave_no_gap() {
        let mut counter = Counter::default();
        let first = counter.map(0x7ffe, 15);
        counter.skip(0x7fff, 15);
        counter.skip(0x7fff, 15);
        counter.skip(0, 15);
        assert_eq!(counter.map(1, 15), first + 1);
        counter.skip(2, 15);
        assert_eq!(counter.map(3, 15), first + 2);
        assert_eq!(counter.map(1, 15), first + 1, "late");
        counter.skip(1, 15);
        assert_eq!(counter.map(4, 15), first + 3, "what was mapped cannot be left out any more");
        assert_eq!(counter.mapped(0x7ffe, 15), first);
    }

    #[test]
    fn seven_bits_count_beyond_their_wrap() {
        let mut counter = Counter::default();
        let first = counter.map(0, 7);
        for step in 1..40_000u64 {
            assert_eq!(counter.map((step % 128) as u16, 7), first + step);
        }
    }

    #[test]
    fn seven_bits_may_grow_to_fifteen() {
        let mut counter = Counter::default();
        let first = counter.map(126, 7);
        assert_eq!(counter.map(127, 7), first + 1);
        assert_eq!(counter.map(128, 15), first + 2);
    }
}
