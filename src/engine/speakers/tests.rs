use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::speakers::talking::PAUSE;

const SPEAKING: Speech = Speech { immediate: 1.0, medium: 1.0, loudness: 0.8, long: 0.8 };

struct Group {
    group: SpeakerGroup,
    now: Instant,
    /// What feeds each slot, as told.
    slots: HashMap<u64, Option<u64>>,
}

impl Group {
    fn new() -> Self {
        Self { group: SpeakerGroup::new(-60, PAUSE), now: Instant::now(), slots: HashMap::new() }
    }

    fn with_slots(audio: u64, video: u64) -> Self {
        let mut group = Self::new();
        group.slots(1, audio, video);
        group
    }

    fn slots(&mut self, id: u64, audio: u64, video: u64) {
        let ids = |from: u64, count: u64| (from..from + count).map(SourceId).collect();
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
        let (audio, owner) = (SourceId(number), TransportId(number));
        let member = Member { audio, video: Some(SourceId(number + 100)), owner };
        self.change(|group, _, changes| group.add(member, changes));
    }

    fn speak(&mut self, number: u64) -> bool {
        self.now += Duration::from_secs(1);
        self.change(|group, now, changes| group.speech(now, SourceId(number), SPEAKING, changes))
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
    assert_eq!(group.group.dominant(), Some(SourceId(4)));
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
    assert_eq!(gone, [SourceId(1000)]);
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
    let gone = SourceId(4);
    let video = group.change(|group, now, changes| group.gone(now, gone, changes));
    assert_eq!(video, Some(SourceId(104)), "not wanted any more");
    let audio = [group.fed(1000), group.fed(1001)];
    assert!(audio.contains(&Some(3)) && audio.contains(&Some(5)), "{audio:?}");
    assert!(!group.slots.values().any(|track| *track == Some(4) || *track == Some(104)));
}

#[test]
fn a_picture_that_ends_or_pauses_makes_room_for_another_and_its_sound_goes_on() {
    let mut group = Group::with_slots(1, 1);
    group.add(1);
    group.add(2);
    let picture = SourceId(101);
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
    let sound = SourceId(1);
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
    let member = Member { audio: SourceId(1), video: Some(SourceId(300)), owner: TransportId(1) };
    let old = group.change(|group, _, changes| group.add(member, changes));
    assert_eq!((old, group.fed(1500)), (Some(SourceId(101)), Some(300)));
    assert_eq!(group.group.tracks().count(), 2);
}

#[test]
fn strangers_change_nothing() {
    let mut group = Group::with_slots(1, 1);
    let stranger = SourceId(77);
    assert!(!group.speak(77));
    group.change(|group, now, changes| {
        group.gone(now, stranger, changes);
        group.mute(now, stranger, true, changes);
        assert_eq!(group.remove(now, stranger, changes), None);
    });
    assert!(group.slots.is_empty());
}
