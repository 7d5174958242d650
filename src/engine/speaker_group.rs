//! A group of members of whom some speak, on the shard it lives on: who has the word, and who has
//! which slot. No messages here; [`Shard`](super::shard::Shard) sends what changed.

use std::time::Instant;

use crate::control::ids::{IdMap, IncomingTrackId, SlotsId, TransportId};
use crate::sfu::speaker_slots::Changes;
use crate::sfu::{DominantSpeaker, Member, SpeakerSlots, Speech, Voices};

/// A track and whose it is.
pub type Source = (IncomingTrackId, TransportId);

/// A slot has another source from now on, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotChange {
    pub slot: IncomingTrackId,
    pub source: Option<Source>,
}

pub struct SpeakerGroup {
    pub threshold: i8,
    /// By their sound.
    members: IdMap<IncomingTrackId, Entry>,
    /// Whose a picture is.
    pictures: IdMap<IncomingTrackId, IncomingTrackId>,
    voices: Voices,
    dominant: DominantSpeaker,
    sets: Vec<Set>,
    /// How many members there ever were.
    came: u64,
}

struct Entry {
    member: Member,
    /// The order in which they came.
    place: u64,
    muted: bool,
    video_muted: bool,
}

impl Entry {
    /// As far as there is something to see.
    fn shown(&self) -> Member {
        let video = self.member.video.filter(|_| !self.video_muted);
        Member { video, ..self.member }
    }
}

/// Slots that were made together.
struct Set {
    id: SlotsId,
    slots: SpeakerSlots,
    audio: Vec<IncomingTrackId>,
    video: Vec<IncomingTrackId>,
}

impl SpeakerGroup {
    pub fn new(threshold: i8) -> Self {
        Self {
            threshold,
            members: IdMap::default(),
            pictures: IdMap::default(),
            voices: Voices::default(),
            dominant: DominantSpeaker::default(),
            sets: Vec::new(),
            came: 0,
        }
    }

    pub fn dominant(&self) -> Option<IncomingTrackId> {
        self.dominant.current()
    }

    /// The tracks it has to be told of.
    pub fn tracks(&self) -> impl Iterator<Item = IncomingTrackId> {
        self.members.keys().chain(self.pictures.keys()).copied()
    }

    /// All slots, with what feeds each.
    pub fn slots(&self) -> impl Iterator<Item = IncomingTrackId> {
        self.sets.iter().flat_map(|set| set.audio.iter().chain(&set.video)).copied()
    }

    /// Adds a member. Gives the picture it had before, when that is another one or none now.
    pub fn add(
        &mut self,
        member: Member,
        changes: &mut Vec<SlotChange>,
    ) -> Option<IncomingTrackId> {
        self.came += 1;
        let entry = Entry { member, place: self.came, muted: false, video_muted: false };
        let entry = self.members.entry(member.audio).or_insert(entry);
        let before = std::mem::replace(&mut entry.member, member).video;
        let old = before.filter(|video| Some(*video) != member.video);
        if let Some(old) = old {
            entry.video_muted = false;
            self.lose_picture(old, changes);
        }
        if let Some(video) = member.video {
            self.take_picture(video, member.audio, changes);
        }
        self.offer(member.audio, changes);
        old
    }

    /// Removes a member by its sound. Gives whether it was one, and its picture.
    pub fn remove(
        &mut self,
        now: Instant,
        audio: IncomingTrackId,
        changes: &mut Vec<SlotChange>,
    ) -> Option<Option<IncomingTrackId>> {
        let entry = self.members.remove(&audio)?;
        self.voices.remove(audio);
        self.dominant.remove(audio);
        for set in &mut self.sets {
            let freed = set.slots.remove(audio);
            set.report(freed, changes);
        }
        if let Some(video) = entry.member.video {
            self.pictures.remove(&video);
        }
        self.refill(now, changes);
        Some(entry.member.video)
    }

