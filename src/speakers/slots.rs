//! Which members of a group feed which of a few outgoing slots: the loudest ones' sound, and the
//! pictures of those who had the word last.
//!
//! A slot changes only when it has to. Who is among the loudest keeps the slot, so receivers hear
//! no shuffling, and a slot goes on with whoever had it in silence.
//!
//! Known as last-N: however many members there are, a receiver has N tracks.

use std::time::Instant;

use super::dominant::Voices;
use crate::control::ids::{SourceId, TransportId};

/// Who has a slot and speaks keeps it against anybody who does not lead by this.
const LEAD: f32 = 0.1;

/// Somebody who may get a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    pub audio: SourceId,
    pub video: Option<SourceId>,
    /// Whose it is.
    pub owner: TransportId,
}

/// The slots of a group, by number.
#[derive(Debug)]
pub struct SpeakerSlots {
    audio: Vec<Option<Member>>,
    video: Vec<Option<Member>>,
    /// Who had the word, the last one last. As many as there are pictures.
    words: Vec<SourceId>,
}

/// Slots that have somebody else from now on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Changes {
    pub audio: Option<usize>,
    pub video: Option<usize>,
}

impl SpeakerSlots {
    /// So many slots for sound and for pictures, all of them free.
    pub fn new(audio: usize, video: usize) -> Self {
        Self { audio: vec![None; audio], video: vec![None; video], words: Vec::new() }
    }

    /// Whose sound each slot has, by number; `None` is free.
    pub fn audio(&self) -> &[Option<Member>] {
        &self.audio
    }

    /// Whose pictures each slot has, by number; `None` is free.
    pub fn video(&self) -> &[Option<Member>] {
        &self.video
    }

    /// Whether nothing is free.
    pub fn full(&self) -> bool {
        self.audio.iter().chain(&self.video).all(Option::is_some)
    }

    /// Lets a member have a slot that is free: nobody has to speak for it.
    pub fn fill_audio(&mut self, member: Member) -> Option<usize> {
        place(&mut self.audio, member)
    }

    /// The same for pictures. A member without video gets none.
    pub fn fill_video(&mut self, member: Member) -> Option<usize> {
        member.video.and_then(|_| place(&mut self.video, member))
    }

    /// Something was told of a member: the sound of one who speaks is heard.
    pub fn speaks(&mut self, now: Instant, member: Member, voices: &Voices<SourceId>) -> Changes {
        let mut changes = Changes { audio: self.fill_audio(member), video: None };
        if changes.audio.is_some() || holds(&self.audio, member.audio) {
            return changes;
        }
        let challenger = voices.of(now, member.audio);
        let merits = self
            .audio
            .iter()
            .map(|slot| slot.map_or(0.0, |holder| voices.of(now, holder.audio).for_a_place()));
        let weakest = merits.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((slot, weakest)) = weakest
            && challenger.immediate > 0.0
            && challenger.for_a_place() >= weakest + LEAD
        {
            self.audio[slot] = Some(member);
            changes.audio = Some(slot);
        }
        changes
    }

    /// A member has the word: their picture is seen.
    pub fn has_word(&mut self, member: Member) -> Changes {
        if member.video.is_none() || self.video.is_empty() {
            return Changes::default();
        }
        self.words.retain(|known| *known != member.audio);
        if self.words.len() == self.video.len() {
            self.words.remove(0);
        }
        self.words.push(member.audio);
        if holds(&self.video, member.audio) {
            return Changes::default();
        }
        if let Some(slot) = place(&mut self.video, member) {
            return Changes { video: Some(slot), audio: None };
        }
        // Who never had the word goes first, then whoever had it the longest ago.
        let turn = |slot: &Option<Member>| {
            let of = |known: &SourceId| slot.is_some_and(|m| m.audio == *known);
            self.words.iter().position(of).map_or(0, |turn| turn + 1)
        };
        let slot = (0..self.video.len()).min_by_key(|slot| turn(&self.video[*slot]));
        if let Some(slot) = slot {
            self.video[slot] = Some(member);
        }
        Changes { video: slot, audio: None }
    }

    /// A member is gone. Frees what they had.
    pub fn remove(&mut self, audio: SourceId) -> Changes {
        self.words.retain(|known| *known != audio);
        Changes { audio: self.remove_audio(audio), video: self.remove_video(audio) }
    }

    /// Nothing is heard of a member any more.
    pub fn remove_audio(&mut self, audio: SourceId) -> Option<usize> {
        free(&mut self.audio, audio)
    }

    /// A member has no picture any more.
    pub fn remove_video(&mut self, audio: SourceId) -> Option<usize> {
        free(&mut self.video, audio)
    }
}

fn holds(slots: &[Option<Member>], audio: SourceId) -> bool {
    slots.iter().flatten().any(|member| member.audio == audio)
}

fn place(slots: &mut [Option<Member>], member: Member) -> Option<usize> {
    if holds(slots, member.audio) {
        return None;
    }
    let free = slots.iter().position(Option::is_none)?;
    slots[free] = Some(member);
    Some(free)
}

