//! The file of a recording: which frame goes where.

use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::RecorderError;
use super::line::{Entry, Line, larger};
use super::sound::{needs_decoders, stored_as};
use crate::codec::configuration::{Configuration, store};
use crate::codec::frame::EncodedFrame;
use crate::codec::{Codec, Kind};
use crate::container::webm::Document;
use crate::container::{ContainerError, Frame, Muxer, Step, TrackEntry, mp4, ogg, wav, webm};
use crate::control::recorder::{FormatChange, RecorderOptions, RecordingFormat};
use crate::control::recording::{LineFormat, RecordingProgress};

/// What stands in the file as what wrote it.
const APPLICATION: &str = concat!("medialoom ", env!("CARGO_PKG_VERSION"));
/// Keyframes in a row that may be unreadable.
const MAX_UNREADABLE: u32 = 3;
/// Between two files of a recording, at least: whoever sends can change what is sent with every picture. What
/// changes sooner goes on in the same file.
const SPLIT_EVERY: Duration = Duration::from_millis(500);
/// Between two frames of a line, at least: the unit of the file.
const STEP: Duration = Duration::from_millis(1);

pub(super) struct Recording {
    format: RecordingFormat,
    splits: bool,
    /// When the last file began that is not the first.
    split: Option<Instant>,
    fragment: Duration,
    date: Duration,
    writer: Box<dyn Muxer>,
    clock: Clock,
    /// Of files before this one.
    before: RecordingProgress,
    /// Of the file when its disk has finished it.
    bytes: Option<u64>,
    frames_dropped: u64,
    /// A frame as the file has it; reused.
    stored: Vec<u8>,
}

/// What is recorded of tracks whose codecs are alternatives: of MP4 what plays on most devices.
pub(super) fn preferred(format: RecordingFormat) -> &'static [Codec] {
    match format {
        RecordingFormat::Webm => &[Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::Av1],
        RecordingFormat::Mp4 => &[Codec::Opus, Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9],
        RecordingFormat::Ogg => &[Codec::Opus],
        RecordingFormat::Mkv | RecordingFormat::Wav => &[],
    }
}

/// Writes files of a format.
fn muxer(format: RecordingFormat, fragment: Duration, date: Duration) -> Box<dyn Muxer> {
    match format {
        RecordingFormat::Webm => Box::new(webm::Writer::new(Document::Webm, APPLICATION, date)),
        RecordingFormat::Mkv => Box::new(webm::Writer::new(Document::Matroska, APPLICATION, date)),
        RecordingFormat::Mp4 => Box::new(mp4::Writer::new(fragment, date)),
        RecordingFormat::Ogg => Box::new(ogg::Writer::new(APPLICATION)),
        RecordingFormat::Wav => Box::new(wav::Writer::default()),
    }
}

/// Writes a frame of a line, behind the one before.
fn put(
    writer: &mut dyn Muxer,
    line: &mut Line,
    entry: Entry,
    time: Duration,
    keyframe: bool,
    data: &[u8],
) {
    let earliest = line.last.map_or(Duration::ZERO, |last| last + STEP);
    line.counts.times_moved += u64::from(time < earliest);
    let time = time.max(earliest);
    line.last = Some(time);
    writer.write(&Frame { track: entry.number, time, keyframe, data });
    line.counts.frames += 1;
    line.counts.keyframes += u64::from(keyframe);
    line.counts.bytes += data.len() as u64;
}

