//! What other shards tell, and what the parts of this one tell each other.

use std::time::Instant;

use super::Shard;
use crate::engine::message::ShardMessage;
use crate::engine::routes::Owner;

impl Shard {
    /// Has the parts of the shard hear what others of them said, until nobody says anything more.
    pub(super) fn handle_own(&mut self, now: Instant) {
        while let Some(message) = self.core.next_own() {
            self.on_message(now, message);
        }
    }

    pub(super) fn on_message(&mut self, now: Instant, message: ShardMessage) {
        let Self { core, media, relays, speakers, slots, before, .. } = self;
        match message {
            ShardMessage::Media { packet } => media.fan_out(core, packet, false),
            ShardMessage::Group { packets } => {
                packets.into_iter().for_each(|packet| media.fan_out(core, packet, false));
            }
            ShardMessage::Subscribe { track, from } => {
                let Some(route) = media.routes.route_mut(track).filter(|r| r.owner.is_some())
                else {
                    core.messages.push((from, ShardMessage::SourceClosed { track }));
                    return;
                };
                route.add_shard(from);
                if let Some(description) = route.description.clone() {
                    let description = ShardMessage::Description { track, description };
                    core.messages.push((from, description));
                }
                // Its receivers begin with what came last, as those of this shard do.
                let packets = route.groups(now).concat();
                if !packets.is_empty() {
                    core.messages.push((from, ShardMessage::Group { packets }));
                }
            }
            ShardMessage::Unsubscribe { track, from } => {
                if let Some(route) = media.routes.route_mut(track) {
                    route.remove_shard(from);
                    media.tell_demand(core, now, track);
                    media.tell_loss(core, now, track);
                }
            }
            ShardMessage::Description { track, description } => {
                if let Some(route) = media.routes.route_mut(track) {
                    route.description = Some(description.clone());
                    media.tell_receivers(core, now, track, description);
                }
            }
            ShardMessage::SourceClosed { track } => media.remove_source(core, now, track),
            ShardMessage::Demand { track, from, wanted } => {
                if let Some(route) = media.routes.route_mut(track) {
                    route.set_far_demand(from, wanted);
                    media.tell_demand(core, now, track);
                }
            }
            ShardMessage::Loss { track, from, loss } => {
                if let Some(route) = media.routes.route_mut(track) {
                    route.set_far_loss(from, loss);
                    media.tell_loss(core, now, track);
                }
            }
            ShardMessage::KeyframeWanted { track, encoding, need } => {
                media.want_keyframe(core, now, track, encoding, need);
            }
            ShardMessage::Watch { track, group, threshold } => {
                speakers.watch(core, &media.routes, now, track, group, threshold);
            }
            ShardMessage::Unwatch { track, group } => speakers.unwatch(track, group),
            ShardMessage::Speech { group, track, speech } => {
                speakers.on_speech(core, now, group, track, speech);
            }
            ShardMessage::WatchedMuted { group, track, muted } => {
                speakers.on_watched_muted(core, now, group, track, muted);
            }
            ShardMessage::WatchedGone { group, track } => {
                speakers.on_watched_gone(core, now, group, track)
            }
            ShardMessage::TakeSlot { slot, from } => speakers.take_slot(core, slot, from),
            ShardMessage::LeaveSlot { slot, from } => speakers.leave(slot, from),
            ShardMessage::SlotFed { slot, source } => {
                slots.feed_slot((core, media), now, slot, source)
            }
            ShardMessage::SlotClosed { slot } => slots.close_slot((core, media), now, slot),
            ShardMessage::MadeTrack { track, inlet, description } => {
                // Its mixer hears from its inlet what ended before this shard.
                if before.is_some_and(|ended| track.ended_with(ended)) {
                    return;
                }
                media.set_description(core, now, track, Owner::Maker(inlet), description);
            }
            ShardMessage::Made { packets } => {
                for packet in packets {
                    media.fan_out(core, packet, true);
                }
            }
            ShardMessage::MadeTrackClosed { track } => {
                speakers.watched_gone(core, track);
                // What takes its place is there before it goes.
                self.handle_own(now);
                self.media.remove_source(&mut self.core, now, track);
            }
            ShardMessage::Tap { track, taker, inlet, wanted } => {
                media.tap(core, now, track, taker, &inlet, wanted);
            }
            ShardMessage::Untap { track, taker } => {
                if let Some(route) = media.routes.route_mut(track) {
                    route.remove_tap(taker);
                    media.tell_demand(core, now, track);
                }
            }
            ShardMessage::UnrelayChannel { source, to } => relays.count_relay(source, to, -1),
            ShardMessage::ChannelMessage { to, binary, data } => {
                relays.deliver(core, now, to, binary, data)
            }
            ShardMessage::ThreadEnded { ended } => {
                speakers.thread_ended(core, now, ended);
                // What takes the place of a track is there before it goes.
                self.handle_own(now);
                let Self { core, media, relays, slots, .. } = self;
                slots.thread_ended((core, media), now, ended);
                media.thread_ended(core, now, ended);
                relays.thread_ended(ended);
            }
        }
    }
}
