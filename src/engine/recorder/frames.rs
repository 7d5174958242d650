//! From packets to the file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::Line;
use super::{Disk, Recorder, RecorderError};
use crate::codec::frame::EncodedFrame;
use crate::control::event::Event;
use crate::control::ids::{RecordedTrackId, SourceId};
use crate::engine::tap::{Notes, Shards};
use crate::sfu::source::SourceDescription;

/// How long bytes are collected for one write: what a crash costs at most.
const WRITE_EVERY: Duration = Duration::from_millis(80);

impl<S: Shards, D: Disk> Recorder<S, D> {
    pub(super) fn remove(&mut self, line: RecordedTrackId) {
        let Some(known) = self.lines.iter().position(|known| known.id() == line) else { return };
        let kind = self.lines.swap_remove(known).kind();
        self.taker.attach(line, kind, None);
    }

    pub(super) fn line_failed(&mut self, line: RecordedTrackId, error: RecorderError) {
        self.remove(line);
        self.mailbox.post(Event::RecordedTrackError { line, error: error.into() });
    }

    pub(super) fn take_notes(&mut self, notes: Notes) {
        for (track, description) in notes.sources {
            self.described(track, description);
        }
        for ended in notes.ended {
            for track in self.taker.ended(ended) {
                self.described(track, None);
            }
        }
    }

    /// A track that is gone leaves a gap: its line may get another one.
    pub(super) fn described(
        &mut self,
        track: SourceId,
        description: Option<Arc<SourceDescription>>,
    ) {
        for (place, _) in self.taker.described(track, description) {
            let line = self.lines.iter_mut().find(|line| line.id() == place);
            line.into_iter().for_each(Line::begin_anew);
        }
    }

    pub(super) fn take_packets(&mut self, now: Instant) {
        let Self { packets, taker, lines, recording, .. } = self;
        while let Some(packet) = packets.poll() {
            let to_reported = packet.to_reported;
            taker.receive(&packet, |input, packet| {
                let line = lines.iter_mut().find(|line| line.id() == input.place);
                if line.is_some_and(|line| line.receive(now, packet, to_reported)) {
                    recording.begin(now);
                }
            });
        }
    }

    pub(super) fn write_frames(&mut self, now: Instant) {
        self.gathered |=
            self.recording.has_begun(now) && self.lines.iter().all(|line| line.is_settled(now));
        if !self.gathered {
            return;
        }
        let mut frames = Vec::new();
        for (index, line) in self.lines.iter_mut().enumerate() {
            while let Some(frame) = line.poll(now) {
                frames.push((index, frame));
            }
        }
        // Sound and pictures of one moment are beside each other.
        frames.sort_by_key(|(_, frame)| frame.captured);
        let mut failed = Vec::new();
        for (index, frame) in frames {
            let Some(line) = self.lines.get(index) else { continue };
            if self.recording.splits_before(now, line, &frame) {
                self.begin_file(now, &frame);
            }
            let Some(line) = self.lines.get_mut(index) else { continue };
            let waiting = self.recording.waiting() + frame.parts.data.len();
            let room = self.disk.has_room(waiting);
            match self.recording.write(line, &frame, room) {
                Ok(Some(format)) => {
                    self.mailbox.post(Event::RecordedTrackFormat { line: line.id(), format });
                }
                Ok(None) => {}
                Err(error) => failed.push((line.id(), error)),
            }
            line.give_back(frame.parts);
        }
        for (line, error) in failed {
            if self.lines.iter().any(|known| known.id() == line) {
                self.line_failed(line, error);
            }
        }
    }

    /// The file is finished, and the frame is the first of the next one.
    pub(super) fn begin_file(&mut self, now: Instant, frame: &EncodedFrame) {
        self.recording.finish();
        self.write(now, true);
        self.recording.begin_file(now, frame);
        self.lines.iter_mut().for_each(Line::begin_file);
        self.number += 1;
        let file = self.options.path(self.number);
        self.disk.begin(file.clone());
        self.mailbox.post(Event::RecorderFile { recorder: self.id, file });
    }

    pub(super) fn write(&mut self, now: Instant, all: bool) {
        let due = self.written.is_none_or(|at| now.saturating_duration_since(at) >= WRITE_EVERY);
        if all || due {
            self.written = Some(now);
            let steps = self.recording.take();
            if !steps.is_empty() {
                self.disk.write(steps);
            }
        }
    }
}
