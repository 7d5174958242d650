//! What is read of the files: taken as far ahead as is of use, and put where it belongs.

use std::time::{Duration, Instant};

use super::line::Line;
use super::{
    APART, FileNews, Files, MAX_BYTES, OpenedFile, Player, PlayerError, Shards, form, preparing,
};
use crate::codec::Kind;
use crate::control::error::EngineError;
use crate::control::event::{Event, Reply};

/// How far ahead of what is played is read.
const AHEAD: Duration = Duration::from_millis(500);

impl<S: Shards, F: Files> Player<S, F> {
    /// Takes what was read, as far ahead as is of use.
    pub(super) fn pull(&mut self, now: Instant) {
        while !self.over && self.is_hungry(now) {
            if let Some((number, news)) = self.files.poll() {
                self.take_news(number, news);
                continue;
            }
            if self.opening.is_some() || !self.program.is_read() {
                return;
            }
            match self.program.follow() {
                Some(reading) => self.files.read(reading),
                None => {
                    if self.program.is_done() {
                        self.lines.iter_mut().for_each(Line::finish);
                    }
                    return;
                }
            }
        }
    }

    fn is_hungry(&self, now: Instant) -> bool {
        let bytes: usize = self.lines.iter().map(Line::bytes).sum();
        if bytes >= MAX_BYTES {
            return false;
        }
        if self.opening.is_some() {
            return !preparing::is_prepared(&self.lines, &self.program);
        }
        let played = self.pace.played(now);
        let mut lines = self.lines.iter().filter(|line| !line.idle);
        let enough = |line: &Line| line.ahead().is_some_and(|at| at > played + AHEAD);
        let far = self.lines.iter().filter_map(Line::ahead).any(|at| at > played + APART);
        !far && !lines.all(enough)
    }

    fn take_news(&mut self, number: u64, news: FileNews) {
        if self.program.find(number).is_none() {
            return;
        }
        match news {
            FileNews::Opened(file) => {
                let done = if self.lines.is_empty() {
                    self.open_first(number, &file)
                } else {
                    self.open_next(number, &file)
                };
                if let Err(error) = done {
                    self.item_failed(number, error);
                }
            }
            FileNews::Frame(frame) => {
                let Some(segment) = self.program.find(number).filter(|segment| segment.opened)
                else {
                    return;
                };
                let at = segment.start + frame.time.saturating_sub(segment.begins);
                let mut lines = self.lines.iter_mut();
                if let Some(line) = lines.find(|line| line.kind() == frame.kind && !line.idle) {
                    line.push(at, frame.keyframe, frame.data);
                }
            }
            FileNews::End => self.end_reading(number),
            FileNews::Failed(error) => self.item_failed(number, error),
        }
    }

    fn open_first(&mut self, number: u64, file: &OpenedFile) -> Result<(), PlayerError> {
        for kind in [Kind::Audio, Kind::Video] {
            if let Some(track) = file.chosen.of_kind(kind) {
                let line = Line::new(track).ok_or(PlayerError::Nothing)?;
                self.lines.push(line);
            }
        }
        self.opened(number, file);
        Ok(())
    }

    /// A later file has what the first one has, or less.
    fn open_next(&mut self, number: u64, file: &OpenedFile) -> Result<(), PlayerError> {
        for line in &self.lines {
            let Some(track) = file.chosen.of_kind(line.kind()) else { continue };
            let now = form::played_as(track);
            if now != Some(line.codec()) {
                let (kind, first) = (line.kind(), line.codec().name());
                let now = now.map_or("something else", |codec| codec.name());
                return Err(PlayerError::Differs { kind, first, now });
            }
        }
        let mut any = false;
        for line in &mut self.lines {
            match file.chosen.of_kind(line.kind()) {
                Some(track) => any |= line.follow(track),
                None => {
                    line.finish();
                    line.idle = true;
                }
            }
        }
        if !any {
            return Err(PlayerError::Nothing);
        }
        self.opened(number, file);
        Ok(())
    }

    fn opened(&mut self, number: u64, file: &OpenedFile) {
        let Some(segment) = self.program.find(number) else { return };
        segment.opened = true;
        (segment.begins, segment.duration) = (file.begins, file.duration);
        let start = segment.start;
        self.lines.iter_mut().for_each(|line| line.begin(start));
        if let Some((request, _)) = self.seeking.take_if(|(_, reading)| *reading == number) {
            let result = Ok(Reply::Seconds(file.begins.as_secs_f64()));
            self.mailbox.post(Event::Reply { request, result });
        }
    }

    fn end_reading(&mut self, number: u64) {
        let end = self.end();
        let item = self.program.find(number).map(|segment| segment.reading.item);
        if !self.program.finish(number, end) && self.opening.is_none() {
            self.tell_error(item, PlayerError::Nothing);
        }
    }

    /// Where what was read ends.
    fn end(&self) -> Duration {
        self.lines.iter().map(Line::end).max().unwrap_or_default()
    }

    /// What was read of it before is played.
    fn item_failed(&mut self, number: u64, error: PlayerError) {
        if self.opening.is_some() {
            return self.fail_with(error);
        }
        let error = EngineError::from(error);
        if let Some((request, _)) = self.seeking.take_if(|(_, reading)| *reading == number) {
            self.mailbox.post(Event::Reply { request, result: Err(error.clone()) });
        }
        let Some(segment) = self.program.find(number) else { return };
        let (item, opened) = (segment.reading.item, segment.opened);
        self.tell_error(Some(item), error);
        if opened {
            let end = self.end();
            self.program.finish(number, end);
        } else {
            self.program.fail(number);
        }
    }
}