impl Recording {
    /// `date` counts from 1970.
    pub(super) fn new(options: &RecorderOptions, date: Duration) -> Self {
        let fragment = Duration::from_millis(options.fragment);
        Self {
            format: options.format,
            splits: options.on_format_change == FormatChange::Split,
            split: None,
            fragment,
            date,
            writer: muxer(options.format, fragment, date),
            clock: Clock::default(),
            before: RecordingProgress::default(),
            bytes: None,
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

    /// Whether this frame begins another file: its line goes on as something else.
    pub(super) fn splits_before(&self, now: Instant, line: &Line, frame: &EncodedFrame) -> bool {
        let Some(entry) = line.entry.filter(|_| self.splits && frame.keyframe) else {
            return false;
        };
        if self.split.is_some_and(|at| now.saturating_duration_since(at) < SPLIT_EVERY) {
            return false;
        }
        let changed = |is: &Configuration| line.configuration.as_ref() != Some(is);
        entry.codec != stored_as(self.format, frame.codec)
            || Configuration::of(frame.codec, &frame.parts.data).as_ref().is_some_and(changed)
    }

    /// The file is finished, and another one begins with this frame. To be taken in between.
    pub(super) fn begin_file(&mut self, now: Instant, frame: &EncodedFrame) {
        self.split = Some(now);
        self.before = self.progress();
        self.writer = muxer(self.format, self.fragment, self.date);
        self.clock.restart(frame.captured);
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
        if line.entry.is_none() && !frame.keyframe {
            line.broken = true;
            return Ok(None);
        }
        if !room || (line.broken && !frame.keyframe) {
            // A whole group of pictures goes: nothing of it could be decoded.
            line.broken = line.kind() == Kind::Video;
            line.counts.frames_dropped += 1;
            self.frames_dropped += 1;
            return Ok(None);
        }
        let codec = stored_as(self.format, frame.codec);
        let known = line.entry.filter(|entry| entry.codec == codec);
        let (entry, format) = match known {
            Some(entry) => (entry, self.reconfigure(line, entry, frame)),
            None => match self.add_entry(line, frame)? {
                Some((entry, format)) => (entry, Some(format)),
                None => return Ok(None),
            },
        };
        line.broken = false;
        line.entry = Some(entry);
        if line.kind() == Kind::Audio && self.write_transcoded(line, entry, frame, time) {
            return Ok(format);
        }
        self.stored.clear();
        store(frame.codec, &frame.parts.data, &frame.parts.starts, &mut self.stored);
        put(self.writer.as_mut(), line, entry, time, frame.keyframe, &self.stored);
        Ok(format)
    }

    /// `false` when the file has this sound as it is.
    fn write_transcoded(
        &mut self,
        line: &mut Line,
        entry: Entry,
        frame: &EncodedFrame,
        time: Duration,
    ) -> bool {
        let mut sound = std::mem::take(&mut line.sound);
        let payload = &frame.parts.data;
        let transcoded =
            sound.transcode(self.format, frame.codec, time, payload, |time, packet| {
                put(self.writer.as_mut(), line, entry, time, true, packet);
            });
        line.sound = sound;
        transcoded.is_some()
    }

    /// Tells the file when pictures go on with another size or other parameter sets. Gives the format
    /// when its size is another one.
    fn reconfigure(
        &mut self,
        line: &mut Line,
        entry: Entry,
        frame: &EncodedFrame,
    ) -> Option<LineFormat> {
        if !frame.keyframe || line.kind() != Kind::Video {
            return None;
        }
        let configuration = Configuration::of(frame.codec, &frame.parts.data)?;
        if line.configuration.as_ref() == Some(&configuration) {
            return None;
        }
        self.writer.reconfigure(entry.number, &configuration);
        let size = configuration.size;
        let before = line.configuration.replace(configuration).and_then(|before| before.size);
        let Entry { number, codec } = entry;
        (before != size).then_some(LineFormat { number, codec, size })
    }

    /// The line goes on with this keyframe, if it can be read.
    fn add_entry(
        &mut self,
        line: &mut Line,
        frame: &EncodedFrame,
    ) -> Result<Option<(Entry, LineFormat)>, RecorderError> {
        let codec = stored_as(self.format, frame.codec);
        if needs_decoders(self.format) {
            let error = ContainerError::Codec { codec, container: "WAV" };
            return Err(RecorderError::Container(error));
        }
        let Some(mut configuration) = Configuration::of(codec, &frame.parts.data) else {
            line.broken = true;
            line.unreadable += 1;
            let unreadable = line.unreadable > MAX_UNREADABLE;
            return if unreadable { Err(RecorderError::Unreadable(codec)) } else { Ok(None) };
        };
        line.configuration = Some(configuration.clone());
        if codec == Codec::Vp9 {
            let size = larger(configuration.size, line.announced);
            configuration = configuration.with_size(size);
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

    /// Of all files together.
    pub(super) fn progress(&self) -> RecordingProgress {
        let bytes = self.before.bytes.saturating_add(self.writer.size());
        RecordingProgress {
            bytes: self.bytes.unwrap_or(bytes),
            duration: self.before.duration.saturating_add(self.writer.duration()),
            frames_dropped: self.frames_dropped,
        }
    }

    /// The disk has all of all files, so many bytes.
    pub(super) fn finished(&mut self, bytes: u64) {
        self.bytes = Some(bytes);
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
