//! Packet indices of one received SRTP stream: the rollover counter that packets do not carry, and
//! which indices were there before (RFC 3711 3.3.1, 3.3.2).

/// Indices of a window. RFC 3711 3.3.2 asks for 64 at least; a fast video stream sends some hundred
/// packets in the time that one of them may be late.
const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;
/// Half of the sequence numbers.
const HALF: u64 = 0x8000;
const LAST_INDEX: u64 = (1 << 48) - 1;

/// What is known of the indices of one SSRC, from its first authentic packet on.
#[derive(Clone, Debug)]
pub struct PacketIndex {
    highest: u64,
    /// A bit for each index of the window, at its place modulo the window's length.
    used: [u64; WORDS],
}

impl PacketIndex {
    /// Indices that the first packet of an SSRC may have, the likely one first. A sender begins
    /// with rollover counter 0 (RFC 3711 3.3.1); when its sequence numbers started over before
    /// anything arrived, the counter is 1 and the number is a low one.
    pub fn first_guesses(sequence: u16) -> impl Iterator<Item = u64> {
        let sequence = u64::from(sequence);
        let rolled = (sequence < HALF).then_some(1 << 16 | sequence);
        [Some(sequence), rolled].into_iter().flatten()
    }

    /// Starts with the first packet that was authentic.
    pub fn new(index: u64) -> Self {
        let mut new = Self { highest: index, used: [0; WORDS] };
        new.mark(index);
        new
    }

    /// The highest index that was recorded.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The index that is closest to the highest one and has this sequence number. `None` when that
    /// would be before the first or behind the last of all.
    pub fn guess(&self, sequence: u16) -> Option<u64> {
        let behind = (self.highest as u16).wrapping_sub(sequence);
        let index = if u64::from(behind) < HALF {
            self.highest.checked_sub(u64::from(behind))?
        } else {
            self.highest + (1 << 16) - u64::from(behind)
        };
        (index <= LAST_INDEX).then_some(index)
    }

    /// Whether an index was not there before. One older than the window counts as replayed.
    pub fn accepts(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        self.highest - index < WINDOW && !self.is_marked(index)
    }

    /// Remembers an index that was accepted and turned out to be authentic.
    pub fn record(&mut self, index: u64) {
        if index > self.highest {
            let ahead = index - self.highest;
            if ahead >= WINDOW {
                self.used = [0; WORDS];
            } else {
                (self.highest + 1..index).for_each(|skipped| self.unmark(skipped));
            }
            self.highest = index;
        } else if self.highest - index >= WINDOW {
            return;
        }
        self.mark(index);
    }

    fn place(index: u64) -> (usize, u64) {
        let bit = index % WINDOW;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn is_marked(&self, index: u64) -> bool {
        let (word, bit) = Self::place(index);
        self.used[word] & bit != 0
    }

    fn mark(&mut self, index: u64) {
        let (word, bit) = Self::place(index);
        self.used[word] |= bit;
    }

    fn unmark(&mut self, index: u64) {
        let (word, bit) = Self::place(index);
        self.used[word] &= !bit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(indices: impl IntoIterator<Item = u64>) -> PacketIndex {
        let mut indices = indices.into_iter();
        let mut index = PacketIndex::new(indices.next().unwrap());
        indices.for_each(|next| index.record(next));
        index
    }

    #[test]
    fn the_rollover_counter_is_the_one_that_comes_closest() {
        let index = used([0x1_fff0]);
        assert_eq!(index.guess(0xfff0), Some(0x1_fff0));
        assert_eq!(index.guess(0xfff1), Some(0x1_fff1));
        assert_eq!(index.guess(3), Some(0x2_0003), "sequence numbers started over");
        assert_eq!(index.guess(0x8000), Some(0x1_8000));
        let index = used([0x2_0003]);
        assert_eq!(index.guess(0xfff0), Some(0x1_fff0), "a late one of before");
        assert_eq!(index.guess(0x7fff), Some(0x2_7fff));
    }

    #[test]
    fn there_is_nothing_before_the_first_index_nor_behind_the_last() {
        assert_eq!(used([3]).guess(0xfff0), None);
        assert_eq!(used([LAST_INDEX]).guess(0), None);
        assert_eq!(used([LAST_INDEX]).guess(0xffff), Some(LAST_INDEX));
    }

    #[test]
    fn a_first_packet_may_have_rolled_over_before_it_came() {
        assert!(PacketIndex::first_guesses(5).eq([5, 0x1_0005]));
        assert!(PacketIndex::first_guesses(0xfff0).eq([0xfff0]));
    }

    #[test]
    fn an_index_is_accepted_once() {
        let index = used([5, 7, 6]);
        assert!((5..=7).all(|number| !index.accepts(number)));
        assert!(index.accepts(4) && index.accepts(8));
    }

    #[test]
    fn what_is_older_than_the_window_counts_as_replayed() {
        let index = used([5000]);
        assert!(index.accepts(5000 - WINDOW + 1));
        assert!(!index.accepts(5000 - WINDOW));
        let index = used([4000, 4000 + WINDOW - 1]);
        assert!(!index.accepts(4000), "still known");
    }

    #[test]
    fn a_leap_empties_the_window() {
        for leap in [WINDOW - 1, WINDOW, WINDOW + 1, 0x7fff] {
            let index = used([10, 11, 11 + leap]);
            assert!(!index.accepts(11 + leap), "a leap of {leap}");
            assert!(index.accepts(10 + leap));
            assert!(!index.accepts(11), "used, or older than the window");
        }
    }

    #[test]
    fn every_order_of_a_window_is_accepted_once() {
        // 37 has no divisor in common with 1,024.
        let mut index = used([70_000]);
        for number in (0..WINDOW).map(|n| 70_001 + n * 37 % WINDOW) {
            assert!(index.accepts(number));
            index.record(number);
            assert!(!index.accepts(number));
        }
    }
}
