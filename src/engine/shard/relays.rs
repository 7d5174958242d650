//! Data channels that send on what others receive, without JavaScript.

use std::time::Instant;

use bytes::Bytes;

use super::Shard;
use crate::control::error::{EngineError, ErrorCode};
use crate::control::ids::{ChannelId, TransportId};
use crate::engine::message::{RelayTarget, ShardMessage};

impl Shard {
    pub(super) fn attach_channel(
        &mut self,
        id: TransportId,
        channel: ChannelId,
        source: ChannelId,
    ) {
        self.detach_channel(id, channel);
        self.relayed.insert(channel, source);
        let to = RelayTarget { transport: id, channel };
        if source.shard() == self.index {
            self.relay_channel(source, to);
        } else {
            self.messages.push((source.shard(), ShardMessage::RelayChannel { source, to }));
        }
    }

    pub(super) fn detach_channel(&mut self, id: TransportId, channel: ChannelId) {
        let Some(source) = self.relayed.remove(&channel) else { return };
        let to = RelayTarget { transport: id, channel };
        if source.shard() == self.index {
            self.unrelay_channel(source, to);
        } else {
            self.messages.push((source.shard(), ShardMessage::UnrelayChannel { source, to }));
        }
    }

    pub(super) fn relay_channel(&mut self, source: ChannelId, to: RelayTarget) {
        // A channel that closed in the meantime: its messages never come.
        if self.channels.contains_key(&source) {
            let targets = self.relays.entry(source).or_default();
            if !targets.contains(&to) {
                targets.push(to);
            }
        }
    }

    pub(super) fn unrelay_channel(&mut self, source: ChannelId, to: RelayTarget) {
        if let Some(targets) = self.relays.get_mut(&source) {
            targets.retain(|target| *target != to);
            if targets.is_empty() {
                self.relays.remove(&source);
            }
        }
    }

    pub(super) fn on_channel_message(
        &mut self,
        now: Instant,
        owner: TransportId,
        channel: ChannelId,
        binary: bool,
        data: Bytes,
        listened: bool,
    ) {
        for to in self.relays.get(&channel).cloned().unwrap_or_default() {
            self.deliver(now, to, binary, data.clone());
        }
        if listened && self.mailbox.post_message(channel, binary, data).is_err() {
            let error = EngineError::new(
                ErrorCode::QueueFull,
                "messages come faster than JavaScript takes them",
            );
            self.with(owner, |session| session.fail_channel(now, channel, error));
        }
    }

    pub(super) fn deliver(&mut self, now: Instant, to: RelayTarget, binary: bool, data: Bytes) {
        if to.channel.shard() != self.index {
            let message = ShardMessage::ChannelMessage { to, binary, data };
            self.messages.push((to.channel.shard(), message));
            return;
        }
        self.with(to.transport, |session| session.relay(now, to.channel, binary, data));
    }

    pub(super) fn forget_channel(&mut self, owner: TransportId, channel: ChannelId) {
        self.channels.remove(&channel);
        self.relays.remove(&channel);
        self.detach_channel(owner, channel);
    }
}
