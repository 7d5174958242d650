//! Which numbers came ahead of a missing one, and whether there is room for another.

use super::chunk::Data;

/// Chunks ahead of a missing one, of any size.
pub(super) const MAX_WAITING: u32 = 4096;
/// Of which so many may come before their size counts. 512 chunks are some 600 kB of a sender
/// that fills its packets.
pub(super) const FREE_WAITING: u32 = 512;
/// Bytes that waiting chunks have to have on average for more. Messages of a few bytes are bundled
/// by the dozen in a packet, so that a packet of them would cost as much as dozens of others.
const WAITING_BYTES: u32 = 400;

/// Which transmission sequence numbers came ahead of a missing one.
#[derive(Debug)]
pub(super) struct Ahead {
    /// All up to this one came.
    pub(super) cumulative: u32,
    /// Bit n: `cumulative + 1 + n` came, as a ring that starts at `start`.
    came: Box<[u64; (MAX_WAITING / 64) as usize]>,
    start: u32,
    pub(super) waiting: u32,
    bytes: u32,
}

impl Ahead {
    pub(super) fn new(first: u32) -> Self {
        let came = Box::new([0; (MAX_WAITING / 64) as usize]);
        Self { cumulative: first.wrapping_sub(1), came, start: 0, waiting: 0, bytes: 0 }
    }

    /// How far ahead of the next expected number; `None` for what came before.
    pub(super) fn distance(&self, tsn: u32) -> Option<u32> {
        let distance = tsn.wrapping_sub(self.cumulative.wrapping_add(1));
        (distance < 1 << 31).then_some(distance)
    }

    pub(super) fn is_next(&self, tsn: u32) -> bool {
        self.distance(tsn) == Some(0)
    }

    fn bit(&self, distance: u32) -> (usize, u64) {
        let place = (self.start + distance) % MAX_WAITING;
        ((place / 64) as usize, 1 << (place % 64))
    }

    pub(super) fn has_room(&self, data: &Data) -> bool {
        match self.distance(data.tsn) {
            None | Some(0) => true,
            Some(distance) if distance >= MAX_WAITING => false,
            Some(_) => {
                self.waiting < FREE_WAITING
                    || self.bytes >= self.waiting.saturating_mul(WAITING_BYTES)
            }
        }
    }

    /// Whether it did not come before.
    pub(super) fn is_news(&self, tsn: u32) -> bool {
        self.distance(tsn).is_some_and(|distance| {
            let (word, bit) = self.bit(distance % MAX_WAITING);
            distance >= MAX_WAITING || self.came[word] & bit == 0
        })
    }

    pub(super) fn record(&mut self, data: &Data) {
        let Some(distance) = self.distance(data.tsn).filter(|distance| *distance < MAX_WAITING)
        else {
            return;
        };
        if !self.is_news(data.tsn) {
            return;
        }
        let (word, bit) = self.bit(distance);
        self.came[word] |= bit;
        self.waiting += 1;
        self.bytes = self.bytes.saturating_add(data.bytes);
        self.advance();
    }

    /// Passes over what came without a gap, a word at a time.
    fn advance(&mut self) {
        loop {
            let (word, bit) = self.bit(0);
            let first = bit.trailing_zeros();
            let run = (self.came[word] >> first).trailing_ones();
            if run == 0 {
                break;
            }
            self.pass(run.min(u64::BITS - first));
        }
    }

    /// Moves on by so many, whether they came or not; no further than the end of a word.
    fn pass(&mut self, count: u32) {
        let (word, bit) = self.bit(0);
        let first = bit.trailing_zeros();
        let mask = (u64::MAX >> (u64::BITS - count)) << first;
        let passed = (self.came[word] & mask).count_ones();
        self.came[word] &= !mask;
        // What leaves is taken for of average size.
        let share = u64::from(self.bytes) * u64::from(passed) / u64::from(self.waiting.max(1));
        self.bytes = self.bytes.saturating_sub(share as u32);
        self.waiting -= passed;
        self.start = (self.start + count) % MAX_WAITING;
        self.cumulative = self.cumulative.wrapping_add(count);
    }

    /// The peer gave up what lies before `to` (RFC 3758 3.6).
    pub(super) fn forward(&mut self, to: u32) {
        let Some(distance) = self.distance(to) else { return };
        if distance >= MAX_WAITING {
            *self = Self::new(to.wrapping_add(1));
        } else {
            let mut left = distance + 1;
            while left > 0 {
                let count = left.min(u64::BITS - self.start % u64::BITS);
                self.pass(count);
                left -= count;
            }
            self.advance();
        }
    }
}
