//! The actor of one recorder: takes commands, packets of its tracks and what shards note for it, and
//! gives what has to be done to a file. Does no I/O and reads no clock: the disk is someone else's.

mod clock;
mod error;
mod line;
mod recording;
mod sound;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::codec::Kind;
use crate::codec::frame::EncodedFrame;
use crate::container::Step;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{RecordedTrackId, RecorderId, RequestId, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::recorder::{EncodingChoice, RecorderCommand, RecorderOptions};
use crate::control::stats::{RecorderStats, Share};
use crate::engine::tap::{Inlet, LeftPackets, Notes, Outlet, Shards, Taker};
use crate::sfu::source::SourceDescription;
pub use error::RecorderError;
pub(in crate::engine) use line::{Line, larger};
use recording::{Recording, preferred};

/// Commands that may wait for a recorder.
pub const MAX_COMMANDS: usize = 1_024;
/// Lines of a recording at a time.
const MAX_LINES: usize = 64;
/// How often it looks at what came.
const LOOK: Duration = Duration::from_millis(20);
/// How long bytes are collected for one write: what a crash costs at most.
const WRITE_EVERY: Duration = Duration::from_millis(80);
/// How often it says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Pixels of a place that the best encoding fills, and the smallest.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);
const SMALLEST: (u16, u16) = (1, 1);

/// Where the file is.
pub trait Disk: Send {
    /// Whether it takes so many bytes more now.
    fn has_room(&self, bytes: usize) -> bool;
    /// Bytes on their way.
    fn waiting(&self) -> usize;
    /// Does this to the file, after what was said before.
    fn write(&self, steps: Vec<Step>);
    /// Nothing more comes for this file: closes it, and begins another one.
    fn begin(&self, file: PathBuf);
    /// Nothing more comes: closes the file.
    fn finish(&self);
    /// What has become of it since the last call.
    fn poll(&self) -> Option<DiskNews>;
}

/// What is heard of a file.
#[derive(Debug)]
pub enum DiskNews {
    /// It was made.
    Opened,
    /// Everything is written, so many bytes in all files.
    Finished { bytes: u64 },
    /// Nothing more is written.
    Failed(io::Error),
}

/// The actor; see the module.
pub struct Recorder<S, D> {
    id: RecorderId,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    disk: D,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    requests: mpsc::Receiver<RecorderCommand>,
    taker: Taker<RecordedTrackId>,
    lines: Vec<Line>,
    recording: Recording,
    options: RecorderOptions,
    /// Of the file, from 0 on.
    number: u32,
    /// Who waits for the file to be there.
    opening: Option<RequestId>,
    closing: Option<Closing>,
    written: Option<Instant>,
    told: Option<Instant>,
    over: bool,
}

/// It was finished, and the disk is waited for.
struct Closing {
    reason: CloseReason,
    requests: Vec<RequestId>,
}

/// What a recorder is made of.
pub struct Parts<S, D> {
    pub id: RecorderId,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub disk: D,
    pub inlet: Arc<Inlet>,
    pub packets: LeftPackets,
    pub requests: mpsc::Receiver<RecorderCommand>,
    /// Who waits for the file to be there.
    pub opening: RequestId,
    /// Since 1970.
    pub date: Duration,
}

impl<S: Shards, D: Disk> Recorder<S, D> {
    /// Begins a file without lines.
    pub fn new(parts: Parts<S, D>, options: &RecorderOptions) -> Self {
        Self {
            taker: Taker::new(parts.id.into(), Arc::clone(&parts.inlet))
                .preferring(preferred(options.format)),
            id: parts.id,
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            disk: parts.disk,
            inlet: parts.inlet,
            packets: parts.packets,
            requests: parts.requests,
            lines: Vec::new(),
            recording: Recording::new(options, parts.date),
            options: options.clone(),
            number: 0,
            opening: Some(parts.opening),
            closing: None,
            written: None,
            told: None,
            over: false,
        }
    }

    /// Whether it was closed or failed; it need not run again.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Does what is due, and gives when to be called next; `None` when woken.
    pub fn run(&mut self, now: Instant) -> Option<Instant> {
        self.outlet.send_backlog();
        while let Ok(command) = self.requests.try_recv() {
            self.take_command(now, command);
        }
        let notes = self.inlet.take_notes();
        self.take_notes(notes);
        self.take_packets(now);
        if self.closing.is_none() {
            self.write_frames(now);
            self.tap(now);
            self.write(now, false);
            self.look_at_limits(now);
        }
        self.look_at_disk();
        let idle = self.closing.is_some() || self.lines.is_empty();
        let next = (!idle || self.outlet.is_behind()).then(|| now + LOOK);
        next.filter(|_| !self.over)
    }

    fn take_command(&mut self, now: Instant, command: RecorderCommand) {
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
    fn name_encoding(&mut self, line: RecordedTrackId) {
        let Some(known) = self.lines.iter().find(|known| known.id() == line) else { return };
        if let EncodingChoice::Rid(rid) = &known.options.encoding {
            self.taker.name_encoding(line, rid);
        }
    }

    /// Of one that is closed there is no moment, `None`.
    fn answer_stats(&self, request: RequestId, now: Option<Instant>) {
        // Numbers and names always make JSON.
        let json = serde_json::to_string(&self.stats(now));
        let result = Ok(json.map_or(Reply::Done, Reply::Stats));
        self.mailbox.post(Event::Reply { request, result });
    }

    fn stats(&self, now: Option<Instant>) -> RecorderStats {
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
    fn refuse(&mut self, command: RecorderCommand) {
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

    fn stop(&mut self, now: Instant, line: RecordedTrackId) {
        // What of it was there is written.
        self.take_packets(now);
        self.write_frames(now);
        self.remove(line);
    }

    fn remove(&mut self, line: RecordedTrackId) {
        let Some(known) = self.lines.iter().position(|known| known.id() == line) else { return };
        let kind = self.lines.swap_remove(known).kind();
        self.taker.attach(line, kind, None);
    }

    fn line_failed(&mut self, line: RecordedTrackId, error: RecorderError) {
        self.remove(line);
        self.mailbox.post(Event::RecordedTrackError { line, error: error.into() });
    }

    fn take_notes(&mut self, notes: Notes) {
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
    fn described(&mut self, track: SourceId, description: Option<Arc<SourceDescription>>) {
        for (place, _) in self.taker.described(track, description) {
            let line = self.lines.iter_mut().find(|line| line.id() == place);
            line.into_iter().for_each(Line::begin_anew);
        }
    }

    fn take_packets(&mut self, now: Instant) {
        let Self { packets, taker, lines, recording, .. } = self;
        while let Some(packet) = packets.poll() {
            taker.receive(&packet, |input, packet| {
                let line = lines.iter_mut().find(|line| line.id() == input.place);
                if line.is_some_and(|line| line.receive(now, packet)) {
                    recording.begin(now);
                }
            });
        }
    }

    fn write_frames(&mut self, now: Instant) {
        if !self.recording.has_begun(now) {
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
            if self.recording.splits_before(line, &frame) {
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
    fn begin_file(&mut self, now: Instant, frame: &EncodedFrame) {
        self.recording.finish();
        self.write(now, true);
        self.recording.begin_file(frame);
        self.lines.iter_mut().for_each(Line::begin_file);
        self.number += 1;
        let file = self.options.path(self.number);
        self.disk.begin(file.clone());
        self.mailbox.post(Event::RecorderFile { recorder: self.id, file });
    }

    /// Has the shards send what is recorded, and nothing else.
    fn tap(&mut self, now: Instant) {
        let Self { taker, lines, recording, .. } = self;
        taker.update(now, |input| {
            let line = lines.iter().find(|line| line.id() == input.place)?;
            if recording.is_paused() || line.is_paused() {
                return None;
            }
            Some(match input.kind {
                // Of sound there is no size.
                Kind::Audio => (0, 0),
                Kind::Video if line.options.encoding == EncodingChoice::Smallest => SMALLEST,
                Kind::Video => BEST,
            })
        });
        for line in lines.iter_mut() {
            if line.wants_keyframe(now) {
                taker.ask_for_keyframe(line.id());
            }
        }
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }

    fn write(&mut self, now: Instant, all: bool) {
        let due = self.written.is_none_or(|at| now.saturating_duration_since(at) >= WRITE_EVERY);
        if all || due {
            self.written = Some(now);
            let steps = self.recording.take();
            if !steps.is_empty() {
                self.disk.write(steps);
            }
        }
    }

    fn look_at_limits(&mut self, now: Instant) {
        let progress = self.recording.progress();
        let too_large = self.options.max_size.is_some_and(|most| progress.bytes >= most);
        let most = self.options.max_duration.map(Duration::from_millis);
        if too_large || most.is_some_and(|most| progress.duration >= most) {
            return self.finish(now, CloseReason::Limit, None);
        }
        let due = self.told.is_none_or(|at| now.saturating_duration_since(at) >= PROGRESS_EVERY);
        if due && !progress.duration.is_zero() {
            self.told = Some(now);
            self.mailbox.post(Event::RecorderProgress { recorder: self.id, progress });
        }
    }

    fn look_at_disk(&mut self) {
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

    fn answer_opening(&mut self, result: Result<Reply, crate::control::error::EngineError>) {
        if let Some(request) = self.opening.take() {
            self.mailbox.post(Event::Reply { request, result });
        }
    }

    /// Writes what is there and what makes the file seekable. It closes when the disk has it all.
    fn finish(&mut self, now: Instant, reason: CloseReason, request: Option<RequestId>) {
        self.take_packets(now);
        self.write_frames(now);
        self.recording.finish();
        self.write(now, true);
        self.disk.finish();
        self.let_go();
        self.closing = Some(Closing { reason, requests: request.into_iter().collect() });
    }

    fn let_go(&mut self) {
        self.lines.clear();
        self.taker.clear();
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }

    /// The last event.
    fn end(&mut self) {
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

    fn fail_with(&mut self, error: RecorderError) {
        if self.over {
            return;
        }
        self.let_go();
        let error: crate::control::error::EngineError = error.into();
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
