//! When a client sends what: 30 frames a second, all packets of a frame at once, and an Opus packet
//! every 20 ms, as browsers do.

use std::time::{Duration, Instant};

use crate::stamp;

const FRAMES_A_SECOND: u32 = 30;
const AUDIO_PACKETS_A_SECOND: u32 = 50;
/// The largest payload of a video packet, in bytes.
const LARGEST_PAYLOAD: usize = 1180;

/// A sequence of packets that is due at regular times.
pub struct Cadence {
    pub due: Instant,
    interval: Duration,
    bytes: usize,
    pub ticks: u32,
    pub packets: u32,
}

impl Cadence {
    pub fn new(video: bool, kilobits: u32, due: Instant) -> Cadence {
        let a_second = if video { FRAMES_A_SECOND } else { AUDIO_PACKETS_A_SECOND };
        let bytes = (kilobits * 125 / a_second) as usize;
        Cadence { due, interval: Duration::from_secs(1) / a_second, bytes, ticks: 0, packets: 0 }
    }

    /// Sizes of the payloads that go out now; the next ones are due an interval later.
    pub fn advance(&mut self, now: Instant) -> Vec<usize> {
        self.ticks += 1;
        self.due += self.interval;
        // After a stall a browser's camera does not send what it missed either.
        if self.due < now {
            self.due = now + self.interval;
        }
        let count = self.bytes.div_ceil(LARGEST_PAYLOAD).max(1);
        (0..count)
            .map(|index| self.bytes / count + usize::from(index < self.bytes % count))
            .map(|size| size.max(stamp::LENGTH + 20))
            .collect()
    }
}

/// Whether a payload begins a VP8 keyframe (RFC 7741 4.2 and 4.3).
pub fn begins_vp8_keyframe(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else { return false };
    // The first partition of a frame begins here.
    if first & 0x17 != 0x10 {
        return false;
    }
    let mut length = 1;
    if first & 0x80 != 0 {
        let Some(&extensions) = payload.get(1) else { return false };
        length += 1;
        if extensions & 0x80 != 0 {
            let long = payload.get(length).is_some_and(|id| id & 0x80 != 0);
            length += if long { 2 } else { 1 };
        }
        length += usize::from(extensions & 0x40 != 0) + usize::from(extensions & 0x30 != 0);
    }
    payload.get(length).is_some_and(|header| header & 1 == 0)
}

/// Makes the payload begin as VP8 does (RFC 7741 4.2 and 4.3), with a picture id as browsers write it.
pub fn write_vp8(payload: &mut [u8], first: bool, keyframe: bool, picture: u32) {
    let id = (picture & 0x7fff) as u16 | 0x8000;
    payload[0] = 0x80 | u8::from(first) << 4;
    payload[1] = 0x80;
    payload[2..4].copy_from_slice(&id.to_be_bytes());
    if first && keyframe {
        // Frame tag, start code, 1280 by 720.
        payload[4..14].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
    } else if first {
        payload[4] = 0x11;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_is_known_by_its_first_packet() {
        for (first, keyframe) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut payload = [0; 40];
            write_vp8(&mut payload, first, keyframe, 300);
            assert_eq!(begins_vp8_keyframe(&payload), first && keyframe);
        }
        assert!(begins_vp8_keyframe(&[0x10, 0x10]) && !begins_vp8_keyframe(&[0x10, 0x11]));
        assert!(begins_vp8_keyframe(&[0x90, 0xf0, 5, 1, 0x20, 0x10]));
        assert!(!begins_vp8_keyframe(&[0x90, 0xf0]) && !begins_vp8_keyframe(&[]));
    }
}
