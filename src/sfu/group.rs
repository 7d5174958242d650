//! The last group of pictures of an encoding: a keyframe and what came since. A receiver that
//! begins while it is short gets it at once, instead of waiting until the sender has made another
//! keyframe. Where none is made on request, as in a file, it is kept for longer.

use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::{Kind, Layer};

/// What came longer ago costs a receiver more than the keyframe that it would wait for.
const MAX_AGE: Duration = Duration::from_secs(2);
/// Payload of a group, in bytes: a link of 10 Mbit/s has it through in 0.2 s.
const MAX_BYTES: usize = 256 * 1024;
/// Half of what a history has room for.
const MAX_PACKETS: u64 = 512;
/// The same of a source that makes no keyframe when one is asked for: what comes at once is less to
/// wait for than the next one. A link of 10 Mbit/s has it through in 0.8 s.
const MAX_AGE_OF_FILE: Duration = Duration::from_secs(20);
const MAX_BYTES_OF_FILE: usize = 1024 * 1024;
const MAX_PACKETS_OF_FILE: u64 = 1000;
/// A group that is no older is going to be there when a handshake that has just begun is through.
const YOUNG: Duration = Duration::from_secs(1);

/// How much of a group a receiver can begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The layers that it gets, and those below.
    pub layers: Layer,
    /// Bytes of payload that its link has room for beyond the keyframe, which has to be sent however
    /// the stream begins.
    pub room: usize,
}

impl Opening {
    /// Whether there is room for a group that begins with `timestamp`.
    pub(super) fn fits<'a>(
        &self,
        timestamp: u32,
        mut group: impl Iterator<Item = &'a SourcePacket>,
    ) -> bool {
        let mut room = self.room;
        group.all(|packet| {
            let counts =
                packet.timestamp != timestamp && packet.description.layer.within(self.layers);
            let left = room.checked_sub(if counts { packet.payload.len() } else { 0 });
            left.inspect(|left| room = *left).is_some()
        })
    }

    /// The same for a group that still grows until the receiver is there.
    pub(super) fn of_growing(self) -> Self {
        Self { room: self.room / 2, ..self }
    }
}

/// Where the last group began, and how much there is of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The first packet of the keyframe.
    pub(super) first: u64,
    pub(super) timestamp: u32,
    arrival: Instant,
    bytes: usize,
    /// Whether the source makes keyframes when they are asked for.
    on_request: bool,
}

impl Group {
    /// The group that begins with a packet, if one does that is newer than `before`.
    pub(super) fn begin(
        packet: &SourcePacket,
        before: Option<&Self>,
        on_request: bool,
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
            on_request,
        })
    }

    /// The group with one more packet; `None` when it has become too much.
    pub(super) fn with(mut self, packet: &SourcePacket) -> Option<Self> {
        let Some(place) = packet.sequence.checked_sub(self.first) else { return Some(self) };
        self.bytes += packet.payload.len();
        let age = packet.arrival.saturating_duration_since(self.arrival);
        let short = if self.on_request {
            place < MAX_PACKETS && self.bytes <= MAX_BYTES && age <= MAX_AGE
        } else {
            let few = place < MAX_PACKETS_OF_FILE && self.bytes <= MAX_BYTES_OF_FILE;
            few && age <= MAX_AGE_OF_FILE
        };
        short.then_some(self)
    }

    /// Whether a receiver may still begin with it. While a file stands still nothing else comes.
    pub(super) fn lasts(&self, now: Instant) -> bool {
        !self.on_request || now.saturating_duration_since(self.arrival) <= MAX_AGE
    }

    /// Whether a receiver that is about to connect is going to.
    pub(super) fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.arrival) <= YOUNG
    }
}
