//! Those who are refused, for the log: one record a second and a count, whoever comes.

use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl Refusals {
    /// One more. Gives how many there were since it was told last, if it is to be told now.
    pub(super) fn add(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_there_is_one_record_a_second() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let told: Vec<u64> = (0..2_500)
            .filter_map(|millis| refusals.add(start + Duration::from_millis(millis)))
            .collect();
        assert_eq!(told, [1, 1_000, 1_000]);
    }
}
