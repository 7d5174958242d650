//! How often strangers may have keys opened, so that no place takes all of the time there is for that.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::origins::origin;

const WINDOW: Duration = Duration::from_secs(1);
/// Most in a second. Keys take a millisecond each.
const OPENINGS: usize = 100;
/// Most of one origin in a second: more than a studio has encoders that begin at once, and than tests
/// on one machine call with. Callers ask again after a quarter of a second.
const OPENINGS_OF_ONE: usize = 10;

/// Counts openings by origin, each second anew.
#[derive(Debug)]
pub(crate) struct Openings {
    since: Instant,
    all: usize,
    /// Each of them was admitted, so that there are as many as openings at most.
    origins: HashMap<IpAddr, usize>,
}

impl Openings {
    pub fn new(now: Instant) -> Self {
        Self { since: now, all: 0, origins: HashMap::new() }
    }

    /// Whether there is one more for somebody.
    pub fn admit(&mut self, now: Instant, remote: IpAddr) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.all) = (now, 0);
            self.origins.clear();
        }
        if self.all >= OPENINGS {
            return false;
        }
        let count = self.origins.entry(origin(remote)).or_default();
        if *count >= OPENINGS_OF_ONE {
            return false;
        }
        *count += 1;
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_origin_keeps_no_other_out_and_all_together_have_their_limit() {
        let now = Instant::now();
        let mut openings = Openings::new(now);
        let mut count = |now, last: u8, times: usize| {
            let remote = IpAddr::from([192, 0, 2, last]);
            (0..times).filter(|_| openings.admit(now, remote)).count()
        };
        assert_eq!(count(now, 1, 1_000), OPENINGS_OF_ONE);
        let others: usize = (2..=255).map(|last| count(now, last, 3)).sum();
        assert_eq!(others, OPENINGS - OPENINGS_OF_ONE);
        assert_eq!(count(now + WINDOW, 1, 1), 1, "a second later");
        assert!(openings.origins.len() <= OPENINGS);
    }
}
