//! Packets of sound put in order, those that come late waited for a little.

use std::collections::BTreeMap;

/// Packets that wait for one before them: 160 ms of AAC of one frame each.
const MOST: usize = 8;
/// A gap of more is a sender that counts anew.
const MAX_GAP: i64 = 1000;

/// What is next.
#[derive(Debug)]
pub(super) enum Next<T> {
    Packet(T),
    /// Some are missing that do not come any more.
    Gap,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Order<T> {
    /// The number that comes next, without an end.
    expected: Option<i64>,
    waiting: BTreeMap<i64, T>,
    lost: u64,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { expected: None, waiting: BTreeMap::new(), lost: 0 }
    }
}

impl<T> Order<T> {
    /// Packets that did not come.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a packet and hands on what is in order.
    pub(super) fn take(&mut self, sequence: u16, packet: T, mut emit: impl FnMut(Next<T>)) {
        let expected = *self.expected.get_or_insert(i64::from(sequence));
        let ahead = i64::from(sequence.wrapping_sub(expected as u16) as i16);
        if !(-MAX_GAP..=MAX_GAP).contains(&ahead) {
            self.waiting.clear();
            self.expected = Some(i64::from(sequence).wrapping_add(1));
            emit(Next::Gap);
            return emit(Next::Packet(packet));
        }
        if ahead < 0 {
            return;
        }
        self.waiting.insert(expected + ahead, packet);
        if self.waiting.len() > MOST
            && let Some((&first, _)) = self.waiting.first_key_value()
        {
            self.lost += first.abs_diff(expected);
            self.expected = Some(first);
            emit(Next::Gap);
        }
        while let Some(next) = self.expected
            && let Some(packet) = self.waiting.remove(&next)
        {
            self.expected = Some(next + 1);
            emit(Next::Packet(packet));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(order: &mut Order<u16>, sequences: impl IntoIterator<Item = u16>) -> Vec<Option<u16>> {
        let mut out = Vec::new();
        for sequence in sequences {
            order.take(sequence, sequence, |next| {
                out.push(match next {
                    Next::Packet(packet) => Some(packet),
                    Next::Gap => None,
                });
            });
        }
        out
    }

    #[test]
    fn packets_are_put_in_order_across_the_wrap_and_come_once() {
        let mut order = Order::default();
        let out = taken(&mut order, [65_534, 0, 65_535, 65_535, 1]);
        assert_eq!(out, [Some(65_534), Some(65_535), Some(0), Some(1)]);
    }

    #[test]
    fn what_does_not_come_is_a_gap_after_a_while() {
        let mut order = Order::default();
        let out = taken(&mut order, [1].into_iter().chain(3..=11));
        assert_eq!(out[..3], [Some(1), None, Some(3)]);
        assert_eq!((out.len(), order.lost()), (11, 1));
        assert_eq!(taken(&mut order, [2, 12]), [Some(12)], "late");
    }

    #[test]
    fn a_sender_that_counts_anew_goes_on_at_once() {
        let mut order = Order::default();
        taken(&mut order, [1, 2]);
        assert_eq!(taken(&mut order, [40_000, 40_001]), [None, Some(40_000), Some(40_001)]);
    }
}
