//! What a session has to say to the rest of its shard.

use std::sync::Arc;

use bytes::Bytes;

use crate::control::event::{CloseReason, Event};
use crate::control::ids::{ChannelId, IncomingTrackId, OutgoingTrackId};
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

#[derive(Debug)]
pub enum SessionEvent {
    /// For JavaScript.
    Event(Event),
    /// Media for whoever receives the track.
    Packet {
        packet: Arc<SourcePacket>,
    },
    /// A track appeared, or its formats or encodings changed.
    IncomingTrackChanged {
        id: IncomingTrackId,
    },
    IncomingTrackClosed {
        id: IncomingTrackId,
        reason: CloseReason,
    },
    OutgoingTrackClosed {
        id: OutgoingTrackId,
        reason: CloseReason,
    },
    /// The receiver of a track lost packets: see [`Session::retransmit`](super::Session::retransmit).
    RetransmissionWanted {
        id: OutgoingTrackId,
    },
    /// The receiver of a track would take other encodings of its source than before.
    EncodingsWanted {
        source: IncomingTrackId,
        id: OutgoingTrackId,
        wanted: EncodingSet,
    },
    /// A receiver needs a keyframe of this track.
    KeyframeWanted {
        source: IncomingTrackId,
        encoding: EncodingIndex,
    },
    ChannelMessage {
        id: ChannelId,
        binary: bool,
        data: Bytes,
        listened: bool,
    },
    ChannelClosed {
        id: ChannelId,
        reason: CloseReason,
    },
}
