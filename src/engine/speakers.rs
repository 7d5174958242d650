//! A group of members of whom some speak, on the shard it lives on: who has the word, and who has
//! which slot. No messages here; [`Shard`](super::shard::Shard) sends what changed.

use std::time::{Duration, Instant};

use crate::control::ids::{IdMap, SlotsId, SourceId, TransportId};
use crate::speakers::slots::Changes;
use crate::speakers::{DominantSpeaker, Member, SpeakerSlots, Speech, Talking, Voices};

/// A track and whose it is.
pub type Source = (SourceId, TransportId);

/// A slot has another source from now on, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotChange {
    pub slot: SourceId,
    pub source: Option<Source>,
}

/// A member begins or stops to talk.
pub type Talk = (SourceId, bool);

/// One group; see the module.
pub struct SpeakerGroup {
    /// Sound below this level, in dBov, does not count.
    pub threshold: i8,
    pause: Duration,
    /// By their sound.
    members: IdMap<SourceId, Entry>,
    /// Whose a picture is.
    pictures: IdMap<SourceId, SourceId>,
    voices: Voices<SourceId>,
    dominant: DominantSpeaker<SourceId>,
    /// Who talks, while somebody wants to know.
    talking: Option<Talking<SourceId>>,
    /// Who began or stopped, to be told.
    talk: Vec<Talk>,
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
    audio: Vec<SourceId>,
    video: Vec<SourceId>,
}

impl SpeakerGroup {
    /// Nobody is a member. `threshold` is the level in dBov from which on sound counts, `pause` how
    /// long who talks may make none.
    pub fn new(threshold: i8, pause: Duration) -> Self {
        Self {
            threshold,
            pause,
            members: IdMap::default(),
            pictures: IdMap::default(),
            voices: Voices::default(),
            dominant: DominantSpeaker::default(),
            talking: None,
            talk: Vec::new(),
            sets: Vec::new(),
            came: 0,
        }
    }

    /// Who has the word, if anybody.
    pub fn dominant(&self) -> Option<SourceId> {
        self.dominant.current()
    }

    /// The tracks it has to be told of.
    pub fn tracks(&self) -> impl Iterator<Item = SourceId> {
        self.members.keys().chain(self.pictures.keys()).copied()
    }

    /// Whether anybody wants to know who talks.
    pub fn listen(&mut self, listen: bool) {
        match (&self.talking, listen) {
            (None, true) => self.talking = Some(Talking::new(self.pause)),
            (Some(_), false) => self.talking = None,
            _ => {}
        }
    }

    /// Who began or stopped to talk since the last call.
    pub fn take_talk(&mut self) -> impl Iterator<Item = Talk> {
        self.talk.drain(..)
    }

    /// When [`SpeakerGroup::handle_timeout`] wants to be called.
    pub fn next(&self) -> Option<Instant> {
        self.talking.as_ref()?.next()
    }

    /// Finds out who stopped to talk.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut ended = Vec::new();
        if let Some(talking) = &mut self.talking {
            talking.poll(now, &mut ended);
        }
        self.talk.extend(ended.into_iter().map(|audio| (audio, false)));
    }

    fn silence(&mut self, audio: SourceId) {
        self.voices.remove(audio);
        if self.talking.as_mut().is_some_and(|talking| talking.remove(audio)) {
            self.talk.push((audio, false));
        }
    }

    /// All slots, with what feeds each.
    pub fn slots(&self) -> impl Iterator<Item = SourceId> {
        self.sets.iter().flat_map(|set| set.audio.iter().chain(&set.video)).copied()
    }

    /// Adds a member. Gives the picture it had before, when that is another one or none now.
    pub fn add(&mut self, member: Member, changes: &mut Vec<SlotChange>) -> Option<SourceId> {
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
        audio: SourceId,
        changes: &mut Vec<SlotChange>,
    ) -> Option<Option<SourceId>> {
        let entry = self.members.remove(&audio)?;
        self.silence(audio);
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
        track: SourceId,
        changes: &mut Vec<SlotChange>,
    ) -> Option<SourceId> {
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
    fn take_picture(&mut self, video: SourceId, audio: SourceId, changes: &mut Vec<SlotChange>) {
        let other = self.pictures.get(&video).copied().filter(|other| *other != audio);
        if let Some(other) = other {
            self.lose_picture(video, changes);
            if let Some(entry) = self.members.get_mut(&other) {
                entry.member.video = None;
            }
        }
        self.pictures.insert(video, audio);
    }

    fn lose_picture(&mut self, video: SourceId, changes: &mut Vec<SlotChange>) {
        let Some(audio) = self.pictures.remove(&video) else { return };
        self.hide(audio, changes);
    }

    fn hide(&mut self, audio: SourceId, changes: &mut Vec<SlotChange>) {
        for set in &mut self.sets {
            let freed = Changes { video: set.slots.remove_video(audio), audio: None };
            set.report(freed, changes);
        }
    }

    /// A sender holds a track, or goes on with it.
    pub fn mute(
        &mut self,
        now: Instant,
        track: SourceId,
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
            self.silence(audio);
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
        audio: SourceId,
        speech: Speech,
        changes: &mut Vec<SlotChange>,
    ) -> bool {
        let Some(entry) = self.members.get(&audio).filter(|entry| !entry.muted) else {
            return false;
        };
        self.voices.receive(now, audio, speech);
        if self.talking.as_mut().is_some_and(|talking| talking.hear(now, audio)) {
            self.talk.push((audio, true));
        }
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

    /// Makes slots with these ids, and fills them at once with whoever is there.
    pub fn add_slots(
        &mut self,
        now: Instant,
        id: SlotsId,
        audio: Vec<SourceId>,
        video: Vec<SourceId>,
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
    pub fn remove_slots(&mut self, id: SlotsId) -> Vec<SourceId> {
        let Some(index) = self.sets.iter().position(|set| set.id == id) else { return Vec::new() };
        let Set { mut audio, video, .. } = self.sets.remove(index);
        audio.extend(video);
        audio
    }

    /// Lets a member have what is free.
    fn offer(&mut self, audio: SourceId, changes: &mut Vec<SlotChange>) {
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
mod tests;
