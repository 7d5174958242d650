//! The file of a recording: which frame goes where.

use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::RecorderError;
use super::line::{Entry, Line, larger};
use crate::codec::configuration::{Configuration, store};
use crate::codec::frame::EncodedFrame;
use crate::codec::{Codec, Kind};
use crate::container::webm::{Document, Writer};
use crate::container::{Frame, Step, TrackEntry};
use crate::control::recorder::{LineFormat, RecordingFormat, RecordingProgress};

/// What stands in the file as what wrote it.
const APPLICATION: &str = concat!("medialoom ", env!("CARGO_PKG_VERSION"));
/// Keyframes in a row that may be unreadable.
const MAX_UNREADABLE: u32 = 3;
/// Between two frames of a line, at least: the unit of the file.
const STEP: Duration = Duration::from_millis(1);

pub(super) struct Recording {
    writer: Writer,
    clock: Clock,
    frames_dropped: u64,
    /// A frame as the file has it; reused.
    stored: Vec<u8>,
}

impl Recording {
    /// `date` counts from 1970.
    pub(super) fn new(format: RecordingFormat, date: Duration) -> Self {
        let document = match format {
            RecordingFormat::Webm => Document::Webm,
            RecordingFormat::Mkv => Document::Matroska,
        };
        Self {
            writer: Writer::new(document, APPLICATION, date),
            clock: Clock::default(),
            frames_dropped: 0,
            stored: Vec::new(),
        }
    }

    /// A packet came.
    pub(super) fn begin(&mut self, now: Instant) {
        self.clock.begin(now);
    }

    /// Whether frames are taken.
    pub(super) fn has_begun(&self, now: Instant) -> bool {
        self.clock.has_begun(now)
    }

    /// Says whether it goes on now.
    pub(super) fn pause(&mut self, now: Instant, paused: bool) -> bool {
        self.clock.pause(now, paused)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.clock.is_paused()
    }

    /// Where in the file that is which is captured now; `None` before its beginning.
    pub(super) fn position(&self, now: Instant) -> Option<Duration> {
        self.clock.position(now)
    }

    pub(super) fn mark(&mut self, now: Instant, name: &str) {
        self.writer.mark(self.clock.now(now), name);
    }

    /// Adds a frame; `room` tells whether the disk takes it. Says what the line is in the file, when
    /// that is new.
    pub(super) fn write(
        &mut self,
        line: &mut Line,
        frame: &EncodedFrame,
        room: bool,
    ) -> Result<Option<LineFormat>, RecorderError> {
        if line.is_paused() {
            return Ok(None);
        }
        let Some(time) = self.clock.place(frame.captured) else { return Ok(None) };
        if !room || (line.broken && !frame.keyframe) {
            // A whole group of pictures goes: nothing of it could be decoded.
            line.broken = line.kind() == Kind::Video;
            line.counts.frames_dropped += 1;
            self.frames_dropped += 1;
            return Ok(None);
        }
        let known = line.entry.filter(|entry| entry.codec == frame.codec);
        let (entry, format) = match known {
            Some(entry) => (entry, None),
            None => match self.add_entry(line, frame)? {
                Some((entry, format)) => (entry, Some(format)),
                None => return Ok(None),
            },
        };
        line.broken = false;
        line.entry = Some(entry);
        let earliest = line.last.map_or(Duration::ZERO, |last| last + STEP);
        line.counts.times_moved += u64::from(time < earliest);
        let time = time.max(earliest);
        line.last = Some(time);
        self.stored.clear();
        store(frame.codec, &frame.parts.data, &frame.parts.starts, &mut self.stored);
        let keyframe = frame.keyframe;
        self.writer.write(&Frame { track: entry.number, time, keyframe, data: &self.stored });
        line.counts.frames += 1;
        line.counts.keyframes += u64::from(keyframe);
        line.counts.bytes += self.stored.len() as u64;
        Ok(format)
    }

    /// The line goes on with this frame, if that is a keyframe that can be read.
    fn add_entry(
        &mut self,
        line: &mut Line,
        frame: &EncodedFrame,
    ) -> Result<Option<(Entry, LineFormat)>, RecorderError> {
        let codec = frame.codec;
        if !frame.keyframe {
            line.broken = true;
            return Ok(None);
        }
        let Some(mut configuration) = Configuration::of(codec, &frame.parts.data) else {
            line.broken = true;
            line.unreadable += 1;
            let unreadable = line.unreadable > MAX_UNREADABLE;
            return if unreadable { Err(RecorderError::Unreadable(codec)) } else { Ok(None) };
        };
        if codec == Codec::Vp9 {
            configuration.size = larger(configuration.size, line.announced);
        }
        let size = configuration.size;
        let number = self.writer.add_track(&TrackEntry {
            codec,
            name: line.options.name.clone(),
            language: line.options.language.clone(),
            configuration,
            rotation: frame.rotation,
        });
        let number = number.map_err(RecorderError::Container)?;
        line.unreadable = 0;
        Ok(Some((Entry { number, codec }, LineFormat { number, codec, size })))
    }

    pub(super) fn progress(&self) -> RecordingProgress {
        RecordingProgress {
            bytes: self.writer.size(),
            duration: self.writer.duration(),
            frames_dropped: self.frames_dropped,
        }
    }

    /// Bytes that were not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// What is to be done to the file since the last call.
    pub(super) fn take(&mut self) -> Vec<Step> {
        self.writer.take()
    }

    /// Makes the file seekable.
    pub(super) fn finish(&mut self) {
        self.writer.finish();
    }
}
