//! What a session has to say to the rest of its shard.

use std::sync::Arc;

use bytes::Bytes;

use crate::control::event::{CloseReason, Event};
use crate::control::ids::{ChannelId, SourceId};
use crate::sending::SendingEvent;
use crate::sfu::SourcePacket;

#[derive(Debug)]
pub enum SessionEvent {
    /// For JavaScript.
    Event(Event),
    /// Of the sending half.
    Sending(SendingEvent),
    /// Media for whoever receives the track.
    Packet {
        packet: Arc<SourcePacket>,
    },
    /// A track appeared, or its formats or encodings changed.
    IncomingTrackChanged {
        id: SourceId,
    },
    IncomingTrackClosed {
        id: SourceId,
        reason: CloseReason,
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
