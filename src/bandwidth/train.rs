//! Packets that leave right behind each other. A bottleneck lets them out no faster than it carries,
//! whatever else delays them, so how fast they come tells a full link from one with jitter.

/// Packets sent within so many ms are right behind each other.
const BEHIND: f64 = 1.0;
/// Packets that show how fast they come.
const ENOUGH: f64 = 6.0;
/// Of steps of 250 us, the least that can be told of a time.
const TICK: f64 = 0.25;

/// A packet that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// In ms.
    pub(super) sent: f64,
    /// In steps of 250 us.
    pub(super) at: i64,
    /// In bytes.
    pub(super) size: usize,
}

/// What was seen of such packets over a time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Trains {
    packets: f64,
    bytes: f64,
    /// What they came behind the ones before, in ms.
    spread: f64,
    overtaken: bool,
}

impl Trains {
    /// A packet came that was sent after another one.
    pub(super) fn add(&mut self, before: Arrival, arrival: Arrival) {
        if arrival.sent < before.sent + BEHIND {
            self.packets += 1.0;
            self.bytes += arrival.size as f64;
            self.spread += arrival.at.saturating_sub(before.at).max(0) as f64 * TICK;
            self.overtaken |= arrival.at < before.at;
        }
    }

    /// A packet came behind one that was sent after it: nothing is told by what they are apart.
    pub(super) fn note_overtaken(&mut self) {
        self.overtaken = true;
    }

    /// Both together.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
            spread: self.spread + other.spread,
            overtaken: self.overtaken || other.overtaken,
        }
    }

    /// Bytes a millisecond at which they came, if enough did and none overtook another.
    pub(super) fn rate(&self) -> Option<f64> {
        let tells = self.packets >= ENOUGH && !self.overtaken;
        tells.then(|| self.bytes / self.spread.max(TICK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight packets of 1,000 bytes, `apart` from each other in ms as they leave and as they come.
    fn trains(sent: f64, came: f64) -> Trains {
        let arrival = |n: u32| Arrival {
            sent: f64::from(n) * sent,
            at: (f64::from(n) * came * 4.0) as i64,
            size: 1000,
        };
        let mut trains = Trains::default();
        (1..8).for_each(|n| trains.add(arrival(n - 1), arrival(n)));
        trains
    }

    #[test]
    fn what_leaves_at_once_comes_as_fast_as_the_link_carries() {
        assert_eq!(trains(0.0, 8.0).rate(), Some(125.0), "a megabit a second");
        assert!(trains(0.0, 0.0).rate().is_some_and(|rate| rate > 10_000.0));
    }

    #[test]
    fn packets_with_a_pause_between_them_few_or_overtaken_tell_nothing() {
        assert_eq!(trains(5.0, 8.0).rate(), None);
        let mut few = Trains::default();
        let arrival = Arrival { sent: 0.0, at: 0, size: 1000 };
        (0..5).for_each(|_| few.add(arrival, arrival));
        assert_eq!(few.rate(), None);
        let mut overtaken = trains(0.0, 8.0);
        overtaken.note_overtaken();
        assert_eq!(overtaken.rate(), None);
        assert_eq!(trains(0.0, 8.0).with(overtaken).rate(), None);
        assert_eq!(trains(0.0, -8.0).rate(), None);
    }

    #[test]
    fn few_of_several_times_are_enough_together() {
        let mut some = Trains::default();
        let arrival = |at| Arrival { sent: 0.0, at, size: 1000 };
        (0..4).for_each(|n| some.add(arrival(n * 4), arrival(n * 4 + 4)));
        assert_eq!(some.rate(), None);
        assert_eq!(some.with(some).rate(), Some(1000.0));
    }
}
