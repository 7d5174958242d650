//! Capacities over time.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Bits a second, each from a time on; the first from the start.
pub type Capacities = Vec<(Duration, Option<u64>)>;

pub fn steady(kilobits: u64) -> Capacities {
    steps(&[(0, kilobits)])
}

/// From these seconds on so many kbit/s.
pub fn steps(steps: &[(u64, u64)]) -> Capacities {
    let step =
        |(second, kilobits): &(u64, u64)| (Duration::from_secs(*second), Some(kilobits * 1000));
    steps.iter().map(step).collect()
}

/// Falls in a straight line and jumps back, over and over.
pub fn sawtooth(high: u64, low: u64, period: u64, seconds: u64) -> Capacities {
    let step = |half: u64| {
        let share = (half % (2 * period)) as f64 / (2 * period) as f64;
        let kilobits = high as f64 - (high - low) as f64 * share;
        (Duration::from_millis(500 * half), Some((kilobits * 1000.0) as u64))
    };
    (0..2 * seconds).map(step).collect()
}

/// As a moving phone sees it: the logarithm of the rate wanders between 250 kbit/s and 12 Mbit/s,
/// with a new value each tenth of a second, and now and then the phone goes behind a house.
pub fn mobile(seed: u64, seconds: u64) -> Capacities {
    let mut random = SmallRng::seed_from_u64(seed);
    let (low, high) = (250e3f64.ln(), 12e6f64.ln());
    let (mut level, mut drift) = (2e6f64.ln(), 0.0);
    let mut shade = 0u32;
    let mut capacity = |tenth: u64| {
        drift = drift * 0.9 + random.random_range(-0.05..=0.05);
        level += drift;
        if !(low..=high).contains(&level) {
            level = level.clamp(low, high);
            drift = 0.0;
        }
        if shade == 0 && random.random_bool(0.005) {
            shade = random.random_range(5..30);
        }
        shade = shade.saturating_sub(1);
        let quick = random.random_range(-0.2..=0.2);
        let shaded = if shade > 0 { 1.2 } else { 0.0 };
        let rate = (level + quick - shaded).clamp(low, high).exp();
        (Duration::from_millis(100 * tenth), Some(rate as u64))
    };
    (0..10 * seconds).map(&mut capacity).collect()
}

/// What holds at a time.
pub fn at(capacities: &Capacities, time: Duration) -> Option<u64> {
    let next = capacities.partition_point(|(from, _)| *from <= time);
    capacities[..next].last().and_then(|(_, capacity)| *capacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_the_same_for_the_same_seed_and_stays_in_its_bounds() {
        let trace = mobile(1, 60);
        assert_eq!(trace, mobile(1, 60));
        assert_ne!(trace, mobile(2, 60));
        let rates: Vec<u64> = trace.iter().filter_map(|(_, rate)| *rate).collect();
        assert_eq!(rates.len(), 600);
        assert!(rates.iter().all(|rate| (249_999..=12_000_000).contains(rate)));
    }

    #[test]
    fn the_capacity_at_a_time_is_that_of_the_step_before() {
        let trace = steps(&[(0, 5000), (10, 600)]);
        assert_eq!(at(&trace, Duration::from_millis(9_999)), Some(5_000_000));
        assert_eq!(at(&trace, Duration::from_secs(10)), Some(600_000));
        assert_eq!(at(&Vec::new(), Duration::ZERO), None);
    }
}
