//! Datagrams of one stream as they were sealed, to be sent again as they are.
//!
//! Sound has no stream of repetitions (libwebrtc negotiates RTX for video only), and neither have pictures
//! for who takes NACK alone (RFC 4585 6.2.1), so that what is repeated of them has the number that it had. A number is a nonce, which must not seal two different
//! packets (RFC 3711 9.1, RFC 7714 8.1), and another transport-wide number would make it another
//! packet. So the very bytes go out again. They are kept only while the receiver asks, unless it said
//! beforehand that it would.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::Kind;

/// Packets of sound that are kept: 640 ms with ten milliseconds in each.
const KEPT_SOUND: usize = 64;
/// Packets of pictures: half a second of 10 Mbit/s.
const KEPT_PICTURES: usize = 512;
/// How long one is kept. Who is answered later than this has played on without it; what is asked for
/// again was asked for a round trip before.
pub(super) const KEPT_TIME: Duration = Duration::from_secs(2);
/// Whoever asked for nothing this long loses nothing.
const IDLE: Duration = Duration::from_secs(20);

/// The last datagrams of a stream.
#[derive(Debug)]
pub(super) struct Sealed {
    /// In the order of their indices.
    packets: VecDeque<Packet>,
    most: usize,
    /// When something was asked for last.
    wanted: Instant,
}

#[derive(Debug)]
struct Packet {
    index: u64,
    /// Its transport-wide number, if it has one.
    number: Option<u64>,
    at: Instant,
    bytes: Vec<u8>,
}

impl Sealed {
    /// With nothing in it, for a receiver that asks now.
    pub(super) fn new(now: Instant, kind: Kind) -> Self {
        let most = match kind {
            Kind::Audio => KEPT_SOUND,
            Kind::Video => KEPT_PICTURES,
        };
        Self { packets: VecDeque::new(), most, wanted: now }
    }

    /// The receiver asks for something.
    pub(super) fn want(&mut self, now: Instant) {
        self.wanted = now;
    }

    /// Whether the receiver has not asked for long.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.wanted) >= IDLE
    }

    /// Keeps a datagram under the index it was sealed with, in the place of those that are too old.
    pub(super) fn keep(&mut self, now: Instant, index: u64, number: Option<u64>, datagram: &[u8]) {
        let mut bytes = Vec::new();
        while self.packets.len() >= self.most || self.is_first_old(now) {
            let Some(first) = self.packets.pop_front() else { break };
            bytes = first.bytes;
        }
        bytes.clear();
        bytes.extend_from_slice(datagram);
        // Nearly always it is the newest.
        let place = self.packets.partition_point(|packet| packet.index < index);
        self.packets.insert(place, Packet { index, number, at: now, bytes });
    }

    fn is_first_old(&self, now: Instant) -> bool {
        let old = |packet: &Packet| now.saturating_duration_since(packet.at) >= KEPT_TIME;
        self.packets.front().is_some_and(old)
    }

    /// Lets go of what is too old. Gives when the next one is.
    pub(super) fn forget(&mut self, now: Instant) -> Option<Instant> {
        while self.is_first_old(now) {
            self.packets.pop_front();
        }
        if self.packets.is_empty() {
            self.packets = VecDeque::new();
        }
        self.packets.front().map(|packet| packet.at + KEPT_TIME)
    }

    /// The datagram that was sealed with an index, and its transport-wide number.
    pub(super) fn find(&self, index: u64) -> Option<(&[u8], Option<u64>)> {
        let place = self.packets.partition_point(|packet| packet.index < index);
        let packet = self.packets.get(place).filter(|packet| packet.index == index)?;
        Some((&packet.bytes, packet.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_last_datagrams_are_there_and_take_bounded_memory() {
        for (kind, kept) in [(Kind::Audio, KEPT_SOUND), (Kind::Video, KEPT_PICTURES)] {
            let now = Instant::now();
            let mut sealed = Sealed::new(now, kind);
            for index in 0..1_000 {
                sealed.keep(now, index, Some(index + 7), &[index as u8; 100]);
            }
            assert_eq!(sealed.packets.len(), kept);
            let oldest = 1_000 - kept as u64;
            assert_eq!(sealed.find(oldest - 1), None);
            for index in oldest..1_000 {
                assert_eq!(sealed.find(index), Some((&[index as u8; 100][..], Some(index + 7))));
            }
        }
    }

    #[test]
    fn a_slow_stream_has_no_more_kept_than_anybody_asks_for() {
        let start = Instant::now();
        let mut sealed = Sealed::new(start, Kind::Video);
        for index in 0..100_u32 {
            sealed.keep(start + 100 * index * MS, index.into(), None, &[1]);
        }
        assert_eq!(sealed.packets.len(), 20, "two seconds of ten a second");
        let last = start + 9_900 * MS;
        assert_eq!(sealed.forget(last), Some(start + 8_000 * MS + KEPT_TIME));
        assert_eq!(sealed.forget(last + KEPT_TIME), None);
        assert_eq!(sealed.packets.capacity(), 0);
    }

    #[test]
    fn one_that_is_sealed_late_has_its_place() {
        let now = Instant::now();
        let mut sealed = Sealed::new(now, Kind::Audio);
        for index in [5, 7, 6] {
            sealed.keep(now, index, None, &[index as u8]);
        }
        for index in [5, 6, 7] {
            assert_eq!(sealed.find(index), Some((&[index as u8][..], None)));
        }
        assert_eq!((sealed.find(4), sealed.find(8)), (None, None));
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
