//! How long packets may come behind later ones without being lost, as the feedback of a peer shows
//! it. Whoever receives asks for what a later packet has overtaken at once (RFC 4585 6.2.1), lost or
//! not.

use std::time::Duration;

/// Arrivals are told in these (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1).
const TICK: Duration = Duration::from_micros(250);
/// What a path does is known by what it did in the last one to two of these, in ticks.
const WINDOW: i64 = 5 * 4_000;
/// A repetition that waited longer would come too late to be played.
const LONGEST: Duration = Duration::from_millis(200);

#[derive(Default, Debug)]
pub(super) struct Reordering {
    /// The latest arrival so far, and the number of its packet.
    latest: Option<(i64, u64)>,
    window_ends: i64,
    before: Lateness,
    now: Lateness,
}

/// The two latest packets of a window, in ticks behind one that was sent after them.
#[derive(Clone, Copy, Default, Debug)]
struct Lateness {
    first: i64,
    second: i64,
}

impl Lateness {
    fn note(&mut self, late: i64) {
        if late > self.first {
            (self.first, self.second) = (late, self.first);
        } else if late > self.second {
            self.second = late;
        }
    }
}

impl Reordering {
    /// A packet arrived, in ticks. `overtaken_at` is when the first of those after it did, when that
    /// was told before.
    pub(super) fn arrived(&mut self, number: u64, at: i64, overtaken_at: Option<i64>) {
        if at >= self.window_ends {
            let recent = at < self.window_ends + WINDOW;
            self.before = if recent { self.now } else { Lateness::default() };
            self.now = Lateness::default();
            self.window_ends = at + WINDOW;
        }
        match self.latest {
            // The latest one so far has been overtaken by this one.
            Some((latest, earlier)) if latest > at && earlier < number => {
                self.now.note(latest - at);
            }
            Some((latest, _)) if latest > at => {}
            _ => self.latest = Some((at, number)),
        }
        if let Some(overtaken_at) = overtaken_at {
            self.now.note(at - overtaken_at);
        }
    }

    /// How long to wait before a packet that was asked for is taken for lost. A single packet that
    /// was late says nothing of others.
    pub(super) fn patience(&self) -> Duration {
        let ticks = self.before.second.max(self.now.second);
        TICK.saturating_mul(u32::try_from(ticks).unwrap_or(0)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 4;

    #[test]
    fn packets_in_order_need_no_patience() {
        let mut reordering = Reordering::default();
        (0..1_000).for_each(|n| reordering.arrived(n, n as i64 * 10 * MS, None));
        assert_eq!(reordering.patience(), Duration::ZERO);
    }

    #[test]
    fn one_late_packet_is_no_rule_and_two_are() {
        let mut reordering = Reordering::default();
        for (number, at, patience) in [(0, 0, 0), (1, 60, 0), (2, 20, 0), (3, 110, 0), (4, 80, 30)]
        {
            reordering.arrived(number, at * MS, None);
            assert_eq!(reordering.patience(), Duration::from_millis(patience), "{number}");
        }
    }

    #[test]
    fn what_was_taken_for_lost_shows_how_late_it_was() {
        let mut reordering = Reordering::default();
        reordering.arrived(1, 10 * MS, None);
        reordering.arrived(0, 70 * MS, Some(10 * MS));
        reordering.arrived(3, 80 * MS, None);
        reordering.arrived(2, 120 * MS, Some(80 * MS));
        assert_eq!(reordering.patience(), Duration::from_millis(40));
    }

    #[test]
    fn a_path_that_keeps_its_order_again_is_trusted_after_ten_seconds() {
        let mut reordering = Reordering::default();
        for number in 0..20 {
            reordering.arrived(2 * number, (number as i64 * 20 + 30) * MS, None);
            reordering.arrived(2 * number + 1, number as i64 * 20 * MS, None);
        }
        assert!(reordering.patience() > Duration::from_millis(25));
        (100..1_300).for_each(|n| reordering.arrived(n, n as i64 * 10 * MS, None));
        assert_eq!(reordering.patience(), Duration::ZERO);
    }

    #[test]
    fn patience_has_an_end() {
        let mut reordering = Reordering::default();
        for number in 0..4 {
            reordering.arrived(number, 1_000 * MS - number as i64 * 300 * MS, None);
        }
        assert_eq!(reordering.patience(), LONGEST);
    }
}
