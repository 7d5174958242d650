//! A peer to test with: lines, and packets as it would send them.

use std::sync::Arc;

use super::extensions::{ExtensionIds, uri};
use super::line::{FeedbackKinds, LineTrack, ReceiveLine, TelephoneEventFormat};
use crate::codec::format::{Format, Parameters};
use crate::codec::names::Mid;
use crate::codec::{Codec, Kind};
use crate::control::ids::SourceId;

/// Id of the line's first track.
pub fn track(line: &ReceiveLine) -> SourceId {
    line.tracks[0].id
}

/// A line as browsers have it: Opus 111 with RED 63 and telephone-event 110, or VP8 96 with
/// RTX 97. Its track's id is 100 more than the line's number.
pub fn line(mid: &str, kind: Kind) -> ReceiveLine {
    let mut extensions = ExtensionIds::default();
    for (id, uri) in [
        (1, uri::AUDIO_LEVEL),
        (3, uri::TRANSPORT_SEQUENCE),
        (4, uri::MID),
        (8, uri::LAYERS_ALLOCATION),
        (10, uri::RID),
        (11, uri::REPAIRED_RID),
    ] {
        extensions.set(uri, id);
    }
    let parameters = Parameters::default();
    let format = match kind {
        Kind::Audio => Format {
            codec: Codec::Opus,
            pt: 111,
            red: Some(63),
            rtx: None,
            events: Some(110),
            parameters,
        },
        Kind::Video => {
            Format { codec: Codec::Vp8, pt: 96, red: None, rtx: Some(97), events: None, parameters }
        }
    };
    let events =
        (kind == Kind::Audio).then_some(TelephoneEventFormat { pt: 110, clock_rate: 48_000 });
    ReceiveLine {
        mid: Mid::from(mid),
        kind,
        receives: true,
        formats: Arc::new([format]),
        telephone_events: events.into_iter().collect(),
        rids: Vec::new(),
        places_have_rids: false,
        sources: Vec::new(),
        extensions,
        tracks: vec![LineTrack {
            id: SourceId(100 + mid.parse::<u64>().unwrap_or(0)),
            stream: "stream".into(),
            track: mid.into(),
        }],
        feedback: FeedbackKinds {
            nack: kind == Kind::Video,
            pli: kind == Kind::Video,
            transport_cc: true,
            ..FeedbackKinds::default()
        },
        reduced_size: true,
    }
}

/// The header of a packet with one-byte extensions, and nothing behind it.
pub fn packet(ssrc: u32, pt: u8, elements: &[(u8, &[u8])]) -> Vec<u8> {
    header(ssrc, pt, 1, 0, elements)
}

/// The same with a sequence number and a timestamp. Elements have 1 to 16 bytes (RFC 8285 4.2).
pub fn header(
    ssrc: u32,
    pt: u8,
    sequence: u16,
    timestamp: u32,
    elements: &[(u8, &[u8])],
) -> Vec<u8> {
    let mut packet = vec![0x90, pt];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 0]);
    for (id, value) in elements {
        packet.push(id << 4 | (value.len() as u8 - 1));
        packet.extend(*value);
    }
    packet.resize(packet.len().next_multiple_of(4), 0);
    packet[15] = ((packet.len() - 16) / 4) as u8;
    packet
}
