//! What went out between two switches, remembered so that a packet of it can be repeated exactly.

use super::counter::Counter;
use super::packet::{EncodingIndex, SourcePacket};
use super::sequence::Ranges;
use super::timestamp::CatchUp;
use crate::control::ids::SourceId;

/// Where packets come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    pub track: SourceId,
    pub encoding: EncodingIndex,
    pub ssrc: u32,
}

impl Origin {
    /// Where this packet comes from.
    pub fn of(packet: &SourcePacket) -> Self {
        Self { track: packet.track, encoding: packet.encoding, ssrc: packet.ssrc }
    }
}

/// The counts of payload descriptors and of the dependency descriptor.
#[derive(Clone, Default, Debug)]
pub(super) struct Counters {
    pub(super) picture_id: Counter,
    pub(super) tl0_index: Counter,
    pub(super) frame_number: Counter,
}

/// A segment that is over.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) origin: Origin,
    pub(super) ranges: Ranges,
    pub(super) timestamp_offset: u32,
    pub(super) catch_up: Option<CatchUp>,
    pub(super) counters: Counters,
}
