//! The last packets of one encoding, kept once for all its receivers on a thread, so that memory
//! does not grow with receivers times history.

use std::sync::Arc;
use std::time::Instant;

use super::group::{Group, LONG, Opening, Reach, SHORT};
use super::packet::SourcePacket;

/// What a history begins with: most encodings never have more packets in the time that counts.
const FIRST_SLOTS: usize = 64;

/// A ring by source sequence number.
#[derive(Default, Debug)]
pub struct History {
    slots: Vec<Option<Arc<SourcePacket>>>,
    newest: Option<Arc<SourcePacket>>,
    /// The last one was repeated since it came, see [`History::take_tail`].
    tail_repeated: bool,
    /// Somebody will look whether it has paused.
    watched: bool,
    /// Where a receiver's stream can begin.
    group: Option<Group>,
    /// The source makes no keyframe when one is asked for.
    unasked: bool,
}

impl History {
    /// Remembers a packet. One with nothing but padding is worth it only for the number that it has
    /// in the group.
    pub fn insert(&mut self, packet: &Arc<SourcePacket>) {
        if packet.payload.is_empty() && self.group.is_none() {
            return;
        }
        if self.newest.as_ref().is_some_and(|newest| newest.ssrc != packet.ssrc) {
            // The sender began anew: numbers of before mean other packets.
            *self = Self { watched: self.watched, unasked: self.unasked, ..Self::default() };
        }
        let begun = Group::begin(packet, self.group.as_ref(), self.reach());
        self.group = begun.or_else(|| self.group?.with(packet));
        self.grow(packet);
        let slot = self.index(packet.sequence);
        self.slots[slot] = Some(Arc::clone(packet));
        let newer = |newest: &Arc<SourcePacket>| newest.sequence < packet.sequence;
        if !packet.payload.is_empty() && self.newest.as_ref().is_none_or(newer) {
            self.newest = Some(Arc::clone(packet));
            self.tail_repeated = false;
        }
    }

    /// Whether the source makes a keyframe when one is asked for; if not, the last group of pictures is
    /// kept for longer.
    pub fn set_keyframes_on_request(&mut self, on_request: bool) {
        self.unasked = !on_request;
    }

