//! How long is waited before what failed is tried again.

use std::time::Duration;

use aws_lc_rs::rand;

use crate::control::ingest::ReconnectOptions;

/// Waiting grows no further after so many times.
const MAX_DOUBLINGS: u32 = 16;

/// Twice as long each time, until it works.
#[derive(Debug)]
pub(super) struct Backoff {
    options: ReconnectOptions,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(options: ReconnectOptions) -> Self {
        Self { options, failures: 0 }
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed. Gives how long to wait, in milliseconds as it is told and as it is done.
    pub(super) fn fail(&mut self) -> (u64, Duration) {
        let ReconnectOptions { delay, max_delay } = self.options;
        let doubled = u64::from(delay) << self.failures.min(MAX_DOUBLINGS);
        let delay = doubled.min(max_delay.into());
        self.failures = self.failures.saturating_add(1);
        (delay, Duration::from_millis(spread(delay)))
    }
}

/// Up to a fifth more or less, so that all cameras of a switch do not come back at one moment.
fn spread(delay: u64) -> u64 {
    let mut byte = [128];
    let _ = rand::fill(&mut byte);
    delay * (205 + u64::from(byte[0]) * 2 / 5) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_twice_as_long_up_to_the_longest_until_it_works() {
        let mut backoff = Backoff::new(ReconnectOptions { delay: 100, max_delay: 500 });
        let told: Vec<u64> = (0..5).map(|_| backoff.fail().0).collect();
        assert_eq!(told, [100, 200, 400, 500, 500]);
        backoff.reset();
        let (told, wait) = backoff.fail();
        assert_eq!(told, 100);
        assert!((80..=120).contains(&wait.as_millis()), "{wait:?}");
    }
}
