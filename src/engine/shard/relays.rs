//! Data channels that send on what others receive, without JavaScript.
//!
//! Two shards have a part in it. That of the source has to know before `attachTo()` returns, so
//! it hears of an attachment by a command of its own; that of the target knows when it is over,
//! and tells the other through the ring. Nothing orders the command and the ring, so the source's
//! shard counts: whatever comes first, an attachment adds one, its end takes one away, and a
//! target that was attached again meanwhile is never without.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;

use super::core::Core;
use crate::control::command::RelayTarget;
use crate::control::ids::{ChannelId, Ended, IdMap, TransportId};
use crate::engine::message::ShardMessage;

#[derive(Default)]
pub(super) struct Relays {
    /// Data channels of this shard and whose they are.
    pub channels: IdMap<ChannelId, TransportId>,
    /// Channels of this shard whose messages others send on, and how often each was attached more
    /// than detached.
    relays: IdMap<ChannelId, HashMap<RelayTarget, i32>>,
    /// The other way: what a channel of this shard relays.
    relayed: IdMap<ChannelId, ChannelId>,
}

impl Relays {
    pub(super) fn attach_channel(
        &mut self,
        core: &mut Core,
        id: TransportId,
        channel: ChannelId,
        source: ChannelId,
    ) {
        self.detach_channel(core, id, channel);
        if self.channels.get(&channel) == Some(&id) {
            self.relayed.insert(channel, source);
        } else {
            // It closed before JavaScript knew.
            self.end_relay(core, source, RelayTarget { transport: id, channel });
        }
    }

    pub(super) fn detach_channel(&mut self, core: &mut Core, id: TransportId, channel: ChannelId) {
        if let Some(source) = self.relayed.remove(&channel) {
            self.end_relay(core, source, RelayTarget { transport: id, channel });
        }
    }

    fn end_relay(&mut self, core: &mut Core, source: ChannelId, to: RelayTarget) {
        if source.shard() == core.index {
            self.count_relay(source, to, -1);
        } else {
            core.messages.push((source.shard(), ShardMessage::UnrelayChannel { source, to }));
        }
    }

    pub(super) fn count_relay(&mut self, source: ChannelId, to: RelayTarget, change: i32) {
        // The messages of a channel that closed never come.
        if !self.channels.contains_key(&source) {
            return;
        }
        let targets = self.relays.entry(source).or_default();
        let count = targets.entry(to).or_default();
        *count += change;
        if *count == 0 {
            targets.remove(&to);
            if targets.is_empty() {
                self.relays.remove(&source);
            }
        }
    }

    /// Sends a message on to the channels that are attached to its channel.
    pub(super) fn relay(
        &self,
        core: &mut Core,
        now: Instant,
        channel: ChannelId,
        binary: bool,
        data: &Bytes,
    ) {
        let targets = self.relays.get(&channel).into_iter().flatten();
        let attached = targets.filter(|(_, count)| **count > 0).map(|(to, _)| *to);
        for to in attached.collect::<Vec<_>>() {
            self.deliver(core, now, to, binary, data.clone());
        }
    }

    pub(super) fn deliver(
        &self,
        core: &mut Core,
        now: Instant,
        to: RelayTarget,
        binary: bool,
        data: Bytes,
    ) {
        if to.channel.shard() != core.index {
            let message = ShardMessage::ChannelMessage { to, binary, data };
            core.messages.push((to.channel.shard(), message));
            return;
        }
        core.with(to.transport, |peer| peer.relay(now, to.channel, binary, data));
    }

    /// Channels of a shard that lost all it had send nothing on any more.
    pub(super) fn thread_ended(&mut self, ended: Ended) {
        self.relays.retain(|_, targets| {
            targets.retain(|to, _| !to.transport.ended_with(ended));
            !targets.is_empty()
        });
    }

