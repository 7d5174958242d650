//! The last packets of one encoding, kept once for all its receivers on a thread, so that memory
//! does not grow with receivers times history.

use std::sync::Arc;
use std::time::Instant;

use super::packet::SourcePacket;

/// Some four seconds of 2 Mbit/s, far more than a receiver can still wait for.
const SLOTS: usize = 1024;
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
}

impl History {
    /// Remembers a packet. One with nothing but padding is not worth it.
    pub fn insert(&mut self, packet: &Arc<SourcePacket>) {
        if packet.payload.is_empty() {
            return;
        }
        if self.newest.as_ref().is_some_and(|newest| newest.ssrc != packet.ssrc) {
            // The sender began anew: numbers of before mean other packets.
            *self = Self { watched: self.watched, ..Self::default() };
        }
        self.grow(packet);
        let slot = self.index(packet.sequence);
        self.slots[slot] = Some(Arc::clone(packet));
        if self.newest.as_ref().is_none_or(|newest| newest.sequence < packet.sequence) {
            self.newest = Some(Arc::clone(packet));
            self.tail_repeated = false;
        }
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
        if young && self.slots.len() < SLOTS {
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
        let mut packets: Vec<_> = (0..SLOTS + 10).map(|_| source.packet()).collect();
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
