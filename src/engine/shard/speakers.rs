//! Groups of speakers. A group lives on one shard. The shards of its members listen to their
//! packets and tell it who speaks; it decides who has which slot and tells the shards that have
//! outgoing tracks on it. JavaScript hears of it and is not asked.

use std::time::Instant;

use super::core::Core;
use crate::control::event::Event;
use crate::control::ids::{Ended, IdMap, MAX_SHARDS, ShardIndex, SourceId, SpeakersId};
use crate::control::speakers::SpeakersCommand;
use crate::engine::message::ShardMessage;
use crate::engine::routes::Routes;
use crate::engine::speakers::{SlotChange, Source, SpeakerGroup};
use crate::sfu::SourcePacket;
use crate::speakers::{Member, Speech, SpeechMeter};

#[derive(Default)]
pub(super) struct Speakers {
    groups: IdMap<SpeakersId, SpeakerGroup>,
    /// Slots of those groups.
    slots: IdMap<SourceId, Slot>,
    /// Tracks of this shard that groups want to hear of.
    watched: IdMap<SourceId, Vec<Watch>>,
    /// When a group wants its timeout first.
    next: Option<Instant>,
}

#[derive(Default)]
struct Slot {
    source: Option<Source>,
    /// Shards with outgoing tracks that it feeds, one bit each.
    shards: u64,
}

struct Watch {
    group: SpeakersId,
    meter: SpeechMeter,
}

impl Speakers {
    pub(super) fn unwatch(&mut self, track: SourceId, group: SpeakersId) {
        if let Some(watches) = self.watched.get_mut(&track) {
            watches.retain(|watch| watch.group != group);
            if watches.is_empty() {
                self.watched.remove(&track);
            }
        }
    }

    /// The groups that want to hear of a track.
    fn watching(&self, track: SourceId) -> Vec<SpeakersId> {
        self.watched.get(&track).into_iter().flatten().map(|watch| watch.group).collect()
    }

    /// A shard has no outgoing track on a slot any more.
    pub(super) fn leave(&mut self, slot: SourceId, from: ShardIndex) {
        if let Some(slot) = self.slots.get_mut(&slot) {
            slot.shards &= !(1 << from.0);
        }
    }

    /// A shard has an outgoing track on a slot. `None`: there is no such slot.
    pub(super) fn take(&mut self, slot: SourceId, from: ShardIndex) -> Option<Option<Source>> {
        let slot = self.slots.get_mut(&slot)?;
        slot.shards |= 1 << from.0;
        Some(slot.source)
    }
}

/// Where a group lives.
impl Speakers {
    pub(super) fn speakers_command(
        &mut self,
        core: &mut Core,
        now: Instant,
        id: SpeakersId,
        command: SpeakersCommand,
    ) {
        use SpeakersCommand as C;
        if let C::Create { threshold, pause } = command {
            self.groups.insert(id, SpeakerGroup::new(threshold, pause));
            return;
        }
        let Some(group) = self.groups.get_mut(&id) else { return };
        let threshold = group.threshold;
        let mut changes = Vec::new();
        let mut unwanted = Vec::new();
        match command {
            C::Create { .. } => {}
            C::Add { audio, owner, video } => {
                let member = Member { audio, owner, video };
                unwanted.extend(group.add(member, &mut changes));
                for track in [Some(audio), video].into_iter().flatten() {
                    core.tell(track.shard(), ShardMessage::Watch { track, group: id, threshold });
                }
            }
            C::Remove { audio } => {
                let dominant = group.dominant();
                if let Some(video) = group.remove(now, audio, &mut changes) {
                    unwanted.extend([Some(audio), video].into_iter().flatten());
                }
                self.tell_dominant(core, id, dominant);
            }
            C::ListenSpeaking { listen } => group.listen(listen),
            C::CreateSlots { id: set, audio, video } => {
                for slot in audio.iter().chain(&video) {
                    self.slots.insert(*slot, Slot::default());
                }
                group.add_slots(now, set, audio, video, &mut changes);
            }
            C::CloseSlots { id: set } => {
                for slot in group.remove_slots(set) {
                    self.end_slot(core, slot);
                }
            }
            C::Close => {
                unwanted.extend(group.tracks());
                let slots: Vec<SourceId> = group.slots().collect();
                self.groups.remove(&id);
                for slot in slots {
                    self.end_slot(core, slot);
                }
            }
        }
        for track in unwanted {
            core.tell(track.shard(), ShardMessage::Unwatch { track, group: id });
        }
        self.tell_talk(core, id);
        self.assign(core, changes);
    }

