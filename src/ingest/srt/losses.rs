//! Which packets are missing: ranges of numbers that do not wrap, and how reports have them (Appendix A).

use std::collections::BTreeMap;
use std::ops::Range;

use super::sequence::{MASK, extend, wire};

/// Ranges of one report: what a datagram has room for.
const MAX_RANGES: usize = 180;
/// The first number of a range has this bit.
const RANGE: u32 = 1 << 31;

/// Missing packets.
#[derive(Default, Debug)]
pub(super) struct Losses(BTreeMap<u64, u64>);

impl Losses {
    /// All of a range that is above those there are.
    pub(super) fn add(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            self.0.insert(range.start, range.end);
        }
    }

    pub(super) fn first(&self) -> Option<Range<u64>> {
        self.0.first_key_value().map(|(start, end)| *start..*end)
    }

    /// One is there. Whether it was missing.
    pub(super) fn remove(&mut self, index: u64) -> bool {
        let Some((&start, &end)) = self.0.range(..=index).next_back() else { return false };
        if index >= end {
            return false;
        }
        self.0.remove(&start);
        self.add(start..index);
        self.add(index.saturating_add(1)..end);
        true
    }

    /// None below this is waited for any more.
    pub(super) fn remove_below(&mut self, index: u64) {
        while let Some(range) = self.first().filter(|range| range.start < index) {
            self.0.remove(&range.start);
            self.add(index.max(range.start)..range.end);
        }
    }

    /// The body of a report of the first of them. Empty when none are missing.
    pub(super) fn report(&self) -> Vec<u8> {
        report(self.0.iter().map(|(start, end)| *start..*end))
    }
}

/// The body of a report of some ranges.
pub(super) fn report(ranges: impl Iterator<Item = Range<u64>>) -> Vec<u8> {
    let mut body = Vec::new();
    for range in ranges.take(MAX_RANGES) {
        let last = range.end.saturating_sub(1);
        if last > range.start {
            body.extend_from_slice(&(wire(range.start) | RANGE).to_be_bytes());
        }
        body.extend_from_slice(&wire(last).to_be_bytes());
    }
    body
}

/// The ranges of a report of the other end, as far as they are within those that there may be.
pub(super) fn ranges(body: &[u8], within: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut words = body.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
    let near = within.end;
    std::iter::from_fn(move || {
        let word = words.next()?;
        let (first, last) =
            if word & RANGE != 0 { (word & MASK, words.next()?) } else { (word, word) };
        let range = extend(first, near)
            .zip(extend(last & MASK, near))
            .map(|(first, last)| first..last.saturating_add(1));
        // What makes no sense is a range of nothing.
        Some(range.unwrap_or(0..0))
    })
    .take(2 * MAX_RANGES)
    .map(move |range| range.start.max(within.start)..range.end.min(within.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_all_is_missing_no_more() {
        let mut losses = Losses::default();
        losses.add(10..20);
        losses.add(30..31);
        assert!(losses.remove(15) && losses.remove(10) && losses.remove(19));
        assert!(!losses.remove(15) && !losses.remove(25) && !losses.remove(5));
        assert_eq!(losses.first(), Some(11..15));
        let reported: Vec<_> = ranges(&losses.report(), 0..100).collect();
        assert_eq!(reported, [11..15, 16..19, 30..31]);
        losses.remove_below(18);
        assert_eq!(losses.first(), Some(18..19));
        losses.remove_below(50);
        assert_eq!(losses.first(), None);
        assert!(losses.report().is_empty());
    }

    #[test]
    fn ranges_of_others_are_cut_to_what_there_may_be() {
        let body =
            [[0x80, 0, 0, 5], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 7], [0x80, 0, 0, 1]].concat();
        let all: Vec<_> = ranges(&body, 4..9).collect();
        assert!(all.iter().all(|range| range.end <= 9 && range.clone().count() <= 5), "{all:?}");
        assert!(all.contains(&(7..8)));
    }
}