    pub(super) fn forget_channel(
        &mut self,
        core: &mut Core,
        owner: TransportId,
        channel: ChannelId,
    ) {
        self.channels.remove(&channel);
        self.relays.remove(&channel);
        self.detach_channel(core, owner, channel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{EndpointParts, Shard};
    use super::*;
    use crate::control::command::{Command, TransportCommand};
    use crate::control::flow::LocalCandidates;
    use crate::control::ids::{Ids, ShardIndex};
    use crate::control::mailbox::Mailbox;
    use crate::engine::budget::Clock;
    use crate::engine::io::Reactor;
    use crate::engine::load::Load;
    use crate::webrtc::Certificates;

    const TRANSPORT: TransportId = TransportId(1 << 6);
    const SOURCE: ChannelId = ChannelId(2 << 6);
    /// On another shard.
    const FAR: RelayTarget =
        RelayTarget { transport: TransportId((3 << 6) + 1), channel: ChannelId((4 << 6) + 1) };

    /// With one channel.
    fn shard() -> Shard {
        let endpoint = EndpointParts {
            ids: Arc::new(Ids::default()),
            certificates: Arc::new(Certificates::generate(Instant::now()).unwrap()),
            mailbox: Arc::new(Mailbox::new(|| ())),
            load: Arc::new(Load::new(2)),
            clock: Clock { now: Arc::new(Instant::now), slowness: 1 },
        };
        let candidates = LocalCandidates(Vec::new());
        let mut shard =
            Shard::new(Instant::now(), ShardIndex(0), endpoint, candidates, Default::default());
        shard.relays.channels.insert(SOURCE, TRANSPORT);
        shard
    }

    fn begin(shard: &mut Shard, to: RelayTarget) {
        shard.handle_command(Instant::now(), Command::RelayChannel { source: SOURCE, to });
    }

    fn end(shard: &mut Shard, to: RelayTarget) {
        let message = ShardMessage::UnrelayChannel { source: SOURCE, to };
        shard.handle_message(Instant::now(), message);
    }

    fn relayed_to(shard: &Shard, to: RelayTarget) -> bool {
        shard
            .relays
            .relays
            .get(&SOURCE)
            .and_then(|targets| targets.get(&to))
            .is_some_and(|n| *n > 0)
    }

    #[test]
    fn the_end_of_an_attachment_may_come_before_its_beginning() {
        let mut shard = shard();
        end(&mut shard, FAR);
        begin(&mut shard, FAR);
        assert!(shard.relays.relays.is_empty());
    }

    #[test]
    fn a_late_end_does_not_end_the_attachment_after_it() {
        let mut shard = shard();
        begin(&mut shard, FAR);
        begin(&mut shard, FAR);
        end(&mut shard, FAR);
        assert!(relayed_to(&shard, FAR));
        end(&mut shard, FAR);
        assert!(shard.relays.relays.is_empty());
    }

    #[test]
    fn nothing_is_sent_on_to_a_shard_that_lost_all_it_had_but_to_what_it_got_later() {
        let ids = Ids::default();
        let far = |ids| RelayTarget {
            transport: TransportId::new(ids, ShardIndex(1)),
            channel: ChannelId::new(ids, ShardIndex(1)),
        };
        let mut shard = shard();
        let lost = far(&ids);
        let ended = Ended::new(&ids, ShardIndex(1));
        let later = far(&ids);
        begin(&mut shard, lost);
        begin(&mut shard, later);
        shard.handle_message(Instant::now(), ShardMessage::ThreadEnded { ended });
        assert!(!relayed_to(&shard, lost) && relayed_to(&shard, later));
    }

    #[test]
    fn nothing_is_kept_of_a_source_that_closed() {
        let mut shard = shard();
        begin(&mut shard, FAR);
        shard.relays.forget_channel(&mut shard.core, TRANSPORT, SOURCE);
        begin(&mut shard, FAR);
        end(&mut shard, FAR);
        end(&mut shard, FAR);
        assert!(shard.relays.relays.is_empty());
    }

    #[test]
    fn attaching_a_channel_that_closed_already_leaves_nothing_behind() {
        let mut shard = shard();
        let closed = ChannelId(5 << 6);
        for (_, command) in Command::attach_channel(TRANSPORT, closed, SOURCE) {
            shard.handle_command(Instant::now(), command);
        }
        assert!(shard.relays.relays.is_empty() && shard.relays.relayed.is_empty());

        let far = ChannelId((6 << 6) + 1);
        let command = TransportCommand::AttachChannel { id: closed, source: far };
        shard.handle_command(Instant::now(), Command::Transport { transport: TRANSPORT, command });
        let ended = matches!(
            shard.core.messages[..],
            [(ShardIndex(1), ShardMessage::UnrelayChannel { source, .. })] if source == far
        );
        assert!(ended && shard.relays.relayed.is_empty());
    }
}
