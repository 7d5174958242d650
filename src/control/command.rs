//! What JavaScript asks of a media thread.

use std::sync::Arc;

use bytes::Bytes;

use super::ids::{ChannelId, IncomingTrackId, OutgoingTrackId, RequestId, TransportId};
use super::options::{ChannelOptions, TransportOptions};
use super::stats::StatsCollector;
use crate::codec::Kind;

/// A command to the shard that owns the transport. Commands with a `request` are answered by
/// exactly one [`Event::Reply`](super::event::Event::Reply); the others show in events.
#[derive(Debug)]
pub enum Command {
    CreateTransport {
        transport: TransportId,
        options: Box<TransportOptions>,
    },
    /// Anything one transport is asked.
    Transport {
        transport: TransportId,
        command: TransportCommand,
    },
    /// This shard's share of one statistics snapshot, put into the collector that all shards were
    /// given; the last share answers the request. `only` limits it to one transport.
    Stats {
        collector: Arc<StatsCollector>,
        only: Option<TransportId>,
    },
}

#[derive(Debug)]
pub enum TransportCommand {
    AcceptOffer {
        request: RequestId,
        sdp: String,
    },
    CreateOffer {
        request: RequestId,
        ice_restart: bool,
    },
    AcceptAnswer {
        request: RequestId,
        sdp: String,
    },
    Rollback {
        request: RequestId,
    },
    /// The empty string ends the candidates.
    AddCandidate {
        request: RequestId,
        candidate: String,
    },
    AcceptFragment {
        request: RequestId,
        fragment: String,
    },

    /// `stream` and `track` are the two halves of the MSID.
    AddOutgoingTrack {
        id: OutgoingTrackId,
        kind: Kind,
        stream: String,
        track: String,
    },
    RemoveOutgoingTrack {
        id: OutgoingTrackId,
    },
    RemoveIncomingTrack {
        id: IncomingTrackId,
    },
    /// Feeds `id` from `source`, which may live on another shard. Replaces what fed it before.
    Attach {
        id: OutgoingTrackId,
        source: IncomingTrackId,
    },
    Detach {
        id: OutgoingTrackId,
    },
    /// `None` lets the engine choose.
    SelectEncoding {
        id: OutgoingTrackId,
        rid: Option<String>,
    },
    Mute {
        id: OutgoingTrackId,
        muted: bool,
    },
    /// `None` means all encodings.
    RequestKeyframe {
        id: IncomingTrackId,
        rid: Option<String>,
    },

    CreateChannel {
        id: ChannelId,
        options: Box<ChannelOptions>,
    },
    SendMessage {
        id: ChannelId,
        binary: bool,
        data: Bytes,
    },
    /// Emit `ChannelBufferedAmountLow` at this many bytes or less.
    SetBufferedAmountLow {
        id: ChannelId,
        threshold: usize,
    },
    /// Whether JavaScript wants to see the messages that arrive.
    ListenChannel {
        id: ChannelId,
        listen: bool,
    },
    /// Sends on `id` whatever arrives on `source`.
    AttachChannel {
        id: ChannelId,
        source: ChannelId,
    },
    DetachChannel {
        id: ChannelId,
    },
    CloseChannel {
        id: ChannelId,
    },

    /// Answered when everything below is closed.
    Close {
        request: RequestId,
    },
    #[cfg(feature = "fault-injection")]
    Panic,
}
