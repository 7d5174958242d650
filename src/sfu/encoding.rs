//! One encoding as it comes in: counters, rates, activity.

use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::Kind;

/// An encoding without packets for this long is not active.
pub const ACTIVITY_TIMEOUT: Duration = Duration::from_millis(1500);

/// Counts what arrives of one encoding.
#[derive(Debug)]
pub struct Encoding {
    packets: u64,
    bytes: u64,
    frames: u64,
    keyframes: u64,
    size: Option<(u16, u16)>,
    /// Timestamps of the newest frame and of the newest keyframe.
    newest_frame: Option<u32>,
    newest_keyframe: Option<u32>,
    last_arrival: Option<Instant>,
    active: bool,
    byte_rate: Rate,
    frame_rate: Rate,
}

impl Encoding {
    /// `now` is when the encoding became known. It is not active before its first packet.
    pub fn new(now: Instant) -> Self {
        Self {
            packets: 0,
            bytes: 0,
            frames: 0,
            keyframes: 0,
            size: None,
            newest_frame: None,
            newest_keyframe: None,
            last_arrival: None,
            active: false,
            byte_rate: Rate::new(now),
            frame_rate: Rate::new(now),
        }
    }

    /// Counts a packet. True when the encoding became active with it.
    pub fn receive(&mut self, packet: &SourcePacket) -> bool {
        let now = packet.arrival;
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        self.byte_rate.add(now, packet.payload.len() as u64);
        if packet.codec.kind() == Kind::Video && !packet.payload.is_empty() {
            self.receive_video(packet);
        }
        // Padding alone does not make an encoding one that can be forwarded.
        if packet.payload.is_empty() {
            return false;
        }
        self.last_arrival = self.last_arrival.max(Some(now));
        !std::mem::replace(&mut self.active, true)
    }

    fn receive_video(&mut self, packet: &SourcePacket) {
        if newer(packet.timestamp, self.newest_frame) {
            self.newest_frame = Some(packet.timestamp);
            self.frames += 1;
            self.frame_rate.add(packet.arrival, 1);
        }
        // Several packets of one keyframe can look like its beginning: parameter sets, slices.
        if packet.description.keyframe && newer(packet.timestamp, self.newest_keyframe) {
            self.newest_keyframe = Some(packet.timestamp);
            self.keyframes += 1;
        }
        self.size = packet.description.size.or(self.size);
    }

    /// True once when packets stopped coming.
    pub fn poll_inactive(&mut self, now: Instant) -> bool {
        let over = self.active && self.inactive_at().is_some_and(|at| at <= now);
        if over {
            self.active = false;
        }
        over
    }

    /// When to call [`Encoding::poll_inactive`] next.
    pub fn inactive_at(&self) -> Option<Instant> {
        self.last_arrival.filter(|_| self.active).map(|arrival| arrival + ACTIVITY_TIMEOUT)
    }

    /// Whether packets come; see [`Encoding::poll_inactive`].
    pub fn active(&self) -> bool {
        self.active
    }

    /// Packets received.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Video frames of which at least one packet came in time.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Keyframes of which at least one packet came in time, each counted once.
    pub fn keyframes(&self) -> u64 {
        self.keyframes
    }

    /// Width and height, as the last keyframe says.
    pub fn size(&self) -> Option<(u16, u16)> {
        self.size
    }

    /// Payload bits a second, over the last second.
    pub fn bitrate(&mut self, now: Instant) -> u64 {
        self.byte_rate.per_second(now) * 8
    }

    /// Over the last second.
    pub fn frames_per_second(&mut self, now: Instant) -> u64 {
        self.frame_rate.per_second(now)
    }
}

fn newer(timestamp: u32, newest: Option<u32>) -> bool {
    newest.is_none_or(|newest| (timestamp.wrapping_sub(newest) as i32) > 0)
}

