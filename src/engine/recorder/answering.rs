//! What is answered to who asks, also when it is too late.

use std::time::Instant;

use super::line::Line;
use super::{Disk, Recorder, RecorderError};
use crate::control::error::EngineError;
use crate::control::event::{Event, Reply};
use crate::control::ids::RequestId;
use crate::control::recorder::RecorderCommand;
use crate::control::stats::RecorderStats;
use crate::engine::tap::Shards;

impl<S: Shards, D: Disk> Recorder<S, D> {
    /// Of one that is closed there is no moment, `None`.
    pub(super) fn answer_stats(&self, request: RequestId, now: Option<Instant>) {
        // Numbers and names always make JSON.
        let json = serde_json::to_string(&self.stats(now));
        let result = Ok(json.map_or(Reply::Done, Reply::Stats));
        self.mailbox.post(Event::Reply { request, result });
    }

    pub(super) fn stats(&self, now: Option<Instant>) -> RecorderStats {
        let progress = self.recording.progress();
        RecorderStats {
            id: self.id.0,
            bytes: progress.bytes,
            duration: progress.duration.as_secs_f64(),
            position: now.and_then(|now| self.recording.position(now)).map(|at| at.as_secs_f64()),
            bytes_waiting: self.disk.waiting() as u64,
            frames_dropped: progress.frames_dropped,
            packets_dropped: self.inlet.dropped(),
            tracks: self.lines.iter().map(Line::stats).collect(),
        }
    }

    /// Answers what was asked too late.
    pub(super) fn refuse(&mut self, command: RecorderCommand) {
        match command {
            RecorderCommand::Close { request } => match &mut self.closing {
                Some(closing) if !self.over => closing.requests.push(request),
                _ => self.answer_stats(request, None),
            },
            RecorderCommand::Stats { request } => {
                let result = Err(RecorderError::Closed.into());
                self.mailbox.post(Event::Reply { request, result });
            }
            _ => {}
        }
    }

    pub(super) fn answer_opening(&mut self, result: Result<Reply, EngineError>) {
        if let Some(request) = self.opening.take() {
            self.mailbox.post(Event::Reply { request, result });
        }
    }
}
