//! Packets kept while a receiver waits for a keyframe. A keyframe's first packet may be lost and
//! come again, or be overtaken; with what went by behind it the stream begins there all the same,
//! instead of half a second later with the next keyframe.

use std::sync::Arc;
use std::time::Duration;

use super::packet::SourcePacket;

/// Longer than a retransmission over a bad link takes.
const HOLD_TIME: Duration = Duration::from_millis(300);
/// A large keyframe and some.
const MAX_HELD: usize = 256;

/// Packets of one encoding: at most 256, and none older than 300 ms.
#[derive(Default, Debug)]
pub struct HeldPackets {
    packets: Vec<Arc<SourcePacket>>,
}

impl HeldPackets {
    /// Keeps a packet that was not forwarded, for a while. All are of one encoding.
    pub fn hold(&mut self, packet: &Arc<SourcePacket>) {
        let (encoding, arrival) = (packet.encoding, packet.arrival);
        self.packets.retain(|held| {
            held.encoding == encoding && arrival.saturating_duration_since(held.arrival) < HOLD_TIME
        });
        if self.packets.len() >= MAX_HELD {
            self.packets.remove(0);
        }
        self.packets.push(Arc::clone(packet));
    }

    /// What came behind the packet a stream begins with, in order. Nothing is held afterwards.
    pub fn take_behind(&mut self, start: &SourcePacket) -> Vec<Arc<SourcePacket>> {
        let mut behind = std::mem::take(&mut self.packets);
        behind.retain(|held| held.encoding == start.encoding && held.sequence > start.sequence);
        behind.sort_by_key(|held| held.sequence);
        behind.dedup_by_key(|held| held.sequence);
        behind
    }

    /// Drops what is held and gives its memory back.
    pub fn clear(&mut self) {
        // Given back: most of the time nobody waits.
        if !self.packets.is_empty() {
            self.packets = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Source;
    use super::*;
    use crate::codec::Codec;

    #[test]
    fn gives_what_came_behind_in_order_and_once() {
        let mut source = Source::new(Codec::Vp8);
        let old = Arc::new(source.packet());
        let frame: Vec<_> = source.frame(true, 4).into_iter().map(Arc::new).collect();
        let mut held = HeldPackets::default();
        for packet in [&old, &frame[3], &frame[1], &frame[1], &frame[2]] {
            held.hold(packet);
        }
        let behind = held.take_behind(&frame[0]);
        let sequences: Vec<u64> = behind.iter().map(|p| p.sequence).collect();
        assert_eq!(sequences, frame[1..].iter().map(|p| p.sequence).collect::<Vec<_>>());
        assert!(held.take_behind(&frame[0]).is_empty());
    }

    #[test]
    fn forgets_what_is_too_old_and_never_holds_much() {
        let mut source = Source::new(Codec::Vp8);
        let first = source.packet();
        let mut held = HeldPackets::default();
        held.hold(&Arc::new(first.clone()));
        let mut late = source.packet();
        late.arrival = first.arrival + HOLD_TIME;
        held.hold(&Arc::new(late));
        assert_eq!(held.packets.len(), 1);
        for _ in 0..2 * MAX_HELD {
            let mut packet = source.packet();
            packet.arrival = first.arrival + HOLD_TIME;
            held.hold(&Arc::new(packet));
        }
        assert_eq!(held.packets.len(), MAX_HELD);
    }
}