    /// A track ended at its sender. Gives the picture or sound that is not wanted any more with it.
    pub fn gone(
        &mut self,
        now: Instant,
        track: IncomingTrackId,
        changes: &mut Vec<SlotChange>,
    ) -> Option<IncomingTrackId> {
        if let Some(video) = self.remove(now, track, changes) {
            return video;
        }
        let audio = self.pictures.get(&track).copied()?;
        if let Some(entry) = self.members.get_mut(&audio) {
            entry.member.video = None;
        }
        self.lose_picture(track, changes);
        self.refill(now, changes);
        None
    }

    /// A picture goes with one member at a time.
    fn take_picture(
        &mut self,
        video: IncomingTrackId,
        audio: IncomingTrackId,
        changes: &mut Vec<SlotChange>,
    ) {
        let other = self.pictures.get(&video).copied().filter(|other| *other != audio);
        if let Some(other) = other {
            self.lose_picture(video, changes);
            if let Some(entry) = self.members.get_mut(&other) {
                entry.member.video = None;
            }
        }
        self.pictures.insert(video, audio);
    }

    fn lose_picture(&mut self, video: IncomingTrackId, changes: &mut Vec<SlotChange>) {
        let Some(audio) = self.pictures.remove(&video) else { return };
        self.hide(audio, changes);
    }

    fn hide(&mut self, audio: IncomingTrackId, changes: &mut Vec<SlotChange>) {
        for set in &mut self.sets {
            let freed = Changes { video: set.slots.remove_video(audio), audio: None };
            set.report(freed, changes);
        }
    }

    /// A sender holds a track, or goes on with it.
    pub fn mute(
        &mut self,
        now: Instant,
        track: IncomingTrackId,
        muted: bool,
        changes: &mut Vec<SlotChange>,
    ) {
        let audio = self.pictures.get(&track).copied().unwrap_or(track);
        let Some(entry) = self.members.get_mut(&audio) else { return };
        let flag = if audio == track { &mut entry.muted } else { &mut entry.video_muted };
        *flag = muted;
        if !muted {
            return self.offer(audio, changes);
        }
        if audio == track {
            self.voices.remove(audio);
            for set in &mut self.sets {
                let freed = Changes { audio: set.slots.remove_audio(audio), video: None };
                set.report(freed, changes);
            }
        } else {
            self.hide(audio, changes);
        }
        self.refill(now, changes);
    }

    /// Somebody speaks. True when they have the word from now on.
    pub fn speech(
        &mut self,
        now: Instant,
        audio: IncomingTrackId,
        speech: Speech,
        changes: &mut Vec<SlotChange>,
    ) -> bool {
        let Some(entry) = self.members.get(&audio).filter(|entry| !entry.muted) else {
            return false;
        };
        self.voices.receive(now, audio, speech);
        let member = entry.shown();
        let word = self.dominant.challenge(now, audio, &self.voices);
        for set in &mut self.sets {
            let spoken = set.slots.speaks(now, member, &self.voices);
            set.report(spoken, changes);
            if word {
                let seen = set.slots.has_word(member);
                set.report(seen, changes);
            }
        }
        word
    }

    pub fn add_slots(
        &mut self,
        now: Instant,
        id: SlotsId,
        audio: Vec<IncomingTrackId>,
        video: Vec<IncomingTrackId>,
        changes: &mut Vec<SlotChange>,
    ) {
        let mut slots = SpeakerSlots::new(audio.len(), video.len());
        let dominant = self.dominant().and_then(|audio| self.members.get(&audio));
        if let Some(entry) = dominant {
            slots.has_word(entry.shown());
        }
        self.sets.push(Set { id, slots, audio, video });
        if let (Some(entry), Some(set)) = (dominant, self.sets.last()) {
            let seen = set.slots.video().iter().position(|m| *m == Some(entry.shown()));
            set.report(Changes { video: seen, audio: None }, changes);
        }
        self.refill(now, changes);
    }

    /// Gives the slots that there were.
    pub fn remove_slots(&mut self, id: SlotsId) -> Vec<IncomingTrackId> {
        let Some(index) = self.sets.iter().position(|set| set.id == id) else { return Vec::new() };
        let Set { mut audio, video, .. } = self.sets.remove(index);
        audio.extend(video);
        audio
    }

    /// Lets a member have what is free.
    fn offer(&mut self, audio: IncomingTrackId, changes: &mut Vec<SlotChange>) {
        let Some(entry) = self.members.get(&audio) else { return };
        for set in &mut self.sets {
            let taken = set.offer(entry);
            set.report(taken, changes);
        }
    }

