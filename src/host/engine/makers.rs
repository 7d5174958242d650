//! The shards of an endpoint as its threads get them, and who hears when one of them ends.

use std::sync::Arc;
use std::time::Instant;

use crate::control::event::Event;
use crate::control::ids::{Ended, ShardIndex};
use crate::engine::shard::{EndpointParts, Shard};
use crate::host::error::HostError;
use crate::host::hls::Streams;
use crate::host::ingest::IngestServers;
use crate::host::media_thread::{Shards, Start};
#[cfg(feature = "mcu")]
use crate::host::mixing::Mixers;
use crate::host::playback::Players;
use crate::host::push::KnownOutputs;
use crate::host::recording::Recorders;
use crate::host::rtsp::FetchingThread;

/// Makes the shards of an endpoint, and tells everybody when the thread of one died.
pub(super) struct Makers {
    pub(super) parts: EndpointParts,
    pub(super) shards: usize,
    #[cfg(feature = "mcu")]
    pub(super) mixers: Arc<Mixers>,
    pub(super) recorders: Arc<Recorders>,
    pub(super) streams: Arc<Streams>,
    pub(super) players: Arc<Players>,
    pub(super) servers: Arc<IngestServers>,
    pub(super) fetchers: Arc<FetchingThread>,
    pub(super) outputs: Arc<KnownOutputs>,
}

impl Shards for Makers {
    type Shard = Shard;

    fn make(&self, start: Start) -> Shard {
        let Start { shard, candidates, counters, after } = start;
        let parts = self.parts.clone();
        let mut made = Shard::new(Instant::now(), shard, parts, candidates, counters);
        if let Some(ended) = after {
            made.succeed(ended, self.shards);
        }
        made
    }

    fn ended(&self, shard: ShardIndex) -> Ended {
        let EndpointParts { ids, mailbox, load, .. } = &self.parts;
        // First of all: no transport that ended is counted, and none goes there.
        load.went_down(shard);
        let ended = Ended::new(ids, shard);
        mailbox.post(Event::ThreadEnded { ended, error: HostError::ThreadFailed(shard).into() });
        #[cfg(feature = "mcu")]
        self.mixers.thread_ended(ended);
        self.recorders.thread_ended(ended);
        self.streams.thread_ended(ended);
        self.players.thread_ended(ended);
        self.servers.thread_ended(ended);
        self.fetchers.thread_ended(ended);
        self.outputs.thread_ended(ended);
        ended
    }
}
