//! What a recorder is told.

use std::time::Instant;

use super::line::Line;
use super::{Disk, MAX_LINES, Recorder, RecorderError};
use crate::control::event::CloseReason;
use crate::control::ids::RecordedTrackId;
use crate::control::recorder::{EncodingChoice, RecorderCommand};
use crate::control::stats::Share;
use crate::engine::tap::Shards;

impl<S: Shards, D: Disk> Recorder<S, D> {
    pub(super) fn take_command(&mut self, now: Instant, command: RecorderCommand) {
        use RecorderCommand as C;
        if self.closing.is_some() {
            return self.refuse(command);
        }
        match command {
            C::Record { line, kind, track, options } => {
                if self.lines.len() >= MAX_LINES {
                    return self.line_failed(line, RecorderError::Lines(MAX_LINES));
                }
                self.lines.push(Line::new(line, kind, options));
                self.taker.attach(line, kind, Some(track));
                self.name_encoding(line);
            }
            C::Attach { line, track } => {
                let Some(known) = self.lines.iter_mut().find(|known| known.id() == line) else {
                    return;
                };
                if self.taker.attach(line, known.kind(), track) {
                    known.begin_anew();
                    self.name_encoding(line);
                }
            }
            C::Stop { line } => self.stop(now, line),
            C::Pause { paused } => {
                if self.recording.pause(now, paused) {
                    self.lines.iter_mut().for_each(Line::begin_anew);
                }
            }
            C::PauseLine { line, paused } => {
                let known = self.lines.iter_mut().find(|known| known.id() == line);
                known.into_iter().for_each(|line| line.pause(paused));
            }
            C::Mark { name } => self.recording.mark(now, &name),
            C::Stats { request } => self.answer_stats(request, Some(now)),
            C::AddStats { collector } => {
                let recorder = Some(self.stats(Some(now)));
                collector.add(Share { recorder, ..Share::default() });
            }
            C::Close { request } => self.finish(now, CloseReason::Closed, Some(request)),
        }
    }

    /// Has the track of a line give the encoding that the line names.
    pub(super) fn name_encoding(&mut self, line: RecordedTrackId) {
        let Some(known) = self.lines.iter().find(|known| known.id() == line) else { return };
        if let EncodingChoice::Rid(rid) = &known.options.encoding {
            self.taker.name_encoding(line, rid);
        }
    }

    fn stop(&mut self, now: Instant, line: RecordedTrackId) {
        // What of it was there is written.
        self.take_packets(now);
        self.lines.iter_mut().filter(|known| known.id() == line).for_each(Line::settle);
        self.write_frames(now);
        self.remove(line);
    }
}