    /// When somebody may have stopped to talk.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(super) fn handle_timeout(&mut self, core: &Core, now: Instant) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        let due = |group: &SpeakerGroup| group.next().is_some_and(|next| next <= now);
        let due: Vec<SpeakersId> =
            self.groups.iter().filter(|(_, group)| due(group)).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(group) = self.groups.get_mut(&id) {
                group.handle_timeout(now);
            }
            self.tell_talk(core, id);
        }
        self.next = self.groups.values().filter_map(SpeakerGroup::next).min();
    }

    /// Tells who began or stopped to talk.
    fn tell_talk(&mut self, core: &Core, id: SpeakersId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        for (track, speaking) in group.take_talk() {
            core.mailbox.post(Event::Speaking { group: id, track, speaking });
        }
        self.next = [self.next, group.next()].into_iter().flatten().min();
    }

    pub(super) fn on_speech(
        &mut self,
        core: &mut Core,
        now: Instant,
        id: SpeakersId,
        track: SourceId,
        speech: Speech,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let mut changes = Vec::new();
        if group.speech(now, track, speech, &mut changes) {
            core.mailbox.post(Event::Speaker { group: id, track: Some(track) });
        }
        self.tell_talk(core, id);
        self.assign(core, changes);
    }

    pub(super) fn on_watched_muted(
        &mut self,
        core: &mut Core,
        now: Instant,
        id: SpeakersId,
        track: SourceId,
        muted: bool,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let mut changes = Vec::new();
        group.mute(now, track, muted, &mut changes);
        self.tell_talk(core, id);
        self.assign(core, changes);
    }

    pub(super) fn on_watched_gone(
        &mut self,
        core: &mut Core,
        now: Instant,
        id: SpeakersId,
        track: SourceId,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let dominant = group.dominant();
        let mut changes = Vec::new();
        let unwanted = group.gone(now, track, &mut changes);
        self.tell_talk(core, id);
        self.tell_dominant(core, id, dominant);
        if let Some(unwanted) = unwanted {
            core.tell(unwanted.shard(), ShardMessage::Unwatch { track: unwanted, group: id });
        }
        self.assign(core, changes);
    }

    fn tell_dominant(&self, core: &Core, id: SpeakersId, before: Option<SourceId>) {
        let track = self.groups.get(&id).and_then(SpeakerGroup::dominant);
        if track != before {
            core.mailbox.post(Event::Speaker { group: id, track });
        }
    }

    /// Tells of slots that have another source now.
    fn assign(&mut self, core: &mut Core, changes: Vec<SlotChange>) {
        for SlotChange { slot, source } in changes {
            let Some(known) = self.slots.get_mut(&slot) else { continue };
            known.source = source;
            let shards = known.shards;
            core.mailbox.post(Event::SpeakerSlot { slot, track: source.map(|(track, _)| track) });
            for shard in bits(shards) {
                core.tell(shard, ShardMessage::SlotFed { slot, source });
            }
        }
    }

    fn end_slot(&mut self, core: &mut Core, slot: SourceId) {
        let Some(known) = self.slots.remove(&slot) else { return };
        for shard in bits(known.shards) {
            core.tell(shard, ShardMessage::SlotClosed { slot });
        }
    }

    /// Another shard wants to know what feeds a slot.
    pub(super) fn take_slot(&mut self, core: &mut Core, slot: SourceId, from: ShardIndex) {
        let answer = match self.take(slot, from) {
            Some(source) => ShardMessage::SlotFed { slot, source },
            None => ShardMessage::SlotClosed { slot },
        };
        core.tell(from, answer);
    }
}

/// Where a member lives.
impl Speakers {
    pub(super) fn watch(
        &mut self,
        core: &mut Core,
        routes: &Routes,
        now: Instant,
        track: SourceId,
        group: SpeakersId,
        threshold: i8,
    ) {
        let owner = routes.route(track).and_then(|route| route.sender());
        let held_back = owner.and_then(|owner| core.with(owner, |peer| peer.is_held_back(track)));
        let Some(held_back) = held_back else { return tell_gone(core, group, track) };
        self.unwatch(track, group);
        let meter = SpeechMeter::new(now, threshold);
        self.watched.entry(track).or_default().push(Watch { group, meter });
        if held_back {
            tell_muted(core, group, track, true);
        }
    }

    /// A packet of this shard's own came. Almost all are of nobody's interest.
    pub(super) fn hear(&mut self, core: &mut Core, packet: &SourcePacket) {
        if self.watched.is_empty() {
            return;
        }
        let Some((level, _)) = packet.extensions.audio_level else { return };
        let Some(watches) = self.watched.get_mut(&packet.track) else { return };
        // One as a rule; told after the look at them, as telling may change them.
        let mut told: Vec<(SpeakersId, Speech)> = Vec::new();
        for watch in watches {
            let speech = watch.meter.receive(packet.arrival, level);
            told.extend(speech.map(|speech| (watch.group, speech)));
        }
        for (group, speech) in told {
            let message = ShardMessage::Speech { group, track: packet.track, speech };
            core.tell(group.shard(), message);
        }
    }

    pub(super) fn watched_muted(&mut self, core: &mut Core, track: SourceId, muted: bool) {
        for group in self.watching(track) {
            tell_muted(core, group, track, muted);
        }
    }

    pub(super) fn watched_gone(&mut self, core: &mut Core, track: SourceId) {
        for group in self.watching(track) {
            tell_gone(core, group, track);
        }
        self.watched.remove(&track);
    }
}

impl Speakers {
    /// Another shard lost all it had: its groups listen to nothing here, its tracks are no members
    /// and its receivers take no slots.
    pub(super) fn thread_ended(&mut self, core: &mut Core, now: Instant, ended: Ended) {
        self.watched.retain(|_, watches| {
            watches.retain(|watch| !watch.group.ended_with(ended));
            !watches.is_empty()
        });
        for slot in self.slots.values_mut() {
            slot.shards &= !(1 << ended.shard.0);
        }
        let groups = self.groups.iter();
        let gone: Vec<(SpeakersId, SourceId)> = groups
            .flat_map(|(id, group)| group.tracks().map(|track| (*id, track)))
            .filter(|(_, track)| track.ended_with(ended))
            .collect();
        for (group, track) in gone {
            self.on_watched_gone(core, now, group, track);
        }
    }
}

fn tell_muted(core: &mut Core, group: SpeakersId, track: SourceId, muted: bool) {
    core.tell(group.shard(), ShardMessage::WatchedMuted { group, track, muted });
}

fn tell_gone(core: &mut Core, group: SpeakersId, track: SourceId) {
    core.tell(group.shard(), ShardMessage::WatchedGone { group, track });
}

fn bits(shards: u64) -> impl Iterator<Item = ShardIndex> {
    (0..MAX_SHARDS as u8).filter(move |bit| shards >> bit & 1 == 1).map(ShardIndex)
}
