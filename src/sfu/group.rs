//! The last group of pictures of an encoding: a keyframe and what came since. A receiver that
//! begins while it is short gets it at once, instead of waiting until the sender has made another
//! keyframe.

use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::Kind;

/// How much of a group is kept.
#[derive(Debug)]
pub(super) struct Reach {
    age: Duration,
    /// Of payload.
    bytes: usize,
    packets: u64,
    /// Half of them are the packets of the longest group.
    pub(super) slots: usize,
}

/// Of a sender that makes a keyframe when it is asked to: what came longer ago costs a receiver more
/// than the keyframe that it would wait for, and a link of 10 Mbit/s has 256 KiB through in 0.2 s.
pub(super) static SHORT: Reach =
    Reach { age: Duration::from_secs(2), bytes: 256 * 1024, packets: 512, slots: 1024 };
/// Of one that does not, as encoders that push: a receiver would have no picture until the next one,
/// which may take ten seconds.
pub(super) static LONG: Reach =
    Reach { age: Duration::from_secs(10), bytes: 4 << 20, packets: 4096, slots: 8192 };

/// A group that is no older is going to be there when a handshake that has just begun is through.
const YOUNG: Duration = Duration::from_secs(1);

/// Where the last group began, and how much there is of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The first packet of the keyframe.
    pub(super) first: u64,
    timestamp: u32,
    arrival: Instant,
    bytes: usize,
    reach: &'static Reach,
}

impl Group {
    /// The group that begins with a packet, if one does that is newer than `before`.
    pub(super) fn begin(
        packet: &SourcePacket,
        before: Option<&Self>,
        reach: &'static Reach,
    ) -> Option<Self> {
        let description = &packet.description;
        let begins = packet.codec.kind() == Kind::Video
            && description.keyframe
            && description.keyframe_complete;
        // Several packets of a keyframe may look like its beginning.
        let newer = |before: &Self| (packet.timestamp.wrapping_sub(before.timestamp) as i32) > 0;
        (begins && before.is_none_or(newer)).then_some(Self {
            first: packet.sequence,
            timestamp: packet.timestamp,
            arrival: packet.arrival,
            bytes: packet.payload.len(),
            reach,
        })
    }

    /// The group with one more packet; `None` when it has become too much.
    pub(super) fn with(mut self, packet: &SourcePacket) -> Option<Self> {
        let Some(place) = packet.sequence.checked_sub(self.first) else { return Some(self) };
        self.bytes += packet.payload.len();
        let short = place < self.reach.packets && self.bytes <= self.reach.bytes;
        (short && self.lasts(packet.arrival)).then_some(self)
    }

    /// Whether a receiver may still begin with it.
    pub(super) fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.arrival) <= self.reach.age
    }

    /// Whether a receiver that is about to connect is going to.
    pub(super) fn is_young(&self, now: Instant) -> bool {
        // There is nothing to ask for of a sender that makes keyframes when it wants.
        now.saturating_duration_since(self.arrival) <= YOUNG || self.is_long() && self.lasts(now)
    }

    /// Whether it is all that a receiver can begin with.
    pub(super) fn is_long(&self) -> bool {
        std::ptr::eq(self.reach, &LONG)
    }
}
