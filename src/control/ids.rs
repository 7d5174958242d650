//! Names of objects, shared between JavaScript and the media threads.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bits of an id that hold the shard; see [`ShardIndex`].
const SHARD_BITS: u32 = 6;
/// Most media threads an endpoint can have.
pub const MAX_SHARDS: usize = 1 << SHARD_BITS;

/// Which media thread something lives on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ShardIndex(pub u8);

impl ShardIndex {
    /// Its place in tables of all media threads.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Hands out ids. One per endpoint, shared by JavaScript's thread and all shards.
#[derive(Default, Debug)]
pub struct Ids(AtomicU64);

impl Ids {
    /// A number never handed out before, with the shard in its low bits. Stays under 2^53, so
    /// that it is exact as a JavaScript number.
    fn next(&self, shard: ShardIndex) -> u64 {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        (count << SHARD_BITS) | u64::from(shard.0)
    }
}

/// What ended together with a media thread: everything of its shard whose id had been handed out by
/// then. Ids only grow, so this one number tells it from what the shard got afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    pub shard: ShardIndex,
    /// How many ids there were.
    count: u64,
}

impl Ended {
    /// The thread of `shard` ends now.
    pub fn new(ids: &Ids, shard: ShardIndex) -> Self {
        Self { shard, count: ids.0.load(Ordering::Relaxed) }
    }

    /// The largest id that may have ended.
    pub fn last(self) -> u64 {
        (self.count << SHARD_BITS) | u64::from(self.shard.0)
    }
}

/// A table by ids. They are of our own making, so it needs no protection against keys chosen to
/// collide, which costs more than the look-up itself.
pub type IdMap<K, V> = HashMap<K, V, rustc_hash::FxBuildHasher>;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// Never handed out before, for something that lives on `shard`.
            pub fn new(ids: &Ids, shard: ShardIndex) -> Self {
                Self(ids.next(shard))
            }

            /// The media thread it lives on.
            pub fn shard(self) -> ShardIndex {
                ShardIndex((self.0 & (MAX_SHARDS as u64 - 1)) as u8)
            }

            /// Whether it ended with a media thread.
            pub fn ended_with(self, ended: Ended) -> bool {
                self.shard() == ended.shard && self.0 <= ended.last()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// One peer.
    TransportId
);
id!(
    /// Whatever outgoing tracks and mixers can take: what a peer sends on one m-line, a track that is
    /// made here, or a slot of speakers.
    SourceId
);
id!(
    /// What we send on one m-line; also names the transponder that feeds it.
    OutgoingTrackId
);
id!(
    /// A data channel.
    ChannelId
);

id!(
    /// A group of whom some speak.
    SpeakersId
);
id!(
    /// Slots of a group that were made together. A single slot has the id of a track.
    SlotsId
);

id!(
    /// Whoever takes tracks and is no peer: a mixer, and what records, sends on or stores media by
    /// other ways.
    TakerId
);
id!(
    /// A mixer. Its tracks live on the same shard.
    MixerId
);
id!(
    /// A recorder. Lives on no shard.
    RecorderId
);
id!(
    /// A server that encoders push to. Lives on no shard.
    IngestServerId
);
id!(
    /// What one encoder pushes. Its tracks live on the same shard.
    InputId
);
id!(
    /// Tracks pushed to a server. Lives on no shard.
    OutputId
);
id!(
    /// A line of a recording.
    RecordedTrackId
);
id!(
    /// A place in a mixer.
    PortId
);
id!(
    /// Sound or pictures on their way to JavaScript or from there.
    ConduitId
);

impl From<MixerId> for TakerId {
    fn from(mixer: MixerId) -> Self {
        Self(mixer.0)
    }
}

impl From<OutputId> for TakerId {
    fn from(output: OutputId) -> Self {
        Self(output.0)
    }
}

impl From<RecorderId> for TakerId {
    fn from(recorder: RecorderId) -> Self {
        Self(recorder.0)
    }
}

/// Matches a [`Reply`](super::event::Reply) to the call that asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_with_a_thread_is_told_from_what_its_shard_got_later_and_from_other_shards() {
        let (shard, other) = (ShardIndex(2), ShardIndex(3));
        let ids = Ids::default();
        let before = TransportId::new(&ids, shard);
        let elsewhere = TransportId::new(&ids, other);
        let ended = Ended::new(&ids, shard);
        let later = TransportId::new(&ids, shard);
        assert!(before.ended_with(ended));
        assert!(!elsewhere.ended_with(ended) && !later.ended_with(ended));
        assert!(before.0 <= ended.last() && later.0 > ended.last());
    }
}
