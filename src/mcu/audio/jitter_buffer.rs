//! Packets of one stream in the order of their sound.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::RATE;

/// A packet that waits for its time.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// Extended, in samples at 48 kHz.
    pub timestamp: i64,
    /// What it holds, likewise.
    pub samples: i64,
    /// Extended; of what came as redundancy of another packet it is not known.
    pub sequence: Option<u64>,
    pub payload: Arc<[u8]>,
    /// Where in the payload its data is.
    pub data: Range<usize>,
}

impl Waiting {
    pub(super) fn end(&self) -> i64 {
        self.timestamp + self.samples
    }

    pub(super) fn data(&self) -> &[u8] {
        self.payload.get(self.data.clone()).unwrap_or(&[])
    }
}

#[derive(Default)]
pub(super) struct JitterBuffer {
    /// The oldest first.
    packets: VecDeque<Waiting>,
}

impl JitterBuffer {
    pub(super) const MAX_PACKETS: usize = 128;
    /// A second.
    pub(super) const MAX_SPAN: i64 = RATE as i64;

    /// Gives the number of packets that were thrown away for it, or `None` when it was there.
    pub(super) fn insert(&mut self, packet: Waiting) -> Option<u64> {
        // Most come in order.
        let behind = self.packets.iter().rposition(|other| other.timestamp <= packet.timestamp);
        let at = behind.map_or(0, |index| index + 1);
        if let Some(before) = behind.and_then(|index| self.packets.get_mut(index))
            && before.timestamp == packet.timestamp
        {
            // The number of one that came as redundancy first.
            before.sequence = before.sequence.or(packet.sequence);
            return None;
        }
        self.packets.insert(at, packet);
        let mut dropped = 0;
        while self.packets.len() > Self::MAX_PACKETS || self.span() > Self::MAX_SPAN {
            self.packets.pop_front();
            dropped += 1;
        }
        Some(dropped)
    }

    fn span(&self) -> i64 {
        match (self.packets.front(), self.packets.back()) {
            (Some(first), Some(last)) => last.timestamp - first.timestamp,
            _ => 0,
        }
    }

    pub(super) fn front(&self) -> Option<&Waiting> {
        self.packets.front()
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        self.packets.pop_front()
    }

    /// End of the newest packet's sound.
    pub(super) fn end(&self) -> Option<i64> {
        self.packets.back().map(Waiting::end)
    }

    /// Drops what ends by then. Gives how many that were.
    pub(super) fn drop_before(&mut self, timestamp: i64) -> u64 {
        let mut dropped = 0;
        while self.packets.front().is_some_and(|packet| packet.end() <= timestamp) {
            self.packets.pop_front();
            dropped += 1;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(timestamp: i64) -> Waiting {
        let sequence = Some(timestamp as u64 / 960);
        Waiting { timestamp, samples: 960, sequence, payload: Arc::new([]), data: 0..0 }
    }

    #[test]
    fn the_order_is_that_of_the_sound() {
        let mut buffer = JitterBuffer::default();
        for number in [3, 1, 2, 5, 4] {
            assert_eq!(buffer.insert(packet(number * 960)), Some(0));
        }
        assert_eq!(buffer.insert(packet(2 * 960)), None);
        assert_eq!((buffer.end(), buffer.drop_before(2 * 960)), (Some(6 * 960), 1));
        let order: Vec<_> =
            std::iter::from_fn(|| buffer.pop()).map(|p| p.timestamp / 960).collect();
        assert_eq!(order, [2, 3, 4, 5]);
    }

    #[test]
    fn it_holds_a_second_and_so_many_packets() {
        let mut buffer = JitterBuffer::default();
        for number in 0..200 {
            buffer.insert(packet(number * 960));
        }
        assert_eq!(buffer.front().map(|packet| packet.timestamp), Some(149 * 960));
        let mut buffer = JitterBuffer::default();
        for number in 0..1000 {
            buffer.insert(packet(number));
        }
        assert_eq!(buffer.packets.len(), JitterBuffer::MAX_PACKETS);
        // Far away from all the others, on both sides.
        buffer.insert(packet(i64::from(u32::MAX)));
        assert_eq!(buffer.packets.len(), 1);
        assert_eq!(buffer.insert(packet(0)), Some(1));
    }
}
