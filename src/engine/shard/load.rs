//! What a shard does when its thread is busy: peers that take too much wait, and when all together
//! are too much, layers are given up and new peers go elsewhere.

use std::time::Instant;

use super::Shard;
use super::error::ShardError;
use crate::control::event::Event;
use crate::control::flow::Flow;
use crate::control::ids::TransportId;
use crate::engine::budget::Work;
use crate::engine::occupancy::ThreadLoad;

/// Peers that are told of new limits in one turn.
const LIMITED_AT_ONCE: usize = 32;

impl Shard {
    /// Whether it is a peer's turn. Else its datagram was kept for later, or dropped.
    pub(super) fn is_up(&mut self, id: TransportId, flow: &Flow, bytes: &[u8]) -> bool {
        if !self.budget.is_measured() {
            return true;
        }
        if self.budget.hold(id, flow, bytes) {
            return false;
        }
        self.budget.begin(Some(id), Work::of(bytes));
        true
    }

    /// Has a peer take a datagram that is its own.
    pub(super) fn take_datagram(
        &mut self,
        now: Instant,
        id: TransportId,
        flow: &Flow,
        bytes: &[u8],
    ) {
        let workspace = &mut self.media.workspace;
        let Some(peer) = self.core.peers.get_mut(&id) else { return };
        let more = peer.handle_datagram(now, flow, bytes, workspace);
        if more && !std::mem::replace(&mut peer.touched, true) {
            self.core.touched.push_back(id);
        }
    }

    /// What waited for all others gets its share.
    pub(super) fn handle_held(&mut self, now: Instant) {
        self.budget.handle_timeout(now);
        while let Some((id, flow, bytes)) = self.budget.next_held() {
            self.budget.begin(Some(id), Work::of(&bytes));
            self.take_datagram(now, id, &flow, &bytes);
        }
        self.end_excesses();
    }

    /// Ends peers that took too much for too long.
    fn end_excesses(&mut self) {
        while let Some(excess) = self.budget.next_excess() {
            let (id, text) = (excess.transport, excess.text);
            tracing::warn!(transport = %id, "closed: {text}");
            let error = ShardError::Excess(text).into();
            self.core.with(id, |peer| peer.give_up(error));
        }
    }

    pub(super) fn on_load(&mut self, now: Instant, load: ThreadLoad) {
        #[cfg(feature = "fault-injection")]
        let load = self.injected_load.map_or(load, |busy| ThreadLoad { busy, ..load });
        let others = self.budget.handle_load(now, load);
        if !self.shedding.handle_load(now, load.busy, others) {
            return;
        }
        let (overloaded, layers) = (self.shedding.is_overloaded(), self.shedding.share());
        let (thread, percent) = (self.core.index.0, (load.busy * 100.0).round());
        if overloaded {
            tracing::warn!(thread, percent, layers, "a media thread is too busy");
        } else {
            tracing::info!(thread, percent, "a media thread has time to spare again");
        }
        self.load.set_overloaded(self.core.index, overloaded);
        self.core.mailbox.post(Event::Load { thread, busy: load.busy, overloaded, layers });
        self.shedding.limit(now, self.core.peers.keys().copied());
    }

    /// Tells some peers how much of their layers they may take.
    pub(super) fn limit_layers(&mut self, now: Instant) {
        let share = self.shedding.share();
        for _ in 0..LIMITED_AT_ONCE {
            let Some(id) = self.shedding.next_to_limit() else { break };
            self.core.send(id, |sending| sending.set_layer_share(now, share));
        }
    }
}
