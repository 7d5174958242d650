//! A camera with one VP8 encoding.

use std::time::{Duration, Instant};

use str0m::media::Rid;
use str0m::rtp::{ExtensionValues, RtpPacket};

use super::client::{Source, SourcePacket};

/// Between two frames.
pub const FRAME: Duration = Duration::from_nanos(33_333_333);
/// The largest payload.
pub const PACKET: usize = 1_100;
/// A keyframe, as a multiple of the others.
const KEYFRAME: usize = 5;

/// One VP8 encoding, each packet with the moment it was sent at.
pub struct Camera {
    frame_bytes: usize,
    start: Instant,
    next: Instant,
    frame: u64,
    sequence: u64,
    keyframe: bool,
}

impl Camera {
    pub fn new(start: Instant, bitrate: usize) -> Self {
        let frame_bytes = bitrate / 8 / 30;
        Self { frame_bytes, start, next: start, frame: 0, sequence: 0, keyframe: true }
    }

    /// RFC 7741 4.2, with a 15-bit picture id, and what RFC 6386 9.1 begins a frame with.
    fn payload(&self, first: bool, size: usize, now: Instant) -> Vec<u8> {
        let picture = (self.frame & 0x7fff) as u16 | 0x8000;
        let mut payload = vec![0x80 | u8::from(first) << 4, 0x80];
        payload.extend(picture.to_be_bytes());
        if first {
            payload.extend([if self.keyframe { 0x10 } else { 0x11 }, 0, 0]);
            if self.keyframe {
                payload.extend([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
            }
        }
        payload.resize(size.max(40), 0);
        payload.extend(((now - self.start).as_micros() as u64).to_be_bytes());
        payload
    }
}

impl Source for Camera {
    fn next(&self) -> Instant {
        self.next
    }

    fn packets(&mut self, now: Instant) -> Vec<SourcePacket> {
        if now < self.next {
            return Vec::new();
        }
        let bytes = self.frame_bytes * if self.keyframe { KEYFRAME } else { 1 };
        let count = bytes.div_ceil(PACKET);
        let packets = (0..count).map(|index| {
            self.sequence += 1;
            SourcePacket {
                rid: None,
                sequence: self.sequence,
                timestamp: (self.frame * 3_000) as u32,
                marker: index + 1 == count,
                payload: self.payload(index == 0, bytes / count, now),
                extensions: ExtensionValues::default(),
            }
        });
        let packets = packets.collect();
        self.keyframe = false;
        self.frame += 1;
        self.next += FRAME;
        packets
    }

    fn request_keyframe(&mut self, _: Option<Rid>) {
        self.keyframe = true;
    }

    fn start(&mut self, now: Instant) {
        self.next = now;
    }
}

/// When the camera sent a packet, after it began.
pub fn sent(packet: &RtpPacket) -> Option<Duration> {
    let bytes = packet.payload.last_chunk()?;
    Some(Duration::from_micros(u64::from_be_bytes(*bytes)))
}

/// Whether it is the first packet of a keyframe of the camera's.
pub fn begins_keyframe(packet: &RtpPacket) -> bool {
    matches!(packet.payload[..], [0x90, 0x80, _, _, 0x10, ..])
}
