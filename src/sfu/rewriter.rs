//! Continuity of everything a receiver counts: sequence numbers, timestamps, picture ids,
//! TL0PICIDX and frame numbers.

use super::counter::Counter;
use super::packet::SourcePacket;
use super::sequence::SequenceMap;
use super::timestamp::TimestampMap;
use super::transponder::Forward;
use crate::codec::picture_id::PictureId;
use crate::codec::{Descriptor, Prefix};

/// Makes one stream of the segments that switches cut out of sources.
#[derive(Debug)]
pub(super) struct Rewriter {
    sequence: SequenceMap,
    timestamp: TimestampMap,
    picture_id: Counter,
    tl0_index: Counter,
    frame_number: Counter,
}

impl Rewriter {
    pub(super) fn new() -> Self {
        Self {
            sequence: SequenceMap::new(),
            timestamp: TimestampMap::default(),
            picture_id: Counter::default(),
            tl0_index: Counter::default(),
            frame_number: Counter::default(),
        }
    }

    /// Starts a segment with `packet`. Timestamps keep their offset when the packet's source is
    /// the one of the segment before (`resume`).
    pub(super) fn start(&mut self, packet: &SourcePacket, resume: bool) -> Forward {
        self.picture_id.end_segment();
        self.tl0_index.end_segment();
        self.frame_number.end_segment();
        let sequence = self.sequence.start(packet.sequence);
        let timestamp = if resume {
            self.timestamp.map(packet.timestamp, packet.captured)
        } else {
            self.timestamp.start(packet.timestamp, packet.captured, packet.codec)
        };
        self.finish(packet, sequence, timestamp)
    }

    /// A packet of the current segment. `None` when it is not to be sent: it was before, it is
    /// too old, or it is nothing but padding.
    pub(super) fn map(&mut self, packet: &SourcePacket) -> Option<Forward> {
        let sequence = if packet.payload.is_empty() {
            self.sequence.skip(packet.sequence)?
        } else {
            self.sequence.map(packet.sequence)?
        };
        let timestamp = self.timestamp.map(packet.timestamp, packet.captured);
        Some(self.finish(packet, sequence, timestamp))
    }

    fn finish(&mut self, packet: &SourcePacket, sequence: u64, timestamp: u32) -> Forward {
        let frame_number =
            packet.description.frame_number.map(|n| self.frame_number.map(n, 16) as u16);
        Forward { sequence, timestamp, prefix: self.prefix(packet), frame_number }
    }

    fn prefix(&mut self, packet: &SourcePacket) -> Option<Prefix> {
        match &packet.description.descriptor {
            Descriptor::None => None,
            Descriptor::Vp8(vp8) => {
                let (picture_id, tl0) = self.counts(vp8.picture_id, vp8.tl0_picture_index);
                vp8.rewrite(&packet.payload, picture_id, tl0)
            }
            Descriptor::Vp9(vp9) => {
                let (picture_id, tl0) = self.counts(vp9.picture_id, vp9.tl0_picture_index);
                vp9.rewrite(&packet.payload, picture_id, tl0)
            }
        }
    }

    /// What a descriptor lacks is not counted, and its output not used.
    fn counts(&mut self, picture_id: Option<PictureId>, tl0_index: Option<u8>) -> (u16, u8) {
        let picture_id = picture_id.map_or(0, |id| self.picture_id.map(id.value, id.bits));
        let tl0_index = tl0_index.map_or(0, |index| self.tl0_index.map(u16::from(index), 8));
        (picture_id as u16 & 0x7fff, tl0_index as u8)
    }
}
