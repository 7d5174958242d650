//! Continuity of everything a receiver counts: sequence numbers, timestamps, picture ids,
//! TL0PICIDX and frame numbers.

use std::time::Instant;

use super::counter::Counter;
use super::forward::Forward;
use super::packet::SourcePacket;
use super::segment::{Counters, Origin, Segment};
use super::sequence::SequenceMap;
use super::timestamp::{CatchUp, TimestampMap};
use crate::codec::picture_id::PictureId;
use crate::codec::{Descriptor, Prefix};

/// Segments remembered after their end. A receiver asks for lost packets within a second or so,
/// in which few switches happen.
const MAX_CLOSED: usize = 4;

/// Makes one stream of the segments that switches cut out of sources.
#[derive(Debug)]
pub(super) struct Rewriter {
    sequence: SequenceMap,
    timestamp: TimestampMap,
    /// The current segment began with what lay behind.
    catch_up: Option<CatchUp>,
    counters: Counters,
    /// What the current segment is taken from.
    origin: Option<Origin>,
    /// Segments before the current one, oldest first.
    closed: Vec<Segment>,
    /// Went out with a marker that the source's packet did not have.
    marked: RecentIndices,
    /// Went out without its payload.
    emptied: RecentIndices,
}

/// The last few of some indices.
#[derive(Default, Debug)]
struct RecentIndices {
    indices: Vec<u64>,
    oldest: usize,
}

impl RecentIndices {
    /// Two seconds of one a frame.
    const CAPACITY: usize = 64;

    fn insert(&mut self, index: u64) {
        if self.indices.len() < Self::CAPACITY {
            self.indices.push(index);
        } else {
            self.indices[self.oldest] = index;
            self.oldest = (self.oldest + 1) % Self::CAPACITY;
        }
    }

    fn contains(&self, index: u64) -> bool {
        self.indices.contains(&index)
    }
}

impl Rewriter {
    pub(super) fn new() -> Self {
        Self {
            sequence: SequenceMap::new(),
            timestamp: TimestampMap::default(),
            catch_up: None,
            counters: Counters::default(),
            origin: None,
            closed: Vec::new(),
            marked: RecentIndices::default(),
            emptied: RecentIndices::default(),
        }
    }

    /// Starts a segment with `packet`. Timestamps keep their offset when the packet's source is
    /// the one of the segment before (`resume`).
    pub(super) fn start(&mut self, packet: &SourcePacket, marker: bool, resume: bool) -> Forward {
        self.begin_segment(packet, None);
        let sequence = self.sequence.start(packet.sequence);
        let time = if resume {
            (self.timestamp.map(packet.timestamp, packet.captured), packet.captured)
        } else {
            self.start_time(packet)
        };
        self.finish(packet, sequence, time, marker)
    }

    /// Starts a segment with a packet that was captured a while ago, behind which everything up to
    /// now follows at once.
    pub(super) fn start_behind(
        &mut self,
        packet: &SourcePacket,
        marker: bool,
        catch_up: CatchUp,
    ) -> Forward {
        self.begin_segment(packet, Some(catch_up));
        let sequence = self.sequence.start(packet.sequence);
        let time = self.start_time(packet);
        self.finish(packet, sequence, time, marker)
    }

    fn begin_segment(&mut self, packet: &SourcePacket, catch_up: Option<CatchUp>) {
        self.close_segment();
        self.origin = Some(Origin::of(packet));
        self.catch_up = catch_up;
    }

    fn start_time(&mut self, packet: &SourcePacket) -> (u32, Instant) {
        let (timestamp, captured) = self.source_time(packet);
        (self.timestamp.start(timestamp, captured, packet.codec), captured)
    }

    /// A packet's timestamp before it is moved, and the moment it stands for.
    fn source_time(&self, packet: &SourcePacket) -> (u32, Instant) {
        squeeze(self.catch_up, packet)
    }

    fn close_segment(&mut self) {
        if let Some(origin) = self.origin {
            if self.closed.len() == MAX_CLOSED {
                self.closed.remove(0);
            }
            self.closed.push(Segment {
                origin,
                ranges: self.sequence.ranges().clone(),
                timestamp_offset: self.timestamp.offset(),
                catch_up: self.catch_up,
                counters: self.counters.clone(),
            });
        }
        self.counters.picture_id.end_segment();
        self.counters.tl0_index.end_segment();
        self.counters.frame_number.end_segment();
    }

    /// A packet of the current segment. `None` when it is not to be sent: it was before, it is
    /// too old, or it is nothing but padding.
    pub(super) fn map(&mut self, packet: &SourcePacket, marker: bool) -> Option<Forward> {
        if packet.payload.is_empty() {
            return self.leave_out(packet);
        }
        let sequence = self.sequence.map(packet.sequence)?;
        self.catch_up = self.catch_up.filter(|catch_up| !catch_up.is_over(packet.timestamp));
        let (timestamp, captured) = self.source_time(packet);
        let time = (self.timestamp.map(timestamp, captured), captured);
        Some(self.finish(packet, sequence, time, marker))
    }

