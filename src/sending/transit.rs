//! How long the quickest packets take to a receiver whose clock is another one, as transport-wide
//! feedback shows it.

/// Arrivals are told in these, in microseconds (draft-holmer-rmcat-transport-wide-cc-extensions-01
/// 3.1).
const TICK: i64 = 250;
/// The quickest is that of the last one to two of these, in microseconds: clocks drift apart, and
/// paths change.
const WINDOW: i64 = 10_000_000;

#[derive(Default, Debug)]
pub(super) struct Transit {
    window_ends: i64,
    before: Option<i64>,
    now: Option<i64>,
}

impl Transit {
    /// From one clock to the other, in microseconds. `sent` counts in these, `arrived` in ticks.
    pub(super) fn of(sent: u64, arrived: i64) -> i64 {
        arrived.saturating_mul(TICK).saturating_sub(sent as i64)
    }

    /// A packet that was sent once took so long.
    pub(super) fn note(&mut self, arrived: i64, transit: i64) {
        let at = arrived.saturating_mul(TICK);
        // Reference times start again after twelve days.
        let wrapped = at.saturating_add(2 * WINDOW) < self.window_ends;
        if at >= self.window_ends || wrapped {
            self.before = self.now.take();
            self.window_ends = at.saturating_add(WINDOW);
        }
        self.now = Some(self.now.map_or(transit, |least| least.min(transit)));
    }

    /// The quickest of late.
    pub(super) fn least(&self) -> Option<i64> {
        self.before.into_iter().chain(self.now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_packet_counts_until_it_was_long_ago() {
        let mut transit = Transit::default();
        assert_eq!(transit.least(), None);
        let mut took = |second: u64, micros: u64| {
            let sent = second * 1_000_000;
            let arrived = ((sent + micros) / 250) as i64;
            transit.note(arrived, Transit::of(sent, arrived));
            transit.least().unwrap()
        };
        assert_eq!([took(0, 30_000), took(1, 20_000), took(2, 50_000)], [30_000, 20_000, 20_000]);
        assert_eq!(took(11, 60_000), 20_000);
        assert_eq!(took(22, 60_000), 60_000, "the path is longer now");
    }
}
