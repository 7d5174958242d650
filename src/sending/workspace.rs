//! Memory that forwarding needs for the time of one peer's burst. A shard has one for all its
//! peers, so that no packet costs an allocation and no peer memory.

use std::ops::Range;
use std::sync::Arc;

use crate::codec::format::Carriage;
use crate::control::ids::OutgoingTrackId;
use crate::sfu::{Forward, SourcePacket};

/// A packet that an outgoing track of a peer is to get.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    pub track: OutgoingTrackId,
    /// Its place among the packets of the turn.
    pub packet: u32,
}

/// Buffers of a burst, used again by the next one.
#[derive(Default)]
pub struct Workspace {
    pub(super) planned: Vec<Planned>,
    /// Packets that are not of this turn. They are numbered behind those that are.
    pub(super) kept: Vec<Arc<SourcePacket>>,
    pub(super) paddings: Vec<(usize, usize)>,
    /// What goes before payloads, one behind the other.
    pub(super) leads: Vec<u8>,
    /// A received RTCP compound, opened.
    pub plain: Vec<u8>,
    packets: usize,
}

/// How one packet will leave.
pub(super) struct Planned {
    /// Place of the outgoing track.
    pub(super) outgoing: usize,
    pub(super) packet: u32,
    pub(super) forward: Forward,
    pub(super) carriage: Carriage,
    pub(super) lead: Option<Lead>,
    /// Length of its datagram without padding.
    pub(super) size: usize,
    pub(super) padding: usize,
}

/// The start of a payload that is this receiver's own.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    /// Where it lies in [`Workspace::leads`].
    pub(super) bytes: Range<usize>,
    /// How much of the source's payload it replaces.
    pub(super) replaces: usize,
}

impl Workspace {
    pub(super) fn begin(&mut self, packets: usize) {
        self.planned.clear();
        self.kept.clear();
        self.leads.clear();
        self.packets = packets;
    }

    /// Keeps a packet until the burst is sealed; gives its number.
    pub(super) fn keep(&mut self, packet: Arc<SourcePacket>) -> u32 {
        self.kept.push(packet);
        (self.packets + self.kept.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sfu::testing::Source;

    #[test]
    fn kept_packets_are_numbered_behind_those_of_the_turn() {
        let mut workspace = Workspace::default();
        let packet = Arc::new(Source::new(Codec::Vp8).packet());
        workspace.begin(5);
        assert_eq!([workspace.keep(packet.clone()), workspace.keep(packet.clone())], [5, 6]);
        workspace.begin(2);
        assert_eq!(workspace.keep(packet), 2);
    }
}
