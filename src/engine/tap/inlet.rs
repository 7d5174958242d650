//! What shards leave for whoever takes or makes tracks on a thread of another kind: packets of the
//! tracks that are taken, and what else there is to know of either.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;

use crate::control::ids::{Ended, IdMap, SourceId};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

/// Packets that may wait: at 50 packets a second of 1,000 members of a mixer, 160 ms.
const MAX_PACKETS: usize = 8_192;

/// The shards' end of a taker or maker of tracks.
pub struct Inlet {
    packets: mpsc::Sender<Arc<SourcePacket>>,
    dropped: AtomicU64,
    notes: Mutex<Notes>,
    /// Gets the other end to look, if it sleeps.
    wake: Box<dyn Fn() + Send + Sync>,
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
    pub fn new(
        wake: impl Fn() + Send + Sync + 'static,
    ) -> (Arc<Self>, mpsc::Receiver<Arc<SourcePacket>>) {
        let (packets, receiver) = mpsc::channel(MAX_PACKETS);
        let inlet = Self {
            packets,
            dropped: AtomicU64::new(0),
            notes: Mutex::default(),
            wake: Box::new(wake),
        };
        (Arc::new(inlet), receiver)
    }

    /// Wakes nobody: who takes packets looks every few milliseconds. One that does not
    /// keep up loses the newest, which are counted.
    pub fn packet(&self, packet: &Arc<SourcePacket>) {
        if self.packets.try_send(Arc::clone(packet)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
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
