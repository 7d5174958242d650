//! The last group of pictures of an encoding: a keyframe and what came since. A receiver that
//! begins while it is short gets it at once, instead of waiting until the sender has made another
//! keyframe. Where none is made on request, as in a file, it is kept for longer.

use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::{Kind, Layer};

/// How much of a group is kept.
#[derive(Debug)]
pub(super) struct Reach {
    age: Duration,
    /// Of payload.
    bytes: usize,
    packets: u64,
    /// Packets that a history has room for.
    pub(super) slots: usize,
    /// Whether a receiver can begin with it however long ago it came.
    stands: bool,
}

/// Of a sender that makes a keyframe when it is asked to: what came longer ago costs a receiver more
/// than the keyframe that it would wait for, and a link of 10 Mbit/s has 256 KiB through in 0.2 s.
pub(super) static SHORT: Reach = Reach {
    age: Duration::from_secs(2),
    bytes: 256 * 1024,
    packets: 512,
    slots: 1024,
    stands: false,
};
/// Of one that does not, as a file or an encoder that pushes: a receiver would have no picture until
/// the next one. x264 makes one in 250 pictures unless told otherwise, which is 10 s at 25 a second and
/// 17 at 15, and for ever where the picture stands still.
pub(super) static LONG: Reach = Reach {
    age: Duration::from_secs(20),
    bytes: 4 << 20,
    packets: 4096,
    slots: 4096,
    stands: true,
};
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
        let age = packet.arrival.saturating_duration_since(self.arrival);
        let Reach { age: most, bytes, packets, .. } = *self.reach;
        let short = place < packets && self.bytes <= bytes && age <= most;
        short.then_some(self)
    }

    /// Whether a receiver may still begin with it.
    pub(super) fn lasts(&self, now: Instant) -> bool {
        self.reach.stands || now.saturating_duration_since(self.arrival) <= self.reach.age
    }

    /// Whether a receiver that is about to connect is going to.
    pub(super) fn is_young(&self, now: Instant) -> bool {
        self.reach.stands || now.saturating_duration_since(self.arrival) <= YOUNG
    }

    /// Whether there is nothing else to begin with: no keyframe is made on request.
    pub(super) fn is_all_there_is(&self) -> bool {
        self.reach.stands
    }
}
