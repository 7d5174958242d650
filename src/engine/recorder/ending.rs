//! How a recorder ends: told to, by its disk, or by a fault.

use std::time::Instant;

use super::line::Line;
use super::{Closing, Disk, DiskNews, Recorder, RecorderError};
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::RequestId;
use crate::engine::tap::Shards;

impl<S: Shards, D: Disk> Recorder<S, D> {
    pub(super) fn look_at_disk(&mut self) {
        while let Some(news) = self.disk.poll() {
            match news {
                DiskNews::Opened => self.answer_opening(Ok(Reply::Done)),
                DiskNews::Finished { bytes } => {
                    self.recording.finished(bytes);
                    self.end();
                }
                DiskNews::Failed(error) => self.fail_with(RecorderError::Disk(error)),
            }
        }
    }

    /// Writes what is there and what makes the file seekable. It closes when the disk has it all.
    pub(super) fn finish(&mut self, now: Instant, reason: CloseReason, request: Option<RequestId>) {
        self.take_packets(now);
        self.lines.iter_mut().for_each(Line::settle);
        self.write_frames(now);
        self.recording.finish();
        self.write(now, true);
        self.disk.finish();
        self.let_go();
        self.closing = Some(Closing { reason, requests: request.into_iter().collect() });
    }

    pub(super) fn let_go(&mut self) {
        self.lines.clear();
        self.taker.clear();
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }

    /// The last event.
    pub(super) fn end(&mut self) {
        let Some(closing) = self.closing.take() else { return };
        self.over = true;
        for request in closing.requests {
            self.answer_stats(request, None);
        }
        let progress = self.recording.progress();
        let reason = closing.reason;
        self.mailbox.post(Event::RecorderClosed { recorder: self.id, reason, progress });
        self.requests.close();
        self.closing = Some(Closing { reason, requests: Vec::new() });
        while let Ok(command) = self.requests.try_recv() {
            self.refuse(command);
        }
    }

    /// It panicked.
    pub fn fail(&mut self) {
        self.disk.finish();
        self.fail_with(RecorderError::Failed);
    }

    pub(super) fn fail_with(&mut self, error: RecorderError) {
        if self.over {
            return;
        }
        self.let_go();
        let error: EngineError = error.into();
        if self.opening.is_some() {
            // Nobody knows of it yet but who asked for it.
            self.answer_opening(Err(error));
        } else {
            self.mailbox.post(Event::RecorderError { recorder: self.id, error });
        }
        let requests = self.closing.take().map_or_else(Vec::new, |closing| closing.requests);
        self.closing = Some(Closing { reason: CloseReason::Error, requests });
        self.end();
    }

    /// The endpoint closes, and its JavaScript side has told everybody: only the file is finished.
    pub fn abandon(&mut self, now: Instant) {
        if !self.over && self.closing.is_none() {
            self.finish(now, CloseReason::Parent, None);
        }
    }
}
