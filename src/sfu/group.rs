//! The last group of pictures of an encoding: a keyframe and what came since. A receiver that
//! begins while it is short gets it at once, instead of waiting until the sender has made another
//! keyframe.

use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::Kind;

/// What came longer ago costs a receiver more than the keyframe that it would wait for.
const MAX_AGE: Duration = Duration::from_secs(2);
/// Payload of a group, in bytes: a link of 10 Mbit/s has it through in 0.2 s.
const MAX_BYTES: usize = 256 * 1024;
/// Half of what a history has room for.
const MAX_PACKETS: u64 = 512;
/// The same where the sender makes no keyframe when it is asked: what a receiver would wait for is the
/// next one that comes by itself, which takes ten seconds with many encoders.
const LONG_AGE: Duration = Duration::from_secs(10);
const LONG_BYTES: usize = 4 * 1024 * 1024;
pub(super) const LONG_PACKETS: u64 = 4096;
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
}

impl Group {
    /// The group that begins with a packet, if one does that is newer than `before`.
    pub(super) fn begin(packet: &SourcePacket, before: Option<&Self>) -> Option<Self> {
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
        })
    }

    /// The group with one more packet; `None` when it has become too much.
    pub(super) fn with(mut self, packet: &SourcePacket, long: bool) -> Option<Self> {
        let Some(place) = packet.sequence.checked_sub(self.first) else { return Some(self) };
        self.bytes += packet.payload.len();
        let (packets, bytes) =
            if long { (LONG_PACKETS, LONG_BYTES) } else { (MAX_PACKETS, MAX_BYTES) };
        let short = place < packets && self.bytes <= bytes;
        (short && self.lasts(packet.arrival, long)).then_some(self)
    }

    /// Whether a receiver may still begin with it. `long`: the sender makes no keyframe when it is
    /// asked.
    pub(super) fn lasts(&self, now: Instant, long: bool) -> bool {
        let age = if long { LONG_AGE } else { MAX_AGE };
        now.saturating_duration_since(self.arrival) <= age
    }

    /// Whether a receiver that is about to connect is going to.
    pub(super) fn is_young(&self, now: Instant, long: bool) -> bool {
        let age = if long { LONG_AGE } else { YOUNG };
        now.saturating_duration_since(self.arrival) <= age
    }
}
