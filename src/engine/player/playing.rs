//! What is due leaves: frames, and the end of files.

use std::time::{Duration, Instant};

use super::line::Line;
use super::{APART, Files, MAX_BYTES, Player, PlayerError, Shards};
use crate::codec::Kind;
use crate::control::event::Event;

/// What is late by more is time that stood still.
const LATE: Duration = Duration::from_millis(300);

impl<S: Shards, F: Files> Player<S, F> {
    /// Time goes on, or the first picture is shown, when the first frames are there.
    pub(super) fn begin(&mut self, now: Instant) {
        if !self.waiting || self.is_waiting_for_frames(now) {
            return;
        }
        self.waiting = false;
        if self.playing {
            self.pace.start(now);
        } else if std::mem::take(&mut self.poster) {
            self.show_first(now);
        }
        self.poster = false;
        self.tell_state(now);
    }

    fn is_waiting_for_frames(&self, now: Instant) -> bool {
        let played = self.pace.played(now);
        let far = self.lines.iter().filter_map(Line::ahead).any(|at| at > played + APART);
        let full = self.lines.iter().map(Line::bytes).sum::<usize>() >= MAX_BYTES;
        let all = self.lines.iter().all(|line| line.idle || line.due().is_some());
        !(far || full || all || self.program.is_done())
    }

    /// It is sent once more when time goes on, as nothing may be behind it for long.
    fn show_first(&mut self, now: Instant) {
        let since = self.pace.since_begun(now);
        let Some(line) = self.lines.iter_mut().find(|line| line.kind() == Kind::Video) else {
            return;
        };
        let first = line.waiting().next().filter(|ready| ready.keyframe).cloned();
        if let Some(first) = first {
            line.send(now, &first, (now, since), &mut self.packets);
        }
    }

    /// Sends what is due.
    pub(super) fn play(&mut self, now: Instant) {
        if !self.pace.is_running() {
            return;
        }
        let first = self.lines.iter().filter_map(Line::due).min();
        let late = first.map(|at| now.saturating_duration_since(self.pace.moment(now, at)));
        if let Some(late) = late.filter(|late| *late > LATE) {
            self.stalls += 1;
            self.pace.shift(now, late);
            self.tell_state(now);
        }
        let played = self.pace.played(now);
        for line in &mut self.lines {
            while let Some(ready) = line.take(played) {
                let captured = self.pace.moment(now, ready.shown);
                let since = self.pace.since_begun(self.pace.moment(now, ready.at));
                line.send(now, &ready, (captured, since), &mut self.packets);
            }
        }
        while let Some(segment) = self.program.advance(played) {
            let (player, item, looped) = (self.id, segment.reading.item, segment.looped);
            self.mailbox.post(Event::PlayerItem { player, item, looped });
            self.tell_state(now);
        }
        let empty = self.lines.iter().all(|line| line.due().is_none());
        if !empty || !self.program.is_over(played) {
            return;
        }
        if self.program.is_hopeless() {
            return self.fail_with(PlayerError::NoFile);
        }
        self.pace.stop(now);
        (self.playing, self.ended) = (false, true);
        self.tell_state(now);
        self.mailbox.post(Event::PlayerEnded { player: self.id });
    }
}
