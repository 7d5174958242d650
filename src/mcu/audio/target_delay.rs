//! How long a packet's sound has to wait so that nearly all others come in time.

use super::{FRAME, RATE};

/// Width of a class of delays, 5 ms.
const BIN: i64 = RATE as i64 / 200;
const BINS: usize = 100;
/// Part of the packets that shall come in time.
const IN_TIME: f32 = 0.98;
/// What a packet leaves of the weight of those before: they count for some four seconds.
const FORGET: f32 = 0.995;
/// Class that is believed in before anything came.
const FIRST: usize = 4;
/// The target falls by so much a packet at most: at 50 packets a second, 20 ms a second.
const FALL: i64 = RATE as i64 / 2500;
/// A tick reads so much beyond its own moment, the resampler's taps with it.
const AHEAD: i64 = FRAME as i64 + BIN;

/// A histogram of delays beyond the smallest, and the target from it. In samples at 48 kHz.
#[derive(Clone)]
pub(super) struct TargetDelay {
    bins: [f32; BINS],
    target: i64,
}

impl Default for TargetDelay {
    fn default() -> Self {
        let mut bins = [0.0; BINS];
        bins[FIRST] = 1.0;
        Self { bins, target: (FIRST as i64 + 1) * BIN + AHEAD }
    }
}

impl TargetDelay {
    /// 20 ms and half a second.
    pub(super) const MIN: i64 = RATE as i64 / 50;
    pub(super) const MAX: i64 = RATE as i64 / 2;

    pub(super) fn get(&self) -> i64 {
        self.target
    }

    /// A packet came so much later than the quickest do.
    pub(super) fn observe(&mut self, delay: i64) {
        let bin = (delay / BIN).clamp(0, BINS as i64 - 1) as usize;
        self.bins.iter_mut().for_each(|weight| *weight *= FORGET);
        self.bins[bin] += 1.0 - FORGET;

        let mut later = 1.0 - IN_TIME;
        let enough = self.bins.iter().rposition(|weight| {
            later -= weight;
            later < 0.0
        });
        let wanted = (enough.unwrap_or(0) as i64 + 1) * BIN + AHEAD;
        self.target = wanted.clamp(Self::MIN, Self::MAX).max(self.target - FALL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = RATE as i64 / 1000;

    fn settled(delays: impl Iterator<Item = i64>) -> i64 {
        let mut target = TargetDelay::default();
        delays.for_each(|delay| target.observe(delay * MS));
        target.get() / MS
    }

    #[test]
    fn an_even_stream_hardly_waits() {
        assert_eq!(settled((0..2000).map(|_| 0)), 30);
    }

    #[test]
    fn most_of_the_jitter_is_waited_for() {
        let target = settled((0..2000).map(|i| if i % 20 == 0 { 80 } else { i % 10 }));
        assert_eq!(target, 110);
        // One in two hundred is not worth the delay.
        assert_eq!(settled((0..2000).map(|i| if i % 200 == 50 { 300 } else { 0 })), 30);
    }

    #[test]
    fn it_rises_within_a_tenth_of_a_second_and_falls_slowly() {
        let mut target = TargetDelay::default();
        (0..1000).for_each(|_| target.observe(0));
        (0..5).for_each(|_| target.observe(200 * MS));
        assert!(target.get() > 200 * MS);
        (0..50).for_each(|_| target.observe(0));
        assert!(target.get() > 180 * MS);
        (0..1000).for_each(|_| target.observe(0));
        assert!(target.get() < 35 * MS);
    }

    #[test]
    fn it_is_bounded() {
        assert_eq!(settled((0..100).map(|_| 1 << 40)), 500);
        assert_eq!(settled((0..2000).map(|_| -(1 << 40))), 30);
    }
}
