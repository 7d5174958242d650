//! What every part of a shard works with: its peers, and the ways to JavaScript and to other shards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::error::ShardError;
use crate::control::event::Event;
use crate::control::ids::{ChannelId, IdMap, ShardIndex, TransportId};
use crate::control::mailbox::Mailbox;
use crate::engine::budget::{Budget, Work};
use crate::engine::message::ShardMessage;
use crate::engine::peer::Peer;
use crate::engine::timers::{Tick, Timers};
use crate::sending::Sending;

/// How close a timer is, in ticks, that is looked at once more before the thread sleeps: longer than
/// the pause between two packets of sound, so that the turn before it is one that looks.
const CLOSE: u64 = 32;
/// Timers that are looked at for that in one turn, however many there are.
const PUT_OFF: usize = 32;

/// The parts of a shard take it as an argument and leave in it what they have to say. Between
/// themselves they talk as shards do, by messages: one that a part [tells](Core::tell) its own shard
/// is handled when the call into the part is over. So parts call each other one way only.
pub(super) struct Core {
    pub index: ShardIndex,
    pub mailbox: Arc<Mailbox>,
    pub peers: IdMap<TransportId, Peer>,
    /// Peers with events to look at or datagrams to send.
    pub touched: VecDeque<TransportId>,
    pub timers: Timers,
    /// Reused for timers that are due.
    due: Vec<(Tick, TransportId)>,
    /// For other shards.
    pub messages: Vec<(ShardIndex, ShardMessage)>,
    /// From one part of this shard to another.
    own: VecDeque<ShardMessage>,
}

impl Core {
    pub(super) fn new(now: Instant, index: ShardIndex, mailbox: Arc<Mailbox>) -> Self {
        Self {
            index,
            mailbox,
            peers: IdMap::default(),
            touched: VecDeque::new(),
            timers: Timers::new(now),
            due: Vec::new(),
            messages: Vec::new(),
            own: VecDeque::new(),
        }
    }

    /// Tells JavaScript of a message of a peer's channel. A channel that it does not keep up with
    /// fails, rather than losing messages in silence.
    pub(super) fn tell_message(
        &mut self,
        now: Instant,
        owner: TransportId,
        channel: ChannelId,
        binary: bool,
        data: Bytes,
    ) {
        let message = Event::ChannelMessage { id: channel, binary, data };
        // What a peer said last comes when it is no more.
        let sender = self.peers.get_mut(&owner).and_then(Peer::backlog);
        if self.mailbox.post_bounded(message, &sender.unwrap_or_default()).is_err() {
            let error = ShardError::MessagesWait.into();
            self.with(owner, |peer| peer.fail_channel(now, channel, error));
        }
    }

    /// Ends the turn of a peer, which is seen to once more only if it has something to say then.
    pub(super) fn end_turn(&mut self, now: Instant, id: TransportId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.end_turn(now) && !std::mem::replace(&mut peer.touched, true) {
            self.touched.push_back(id);
        }
    }

    /// Runs something on what a peer is sent and sees to what comes of it at the next flush.
    pub(super) fn send<T>(
        &mut self,
        id: TransportId,
        action: impl FnOnce(&mut Sending) -> T,
    ) -> Option<T> {
        self.with(id, |peer| peer.send(action))
    }

    /// Runs something on a peer and sees to what comes of it at the next flush. `None` when there is
    /// no such peer, or it panicked.
    pub(super) fn with<T>(
        &mut self,
        id: TransportId,
        action: impl FnOnce(&mut Peer) -> Option<T>,
    ) -> Option<T> {
        let peer = self.peers.get_mut(&id)?;
        let value = action(peer);
        if !std::mem::replace(&mut peer.touched, true) {
            self.touched.push_back(id);
        }
        value
    }

    /// Tells a shard something, this one as well.
    pub(super) fn tell(&mut self, shard: ShardIndex, message: ShardMessage) {
        if shard == self.index {
            self.own.push_back(message);
        } else {
            self.messages.push((shard, message));
        }
    }

    /// What parts told their own shard, in order.
    pub(super) fn next_own(&mut self) -> Option<ShardMessage> {
        self.own.pop_front()
    }

    /// Wakes a peer when it wants it.
    pub(super) fn schedule(&mut self, now: Instant, id: TransportId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(next) = peer.poll_timeout(now) else { return };
        let wanted = self.timers.tick(next);
        let deadline = self.timers.deadline(now, next);
        match &mut peer.deadline {
            // Closer to it, the same moment would get a closer tick.
            Some(armed) if armed.wanted == wanted => {}
            // One that is too early is put off when it comes close, if nothing was due until then.
            Some(armed) if armed.tick <= deadline.tick => armed.wanted = wanted,
            armed => {
                *armed = Some(deadline);
                self.timers.arm(id, deadline.tick);
            }
        }
    }

    /// Puts off timers that fire within [`CLOSE`] ticks and that nobody waits for any more: what they
    /// stood for was done when something came, or is due later. To wake for them would cost more.
    pub(super) fn put_off(&mut self, now: Instant) {
        for _ in 0..PUT_OFF {
            let Some((tick, id)) = self.timers.take_next(now, CLOSE) else { break };
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let Some(armed) = peer.deadline.filter(|armed| armed.tick == tick) else { continue };
            // A peer that panics is found out about when its timer fires.
            let next = peer.poll_timeout(now).map(|next| self.timers.deadline(now, next));
            let next = next.filter(|next| next.tick > tick).unwrap_or(armed);
            peer.deadline = Some(next);
            self.timers.arm(id, next.tick);
            // One that is waited for is enough to wake for, and the first to be looked at again.
            if next.tick == tick {
                break;
            }
        }
    }

    /// Hands their time to the peers that wanted it. Gives those with packets that waited for
    /// their turn.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        paced: &mut Vec<TransportId>,
        budget: &mut Budget,
    ) {
        let mut due = std::mem::take(&mut self.due);
        self.timers.take_due(now, &mut due);
        for (tick, id) in due.drain(..) {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if peer.deadline.is_some_and(|armed| armed.tick == tick) {
                peer.deadline = None;
                budget.begin(Some(id), Work::Timers);
                self.with(id, |peer| peer.handle_timeout(now));
                let has_paced = self.send(id, |sending| sending.has_paced(now));
                paced.extend((has_paced == Some(true)).then_some(id));
            }
        }
        self.due = due;
    }
}
