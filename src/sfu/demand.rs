//! Which encodings of a track anybody wants, for the sender, who can switch the others off.
//!
//! Known as dynacast: what nobody watches is not sent to the server at all.

use std::time::{Duration, Instant};

use super::packet::EncodingIndex;
use super::transponder::MAX_ENCODINGS;

/// An encoding that nobody wants for so long is one to switch off: receivers come and go, and
/// switching it on again costs a keyframe.
const PATIENCE: Duration = Duration::from_secs(3);

/// A set of encodings, by index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodingSet(u8);

const _: () = assert!(MAX_ENCODINGS <= 8, "an encoding is a bit of a u8");

impl EncodingSet {
    /// No encoding.
    pub const NONE: Self = Self(0);
    /// Every encoding, those included that are not known yet.
    pub const ALL: Self = Self(u8::MAX);

    /// The set with one more.
    pub fn with(self, encoding: EncodingIndex) -> Self {
        Self(self.0 | 1u8.checked_shl(encoding.0.into()).unwrap_or(0))
    }

    /// Whether an encoding is in it.
    pub fn contains(self, encoding: EncodingIndex) -> bool {
        self.0.checked_shr(encoding.0.into()).is_some_and(|bits| bits & 1 == 1)
    }

    /// What is in either.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What the sender is told: that an encoding is wanted at once, that it is not with patience.
#[derive(Debug)]
pub struct Demand {
    wanted: EncodingSet,
    told: EncodingSet,
    /// Since when an encoding is not wanted, as long as that was not told.
    unwanted: [Option<Instant>; MAX_ENCODINGS],
}

impl Default for Demand {
    fn default() -> Self {
        Self { wanted: EncodingSet::ALL, told: EncodingSet::ALL, unwanted: [None; MAX_ENCODINGS] }
    }
}

impl Demand {
    /// What receivers want from now on. An encoding is given up when nobody wants it for 3 s.
    pub fn set(&mut self, now: Instant, wanted: EncodingSet) {
        self.wanted = wanted;
        for (index, since) in self.unwanted.iter_mut().enumerate() {
            let encoding = EncodingIndex(index as u8);
            if wanted.contains(encoding) || !self.told.contains(encoding) {
                *since = None;
            } else {
                since.get_or_insert(now);
            }
        }
    }

    /// What to tell the sender, once after each change.
    pub fn poll(&mut self, now: Instant) -> Option<EncodingSet> {
        let mut told = self.told.union(self.wanted);
        for (index, since) in self.unwanted.iter_mut().enumerate() {
            if since.is_some_and(|since| now >= since + PATIENCE) {
                *since = None;
                told.0 &= !(1 << index);
            }
        }
        (told != self.told).then(|| {
            self.told = told;
            told
        })
    }

    /// When to call [`Demand::poll`] next.
    pub fn next(&self) -> Option<Instant> {
        self.unwanted.iter().flatten().min().map(|since| *since + PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: EncodingIndex = EncodingIndex(0);
    const HIGH: EncodingIndex = EncodingIndex(2);

    #[test]
    fn what_nobody_wants_is_told_after_a_while_and_what_somebody_wants_at_once() {
        let now = Instant::now();
        let mut demand = Demand::default();
        demand.set(now, EncodingSet::NONE.with(LOW));
        assert_eq!(demand.poll(now), None);
        let due = demand.next().unwrap();
        assert_eq!(due, now + PATIENCE);
        let told = demand.poll(due).unwrap();
        assert!(told.contains(LOW) && !told.contains(HIGH));
        assert_eq!((demand.poll(due), demand.next()), (None, None));
        demand.set(due, EncodingSet::NONE.with(LOW).with(HIGH));
        assert!(demand.poll(due).unwrap().contains(HIGH));
    }

    #[test]
    fn a_short_lack_of_interest_is_not_told() {
        let now = Instant::now();
        let mut demand = Demand::default();
        for second in 0..10 {
            let now = now + Duration::from_secs(second);
            demand.set(now, if second % 2 == 0 { EncodingSet::NONE } else { EncodingSet::ALL });
            assert_eq!(demand.poll(now), None);
        }
    }
}
