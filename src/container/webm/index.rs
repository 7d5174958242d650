//! What makes a file seekable: where clusters are, and how long all of it is. Made while writing, or
//! by a repair, and put into the room that the beginning of a file has for it.

use std::time::Duration;

use super::elements as id;
use crate::container::Output;
use crate::container::ebml;

/// Room for the seek head, with the element that fills it.
pub(super) const SEEK_HEAD_ROOM: usize = 160;
/// Room for the duration: two bytes of id, one of size, eight of a number.
pub(super) const DURATION_ROOM: usize = 11;
/// Cluster positions that are kept; of more, every second one goes.
const MAX_CUES: usize = 16_384;

/// Where one can begin to play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cue {
    time: Duration,
    track: u8,
    /// Offset of the cluster in the file.
    cluster: u64,
}

/// A moment with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mark {
    time: Duration,
    name: String,
}

/// Where the parts of a file are that are written last.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// Of the size of the segment.
    pub(super) segment_size: u64,
    /// Of the first element in the segment; positions count from here (RFC 9559 5.1.1.1.1.2).
    pub(super) segment: u64,
    /// Of the room for the seek head.
    pub(super) seek_head: u64,
    pub(super) info: u64,
    /// Of the room for the duration.
    pub(super) duration: u64,
    pub(super) tracks: u64,
}

/// The index on its way.
#[derive(Default, Debug)]
pub(super) struct Index {
    cues: Vec<Cue>,
    /// Least time between two cues of a track.
    apart: Duration,
    marks: Vec<Mark>,
    /// Where marks stand that were written before.
    pub(super) chapters: Option<u64>,
    /// By number of the track.
    last: Vec<Last>,
    /// When the last frame is over.
    pub(super) end: Duration,
}

/// The last of a track.
#[derive(Clone, Copy, Default, Debug)]
struct Last {
    /// When its frame is shown.
    frame: Option<Duration>,
    cue: Option<Cue>,
}

/// A frame with none before it is taken to last as long, and none for more than that.
const USUAL_FRAME: Duration = Duration::from_millis(20);
const LONGEST_FRAME: Duration = Duration::from_millis(100);

impl Index {
    /// A frame is there. It is taken to last as long as the one before.
    pub(super) fn frame(&mut self, time: Duration, track: u8) {
        let last = self.last(track).frame.replace(time);
        let length = last.map_or(USUAL_FRAME, |last| time.saturating_sub(last));
        self.end = self.end.max(time.saturating_add(length.min(LONGEST_FRAME)));
    }

    fn last(&mut self, track: u8) -> &mut Last {
        let track = usize::from(track);
        if self.last.len() <= track {
            self.last.resize(track + 1, Last::default());
        }
        &mut self.last[track]
    }

    /// One can begin at a frame in this cluster.
    pub(super) fn add(&mut self, time: Duration, track: u8, cluster: u64) {
        let apart = self.apart;
        let cue = Cue { time, track, cluster };
        let last = &mut self.last(track).cue;
        let near = |last: Cue| last.cluster == cluster || time < last.time.saturating_add(apart);
        if last.is_some_and(near) {
            return;
        }
        *last = Some(cue);
        self.cues.push(cue);
        if self.cues.len() > MAX_CUES {
            let mut odd = false;
            self.cues.retain(|_| {
                odd = !odd;
                odd
            });
            let span = self.end.max(time);
            self.apart = span / (MAX_CUES as u32 / 4);
        }
    }

    pub(super) fn mark(&mut self, time: Duration, name: &str) {
        self.marks.push(Mark { time, name: name.to_owned() });
    }

    /// How many marks there are.
    pub(super) fn marks(&self) -> usize {
        self.marks.len()
    }

    /// Adds what makes the file seekable. Every step leaves one that plays.
    pub(super) fn finish(&self, layout: &Layout, out: &mut Output) {
        let mut seeks = vec![(id::INFO, layout.info), (id::TRACKS, layout.tracks)];
        seeks.extend(self.chapters.map(|at| (id::CHAPTERS, at)));
        let chapters = self.new_chapters();
        if !chapters.is_empty() {
            seeks.push((id::CHAPTERS, out.end()));
            out.append(&chapters);
        }
        let cues = self.cues(layout);
        if !cues.is_empty() {
            seeks.push((id::CUES, out.end()));
            out.append(&cues);
        }
        let mut duration = Vec::new();
        ebml::float(&mut duration, id::DURATION, self.end.as_secs_f64() * 1000.0);
        out.overwrite(layout.duration, &duration);
        let mut head = Vec::new();
        ebml::master(&mut head, id::SEEK_HEAD, |out| {
            for (element, at) in &seeks {
                ebml::master(out, id::SEEK, |out| {
                    ebml::binary(out, id::SEEK_ID, &element.to_be_bytes());
                    ebml::unsigned(out, id::SEEK_POSITION, at.saturating_sub(layout.segment));
                });
            }
        });
        let room = SEEK_HEAD_ROOM.saturating_sub(head.len());
        ebml::void(&mut head, room);
        out.overwrite(layout.seek_head, &head);
        let size = out.end().saturating_sub(layout.segment);
        out.overwrite(layout.segment_size, &ebml::long_size(size));
    }

    fn cues(&self, layout: &Layout) -> Vec<u8> {
        let mut out = Vec::new();
        if self.cues.is_empty() {
            return out;
        }
        ebml::master(&mut out, id::CUES, |out| {
            for cue in &self.cues {
                ebml::master(out, id::CUE_POINT, |out| {
                    ebml::unsigned(out, id::CUE_TIME, millis(cue.time));
                    ebml::master(out, id::CUE_TRACK_POSITIONS, |out| {
                        ebml::unsigned(out, id::CUE_TRACK, cue.track.into());
                        let position = cue.cluster.saturating_sub(layout.segment);
                        ebml::unsigned(out, id::CUE_CLUSTER_POSITION, position);
                    });
                });
            }
        });
        out
    }

    fn new_chapters(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.marks.is_empty() {
            return out;
        }
        ebml::master(&mut out, id::CHAPTERS, |out| {
            ebml::master(out, id::EDITION_ENTRY, |out| {
                for (index, mark) in self.marks.iter().enumerate() {
                    ebml::master(out, id::CHAPTER_ATOM, |out| {
                        ebml::unsigned(out, id::CHAPTER_UID, index as u64 + 1);
                        let nanos = u64::try_from(mark.time.as_nanos()).unwrap_or(u64::MAX);
                        ebml::unsigned(out, id::CHAPTER_TIME_START, nanos);
                        ebml::master(out, id::CHAPTER_DISPLAY, |out| {
                            ebml::text(out, id::CHAP_STRING, &mark.name);
                            ebml::text(out, id::CHAP_LANGUAGE, "und");
                        });
                    });
                }
            });
        });
        out
    }
}

/// Time in the unit of the file.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
