//! How often a thread tries to open what may be anybody's.

use std::time::{Duration, Instant};

/// The budget of a thread, for one kind of datagrams.
#[derive(Default)]
pub struct Tries {
    /// Counted since this moment.
    since: Option<Instant>,
    tries: u32,
}

impl Tries {
    /// Some microseconds each.
    pub const MAX_PER_SECOND: u32 = 500;

    /// Whether one more is allowed.
    pub fn take(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now >= since + Duration::from_secs(1)) {
            (self.since, self.tries) = (Some(now), 0);
        }
        self.tries += 1;
        self.tries <= Self::MAX_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_budget() {
        let (mut tries, start) = (Tries::default(), Instant::now());
        let taken = (0..3000).filter(|n| tries.take(start + Duration::from_millis(*n / 3)));
        assert_eq!(taken.count() as u32, Tries::MAX_PER_SECOND);
        assert!(tries.take(start + Duration::from_secs(1)));
    }
}
