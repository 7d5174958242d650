//! How late packets of a peer come that later ones overtook, and so how long one that is missing may
//! still be on its way.

use std::time::{Duration, Instant};

/// What a path does is known by what it did in the last one to two of these.
const WINDOW: Duration = Duration::from_secs(5);
/// What is asked for later than this comes too late to be shown.
const LONGEST: Duration = Duration::from_millis(200);

#[derive(Default, Debug)]
pub(super) struct Reordering {
    window_ends: Option<Instant>,
    before: Lateness,
    now: Lateness,
}

/// The two latest packets of a window.
#[derive(Clone, Copy, Default, Debug)]
struct Lateness {
    first: Duration,
    second: Duration,
}

impl Reordering {
    fn turn(&mut self, now: Instant) {
        let Some(end) = self.window_ends.filter(|end| now >= *end) else { return };
        let recent = now < end + WINDOW;
        self.before = if recent { std::mem::take(&mut self.now) } else { Lateness::default() };
        self.now = Lateness::default();
        // Nothing to turn while nothing is late.
        self.window_ends = recent.then_some(end + WINDOW);
    }

    /// A packet came so long after the first that had overtaken it.
    pub(super) fn late(&mut self, now: Instant, by: Duration) {
        self.turn(now);
        self.window_ends.get_or_insert(now + WINDOW);
        let Lateness { first, second } = &mut self.now;
        if by > *first {
            (*first, *second) = (by, *first);
        } else if by > *second {
            *second = by;
        }
    }

    /// How long to wait before a packet that is missing is asked for. A single packet that was late
    /// says nothing of others.
    pub(super) fn patience(&mut self, now: Instant) -> Duration {
        self.turn(now);
        self.before.second.max(self.now.second).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn one_late_packet_is_no_rule_and_two_are() {
        let mut reordering = Reordering::default();
        let now = Instant::now();
        assert_eq!(reordering.patience(now), Duration::ZERO);
        reordering.late(now, 80 * MS);
        assert_eq!(reordering.patience(now), Duration::ZERO);
        reordering.late(now, 30 * MS);
        assert_eq!(reordering.patience(now), 30 * MS);
        reordering.late(now, 900 * MS);
        assert_eq!(reordering.patience(now), 80 * MS);
        reordering.late(now, 800 * MS);
        assert_eq!(reordering.patience(now), LONGEST);
    }

    #[test]
    fn a_path_that_keeps_its_order_again_is_trusted_after_ten_seconds() {
        let mut reordering = Reordering::default();
        let now = Instant::now();
        (0..10).for_each(|_| reordering.late(now, 40 * MS));
        assert_eq!(reordering.patience(now + 9_999 * MS), 40 * MS);
        assert_eq!(reordering.patience(now + 10_000 * MS), Duration::ZERO);
        let mut reordering = Reordering::default();
        (0..10).for_each(|_| reordering.late(now, 40 * MS));
        assert_eq!(reordering.patience(now + 5_000 * MS), 40 * MS);
        assert_eq!(reordering.patience(now + 10_000 * MS), Duration::ZERO);
    }
}
