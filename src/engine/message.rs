//! What one shard tells another.

use std::sync::Arc;

use bytes::Bytes;

use crate::control::command::RelayTarget;
use crate::control::ids::{ChannelId, Ended, ShardIndex, SourceId, SpeakersId, TakerId};
use crate::engine::io::Message;
use crate::engine::speakers::Source;
use crate::engine::tap::Inlet;
use crate::sfu::packet::{EncodingIndex, SourcePacket};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingSet, Need};
use crate::speakers::Speech;

/// From shard to shard, or from takers and makers of tracks.
#[derive(Debug)]
pub enum ShardMessage {
    /// A packet of a track, once per shard that has receivers of it.
    Media {
        packet: Arc<SourcePacket>,
    },
    /// The last groups of pictures of a track, for receivers that begin: they are of use as a whole or not
    /// at all.
    Group {
        packets: Vec<Arc<SourcePacket>>,
    },
    /// The sender has its first receiver of the track.
    Subscribe {
        track: SourceId,
        from: ShardIndex,
    },
    /// It has none any more.
    Unsubscribe {
        track: SourceId,
        from: ShardIndex,
    },
    /// Answers a subscription, and tells of every change.
    Description {
        track: SourceId,
        description: Arc<SourceDescription>,
    },
    /// The track is gone.
    SourceClosed {
        track: SourceId,
    },
    KeyframeWanted {
        track: SourceId,
        encoding: EncodingIndex,
        need: Need,
    },
    /// Which encodings the receivers on a shard want.
    Demand {
        track: SourceId,
        from: ShardIndex,
        wanted: EncodingSet,
    },
    /// What the worst of the receivers on a shard loses, in 256ths.
    Loss {
        track: SourceId,
        from: ShardIndex,
        loss: u8,
    },
    /// A group wants to hear of a track of the other shard: what ends or holds it, and how much is
    /// spoken on it at `threshold` dBov and above.
    Watch {
        track: SourceId,
        group: SpeakersId,
        threshold: i8,
    },
    /// It does not any more.
    Unwatch {
        track: SourceId,
        group: SpeakersId,
    },
    /// Answers, to the group's shard. Somebody speaks:
    Speech {
        group: SpeakersId,
        track: SourceId,
        speech: Speech,
    },
    /// the track is held, or goes on,
    WatchedMuted {
        group: SpeakersId,
        track: SourceId,
        muted: bool,
    },
    /// or it is gone.
    WatchedGone {
        group: SpeakersId,
        track: SourceId,
    },
    /// The sender has its first outgoing track that a slot of speakers feeds.
    TakeSlot {
        slot: SourceId,
        from: ShardIndex,
    },
    /// It has none any more.
    LeaveSlot {
        slot: SourceId,
        from: ShardIndex,
    },
    /// Answers, and tells of every change: what feeds the slot now.
    SlotFed {
        slot: SourceId,
        source: Option<Source>,
    },
    /// The slot is gone.
    SlotClosed {
        slot: SourceId,
    },
    /// A track that is made by no peer is there, or is something else now. From its maker, like those
    /// that follow.
    MadeTrack {
        track: SourceId,
        inlet: Arc<Inlet>,
        description: Arc<SourceDescription>,
    },
    /// Packets of such tracks.
    Made {
        packets: Vec<Arc<SourcePacket>>,
    },
    /// Such a track is gone.
    MadeTrackClosed {
        track: SourceId,
    },
    /// Somebody who is no peer takes these encodings of a track of the other shard.
    Tap {
        track: SourceId,
        taker: TakerId,
        inlet: Arc<Inlet>,
        wanted: EncodingSet,
    },
    /// He takes the track no more.
    Untap {
        track: SourceId,
        taker: TakerId,
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
    /// The sender's thread died and took all this with it. The first message of the next thread, so
    /// behind the last one of the old.
    ThreadEnded {
        ended: Ended,
    },
}

impl Message for ShardMessage {
    fn droppable(&self) -> bool {
        // Of speech there is more to hear in a tenth of a second.
        matches!(
            self,
            ShardMessage::Media { .. }
                | ShardMessage::Made { .. }
                | ShardMessage::ChannelMessage { .. }
                | ShardMessage::Speech { .. }
        )
    }
}
