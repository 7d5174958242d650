//! Sequence numbers of one continuous stream, made from those of the sources that feed it.
//!
//! The output is an index of 64 bits: its low 16 bits are the sequence number and the rest is the
//! rollover counter of SRTP (RFC 3711 3.3.1). An index stands for one packet and no other, ever:
//! two packets under one index would share a nonce (RFC 7714 8.1).

/// Source ranges remembered of the current segment. Packets older than these are refused. Layers
/// that are left out make a range of every frame: this is two seconds.
const RANGES: usize = 64;

/// A step of the output larger than this is not left as a gap to be filled: the receiver could
/// not ask for so much, and two steps of 2^15 between packets that arrive would make it lose the
/// rollover counter. The value is MAX_DROPOUT of RFC 3550 A.1.
const MAX_GAP: u64 = 3000;

/// The first index lies below this, so that a receiver that misses the first packets cannot take
/// a wrapped number for the start (RFC 3711 3.3.1).
const MAX_FIRST: u64 = 1 << 15;

/// Consecutive source packets that move by one offset.
#[derive(Clone, Copy, Default, Debug)]
struct Range {
    /// The first source sequence of it.
    first: u64,
    /// How many before `first` were dropped on purpose.
    dropped: u64,
    /// Added to the source sequence, wrapping.
    offset: u64,
}

/// The ranges of one segment, oldest first.
#[derive(Clone, Default, Debug)]
pub(super) struct Ranges(Vec<Range>);

impl Ranges {
    /// The other way round: which source sequence has this index, if one of the segment has.
    pub(super) fn source_of(&self, output: u64) -> Option<u64> {
        let mut next: Option<&Range> = None;
        for range in self.0.iter().rev() {
            let source = output.wrapping_sub(range.offset);
            let ends = next.is_none_or(|next| source < next.first - next.dropped);
            if source >= range.first && source < u64::MAX / 2 && ends {
                return Some(source);
            }
            next = Some(range);
        }
        None
    }
}

/// Maps source sequences to output indices. A segment is what is taken from one source between
/// two switches; only the current segment can be mapped.
#[derive(Debug)]
pub(super) struct SequenceMap {
    ranges: Ranges,
    /// The highest source sequence seen in the segment.
    newest: u64,
    sent: SentWindow,
}

impl SequenceMap {
    pub(super) fn new() -> Self {
        Self { ranges: Ranges::default(), newest: 0, sent: SentWindow::new() }
    }

    /// Starts a segment at `source`, right after everything sent so far.
    pub(super) fn start(&mut self, source: u64) -> u64 {
        let output = match self.sent.newest {
            Some(newest) => newest + 1,
            None => source % MAX_FIRST,
        };
        self.restart_at(source, output)
    }

    fn restart_at(&mut self, source: u64, output: u64) -> u64 {
        self.ranges.0.clear();
        self.push(Range { first: source, dropped: 0, offset: output.wrapping_sub(source) });
        self.newest = source;
        let fresh = self.sent.insert(output);
        debug_assert!(fresh, "an index above all others was sent before");
        output
    }

    /// The index of a packet of the current segment; `None` when it was sent already, was dropped
    /// or is too old.
    pub(super) fn map(&mut self, source: u64) -> Option<u64> {
        let range = self.lookup(source)?;
        let output = source.wrapping_add(range.offset);
        if source > self.newest {
            let sent = self.sent.newest?;
            if output > sent.saturating_add(MAX_GAP) {
                // One number left out tells the receiver that something is missing.
                return Some(self.restart_at(source, sent + 2));
            }
            self.newest = source;
        }
        self.sent.insert(output).then_some(output)
    }

