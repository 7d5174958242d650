//! What every way in has: ids, where its inputs tell what becomes of them, and how they are made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::event::Event;
use crate::control::ids::{Ids, IngestServerId, InputId, RequestId, ShardIndex};
use crate::control::mailbox::Mailbox;
use crate::engine::ingest::{Input, Parts};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Inlet;
use crate::host::error::HostError;
use crate::host::media_threads::Outside;
use crate::host::refusals::Refusals;

/// An input of the host.
pub(super) type HostInput = Input<Outside<ShardMessage>>;

/// See the module.
pub(super) struct Desk {
    /// What it is commanded by.
    pub(super) id: IngestServerId,
    pub(super) ids: Arc<Ids>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) outside: Outside<ShardMessage>,
    /// How many there are, and how many inputs were given to them in turn.
    pub(super) shards: usize,
    pub(super) made: usize,
    /// What inputs are made with: see [`Parts`].
    pub(super) silence: Duration,
    pub(super) mix_b_frames: bool,
    pub(super) refusals: Refusals,
}

impl Desk {
    /// The id of one more input: they take turns with the shards.
    pub(super) fn new_id(&mut self) -> InputId {
        let shard = ShardIndex((self.made % self.shards) as u8);
        self.made += 1;
        InputId::new(&self.ids, shard)
    }

    /// An input that was let in.
    pub(super) fn open(&self, now: Instant, id: InputId) -> HostInput {
        // Packets are for those who take tracks; shards leave notes here, which are looked at with
        // whatever comes next.
        let (inlet, _) = Inlet::new(|| {});
        let parts = Parts {
            id,
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            inlet,
            mix_b_frames: self.mix_b_frames,
            silence: self.silence,
        };
        HostInput::new(now, parts)
    }

    /// Somebody wants to publish.
    pub(super) fn ask(
        &self,
        input: InputId,
        app: String,
        key: String,
        remote: std::net::SocketAddr,
    ) {
        self.mailbox.post(Event::InputAsks { server: self.id, input, app, key, remote });
    }

    /// He who asked is gone.
    pub(super) fn withdraw(&self, input: InputId) {
        self.mailbox.post(Event::InputWithdrawn { server: self.id, input });
    }

    /// Statistics are asked for of an input that is none any more, or none yet.
    pub(super) fn answer_closed(&self, request: RequestId) {
        let result = Err(HostError::InputClosed.into());
        self.mailbox.post(Event::Reply { request, result });
    }

    /// Somebody was refused: the log hears of it now and then.
    pub(super) fn refuse(&mut self, now: Instant, why: &'static str) {
        if let Some(refused) = self.refusals.add(now) {
            tracing::info!(refused, why, "publishers were refused");
        }
    }
}
