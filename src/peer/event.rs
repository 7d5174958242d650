//! What a peer has to say to the rest of its shard.

use std::sync::Arc;

use bytes::Bytes;

use crate::control::event::{CloseReason, Event};
use crate::control::ids::{ChannelId, SourceId};
use crate::sending::SendingEvent;
use crate::sfu::SourcePacket;

/// Something that came of a call into a peer. Events are taken in the order in which things happened.
#[derive(Debug)]
pub enum PeerEvent {
    /// For JavaScript.
    Event(Event),
    /// Of the sending half.
    Sending(SendingEvent),
    /// Media for whoever receives the track.
    Packet { packet: Arc<SourcePacket> },
    /// A track appeared, or its formats or encodings changed.
    IncomingTrackChanged { id: SourceId },
    /// Receivers get nothing of a track from now on, or something again.
    IncomingTrackHeldBack { id: SourceId, held_back: bool },
    /// A track of the peer's is no more.
    IncomingTrackClosed { id: SourceId, reason: CloseReason },
    /// A message came on a data channel. `listened`: JavaScript wants it too.
    ChannelMessage { id: ChannelId, binary: bool, data: Bytes, listened: bool },
    /// A data channel is no more.
    ChannelClosed { id: ChannelId, reason: CloseReason },
}
