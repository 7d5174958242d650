//! A sender's clock against ours: how late its quickest packets are, and how much faster it runs.

use super::RATE;

const SECOND: i64 = RATE as i64;
/// The quickest packet of so many spans, each of that length, is the base of delays.
const SPANS: usize = 5;
const SPAN: i64 = 2 * SECOND;
/// The drift is read from so many points, each the quickest packet of that time.
const POINTS: usize = 12;
const POINT: i64 = 10 * SECOND;
/// Points before anything is said of the drift.
const FEW: usize = 4;
/// No clock that is worth following is off by more.
pub(super) const MAX_DRIFT: f64 = 300e-6;

/// Arrival and transit (arrival less timestamp) in samples at 48 kHz.
#[derive(Clone, Copy)]
struct Quickest {
    began: i64,
    arrival: i64,
    transit: i64,
}

impl Quickest {
    fn new(arrival: i64, transit: i64) -> Self {
        Self { began: arrival, arrival, transit }
    }

    fn take(&mut self, arrival: i64, transit: i64) {
        if transit < self.transit {
            (self.arrival, self.transit) = (arrival, transit);
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct SenderClock {
    /// The newest last.
    spans: Vec<Quickest>,
    points: Vec<Quickest>,
    drift: f64,
}

impl SenderClock {
    pub(super) fn observe(&mut self, arrival: i64, transit: i64) {
        if advance(&mut self.spans, SPANS, SPAN, arrival, transit) {
            self.spans.retain(|span| arrival - span.began <= SPAN * SPANS as i64);
        }
        if advance(&mut self.points, POINTS, POINT, arrival, transit) {
            self.drift = drift(&self.points[..self.points.len() - 1]);
        }
    }

    /// Transit of the quickest packets; `None` before the first.
    pub(super) fn base(&self) -> Option<i64> {
        self.spans.iter().map(|span| span.transit).min()
    }

    /// How much faster the sender's clock runs, as a part of one.
    pub(super) fn drift(&self) -> f64 {
        self.drift
    }
}

/// Whether a new span began.
fn advance(
    spans: &mut Vec<Quickest>,
    count: usize,
    length: i64,
    arrival: i64,
    transit: i64,
) -> bool {
    if let Some(last) = spans.last_mut()
        && arrival - last.began < length
    {
        last.take(arrival, transit);
        return false;
    }
    if spans.len() == count {
        spans.remove(0);
    }
    spans.push(Quickest::new(arrival, transit));
    true
}

/// The median of the slopes between any two points (Theil and Sen): a step of the network's delay
/// does not pass for a slope.
fn drift(points: &[Quickest]) -> f64 {
    if points.len() < FEW {
        return 0.0;
    }
    let mut slopes = Vec::with_capacity(POINTS * POINTS / 2);
    for (index, one) in points.iter().enumerate() {
        for other in &points[index + 1..] {
            let time = (other.arrival - one.arrival).max(1);
            slopes.push((one.transit - other.transit) as f64 / time as f64);
        }
    }
    let middle = slopes.len() / 2;
    let (_, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    median.clamp(-MAX_DRIFT, MAX_DRIFT)
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn clock(ppm: f64, seconds: i64, delay: impl Fn(i64, &mut SmallRng) -> i64) -> SenderClock {
        let mut random = SmallRng::seed_from_u64(48);
        let mut clock = SenderClock::default();
        for packet in 0..seconds * 50 {
            let sent = (packet as f64 * 960.0 / (1.0 + ppm * 1e-6)) as i64;
            let arrival = sent + delay(packet, &mut random);
            clock.observe(arrival, arrival - packet * 960);
        }
        clock
    }

    #[test]
    fn the_drift_is_seen_through_jitter() {
        for ppm in [-200.0, 0.0, 150.0] {
            let seen = clock(ppm, 300, |_, random| random.random_range(0..2000)).drift() * 1e6;
            assert!((seen - ppm).abs() < 12.0, "{ppm} ppm seen as {seen}");
        }
    }

    #[test]
    fn a_longer_way_is_no_drift() {
        let seen = clock(100.0, 300, |packet, _| if packet > 13_000 { 3000 } else { 500 }).drift();
        assert!((seen * 1e6 - 100.0).abs() < 30.0, "{seen}");
    }

    #[test]
    fn the_base_forgets() {
        let clock = clock(0.0, 60, |packet, _| if packet > 2000 { 3000 } else { 500 });
        assert_eq!(clock.base(), Some(3000));
    }
}
