//! The last packets of one encoding, kept once for all its receivers on a thread, so that memory
//! does not grow with receivers times history.

use std::sync::Arc;
use std::time::Instant;

use super::group::{Group, LONG, Reach, SHORT};
use super::packet::SourcePacket;

/// What a history begins with: most encodings never have more packets in the time that counts.
const FIRST_SLOTS: usize = 64;

/// A ring by source sequence number.
#[derive(Debug)]
pub struct History {
    slots: Vec<Option<Arc<SourcePacket>>>,
    newest: Option<Arc<SourcePacket>>,
    /// The last one was repeated since it came, see [`History::take_tail`].
    tail_repeated: bool,
    /// Somebody will look whether it has paused.
    watched: bool,
    /// Where a receiver's stream can begin.
    group: Option<Group>,
    /// The slots that it may have, too: 1,024 are some four seconds of 2 Mbit/s, far more than a
    /// receiver can still wait for.
    reach: &'static Reach,
}

impl Default for History {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            newest: None,
            tail_repeated: false,
            watched: false,
            group: None,
            reach: &SHORT,
        }
    }
}

impl History {
    /// Of a sender that makes no keyframes when it is asked to: its groups are kept for longer.
    pub fn of_unasked_keyframes() -> Self {
        Self { reach: &LONG, ..Self::default() }
    }

    /// Remembers a packet. One with nothing but padding is worth it only for the number that it has
    /// in the group.
    pub fn insert(&mut self, packet: &Arc<SourcePacket>) {
        if packet.payload.is_empty() && self.group.is_none() {
            return;
        }
        if self.newest.as_ref().is_some_and(|newest| newest.ssrc != packet.ssrc) {
            // The sender began anew: numbers of before mean other packets.
            *self = Self { watched: self.watched, reach: self.reach, ..Self::default() };
        }
        let begun = Group::begin(packet, self.group.as_ref(), self.reach);
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
        let (group, newest) = (self.group.filter(|group| group.lasts(now))?, self.newest.as_ref()?);
        (group.first..=newest.sequence)
            .map(|sequence| self.get(newest.ssrc, sequence).cloned())
            .collect()
    }

    /// Whether there is a group that a receiver which is about to connect can begin with.
    pub fn has_young_group(&self, now: Instant) -> bool {
        self.group.is_some_and(|group| group.is_young(now))
    }

    /// Doubles while slots are needed for packets that are less than a second old.
    fn grow(&mut self, packet: &SourcePacket) {
        if self.slots.is_empty() {
            self.slots.resize(FIRST_SLOTS, None);
        }
        let overwritten = self.slots[self.index(packet.sequence)].as_ref();
        let young = overwritten.is_some_and(|old| {
            packet.arrival.saturating_duration_since(old.arrival).as_millis() < 1000
        });
        let needed = overwritten.is_some_and(|old| {
            self.group.is_some_and(|group| group.is_long() && group.first <= old.sequence)
        });
        if (young || needed) && self.slots.len() < self.reach.slots {
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
    use crate::codec::Codec;

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
        assert!(history.has_young_group(then) && group(&history, then).is_some());
        assert!(!history.has_young_group(then + Duration::from_millis(1100)));
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
    fn of_a_sender_that_cannot_be_asked_the_group_is_kept_for_ten_seconds() {
        let mut source = Source::new(Codec::H264);
        let mut history = History::of_unasked_keyframes();
        let mut expected = put(&mut history, source.frame(true, 30));
        for _ in 0..9 {
            source.wait(Duration::from_secs(1));
            expected.extend(put(&mut history, source.frame(false, 200)));
        }
        assert_eq!(group(&history, source.now()), Some(expected));
        assert!(history.has_young_group(source.now()), "there is nothing to ask for");
        source.wait(Duration::from_secs(2));
        assert_eq!(group(&history, source.now()), None);

        put(&mut history, source.frame(true, 2));
        put(&mut history, source.frame(false, 4094));
        assert!(history.group.is_some());
        put(&mut history, source.frame(false, 1));
        assert!(history.group.is_none(), "4,096 packets at most");
        assert!(history.slots.len() <= LONG.slots);
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
