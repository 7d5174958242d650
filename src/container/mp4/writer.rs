//! Writing a file: fragments one behind the other, each sealed by its first bytes, and an index when
//! it is finished.

use std::time::Duration;

use super::boxes::{self, boxed, u64s};
use super::fragmenter::Fragmenter;
use super::movie;
use crate::codec::configuration::Configuration;
use crate::container::error::ContainerError;
use crate::container::output::{Output, Step};
use crate::container::{Frame, Muxer, TrackEntry};

/// Marks of a file, and letters of the name of one.
const MAX_MARKS: usize = 1_000;
const MAX_MARK_NAME: usize = 1_024;
/// Each of the two rooms for what the tracks are takes 25 of the usual.
const ROOM: u32 = 16 << 10;
/// Room behind `ftyp` for the head of one box around all fragments: with a size of 64 bits.
pub(super) const LARGE_HEAD: u32 = 16;
/// A frame that no other follows lasts until one does, or for so long: longer than frames wait for
/// packets that are repeated, as those that come later than that would begin late.
const HOLD: Duration = Duration::from_millis(1_200);
/// What a mark is in the file: a moment in nanoseconds and its name.
pub(super) const MARK: [u8; 16] = *b"medialoom mark 1";

/// A file on its way to the disk.
pub struct Writer {
    out: Output,
    fragmenter: Fragmenter,
    rooms: Rooms,
    marks: usize,
    /// It has a frame.
    begun: bool,
}

/// Where the file says what its tracks are. That changes when a track joins, and players have to
/// find either all of the old or all of the new: the new one is written where nobody looks, in the
/// other room, and one write of eight bytes changes where they look.
struct Rooms {
    /// Of the first one; the second one is behind it.
    at: u64,
    uses_second: bool,
}

impl Writer {
    /// Begins a file of fragments about as long as `fragment`. `date` counts from 1970.
    pub fn new(fragment: Duration, date: Duration) -> Self {
        let mut head = Vec::new();
        movie::file_type(&mut head);
        void(&mut head, LARGE_HEAD);
        let at = head.len() as u64;
        void(&mut head, 2 * ROOM);
        let mut out = Output::default();
        out.append(&head);
        let fragmenter = Fragmenter::new(fragment, date).holding(HOLD);
        Self { out, fragmenter, rooms: Rooms { at, uses_second: true }, marks: 0, begun: false }
    }

    /// Says what the tracks are. `false` when there is no room for that.
    fn describe(&mut self) -> bool {
        let mut movie = Vec::new();
        self.fragmenter.movie(&mut movie);
        self.rooms.write(&movie, &mut self.out)
    }
}

impl Rooms {
    fn write(&mut self, movie: &[u8], out: &mut Output) -> bool {
        let left = u32::try_from(movie.len()).ok().and_then(|used| ROOM.checked_sub(used));
        let Some(left) = left.filter(|left| *left >= boxes::HEAD as u32) else { return false };
        let (head, rest) = movie.split_at(boxes::HEAD);
        if self.uses_second {
            // Hides the second room as well. Without tracks nothing is in either.
            let end = boxes::head(b"free", left + ROOM);
            out.overwrite(self.at + boxes::HEAD as u64, &[rest, &end].concat());
            out.overwrite(self.at, head);
        } else {
            let end = boxes::head(b"free", left);
            out.overwrite(self.at + u64::from(ROOM), &[movie, &end].concat());
            out.overwrite(self.at, &boxes::head(b"free", ROOM));
        }
        self.uses_second = !self.uses_second;
        true
    }
}

impl Muxer for Writer {
    fn add_track(&mut self, track: &TrackEntry) -> Result<u8, ContainerError> {
        let number = self.fragmenter.add_track(track)?;
        if !self.describe() {
            self.fragmenter.remove_last_track();
            return Err(ContainerError::Tracks(usize::from(number) - 1));
        }
        Ok(number)
    }

    fn reconfigure(&mut self, track: u8, configuration: &Configuration) {
        if self.fragmenter.reconfigure(track, configuration) {
            // Names of the same length: there is room.
            self.describe();
        }
    }

    fn write(&mut self, frame: &Frame<'_>) {
        self.begun = true;
        if let Some(fragment) = self.fragmenter.push(frame) {
            self.out.seal(&fragment.bytes);
        }
    }

    fn mark(&mut self, time: Duration, name: &str) -> bool {
        let room = self.marks < MAX_MARKS;
        if room {
            self.marks += 1;
            let mut mark = Vec::new();
            boxed(&mut mark, b"uuid", |out| {
                out.extend_from_slice(&MARK);
                u64s(out, &[u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)]);
                out.extend(name.chars().take(MAX_MARK_NAME).collect::<String>().bytes());
            });
            self.out.seal(&mark);
        }
        room
    }

    fn duration(&self) -> Duration {
        self.fragmenter.duration()
    }

    /// Without the index, which is about twelve bytes a frame.
    fn size(&self) -> u64 {
        self.out.end() + self.fragmenter.waiting() as u64
    }

    fn waiting(&self) -> usize {
        self.out.waiting() + self.fragmenter.waiting()
    }

    fn finish(&mut self) {
        if let Some(fragment) = self.fragmenter.finish() {
            self.out.seal(&fragment.bytes);
        }
        // Without a frame there is nothing to be looked for.
        if self.begun {
            self.out.index();
        }
    }

    fn take(&mut self) -> Vec<Step> {
        self.out.take()
    }
}

/// A box that nobody looks into, of zeros.
fn void(out: &mut Vec<u8>, size: u32) {
    let end = out.len() + size as usize;
    out.extend(boxes::head(b"free", size));
    out.resize(end, 0);
}