    /// Gives free slots to who spoke last, and then to who is there the longest.
    fn refill(&mut self, now: Instant, changes: &mut Vec<SlotChange>) {
        if self.sets.iter().all(|set| set.slots.full()) {
            return;
        }
        let mut waiting: Vec<(f32, &Entry)> = self
            .members
            .values()
            .map(|entry| (self.voices.of(now, entry.member.audio).long, entry))
            .collect();
        waiting.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.place.cmp(&b.1.place)));
        for (_, entry) in waiting {
            if self.sets.iter().all(|set| set.slots.full()) {
                break;
            }
            for set in &mut self.sets {
                let taken = set.offer(entry);
                set.report(taken, changes);
            }
        }
    }
}

impl Set {
    fn offer(&mut self, entry: &Entry) -> Changes {
        let member = entry.shown();
        Changes {
            audio: if entry.muted { None } else { self.slots.fill_audio(member) },
            video: self.slots.fill_video(member),
        }
    }

    fn report(&self, changed: Changes, changes: &mut Vec<SlotChange>) {
        if let Some(index) = changed.audio {
            let source = self.slots.audio()[index].map(|member| (member.audio, member.owner));
            changes.push(SlotChange { slot: self.audio[index], source });
        }
        if let Some(index) = changed.video {
            let source = self.slots.video()[index]
                .and_then(|member| member.video.map(|video| (video, member.owner)));
            changes.push(SlotChange { slot: self.video[index], source });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;

    const SPEAKING: Speech = Speech { immediate: 1.0, medium: 1.0, loudness: 0.8, long: 0.8 };

    struct Group {
        group: SpeakerGroup,
        now: Instant,
        /// What feeds each slot, as told.
        slots: HashMap<u64, Option<u64>>,
    }

    impl Group {
        fn new() -> Self {
            Self { group: SpeakerGroup::new(-60), now: Instant::now(), slots: HashMap::new() }
        }

        fn with_slots(audio: u64, video: u64) -> Self {
            let mut group = Self::new();
            group.slots(1, audio, video);
            group
        }

        fn slots(&mut self, id: u64, audio: u64, video: u64) {
            let ids = |from: u64, count: u64| (from..from + count).map(IncomingTrackId).collect();
            let (audio, video) = (ids(1000 * id, audio), ids(1000 * id + 500, video));
            self.change(|group, now, changes| {
                group.add_slots(now, SlotsId(id), audio, video, changes);
            });
        }

        fn change<T>(
            &mut self,
            action: impl FnOnce(&mut SpeakerGroup, Instant, &mut Vec<SlotChange>) -> T,
        ) -> T {
            let mut changes = Vec::new();
            let result = action(&mut self.group, self.now, &mut changes);
            for change in changes {
                self.slots.insert(change.slot.0, change.source.map(|(track, _)| track.0));
            }
            result
        }

        /// Members have sound of their number and a picture of a hundred more.
        fn add(&mut self, number: u64) {
            let (audio, owner) = (IncomingTrackId(number), TransportId(number));
            let member = Member { audio, video: Some(IncomingTrackId(number + 100)), owner };
            self.change(|group, _, changes| group.add(member, changes));
        }

        fn speak(&mut self, number: u64) -> bool {
            self.now += Duration::from_secs(1);
            self.change(|group, now, changes| {
                group.speech(now, IncomingTrackId(number), SPEAKING, changes)
            })
        }

        fn fed(&self, slot: u64) -> Option<u64> {
            self.slots.get(&slot).copied().flatten()
        }
    }

    #[test]
    fn members_fill_what_is_free_and_speakers_what_is_silent() {
        let mut group = Group::with_slots(2, 1);
        for number in 1..5 {
            group.add(number);
        }
        assert_eq!([group.fed(1000), group.fed(1001), group.fed(1500)], [1, 2, 101].map(Some));
        assert!(group.speak(4), "has the word");
        assert_eq!([group.fed(1000), group.fed(1001), group.fed(1500)], [4, 2, 104].map(Some));
        assert_eq!(group.group.dominant(), Some(IncomingTrackId(4)));
    }

    #[test]
    fn slots_made_later_show_who_spoke_last() {
        let mut group = Group::new();
        for number in 1..9 {
            group.add(number);
        }
        group.speak(5);
        group.slots(2, 2, 2);
        assert_eq!([group.fed(2000), group.fed(2001)], [Some(5), Some(1)]);
        assert_eq!([group.fed(2500), group.fed(2501)], [Some(105), Some(101)]);
    }

    #[test]
    fn sets_of_slots_are_apart() {
        let mut group = Group::with_slots(1, 0);
        group.slots(2, 3, 0);
        for number in 1..5 {
            group.add(number);
        }
        group.speak(3);
        assert_eq!(group.fed(1000), Some(3), "the one slot");
        assert_eq!([2000, 2001, 2002].map(|slot| group.fed(slot)), [1, 2, 3].map(Some));
        let gone = group.group.remove_slots(SlotsId(1));
        assert_eq!(gone, [IncomingTrackId(1000)]);
        assert_eq!(group.group.slots().count(), 3);
    }

    #[test]
    fn who_leaves_is_replaced_by_who_spoke_last() {
        let mut group = Group::with_slots(2, 2);
        for number in 1..6 {
            group.add(number);
        }
        for number in [5, 4, 3] {
            group.speak(number);
        }
        let gone = IncomingTrackId(4);
        let video = group.change(|group, now, changes| group.gone(now, gone, changes));
        assert_eq!(video, Some(IncomingTrackId(104)), "not wanted any more");
        let audio = [group.fed(1000), group.fed(1001)];
        assert!(audio.contains(&Some(3)) && audio.contains(&Some(5)), "{audio:?}");
        assert!(!group.slots.values().any(|track| *track == Some(4) || *track == Some(104)));
    }

    #[test]
    fn a_picture_that_ends_or_pauses_makes_room_for_another_and_its_sound_goes_on() {
        let mut group = Group::with_slots(1, 1);
        group.add(1);
        group.add(2);
        let picture = IncomingTrackId(101);
        group.change(|group, now, changes| group.mute(now, picture, true, changes));
        assert_eq!((group.fed(1000), group.fed(1500)), (Some(1), Some(102)));
        group.change(|group, now, changes| group.mute(now, picture, false, changes));
        assert_eq!(group.fed(1500), Some(102), "it stays");
        group.speak(1);
        assert_eq!(group.fed(1500), Some(101));
        group.change(|group, now, changes| group.gone(now, picture, changes));
        assert_eq!((group.fed(1000), group.fed(1500)), (Some(1), Some(102)));
        assert_eq!(group.group.tracks().count(), 3);
    }

    #[test]
    fn who_is_muted_gets_no_slot_until_it_goes_on() {
        let mut group = Group::with_slots(1, 0);
        group.add(1);
        let sound = IncomingTrackId(1);
        group.change(|group, now, changes| group.mute(now, sound, true, changes));
        assert_eq!(group.fed(1000), None);
        assert!(!group.speak(1));
        assert_eq!(group.fed(1000), None);
        group.change(|group, now, changes| group.mute(now, sound, false, changes));
        assert_eq!(group.fed(1000), Some(1));
    }

    #[test]
    fn another_picture_takes_the_place_of_the_first() {
        let mut group = Group::with_slots(0, 1);
        group.add(1);
        let member = Member {
            audio: IncomingTrackId(1),
            video: Some(IncomingTrackId(300)),
            owner: TransportId(1),
        };
        let old = group.change(|group, _, changes| group.add(member, changes));
        assert_eq!((old, group.fed(1500)), (Some(IncomingTrackId(101)), Some(300)));
        assert_eq!(group.group.tracks().count(), 2);
    }

    #[test]
    fn strangers_change_nothing() {
        let mut group = Group::with_slots(1, 1);
        let stranger = IncomingTrackId(77);
        assert!(!group.speak(77));
        group.change(|group, now, changes| {
            group.gone(now, stranger, changes);
            group.mute(now, stranger, true, changes);
            assert_eq!(group.remove(now, stranger, changes), None);
        });
        assert!(group.slots.is_empty());
    }
}
