//! The actor of one recorder: takes commands, packets of its tracks and what shards note for it, and
//! gives what has to be done to a file. Does no I/O and reads no clock: the disk is someone else's.

mod answering;
mod clock;
mod commands;
mod disk;
mod ending;
mod error;
mod frames;
mod line;
mod recording;
mod settling;
mod sound;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::codec::Kind;
use crate::control::event::{CloseReason, Event};
use crate::control::ids::{RecordedTrackId, RecorderId, RequestId};
use crate::control::mailbox::Mailbox;
use crate::control::recorder::{EncodingChoice, RecorderCommand, RecorderOptions};
use crate::engine::tap::{Inlet, LeftPackets, Outlet, Shards, Taker};
pub use disk::{Disk, DiskNews};
pub use error::RecorderError;
pub(in crate::engine) use line::{Line, larger};
use recording::{Recording, preferred};

/// Commands that may wait for a recorder.
pub const MAX_COMMANDS: usize = 1_024;
/// Lines of a recording at a time.
const MAX_LINES: usize = 64;
/// How often it looks at what came.
const LOOK: Duration = Duration::from_millis(20);
/// How often it says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Pixels of a place that the best encoding fills, and the smallest.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);
const SMALLEST: (u16, u16) = (1, 1);

/// The actor; see the module.
pub struct Recorder<S: Shards, D> {
    id: RecorderId,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    disk: D,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    requests: mpsc::Receiver<RecorderCommand>,
    taker: Taker<RecordedTrackId>,
    lines: Vec<Line>,
    /// It is known of all lines when their first frames were captured, so the file may begin.
    gathered: bool,
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
            gathered: false,
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
}
