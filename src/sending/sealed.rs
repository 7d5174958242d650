//! Datagrams of one stream as they were sealed, to be sent again as they are.
//!
//! Sound has no stream of repetitions (libwebrtc negotiates RTX for video only), and neither have pictures
//! for who takes NACK alone (RFC 4585 6.2.1), so that what is repeated of them has the number that it had. A number is a nonce, which must not seal two different
//! packets (RFC 3711 9.1, RFC 7714 8.1), and another transport-wide number would make it another
//! packet. So the very bytes go out again. They are kept only while the receiver asks, unless it said
//! beforehand that it would.

use std::time::{Duration, Instant};

use crate::codec::Kind;

/// Packets of sound that are kept: 640 ms with ten milliseconds in each.
const KEPT_SOUND: usize = 64;
/// Packets of pictures: half a second of 10 Mbit/s.
const KEPT_PICTURES: usize = 512;
/// Whoever asked for nothing this long loses nothing.
const IDLE: Duration = Duration::from_secs(20);

/// The last datagrams of a stream.
#[derive(Debug)]
pub(super) struct Sealed {
    /// Each index has its place modulo their number.
    slots: Vec<Slot>,
    kept: usize,
    /// When something was asked for last.
    wanted: Instant,
}

#[derive(Default, Debug)]
struct Slot {
    index: Option<u64>,
    /// Its transport-wide number, if it has one.
    number: Option<u64>,
    bytes: Vec<u8>,
}

impl Sealed {
    /// With nothing in it, for a receiver that asks now.
    pub(super) fn new(now: Instant, kind: Kind) -> Self {
        let kept = match kind {
            Kind::Audio => KEPT_SOUND,
            Kind::Video => KEPT_PICTURES,
        };
        Self { slots: Vec::new(), kept, wanted: now }
    }

    fn place(&self, index: u64) -> usize {
        (index % self.kept as u64) as usize
    }

    /// The receiver asks for something.
    pub(super) fn want(&mut self, now: Instant) {
        self.wanted = now;
    }

    /// Whether the receiver has not asked for long.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.wanted) >= IDLE
    }

    /// Keeps a datagram under the index it was sealed with. Those before it follow each other, so that
    /// it takes the place of the oldest.
    pub(super) fn keep(&mut self, index: u64, number: Option<u64>, datagram: &[u8]) {
        let place = self.place(index);
        if self.slots.len() <= place {
            self.slots.resize_with(place + 1, Slot::default);
        }
        let slot = &mut self.slots[place];
        (slot.index, slot.number) = (Some(index), number);
        slot.bytes.clear();
        slot.bytes.extend_from_slice(datagram);
    }

    /// The datagram that was sealed with an index, and its transport-wide number.
    pub(super) fn find(&self, index: u64) -> Option<(&[u8], Option<u64>)> {
        let slot = self.slots.get(self.place(index)).filter(|slot| slot.index == Some(index))?;
        Some((&slot.bytes, slot.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_datagrams_are_there_and_take_bounded_memory() {
        for (kind, kept) in [(Kind::Audio, KEPT_SOUND), (Kind::Video, KEPT_PICTURES)] {
            let mut sealed = Sealed::new(Instant::now(), kind);
            for index in 0..1_000 {
                sealed.keep(index, Some(index + 7), &[index as u8; 100]);
            }
            assert_eq!(sealed.slots.len(), kept);
            let oldest = 1_000 - kept as u64;
            assert_eq!(sealed.find(oldest - 1), None);
            for index in oldest..1_000 {
                assert_eq!(sealed.find(index), Some((&[index as u8; 100][..], Some(index + 7))));
            }
        }
    }

    #[test]
    fn nothing_is_kept_for_long_for_who_asks_for_nothing() {
        let now = Instant::now();
        let mut sealed = Sealed::new(now, Kind::Audio);
        assert!(!sealed.is_idle(now + IDLE / 2));
        sealed.want(now + IDLE / 2);
        assert!(!sealed.is_idle(now + IDLE));
        assert!(sealed.is_idle(now + IDLE + IDLE / 2));
    }
}
