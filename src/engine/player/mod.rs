//! The actor of one player: takes commands, what is read of its files and what shards note for it, and
//! gives packets of its tracks to the shard that they live on. Does no I/O and reads no clock: files
//! are someone else's.

mod error;
mod files;
mod form;
mod line;
mod pace;
mod playing;
mod preparing;
mod program;
mod reading;
mod telling;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{PlayerId, RequestId, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::player::{PlayerCommand, PlayerOptions};
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Inlet, Outlet, Shards};
use crate::sfu::SourcePacket;
pub use error::PlayerError;
pub use files::{Chosen, FileFrame, FileNews, Files, OpenedFile, Reading};
use line::Line;
use pace::Pace;
use program::Program;

/// Commands that may wait for a player.
pub const MAX_COMMANDS: usize = 1_024;
/// How often it looks at what it is told while it plays.
const LOOK: Duration = Duration::from_millis(20);
/// How far tracks of one file may be apart in it: what is further is not waited for.
const APART: Duration = Duration::from_secs(6);
/// Bytes that wait.
const MAX_BYTES: usize = 16 << 20;

/// The actor; see the module.
pub struct Player<S: Shards, F> {
    id: PlayerId,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    files: F,
    inlet: Arc<Inlet>,
    requests: mpsc::Receiver<PlayerCommand>,
    /// What its tracks are called.
    names: TrackNames,
    options: PlayerOptions,
    lines: Vec<Line>,
    program: Program,
    pace: Pace,
    /// Time is to go on.
    playing: bool,
    /// The first frames of a reading are not there yet.
    waiting: bool,
    /// All was played, and that was told.
    ended: bool,
    /// The first picture of where it went is to be shown while time stands still.
    poster: bool,
    /// Who waits for the first file to be looked at.
    opening: Option<RequestId>,
    /// Who waits for a jump, and by which reading.
    seeking: Option<(RequestId, u64)>,
    stalls: u64,
    /// Reused.
    packets: Vec<Arc<SourcePacket>>,
    over: bool,
}

/// What the tracks of a player are called, before it is known whether there is one of each kind.
#[derive(Clone, Copy, Debug)]
pub struct TrackNames {
    pub audio: SourceId,
    pub video: SourceId,
}

/// What a player is made of.
pub struct Parts<S, F> {
    pub id: PlayerId,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub files: F,
    pub inlet: Arc<Inlet>,
    pub requests: mpsc::Receiver<PlayerCommand>,
    pub names: TrackNames,
    /// How many files there are.
    pub items: usize,
    /// Who waits for the first one to be looked at.
    pub opening: RequestId,
}

impl<S: Shards, F: Files> Player<S, F> {
    /// Begins to read the first file; time stands still.
    pub fn new(parts: Parts<S, F>, options: PlayerOptions) -> Self {
        let mut player = Self {
            id: parts.id,
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            files: parts.files,
            inlet: parts.inlet,
            requests: parts.requests,
            names: parts.names,
            lines: Vec::new(),
            program: Program::new(parts.items, options.loops),
            pace: Pace::default(),
            playing: false,
            waiting: true,
            ended: false,
            poster: false,
            opening: Some(parts.opening),
            seeking: None,
            stalls: 0,
            packets: Vec::new(),
            over: false,
            options,
        };
        let from = Duration::try_from_secs_f64(player.options.from / 1e3).unwrap_or_default();
        let reading = player.program.jump(0, from, Duration::ZERO);
        player.files.read(reading);
        player
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
        self.take_notes();
        self.pull(now);
        if !self.over && self.opening.is_some() && self.is_prepared() {
            self.prepare(now);
        }
        if self.over {
            return None;
        }
        if self.opening.is_none() {
            self.begin(now);
            self.play(now);
            self.send_made();
        }
        let look = self.pace.is_running() || self.outlet.is_behind();
        let due = self.pace.is_running().then(|| self.next_due(now)).flatten();
        due.into_iter().chain(look.then(|| now + LOOK)).min()
    }

    fn next_due(&self, now: Instant) -> Option<Instant> {
        let frames = self.lines.iter().filter_map(Line::due);
        let end = self.program.current().and_then(|segment| segment.end);
        let at = frames.chain(end).min()?;
        Some(self.pace.moment(now, at).max(now))
    }

    fn take_command(&mut self, now: Instant, command: PlayerCommand) {
        use PlayerCommand as C;
        match command {
            C::Play => self.set_playing(now, true),
            C::Pause => self.set_playing(now, false),
            C::Seek { item, to, request } => {
                if item >= self.program.items {
                    let result = Err(PlayerError::NoFile.into());
                    return self.mailbox.post(Event::Reply { request, result });
                }
                self.jump(now, item, to, Some(request));
            }
            C::SetItems { count } => self.program.items = count,
            C::SetLoop { loops } => self.program.loops = loops,
            C::Stats { request } => self.answer_stats(now, request),
            C::Close { request } => {
                self.close(CloseReason::Closed);
                self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
            }
        }
    }

    fn set_playing(&mut self, now: Instant, playing: bool) {
        if playing && self.ended {
            // Behind what was played last, or from the beginning.
            let (item, _) = self.program.next().unwrap_or((0, true));
            self.jump(now, item, Duration::ZERO, None);
        }
        self.playing = playing;
        if !playing {
            self.pace.stop(now);
        } else if !self.waiting {
            self.pace.start(now);
        }
        if self.opening.is_none() {
            self.tell_state(now);
        }
    }

    fn jump(&mut self, now: Instant, item: usize, to: Duration, request: Option<RequestId>) {
        self.pace.stop(now);
        self.files.forget();
        self.lines.iter_mut().for_each(Line::clear);
        let reading = self.program.jump(item, to, self.pace.played(now));
        self.files.read(reading);
        if let Some((before, _)) = self.seeking.take() {
            // Where it was going to be is of no more use than where it is going to be.
            self.mailbox.post(Event::Reply { request: before, result: Ok(Reply::None) });
        }
        self.seeking = request.map(|request| (request, reading.number));
        (self.waiting, self.ended, self.poster) = (true, false, true);
    }

    fn take_notes(&mut self) {
        let notes = self.inlet.take_notes();
        for (track, wanted) in notes.demand {
            let made = self.lines.iter_mut().filter_map(Line::made_mut);
            made.filter(|made| made.id() == track).for_each(|made| made.set_wanted(wanted));
        }
        for ended in notes.ended {
            if self.id.ended_with(ended) {
                self.fail_with(PlayerError::ThreadFailed(ended.shard));
            }
        }
    }

    fn is_prepared(&self) -> bool {
        preparing::is_prepared(&self.lines, &self.program)
    }

    /// Makes the tracks, and says what they are.
    fn prepare(&mut self, now: Instant) {
        match preparing::make_tracks(now, &mut self.lines, self.names, self.options.mix_b_frames) {
            Err(error) => self.fail_with(error),
            Ok(described) => {
                // Known to their shard before anybody can attach something to them.
                for (track, description) in described {
                    let inlet = Arc::clone(&self.inlet);
                    let message = ShardMessage::MadeTrack { track, inlet, description };
                    self.outlet.send(self.id.shard(), message);
                }
                self.tell_opened(now);
            }
        }
    }

    fn send_made(&mut self) {
        if !self.packets.is_empty() {
            let packets = std::mem::take(&mut self.packets);
            self.outlet.send(self.id.shard(), ShardMessage::Made { packets });
        }
    }

    /// It panicked.
    pub fn fail(&mut self) {
        self.fail_with(PlayerError::Failed);
    }
}
