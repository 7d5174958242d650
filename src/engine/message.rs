//! What one shard tells another.

use std::sync::Arc;

use bytes::Bytes;

use crate::control::command::RelayTarget;
use crate::control::ids::{ChannelId, IncomingTrackId, ShardIndex};
use crate::engine::io::Message;
use crate::sfu::EncodingSet;
use crate::sfu::packet::{EncodingIndex, SourcePacket};
use crate::sfu::source::SourceDescription;

#[derive(Debug)]
pub enum ShardMessage {
    /// A packet of a track, once per shard that has receivers of it.
    Media {
        packet: Arc<SourcePacket>,
    },
    /// The sender has its first receiver of the track.
    Subscribe {
        track: IncomingTrackId,
        from: ShardIndex,
    },
    /// It has none any more.
    Unsubscribe {
        track: IncomingTrackId,
        from: ShardIndex,
    },
    /// Answers a subscription, and tells of every change.
    Description {
        track: IncomingTrackId,
        description: Arc<SourceDescription>,
    },
    /// The track is gone.
    SourceClosed {
        track: IncomingTrackId,
    },
    KeyframeWanted {
        track: IncomingTrackId,
        encoding: EncodingIndex,
    },
    /// Which encodings the receivers on a shard want.
    Demand {
        track: IncomingTrackId,
        from: ShardIndex,
        wanted: EncodingSet,
    },
    /// One [`RelayChannel`](crate::control::command::Command::RelayChannel) is over.
    UnrelayChannel {
        source: ChannelId,
        to: RelayTarget,
    },
    ChannelMessage {
        to: RelayTarget,
        binary: bool,
        data: Bytes,
    },
}

impl Message for ShardMessage {
    fn droppable(&self) -> bool {
        matches!(self, ShardMessage::Media { .. } | ShardMessage::ChannelMessage { .. })
    }
}