/// A sum over the last second, in steps of a tenth.
#[derive(Debug)]
pub struct Rate {
    start: Instant,
    /// The tenth that `slots[newest % 10]` counts.
    newest: u64,
    slots: [u64; Rate::SLOTS],
}

impl Rate {
    const SLOTS: usize = 10;

    /// Nothing counted; tenths of a second are told apart from `now` on.
    pub fn new(now: Instant) -> Self {
        Self { start: now, newest: 0, slots: [0; Self::SLOTS] }
    }

    /// Counts an amount at this time. Times do not go back.
    pub fn add(&mut self, now: Instant, amount: u64) {
        self.advance(now);
        let slot = &mut self.slots[self.newest as usize % Self::SLOTS];
        *slot = slot.saturating_add(amount);
    }

    /// The sum over the last second: the current tenth and the nine before it.
    pub fn per_second(&mut self, now: Instant) -> u64 {
        self.advance(now);
        self.slots.iter().fold(0, |sum, slot| sum.saturating_add(*slot))
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.start);
        let tenth = passed.as_secs().saturating_mul(10) + u64::from(passed.subsec_millis() / 100);
        let steps = tenth.saturating_sub(self.newest).min(Self::SLOTS as u64);
        for step in 1..=steps {
            self.slots[(self.newest + step) as usize % Self::SLOTS] = 0;
        }
        if steps == Self::SLOTS as u64 {
            self.slots = [0; Self::SLOTS];
        }
        self.newest = self.newest.max(tenth);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Source;
    use super::*;
    use crate::codec::Codec;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn frames_and_keyframes_are_counted_once_each() {
        let mut source = Source::new(Codec::Vp8);
        let mut encoding = Encoding::new(source.now());
        for index in 0..60 {
            for packet in source.frame(index % 30 == 0, 3) {
                encoding.receive(&packet);
            }
        }
        assert_eq!((encoding.packets(), encoding.frames(), encoding.keyframes()), (180, 60, 2));
        assert!(encoding.frames_per_second(source.now()).abs_diff(30) <= 3);
        assert_eq!(encoding.size(), Some((640, 360)));
    }

    #[test]
    fn a_keyframe_of_several_h264_packets_counts_once() {
        let mut source = Source::new(Codec::H264);
        let mut encoding = Encoding::new(source.now());
        for packet in source.frame(true, 3) {
            encoding.receive(&packet);
        }
        assert_eq!(encoding.keyframes(), 1);
    }

    #[test]
    fn an_encoding_is_active_while_packets_come() {
        let mut source = Source::new(Codec::Vp8);
        let mut encoding = Encoding::new(source.now());
        assert!(!encoding.active());
        let first = source.packet();
        assert!(encoding.receive(&first), "became active");
        let last = source.packet();
        assert!(!encoding.receive(&last));
        assert_eq!(encoding.inactive_at(), Some(last.arrival + ACTIVITY_TIMEOUT));
        assert!(!encoding.poll_inactive(last.arrival + MS * 1499));
        assert!(encoding.poll_inactive(last.arrival + MS * 1500));
        assert!(!encoding.poll_inactive(last.arrival + MS * 1501), "said once");
        assert!(!encoding.active());
        assert_eq!(encoding.inactive_at(), None);
    }

    #[test]
    fn padding_does_not_make_an_encoding_active() {
        let mut source = Source::new(Codec::Vp8);
        let mut encoding = Encoding::new(source.now());
        assert!(!encoding.receive(&source.padding()));
        assert!(!encoding.active());
        assert_eq!(encoding.frames(), 0);
    }

    #[test]
    fn a_rate_is_the_sum_of_the_last_second() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        for ms in 0..3000 {
            rate.add(start + MS * ms, 10);
        }
        assert!(rate.per_second(start + MS * 2999).abs_diff(10_000) <= 1_000);
        assert_eq!(rate.per_second(start + MS * 3400), 5_000);
        assert_eq!(rate.per_second(start + MS * 4100), 0);
        assert_eq!(rate.per_second(start + MS * 400_000), 0);
    }
}
