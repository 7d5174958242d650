//! What shards leave for whoever takes or makes tracks on a thread of another kind: packets of the
//! tracks that are taken, and what else there is to know of either.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec;

use tokio::sync::mpsc;

use crate::control::ids::{Ended, IdMap, SourceId};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

/// What may wait: at 50 packets a second of 1,000 members of a mixer, 160 ms. The last group of pictures
/// of a track, thousands of packets that are there anyway, takes the place of one: many may begin at once.
const MAX_WAITING: usize = 8_192;

/// The shards' end of a taker or maker of tracks.
pub struct Inlet {
    packets: mpsc::Sender<Left>,
    dropped: AtomicU64,
    notes: Mutex<Notes>,
    /// Gets the other end to look, if it sleeps.
    wake: Box<dyn Fn() + Send + Sync>,
}

/// What shards leave of tracks that go in, one behind the other.
enum Left {
    Packet(Arc<SourcePacket>),
    Group(Vec<Arc<SourcePacket>>),
}

/// The other end of the packets that a shard leaves at an [`Inlet`].
#[derive(Debug)]
pub struct LeftPackets {
    receiver: mpsc::Receiver<Left>,
    /// What there is still of a group.
    group: vec::IntoIter<Arc<SourcePacket>>,
}

impl LeftPackets {
    /// The packet that came longest ago, if any waits.
    pub fn poll(&mut self) -> Option<Arc<SourcePacket>> {
        loop {
            if let Some(packet) = self.group.next() {
                return Some(packet);
            }
            match self.receiver.try_recv().ok()? {
                Left::Packet(packet) => return Some(packet),
                Left::Group(group) => self.group = group.into_iter(),
            }
        }
    }
}

/// What changed since the other end last looked. Of everything only the latest is kept, so there is no
/// more of it than there are tracks.
#[derive(Default, Debug)]
pub struct Notes {
    /// Of tracks that go in: what they are now. `None`: gone.
    pub sources: IdMap<SourceId, Option<Arc<SourceDescription>>>,
    /// Of tracks that come out: what their receivers take.
    pub demand: IdMap<SourceId, EncodingSet>,
    /// Of tracks that come out: encodings that somebody needs a keyframe of.
    pub keyframes: HashSet<(SourceId, EncodingIndex)>,
    /// Shards that lost all they had: tracks that go in and tracks that come out.
    pub ended: Vec<Ended>,
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").finish_non_exhaustive()
    }
}

impl Inlet {
    /// `wake` must not block. Gives the other end of the packets as well.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> (Arc<Self>, LeftPackets) {
        let (packets, receiver) = mpsc::channel(MAX_WAITING);
        let inlet = Self {
            packets,
            dropped: AtomicU64::new(0),
            notes: Mutex::default(),
            wake: Box::new(wake),
        };
        (Arc::new(inlet), LeftPackets { receiver, group: Vec::new().into_iter() })
    }

    /// Wakes nobody: who takes packets looks every few milliseconds. One that does not
    /// keep up loses the newest, which are counted.
    pub fn packet(&self, packet: &Arc<SourcePacket>) {
        if self.packets.try_send(Left::Packet(Arc::clone(packet))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The last group of pictures of a track, for who begins with it: all of it or, when there is no room,
    /// nothing. Half a group would be pictures that nothing can be made of.
    pub fn group(&self, group: Vec<Arc<SourcePacket>>) {
        let packets = group.len() as u64;
        if packets > 0 && self.packets.try_send(Left::Group(group)).is_err() {
            self.dropped.fetch_add(packets, Ordering::Relaxed);
        }
    }

    /// A taken track is something else now, or gone.
    pub fn described(&self, track: SourceId, description: Option<Arc<SourceDescription>>) {
        self.lock().sources.insert(track, description);
        self.wake();
    }

    /// The receivers of a made track take other encodings now.
    pub fn demand(&self, track: SourceId, wanted: EncodingSet) {
        self.lock().demand.insert(track, wanted);
        self.wake();
    }

    /// Somebody needs a keyframe of a made track.
    pub fn keyframe(&self, track: SourceId, encoding: EncodingIndex) {
        self.lock().keyframes.insert((track, encoding));
        self.wake();
    }

    /// A shard lost all it had, which it cannot tell itself.
    pub fn thread_ended(&self, ended: Ended) {
        let mut notes = self.lock();
        // What ended the last time is part of it.
        notes.ended.retain(|known| known.shard != ended.shard);
        notes.ended.push(ended);
        drop(notes);
        self.wake();
    }

    /// What was noted since the last call.
    pub fn take_notes(&self) -> Notes {
        std::mem::take(&mut *self.lock())
    }

    /// Packets that found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Gets the other end to look.
    pub fn wake(&self) {
        (self.wake)();
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        // Nothing panics while the lock is held.
        self.notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sfu::testing::Source;

    fn packets(count: usize) -> Vec<Arc<SourcePacket>> {
        let mut source = Source::new(Codec::Vp8);
        (0..count).map(|_| Arc::new(source.packet())).collect()
    }

    fn left(packets: &mut LeftPackets) -> Vec<u64> {
        std::iter::from_fn(|| packets.poll()).map(|packet| packet.sequence).collect()
    }

    #[test]
    fn long_groups_of_many_tracks_find_room_at_once_and_go_before_what_comes_next() {
        let (inlet, mut receiver) = Inlet::new(|| ());
        let all = packets(4_001);
        let (next, group) = all.split_last().unwrap();
        for _ in 0..20 {
            inlet.group(group.to_vec());
            inlet.packet(next);
        }
        let expected: Vec<u64> = all.iter().map(|packet| packet.sequence).collect();
        let came = left(&mut receiver);
        assert_eq!(came.len(), 20 * all.len());
        assert!(came.chunks(all.len()).all(|group| group == expected));
        assert_eq!(inlet.dropped(), 0);
    }

    #[test]
    fn a_group_without_room_is_left_out_as_a_whole_and_counted() {
        let (inlet, mut receiver) = Inlet::new(|| ());
        let all = packets(10);
        for _ in 0..MAX_WAITING {
            inlet.packet(&all[0]);
        }
        inlet.group(all);
        assert_eq!(inlet.dropped(), 10);
        assert_eq!(left(&mut receiver).len(), MAX_WAITING);
        inlet.group(Vec::new());
        assert_eq!((left(&mut receiver).len(), inlet.dropped()), (0, 10), "nothing is no group");
    }
}
