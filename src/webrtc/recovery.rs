//! Sound that was lost on the way from its sender, made again of redundancy (RFC 2198).

use super::incoming::Encoding;
use crate::codec::Description;
use crate::sfu::{Extensions, SourcePacket};

impl Encoding {
    /// Adds to `recovered` what a packet repeats of lost ones. `pt` is the payload type that the
    /// sender has for what is inside RED.
    pub(super) fn recover(
        &mut self,
        packet: &SourcePacket,
        pt: u8,
        recovered: &mut Vec<SourcePacket>,
    ) {
        if packet.red {
            self.red.get_or_insert_default();
        }
        let Some(mut red) = self.red.take() else { return };
        red.receive(packet.sequence, packet.timestamp);
        if packet.red {
            let again = |sequence, timestamp, payload: &[u8]| {
                recovered.push(SourcePacket {
                    sequence,
                    timestamp,
                    // At the start of a talk spurt (RFC 3551 4.1), which nobody can tell now.
                    marker: false,
                    red: false,
                    source_pt: pt,
                    payload: payload.into(),
                    captured: self.captured_at(timestamp, packet.arrival),
                    description: Description::parse(packet.codec, payload, None),
                    // The level of another packet's sound is not that of this one.
                    extensions: Extensions::default(),
                    ..packet.clone()
                });
            };
            red.recover(packet.sequence, packet.timestamp, pt, &packet.payload, again);
        }
        self.red = Some(red);
    }
}