    /// Drops a packet on purpose, so that the ones after it close the gap. When packets after it
    /// went out already its place cannot be closed any more: then this is the index to send it
    /// under, empty as it is.
    pub(super) fn skip(&mut self, source: u64) -> Option<u64> {
        if source <= self.newest {
            return self.map(source);
        }
        let last = self.lookup(source)?;
        if last.first == source {
            // Nothing of the last range went out: the hole before it grows.
            let range = self.ranges.0.last_mut()?;
            range.first += 1;
            range.dropped += 1;
            range.offset = range.offset.wrapping_sub(1);
        } else {
            self.push(Range { first: source + 1, dropped: 1, offset: last.offset.wrapping_sub(1) });
        }
        self.newest = source;
        None
    }

    /// The ranges of the current segment.
    pub(super) fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// The newest index that was sent.
    pub(super) fn newest_sent(&self) -> Option<u64> {
        self.sent.newest
    }

    /// Whether a packet went out under this index, as far as is known.
    pub(super) fn was_sent(&self, index: u64) -> bool {
        self.sent.contains(index)
    }

    fn lookup(&self, source: u64) -> Option<Range> {
        let range = self.ranges.0.iter().rev().find(|r| source >= r.first - r.dropped)?;
        (source >= range.first).then_some(*range)
    }

    fn push(&mut self, range: Range) {
        if self.ranges.0.len() == RANGES {
            self.ranges.0.remove(0);
        }
        self.ranges.0.push(range);
    }
}

/// Which of the last indices were sent, as the replay list of RFC 3711 3.3.2.
#[derive(Debug)]
struct SentWindow {
    newest: Option<u64>,
    bits: [u64; SentWindow::WORDS],
}

impl SentWindow {
    const WORDS: usize = 32;
    const SIZE: u64 = Self::WORDS as u64 * 64;

    fn new() -> Self {
        Self { newest: None, bits: [0; Self::WORDS] }
    }

    /// False when `index` was sent before, or is so old that nobody knows.
    fn insert(&mut self, index: u64) -> bool {
        let newest = *self.newest.get_or_insert(index);
        if index > newest {
            if index - newest >= Self::SIZE {
                self.bits = [0; Self::WORDS];
            } else {
                for skipped in newest + 1..index {
                    *self.word(skipped) &= !Self::mask(skipped);
                }
                *self.word(index) &= !Self::mask(index);
            }
            self.newest = Some(index);
        } else if newest - index >= Self::SIZE {
            return false;
        }
        let mask = Self::mask(index);
        let word = self.word(index);
        let fresh = *word & mask == 0;
        *word |= mask;
        fresh
    }

    fn contains(&self, index: u64) -> bool {
        let known =
            self.newest.is_some_and(|newest| index <= newest && newest - index < Self::SIZE);
        known && self.bits[(index / 64) as usize % Self::WORDS] & Self::mask(index) != 0
    }

    fn word(&mut self, index: u64) -> &mut u64 {
        &mut self.bits[(index / 64) as usize % Self::WORDS]
    }

