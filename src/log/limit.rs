//! So many records and no more, of what might come in any number.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(1);

/// Lets one through a second and counts the others.
#[derive(Debug)]
pub struct Limit(Mutex<State>);

#[derive(Debug)]
struct State {
    last: Option<Instant>,
    left_out: u64,
}

impl Limit {
    /// Nothing was left out; the first record goes through.
    pub const fn new() -> Self {
        Self(Mutex::new(State { last: None, left_out: 0 }))
    }

    /// How many were left out before this one, or `None` when it is left out as well.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            state.left_out += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_comes_through_and_says_how_many_did_not() {
        let limit = Limit::new();
        let start = Instant::now();
        let admitted: Vec<_> =
            (0..25).map(|tenth| limit.admit(start + tenth * INTERVAL / 10)).collect();
        let through: Vec<_> = admitted.iter().flatten().copied().collect();
        assert_eq!(through, [0, 9, 9]);
        assert!(admitted[0].is_some() && admitted[10].is_some() && admitted[20].is_some());
    }
}
