//! Keys of a telephone that a peer sends in between its sound (RFC 4733).

use std::time::Instant;

use crate::codec::Description;
use crate::codec::format::Format;
use crate::codec::telephone_event::TelephoneEvent;
use crate::control::ids::SourceId;
use crate::sfu::{EncodingIndex, Extensions, SourcePacket};

/// One packet of `telephone-event`. It shares its numbers with the sound of its track.
#[derive(Clone, PartialEq, Debug)]
pub struct EventPacket {
    pub track: SourceId,
    /// The encoding that it came among.
    pub encoding: EncodingIndex,
    pub ssrc: u32,
    /// Extended sequence number, and RTP timestamp: the beginning of the event.
    pub sequence: u64,
    pub timestamp: u32,
    /// The first packet of the event (RFC 4733 2.5.1.1).
    pub marker: bool,
    /// In Hz, what timestamp and duration count in.
    pub clock_rate: u32,
    pub event: TelephoneEvent,
    pub arrival: Instant,
}

impl EventPacket {
    /// The packet as receivers of the track get it. `None`: it has another clock than any sound of
    /// the track, so that its timestamps are none that the sound could go on from.
    pub(super) fn as_source(
        &self,
        formats: &[Format],
        pt: u8,
        payload: &[u8],
        captured: Instant,
    ) -> Option<SourcePacket> {
        let format = formats.iter().find(|format| format.events == Some(pt))?;
        Some(SourcePacket {
            track: self.track,
            encoding: self.encoding,
            ssrc: self.ssrc,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            codec: format.codec,
            red: false,
            telephone_event: true,
            source_pt: pt,
            payload: payload.into(),
            arrival: self.arrival,
            captured,
            to_reported: None,
            description: Description::default(),
            extensions: Extensions::default(),
        })
    }
}