fn free(slots: &mut [Option<Member>], audio: SourceId) -> Option<usize> {
    let slot = slots.iter().position(|slot| slot.is_some_and(|member| member.audio == audio))?;
    slots[slot] = None;
    Some(slot)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::speech::Speech;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn member(number: u64) -> Member {
        Member {
            audio: SourceId(number),
            video: Some(SourceId(1000 + number)),
            owner: TransportId(number),
        }
    }

    fn who(slots: &[Option<Member>]) -> Vec<u64> {
        slots.iter().map(|slot| slot.map_or(0, |member| member.audio.0)).collect()
    }

    struct Group {
        slots: SpeakerSlots,
        voices: Voices<SourceId>,
        now: Instant,
    }

    impl Group {
        fn new(audio: usize, video: usize, members: u64) -> Self {
            let mut slots = SpeakerSlots::new(audio, video);
            for number in 1..=members {
                slots.fill_audio(member(number));
                slots.fill_video(member(number));
            }
            Self { slots, voices: Voices::default(), now: Instant::now() }
        }

        /// Somebody has spoken for a while at this loudness.
        fn speak(&mut self, number: u64, loudness: f32) -> Changes {
            let speech = Speech { immediate: 1.0, medium: 1.0, loudness, long: loudness };
            self.voices.receive(self.now, SourceId(number), speech);
            self.slots.speaks(self.now, member(number), &self.voices)
        }

        fn wait(&mut self, time: Duration) {
            self.now += time;
        }
    }

    #[test]
    fn the_first_members_fill_the_slots_and_the_next_ones_have_to_speak() {
        let mut group = Group::new(3, 0, 5);
        assert_eq!(who(group.slots.audio()), [1, 2, 3]);
        group.speak(5, 0.7);
        assert_eq!(who(group.slots.audio()), [5, 2, 3]);
    }

    #[test]
    fn who_is_among_the_loudest_keeps_the_slot_whatever_the_order() {
        let mut group = Group::new(3, 0, 10);
        for number in [7, 8, 9] {
            group.speak(number, 0.6);
        }
        let before = who(group.slots.audio());
        for (number, loudness) in [(7, 0.9), (8, 0.5), (9, 0.7), (8, 0.9), (7, 0.5)] {
            assert_eq!(group.speak(number, loudness), Changes::default());
        }
        assert_eq!(who(group.slots.audio()), before);
    }

    #[test]
    fn one_a_little_louder_does_not_take_a_slot_and_one_much_louder_does() {
        let mut group = Group::new(2, 0, 4);
        group.speak(1, 0.6);
        group.speak(2, 0.55);
        assert_eq!(group.speak(3, 0.6), Changes::default());
        assert_eq!(group.speak(3, 0.9).audio, Some(1), "the weakest goes");
        assert_eq!(who(group.slots.audio()), [1, 3]);
    }

    #[test]
    fn the_silent_give_way_to_a_first_word() {
        let mut group = Group::new(1, 0, 2);
        group.speak(1, 0.8);
        let word = Speech { immediate: 1.0, medium: 0.3, loudness: 0.24, long: 0.1 };
        group.voices.receive(group.now, SourceId(2), word);
        assert_eq!(group.slots.speaks(group.now, member(2), &group.voices), Changes::default());
        group.wait(700 * MS);
        group.voices.receive(group.now, SourceId(2), word);
        assert_eq!(group.slots.speaks(group.now, member(2), &group.voices).audio, Some(0));
    }

    #[test]
    fn pictures_are_of_those_who_had_the_word_last() {
        let mut group = Group::new(0, 3, 6);
        assert_eq!(who(group.slots.video()), [1, 2, 3]);
        for number in [5, 6, 4] {
            group.slots.has_word(member(number));
        }
        assert_eq!(who(group.slots.video()), [5, 6, 4]);
        // Six has a picture already, and spoke more lately than five now.
        assert_eq!(group.slots.has_word(member(6)), Changes::default());
        group.slots.has_word(member(1));
        assert_eq!(who(group.slots.video()), [1, 6, 4]);
        group.slots.has_word(member(2));
        assert_eq!(who(group.slots.video()), [1, 6, 2]);
    }

    #[test]
    fn one_without_a_picture_takes_no_place_of_one_with() {
        let mut group = Group::new(1, 1, 1);
        let unseen = Member { video: None, ..member(2) };
        assert_eq!(group.slots.has_word(unseen), Changes::default());
        assert_eq!(who(group.slots.video()), [1]);
    }

    #[test]
    fn who_leaves_frees_what_they_had() {
        let mut group = Group::new(2, 2, 2);
        let freed = group.slots.remove(SourceId(2));
        assert_eq!(freed, Changes { audio: Some(1), video: Some(1) });
        assert_eq!(group.slots.remove(SourceId(2)), Changes::default());
        assert_eq!(group.slots.remove_video(SourceId(1)), Some(0));
        assert_eq!((who(group.slots.audio()), who(group.slots.video())), (vec![1, 0], vec![0, 0]));
    }
}
