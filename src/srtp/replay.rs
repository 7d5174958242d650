//! Replay protection for SRTCP (RFC 3711 3.3.2).

/// How many sender SSRCs are remembered. A peer has one for each stream it sends, and one or two
/// for its reports.
const MAX_SENDERS: usize = 64;

/// Which indices of which senders were used.
#[derive(Default)]
pub(super) struct ReplayGuard {
    /// The one heard last is first.
    senders: Vec<(u32, Window)>,
}

impl ReplayGuard {
    /// Who was heard, and the highest index of each.
    pub(super) fn senders(&self) -> impl Iterator<Item = (u32, u32)> {
        self.senders.iter().map(|(ssrc, window)| (*ssrc, window.highest))
    }

    /// Whether a packet was not there before. One older than the window counts as replayed.
    pub(super) fn accepts(&self, ssrc: u32, index: u32) -> bool {
        self.senders.iter().find(|(s, _)| *s == ssrc).is_none_or(|(_, w)| w.accepts(index))
    }

    /// Remembers an authentic packet. When there are too many senders, the one not heard for the
    /// longest is forgotten.
    pub(super) fn record(&mut self, ssrc: u32, index: u32) {
        match self.senders.iter().position(|(s, _)| *s == ssrc) {
            Some(at) => {
                self.senders[..=at].rotate_right(1);
                self.senders[0].1.record(index);
            }
            None => {
                self.senders.truncate(MAX_SENDERS - 1);
                self.senders.insert(0, (ssrc, Window::new(index)));
            }
        }
    }
}

/// The 128 indices up to the highest one, a bit for each that was used.
#[derive(Clone, Copy)]
struct Window {
    highest: u32,
    /// Bit n stands for `highest - n`.
    used: u128,
}

impl Window {
    const LEN: u32 = u128::BITS;

    fn new(index: u32) -> Self {
        Self { highest: index, used: 1 }
    }

    fn accepts(&self, index: u32) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(age) => age < Self::LEN && self.used >> age & 1 == 0,
        }
    }

    fn record(&mut self, index: u32) {
        match self.highest.checked_sub(index) {
            None => {
                self.used = self.used.checked_shl(index - self.highest).unwrap_or(0) | 1;
                self.highest = index;
            }
            Some(age) if age < Self::LEN => self.used |= 1 << age,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(indices: impl IntoIterator<Item = u32>) -> ReplayGuard {
        let mut guard = ReplayGuard::default();
        indices.into_iter().for_each(|index| guard.record(1, index));
        guard
    }

    #[test]
    fn an_index_is_accepted_once() {
        let guard = used([5, 7, 6]);
        for index in 5..=7 {
            assert!(!guard.accepts(1, index));
        }
        assert!(guard.accepts(1, 4));
        assert!(guard.accepts(1, 8));
    }

    #[test]
    fn the_first_index_may_be_any() {
        for index in [0, 1, 1000, 0x7fff_ffff] {
            assert!(used([]).accepts(1, index));
            assert!(!used([index]).accepts(1, index));
        }
    }

    #[test]
    fn the_window_is_128_indices_long() {
        let guard = used([1000]);
        assert!(guard.accepts(1, 1000 - 127));
        assert!(!guard.accepts(1, 1000 - 128));
        let guard = used([1000 - 127, 1000]);
        assert!(!guard.accepts(1, 1000 - 127));
        let guard = used([1000 - 127, 1000, 1001]);
        assert!(!guard.accepts(1, 1000 - 127), "it slid out");
        assert!(guard.accepts(1, 1000 - 126));
    }

    #[test]
    fn a_leap_empties_the_window() {
        for leap in [127, 128, 129, 0x7fff_fff0] {
            let guard = used([10, 11, 11 + leap]);
            assert!(!guard.accepts(1, 11), "a leap of {leap}");
            assert!(!guard.accepts(1, 11 + leap));
            assert!(guard.accepts(1, 10 + leap));
        }
    }

    #[test]
    fn every_order_of_a_window_is_accepted_once() {
        // 37 has no divisor in common with 128.
        let order: Vec<u32> = (0..128).map(|n| 200 + n * 37 % 128).collect();
        let mut guard = ReplayGuard::default();
        for &index in &order {
            assert!(guard.accepts(1, index));
            guard.record(1, index);
            assert!(!guard.accepts(1, index));
        }
        assert!(order.iter().all(|&index| !guard.accepts(1, index)));
    }

    #[test]
    fn each_sender_has_a_window_of_its_own() {
        let mut guard = used([5]);
        assert!(guard.accepts(2, 5));
        guard.record(2, 500);
        assert!(guard.accepts(1, 4));
        assert!(!guard.accepts(1, 5));
    }

    #[test]
    fn the_sender_not_heard_for_the_longest_is_forgotten() {
        let mut guard = ReplayGuard::default();
        (0..64).for_each(|ssrc| guard.record(ssrc, 9));
        assert!((0..64).all(|ssrc| !guard.accepts(ssrc, 9)));
        guard.record(0, 10);
        guard.record(64, 9);
        assert_eq!(guard.senders.len(), 64);
        assert!(!guard.accepts(0, 9), "it was heard again");
        assert!(guard.accepts(1, 9), "forgotten");
        assert!((2..=64).all(|ssrc| !guard.accepts(ssrc, 9)));
    }
}
