//! Datagrams that wait until their owner sends them: repetitions, probes and RTCP. Media does not
//! come here, it is sealed where it is sent from.

use std::collections::VecDeque;

use crate::control::flow::Flow;

#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Flow, Vec<u8>)>,
    packets: u64,
    bytes: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, flow: Flow, datagram: Vec<u8>) {
        self.waiting.push_back((flow, datagram));
    }

    pub(super) fn trim(&mut self) {
        self.waiting.shrink_to_fit();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands over everything that waits, in order.
    pub(super) fn drain(&mut self, mut send: impl FnMut(&Flow, &[u8])) {
        while let Some((flow, datagram)) = self.waiting.pop_front() {
            self.count(datagram.len());
            send(&flow, &datagram);
        }
    }

    /// Counts a datagram that was sent.
    pub(super) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    /// Datagrams and their bytes so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.packets, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sending::testing::flow;

    #[test]
    fn datagrams_leave_in_order_and_are_counted_when_they_do() {
        let mut outbox = Outbox::default();
        outbox.push(flow(1), vec![1; 10]);
        outbox.push(flow(2), vec![2; 20]);
        assert_eq!((outbox.is_empty(), outbox.totals()), (false, (0, 0)));
        let mut sent = Vec::new();
        outbox.drain(|flow, bytes| sent.push((*flow, bytes.len())));
        assert_eq!(sent, [(flow(1), 10), (flow(2), 20)]);
        outbox.count(5);
        assert_eq!((outbox.is_empty(), outbox.totals()), (true, (3, 35)));
    }
}
