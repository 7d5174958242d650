//! How busy a media thread is, as its driver sees it.

use std::time::{Duration, Instant};

/// Time constant of the average.
const MEMORY: f32 = 0.5;
/// How often a shard hears of it.
const TELL: Duration = Duration::from_millis(100);
/// A turn of this length is told of at once: a packet that came at its beginning waited for it.
pub const LONG_TURN: Duration = Duration::from_millis(10);

/// How busy a thread is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ThreadLoad {
    /// The share of its time, over about a second, in which it did not wait for something to do.
    pub busy: f32,
    /// The same since this was told before.
    pub lately: f32,
    /// The longest turn since then.
    pub longest: Duration,
}

/// Measures it, from when turns begin and end.
#[derive(Clone, Debug)]
pub struct Occupancy {
    told: Instant,
    worked: Duration,
    longest: Duration,
    busy: f32,
}

impl Occupancy {
    /// A thread that did nothing so far; it is measured from `now` on.
    pub fn new(now: Instant) -> Self {
        Self { told: now, worked: Duration::ZERO, longest: Duration::ZERO, busy: 0.0 }
    }

    /// The share of its time in which the thread works, as it was told last.
    pub fn busy(&self) -> f32 {
        self.busy
    }

    /// A turn is over. Gives what to tell the shard, ten times a second and after long turns.
    pub fn turn(&mut self, began: Instant, ended: Instant) -> Option<ThreadLoad> {
        let took = ended.saturating_duration_since(began);
        self.worked += took;
        self.longest = self.longest.max(took);
        let passed = ended.saturating_duration_since(self.told);
        if passed < TELL && took < LONG_TURN {
            return None;
        }
        let passed = passed.max(took).as_secs_f32();
        let lately = (self.worked.as_secs_f32() / passed.max(f32::MIN_POSITIVE)).min(1.0);
        self.busy += (lately - self.busy) * weight(passed);
        let load = ThreadLoad { busy: self.busy, lately, longest: self.longest };
        (self.told, self.worked, self.longest) = (ended, Duration::ZERO, Duration::ZERO);
        Some(load)
    }
}

/// What the last `passed` seconds count in an average.
pub(super) fn weight(passed: f32) -> f32 {
    1.0 - (-passed / MEMORY).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// Turns of `took` ms, each of which begins `every` ms after the one before.
    fn run(took: u64, every: u64, seconds: u64) -> (f32, usize) {
        let start = Instant::now();
        let mut occupancy = Occupancy::new(start);
        let (mut busy, mut told) = (0.0, 0);
        for turn in 0..seconds * 1000 / every {
            let began = start + milliseconds(turn * every);
            if let Some(load) = occupancy.turn(began, began + milliseconds(took)) {
                (busy, told) = (load.busy, told + 1);
            }
        }
        (busy, told)
    }

    #[test]
    fn a_thread_that_works_half_of_the_time_is_half_busy_and_tells_ten_times_a_second() {
        let (busy, told) = run(1, 2, 5);
        assert!((0.45..0.55).contains(&busy), "{busy}");
        assert!((45..=50).contains(&told), "{told}");
    }

    #[test]
    fn a_moment_of_work_is_forgotten_within_two_seconds() {
        let start = Instant::now();
        let mut occupancy = Occupancy::new(start);
        let load = occupancy.turn(start, start + milliseconds(500)).unwrap();
        assert!(load.busy > 0.6 && load.longest == milliseconds(500), "{load:?}");
        let later = start + milliseconds(2500);
        let load = occupancy.turn(later, later).unwrap();
        assert!(load.busy < 0.02 && load.longest == Duration::ZERO, "{load:?}");
    }

    #[test]
    fn a_long_turn_is_told_of_at_once() {
        let start = Instant::now();
        let mut occupancy = Occupancy::new(start);
        assert_eq!(occupancy.turn(start, start + milliseconds(9)), None);
        let began = start + milliseconds(9);
        assert!(occupancy.turn(began, began + LONG_TURN).is_some());
    }
}