    fn mask(index: u64) -> u64 {
        1 << (index % 64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn the_first_index_is_below_two_to_the_fifteenth() {
        assert_eq!(SequenceMap::new().start(70_000), 70_000 - 65_536);
        assert_eq!(SequenceMap::new().start(40_000), 40_000 - 32_768);
    }

    #[test]
    fn a_segment_continues_after_the_one_before() {
        let mut map = SequenceMap::new();
        assert_eq!(map.start(10), 10);
        assert_eq!(map.map(11), Some(11));
        assert_eq!(map.start(50_000), 12);
        assert_eq!(map.map(50_001), Some(13));
    }

    #[test]
    fn the_index_counts_on_when_the_sequence_number_wraps() {
        let mut map = SequenceMap::new();
        map.start(0);
        map.start(65_530);
        for source in 65_531..140_000 {
            assert_eq!(map.map(source), Some(source - 65_529));
        }
    }

    #[test]
    fn loss_stays_a_gap_that_a_late_packet_fills() {
        let mut map = SequenceMap::new();
        map.start(10);
        assert_eq!(map.map(13), Some(13));
        assert_eq!(map.map(12), Some(12));
        assert_eq!(map.map(11), Some(11));
        assert_eq!(map.map(11), None, "a duplicate");
    }

    #[test]
    fn a_packet_before_the_segment_is_refused() {
        let mut map = SequenceMap::new();
        map.start(1000);
        assert_eq!(map.map(999), None);
        assert_eq!(map.map(0), None);
    }

    #[test]
    fn a_packet_dropped_on_purpose_leaves_no_gap() {
        let mut map = SequenceMap::new();
        map.start(10);
        assert_eq!(map.skip(11), None);
        assert_eq!(map.skip(12), None);
        assert_eq!(map.map(13), Some(11));
        assert_eq!(map.skip(11), None, "a duplicate of the dropped one");
        assert_eq!(map.map(12), None);
    }

    #[test]
    fn late_packets_from_both_sides_of_a_drop_find_their_places() {
        let mut map = SequenceMap::new();
        map.start(10);
        assert_eq!(map.skip(13), None);
        assert_eq!(map.map(15), Some(14));
        assert_eq!(map.map(14), Some(13));
        assert_eq!(map.map(12), Some(12));
        assert_eq!(map.map(11), Some(11));
    }

    #[test]
    fn a_late_packet_to_drop_fills_the_gap_it_left() {
        let mut map = SequenceMap::new();
        map.start(10);
        assert_eq!(map.map(12), Some(12));
        assert_eq!(map.skip(11), Some(11));
        assert_eq!(map.skip(11), None);
    }

    #[test]
    fn a_jump_of_the_source_becomes_one_missing_number() {
        let mut map = SequenceMap::new();
        map.start(10);
        assert_eq!(map.map(30_000), Some(12));
        assert_eq!(map.map(30_001), Some(13));
        assert_eq!(map.map(29_999), None);
        assert_eq!(map.map(11), None);
    }

    #[test]
    fn drops_far_apart_do_not_add_up_to_a_jump() {
        let mut map = SequenceMap::new();
        map.start(0);
        let mut source = 0;
        for _ in 0..1000 {
            source += MAX_GAP;
            map.skip(source);
        }
        assert_eq!(map.map(source + 1), Some(2));
    }

    #[test]
    fn a_packet_older_than_the_window_is_refused() {
        let mut map = SequenceMap::new();
        map.start(0);
        for source in 2..=SentWindow::SIZE {
            map.map(source);
        }
        assert_eq!(map.map(1), Some(1));
        let mut map = SequenceMap::new();
        map.start(0);
        for source in 2..=SentWindow::SIZE + 1 {
            map.map(source);
        }
        assert_eq!(map.map(1), None);
    }

    /// Whatever a source does - loss, duplicates, reordering, jumps, padding, switches - an index
    /// goes out once, and never far ahead of the one before.
    #[test]
    fn an_index_is_never_given_twice() {
        for seed in 0..60 {
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut map = SequenceMap::new();
            let mut segment = 0u32;
            let mut head = rng.random_range(0..200_000u64);
            let mut given: HashMap<u64, (u32, u64)> = HashMap::new();
            let mut newest = map.start(head);
            given.insert(newest, (segment, head));
            for _ in 0..20_000 {
                let output = match rng.random_range(0..1000) {
                    0 => {
                        segment += 1;
                        head = rng.random_range(0..200_000);
                        Some(map.start(head))
                    }
                    1 => map.map(head + rng.random_range(1..70_000)),
                    2..50 => map.skip((head + 10).saturating_sub(rng.random_range(0..30))),
                    50..200 => map.map(head.saturating_sub(rng.random_range(0..3000))),
                    200..260 => map.map((head + 40).saturating_sub(rng.random_range(0..80))),
                    _ => {
                        head += rng.random_range(1..3);
                        map.map(head)
                    }
                };
                let Some(output) = output else { continue };
                let before = given.insert(output, (segment, head));
                assert_eq!(before, None, "index {output} again, seed {seed}");
                assert!(output <= newest + MAX_GAP + 1, "{newest} to {output}");
                newest = newest.max(output);
            }
        }
    }
}