    fn reach(&self) -> &'static Reach {
        if self.unasked { &LONG } else { &SHORT }
    }

    /// Nobody who begins gets what came before; who has begun may still ask for it again.
    pub fn forget_group(&mut self) {
        self.group = None;
    }

    /// Remembers a packet for receivers to come and for nobody else: the last group of pictures is all
    /// that is kept.
    pub fn insert_for_newcomers(&mut self, packet: &Arc<SourcePacket>) {
        self.insert(packet);
        match self.group {
            None => self.slots = Vec::new(),
            Some(group) if group.first == packet.sequence => {
                self.slots = Vec::new();
                self.insert(packet);
            }
            Some(_) => {}
        }
    }

    /// The last group of pictures, in the order of its numbers: a keyframe and all that came since.
    /// `None` when that is too much or too long ago, or something of it is missing.
    pub fn group(&self, now: Instant) -> Option<Vec<Arc<SourcePacket>>> {
        let group = self.group.filter(|group| group.lasts(now))?;
        self.since(&group)?.map(|packet| packet.cloned()).collect()
    }

    /// Whether there is a group, and no more of it than a receiver can begin with.
    pub fn opens(&self, now: Instant, opening: Opening) -> bool {
        self.group.is_some_and(|group| group.lasts(now) && self.fits(&group, opening))
    }

    /// Whether there is one that a receiver which is about to connect can begin with.
    pub fn is_going_to_open(&self, now: Instant, opening: Opening) -> bool {
        let opening = opening.of_growing();
        self.group.is_some_and(|group| group.is_young(now) && self.fits(&group, opening))
    }

    fn fits(&self, group: &Group, opening: Opening) -> bool {
        if group.is_all_there_is() {
            return true;
        }
        let packets = self.since(group).into_iter().flatten().flatten();
        opening.fits(group.timestamp, packets.map(Arc::as_ref))
    }

    /// The packets of a group, as far as they are there.
    fn since(&self, group: &Group) -> Option<impl Iterator<Item = Option<&Arc<SourcePacket>>>> {
        let newest = self.newest.as_ref()?;
        let numbers = group.first..=newest.sequence;
        Some(numbers.map(|sequence| self.get(newest.ssrc, sequence)))
    }

    /// Doubles while slots are needed for packets that are less than a second old, or of the group that
    /// is all there is to begin with.
    fn grow(&mut self, packet: &SourcePacket) {
        if self.slots.is_empty() {
            self.slots.resize(FIRST_SLOTS, None);
        }
        let overwritten = self.slots[self.index(packet.sequence)].as_ref();
        let young = overwritten.is_some_and(|old| {
            let grouped = self.unasked && self.group.is_some_and(|g| g.first <= old.sequence);
            grouped || packet.arrival.saturating_duration_since(old.arrival).as_millis() < 1000
        });
        if young && self.slots.len() < self.reach().slots {
            let length = 2 * self.slots.len();
            let before = std::mem::take(&mut self.slots);
            self.slots.resize(length, None);
            for kept in before.into_iter().flatten() {
                let slot = self.index(kept.sequence);
                self.slots[slot] = Some(kept);
            }
        }
    }

    fn index(&self, sequence: u64) -> usize {
        sequence as usize & (self.slots.len() - 1)
    }

    /// The packet with this sequence number of this SSRC, if it is still there.
    pub fn get(&self, ssrc: u32, sequence: u64) -> Option<&Arc<SourcePacket>> {
        if self.slots.is_empty() {
            return None;
        }
        let found = self.slots[self.index(sequence)].as_ref()?;
        (found.sequence == sequence && found.ssrc == ssrc).then_some(found)
    }

    /// When the newest packet came.
    pub fn newest_arrival(&self) -> Option<Instant> {
        self.newest.as_ref().map(|newest| newest.arrival)
    }

    /// Whether it is to be watched for pauses, and is not yet. From now on it is.
    pub fn begin_watch(&mut self) -> bool {
        self.newest.is_some() && !std::mem::replace(&mut self.watched, true)
    }

    /// It is not watched for pauses any more, until [`History::begin_watch`].
    pub fn end_watch(&mut self) {
        self.watched = false;
    }

    /// The newest packet, once: nobody asks for the last packet before a pause again when it is
    /// lost, because nothing behind it shows the gap.
    pub fn take_tail(&mut self) -> Option<Arc<SourcePacket>> {
        if std::mem::replace(&mut self.tail_repeated, true) {
            return None;
        }
        self.newest.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Source;
    use super::*;
    use crate::codec::{Codec, Layer};

    #[test]
    fn gives_what_was_put_in_and_forgets_the_oldest() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        let mut packets: Vec<_> = (0..SHORT.slots + 10).map(|_| source.packet()).collect();
        let now = packets[0].arrival;
        packets.iter_mut().for_each(|packet| packet.arrival = now);
        let packets: Vec<_> = packets.into_iter().map(Arc::new).collect();
        packets.iter().for_each(|packet| history.insert(packet));
        let ssrc = packets[0].ssrc;
        assert!(history.get(ssrc, packets[9].sequence).is_none());
        for packet in &packets[10..] {
            assert!(Arc::ptr_eq(history.get(ssrc, packet.sequence).unwrap(), packet));
        }
        assert!(history.get(ssrc, packets.last().unwrap().sequence + 1).is_none());
    }

    #[test]
    fn a_slow_stream_takes_few_slots() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        for second in 0..2000 {
            let mut packet = source.packet();
            packet.arrival += Duration::from_secs(second);
            history.insert(&Arc::new(packet));
        }
        assert_eq!(history.slots.len(), FIRST_SLOTS);
    }

    fn put(history: &mut History, packets: Vec<SourcePacket>) -> Vec<u64> {
        let put = |packet: SourcePacket| {
            history.insert(&Arc::new(packet.clone()));
            packet.sequence
        };
        packets.into_iter().map(put).collect()
    }

    fn group(history: &History, now: Instant) -> Option<Vec<u64>> {
        Some(history.group(now)?.iter().map(|packet| packet.sequence).collect())
    }

    #[test]
    fn of_a_file_the_group_is_kept_for_as_long_as_it_is_and_while_it_stands_still() {
        let later = |mut packet: SourcePacket, by: u64| {
            packet.arrival += Duration::from_millis(by);
            packet
        };
        for (on_request, kept) in [(true, false), (false, true)] {
            let mut source = Source::new(Codec::Vp8);
            let mut history = History::default();
            history.set_keyframes_on_request(on_request);
            let mut expected = put(&mut history, source.frame(true, 3));
            for picture in 1..300 {
                let frame = source.frame(false, 1).into_iter();
                expected.extend(put(&mut history, frame.map(|p| later(p, 33 * picture)).collect()));
            }
            let now = source.now() + Duration::from_secs(3600);
            assert_eq!(group(&history, now), kept.then_some(expected), "{on_request}");
        }
    }

    #[test]
    fn the_group_is_what_came_since_the_last_keyframe_padding_included() {
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
            let mut source = Source::new(codec);
            let mut history = History::default();
            put(&mut history, source.frame(false, 2));
            assert_eq!(group(&history, source.now()), None, "{codec}");
            put(&mut history, source.frame(true, 3));
            let mut expected = put(&mut history, source.frame(true, 3));
            expected.extend(put(&mut history, vec![source.padding()]));
            expected.extend(put(&mut history, source.frame(false, 2)));
            assert_eq!(group(&history, source.now()), Some(expected), "{codec}");
        }
    }

    #[test]
    fn a_group_with_a_hole_is_none_until_it_is_filled() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        put(&mut history, source.frame(true, 2));
        let mut frame = source.frame(false, 3);
        let late = frame.remove(1);
        put(&mut history, frame);
        assert_eq!(group(&history, source.now()), None);
        put(&mut history, vec![late]);
        assert_eq!(group(&history, source.now()).unwrap().len(), 5);
    }

    #[test]
    fn a_group_ends_when_it_is_old_or_long_or_large() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        put(&mut history, source.frame(true, 2));
        let then = source.now();
        let any = Opening { layers: Layer::HIGHEST, room: usize::MAX };
        assert!(history.is_going_to_open(then, any) && group(&history, then).is_some());
        assert!(!history.is_going_to_open(then + Duration::from_millis(1100), any));
        assert!(group(&history, then + Duration::from_millis(2100)).is_none());

        put(&mut history, source.frame(false, 511));
        assert!(history.group.is_none());

        put(&mut history, source.frame(true, 2));
        for _ in 0..24 {
            let mut packet = source.packet();
            packet.payload = [&packet.payload[..], &[0; 11_000]].concat().into();
            put(&mut history, vec![packet]);
        }
        assert!(history.group.is_none());
    }

    #[test]
    fn a_receiver_begins_with_a_group_only_if_it_has_room_for_what_came_since_the_keyframe() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        put(&mut history, source.frame(true, 20));
        let between = source.frame(false, 2);
        let bytes = between.iter().map(|packet| packet.payload.len()).sum();
        put(&mut history, between);
        let now = source.now();
        let layers = Layer::HIGHEST;
        assert!(history.opens(now, Opening { layers, room: bytes }));
        assert!(!history.opens(now, Opening { layers, room: bytes - 1 }));
        assert!(history.is_going_to_open(now, Opening { layers, room: 2 * bytes }));
        assert!(!history.is_going_to_open(now, Opening { layers, room: 2 * bytes - 1 }));
        let mut above = source.frame(false, 2);
        above.iter_mut().for_each(|packet| packet.description.layer = Layer::new(1, 0));
        put(&mut history, above);
        let now = source.now();
        assert!(!history.opens(now, Opening { layers, room: bytes }));
        assert!(history.opens(now, Opening { layers: Layer::new(0, 3), room: bytes }));
    }

    #[test]
    fn a_sender_that_makes_no_keyframe_on_request_has_longer_groups() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        history.set_keyframes_on_request(false);
        put(&mut history, source.frame(true, 2));
        for _ in 0..8 {
            source.wait(Duration::from_secs(1));
            put(&mut history, source.frame(false, 400));
        }
        assert_eq!(group(&history, source.now()).unwrap().len(), 3202, "nothing is overwritten");
        let opening = Opening { layers: Layer::HIGHEST, room: 0 };
        assert!(history.opens(source.now(), opening), "there is nothing else to begin with");
        put(&mut history, source.frame(false, 1000));
        assert!(history.group.is_none(), "more than may be");

        put(&mut history, source.frame(true, 2));
        for _ in 0..300 {
            let mut packet = source.packet();
            packet.payload = [&packet.payload[..], &[0; 14_000]].concat().into();
            put(&mut history, vec![packet]);
        }
        assert!(history.group.is_none(), "4 MiB");
    }

    #[test]
    fn who_begins_gets_nothing_of_what_is_to_be_forgotten() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        history.set_keyframes_on_request(false);
        let kept = put(&mut history, source.frame(true, 2));
        history.forget_group();
        put(&mut history, source.frame(false, 2));
        assert_eq!(group(&history, source.now()), None);
        assert!(history.get(source.packet().ssrc, kept[0]).is_some(), "who lost it may ask again");
        let expected = put(&mut history, source.frame(true, 2));
        assert_eq!(group(&history, source.now()), Some(expected));
    }

    #[test]
    fn for_newcomers_alone_nothing_but_the_group_is_kept() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        let kept = |history: &History| history.slots.iter().flatten().count();
        let put = |history: &mut History, packets: Vec<SourcePacket>| {
            packets.into_iter().for_each(|packet| history.insert_for_newcomers(&Arc::new(packet)));
            kept(history)
        };
        assert_eq!(put(&mut history, source.frame(false, 5)), 0);
        assert_eq!(put(&mut history, source.frame(true, 3)), 3);
        assert_eq!(put(&mut history, source.frame(false, 2)), 5);
        assert_eq!(put(&mut history, source.frame(true, 4)), 4);
        source.wait(Duration::from_secs(3));
        assert_eq!(put(&mut history, source.frame(false, 2)), 0);
    }

    #[test]
    fn another_ssrc_clears_it() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        let old = Arc::new(source.packet());
        history.insert(&old);
        let mut new = source.packet();
        new.ssrc = old.ssrc + 1;
        history.insert(&Arc::new(new.clone()));
        assert!(history.get(old.ssrc, old.sequence).is_none());
        assert!(history.get(new.ssrc, new.sequence).is_some());
    }

    #[test]
    fn it_is_watched_once_until_that_ends() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        assert!(!history.begin_watch(), "nothing to watch");
        history.insert(&Arc::new(source.packet()));
        assert!(history.begin_watch());
        let mut anew = source.packet();
        anew.ssrc += 1;
        history.insert(&Arc::new(anew));
        assert!(!history.begin_watch());
        history.end_watch();
        assert!(history.begin_watch());
    }

    #[test]
    fn the_tail_is_given_once_and_again_after_another_packet() {
        let mut source = Source::new(Codec::Vp8);
        let mut history = History::default();
        assert!(history.take_tail().is_none());
        let (first, second) = (Arc::new(source.packet()), Arc::new(source.packet()));
        history.insert(&second);
        history.insert(&first);
        assert!(
            Arc::ptr_eq(&history.take_tail().unwrap(), &second),
            "the newest, not the last to come"
        );
        assert!(history.take_tail().is_none());
        history.insert(&Arc::new(source.packet()));
        assert!(history.take_tail().is_some());
    }
}