    /// A packet of the current segment that the receiver does not get, with nothing missing
    /// afterwards. One that packets behind it overtook leaves a number that the receiver knows
    /// of: it goes out without its payload.
    pub(super) fn leave_out(&mut self, packet: &SourcePacket) -> Option<Forward> {
        // A VP8 decoder takes a missing picture id for a missing picture, whatever its layer;
        // VP9's and AV1's references are differences of these numbers, so there they stay.
        if let Descriptor::Vp8(vp8) = &packet.description.descriptor
            && let Some(id) = vp8.picture_id
        {
            self.counters.picture_id.skip(id.value, id.bits);
        }
        let sequence = self.sequence.skip(packet.sequence)?;
        self.emptied.insert(sequence);
        let (timestamp, captured) = self.source_time(packet);
        Some(Forward {
            sequence,
            timestamp: timestamp.wrapping_add(self.timestamp.offset()),
            captured,
            marker: false,
            empty: true,
            prefix: None,
            frame_number: None,
        })
    }

    /// The index of the newest packet that was sent.
    pub(super) fn newest_sent(&self) -> Option<u64> {
        self.sequence.newest_sent()
    }

    /// What was sent under an index: where it came from and its sequence number there.
    pub(super) fn origin_of(&self, index: u64) -> Option<(Origin, u64)> {
        if !self.sequence.was_sent(index) {
            return None;
        }
        if let (Some(origin), Some(source)) = (self.origin, self.sequence.ranges().source_of(index))
        {
            return Some((origin, source));
        }
        self.closed.iter().rev().find_map(|segment| {
            segment.ranges.source_of(index).map(|source| (segment.origin, source))
        })
    }

    /// How a packet went out, for repeating it.
    pub(super) fn repeat(&self, packet: &SourcePacket, index: u64) -> Option<Forward> {
        let (origin, source) = self.origin_of(index)?;
        let is_it = origin == Origin::of(packet) && source == packet.sequence;
        if !is_it || self.emptied.contains(index) {
            return None;
        }
        let current = self.sequence.ranges().source_of(index).is_some();
        let (offset, catch_up, counters) = if current {
            (self.timestamp.offset(), self.catch_up, &self.counters)
        } else {
            let of_index = |segment: &&Segment| segment.ranges.source_of(index).is_some();
            let segment = self.closed.iter().rev().find(of_index)?;
            (segment.timestamp_offset, segment.catch_up, &segment.counters)
        };
        let (timestamp, captured) = squeeze(catch_up, packet);
        let mapped = |counter: &Counter, value, bits| counter.mapped(value, bits);
        Some(Forward {
            sequence: index,
            timestamp: timestamp.wrapping_add(offset),
            captured,
            marker: packet.marker || self.marked.contains(index),
            empty: false,
            prefix: prefix(packet, |picture_id, tl0| {
                let picture_id =
                    picture_id.map_or(0, |id| mapped(&counters.picture_id, id.value, id.bits));
                let tl0 = tl0.map_or(0, |index| mapped(&counters.tl0_index, u16::from(index), 8));
                (picture_id, tl0)
            }),
            frame_number: packet
                .description
                .frame
                .map(|frame| mapped(&counters.frame_number, frame.number, 16) as u16),
        })
    }

    fn finish(
        &mut self,
        packet: &SourcePacket,
        sequence: u64,
        (timestamp, captured): (u32, Instant),
        marker: bool,
    ) -> Forward {
        if marker && !packet.marker {
            self.marked.insert(sequence);
        }
        let Counters { picture_id, tl0_index, frame_number } = &mut self.counters;
        let frame = packet.description.frame;
        let frame_number = frame.map(|frame| frame_number.map(frame.number, 16) as u16);
        let prefix = prefix(packet, |id, tl0| {
            let id = id.map_or(0, |id| picture_id.map(id.value, id.bits));
            let tl0 = tl0.map_or(0, |index| tl0_index.map(u16::from(index), 8));
            (id, tl0)
        });
        Forward { sequence, timestamp, captured, marker, empty: false, prefix, frame_number }
    }
}

fn squeeze(catch_up: Option<CatchUp>, packet: &SourcePacket) -> (u32, Instant) {
    let (timestamp, captured) = (packet.timestamp, packet.captured);
    catch_up.map_or((timestamp, captured), |catch_up| catch_up.squeeze(timestamp, captured))
}

/// The payload's start with other counts, which `counts` makes of those in the descriptor. What a
/// descriptor lacks is not counted, and its output not used.
fn prefix(
    packet: &SourcePacket,
    counts: impl FnOnce(Option<PictureId>, Option<u8>) -> (u64, u64),
) -> Option<Prefix> {
    let prefix = match &packet.description.descriptor {
        Descriptor::None => None,
        Descriptor::Vp8(vp8) => {
            let (id, tl0) = counts(vp8.picture_id, vp8.tl0_picture_index);
            vp8.rewrite(&packet.payload, id as u16 & 0x7fff, tl0 as u8)
        }
        Descriptor::Vp9(vp9) => {
            let (id, tl0) = counts(vp9.picture_id, vp9.tl0_picture_index);
            vp9.rewrite(&packet.payload, id as u16 & 0x7fff, tl0 as u8)
        }
    };
    // Until the first switch everything stays as it was: such a payload is sealed where it lies.
    prefix.filter(|prefix| packet.payload.get(..prefix.replaces()) != Some(prefix.bytes()))
}
