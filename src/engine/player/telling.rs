//! What a player says of itself: where it is, what is wrong, and that it has ended.

use std::time::{Duration, Instant};

use super::line::Line;
use super::{Files, Player, PlayerError, Shards};
use crate::codec::Kind;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::RequestId;
use crate::control::player::{
    PlayedTrackInfo, PlayerCommand, PlayerInfo, PlayerPosition, PlayerStats,
};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Made;

impl<S: Shards, F: Files> Player<S, F> {
    pub(super) fn position(&self, now: Instant) -> PlayerPosition {
        let playing = self.playing;
        let Some(segment) = self.program.current() else {
            return PlayerPosition { playing, ..PlayerPosition::default() };
        };
        let played = self.pace.played(now).min(segment.end.unwrap_or(Duration::MAX));
        let position = segment.begins.saturating_add(played.saturating_sub(segment.start));
        let (item, duration) = (segment.reading.item, segment.duration);
        PlayerPosition { item, position, duration, playing }
    }

    /// The first file was looked at.
    pub(super) fn tell_opened(&mut self, now: Instant) {
        let position = self.position(now);
        let info = |kind| {
            let line = self.lines.iter().find(|line| line.kind() == kind)?;
            track_info(line.made()?, line.is_reordered())
        };
        let info = PlayerInfo {
            audio: info(Kind::Audio),
            video: info(Kind::Video),
            duration: position.duration.map(|duration| duration.as_secs_f64()),
            position: position.position.as_secs_f64(),
        };
        let Some(request) = self.opening.take() else { return };
        // Numbers and names always make JSON.
        let result = Ok(serde_json::to_string(&info).map_or(Reply::Done, Reply::Player));
        self.mailbox.post(Event::Reply { request, result });
    }

    pub(super) fn tell_state(&self, now: Instant) {
        let mut position = self.position(now);
        // Whoever counts on from here counts only what goes on.
        position.playing = self.pace.is_running();
        self.mailbox.post(Event::PlayerState { player: self.id, position });
    }

    pub(super) fn answer_stats(&self, now: Instant, request: RequestId) {
        let position = self.position(now);
        let of = |kind| self.lines.iter().find(|line| line.kind() == kind).map(Line::stats);
        let stats = PlayerStats {
            item: position.item,
            position: position.position.as_secs_f64(),
            playing: self.pace.is_running(),
            bytes_waiting: self.lines.iter().map(Line::bytes).sum::<usize>() as u64,
            stalls: self.stalls,
            audio: of(Kind::Audio),
            video: of(Kind::Video),
        };
        // Numbers and names always make JSON.
        let result = Ok(serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats));
        self.mailbox.post(Event::Reply { request, result });
    }

    pub(super) fn tell_error(&self, item: Option<usize>, error: impl Into<EngineError>) {
        let (player, error) = (self.id, error.into());
        self.mailbox.post(Event::PlayerError { player, item, error });
    }

    /// Ends it: its tracks close.
    pub fn close(&mut self, reason: CloseReason) {
        if self.over {
            return;
        }
        self.over = true;
        self.files.forget();
        for made in self.lines.iter().filter_map(Line::made) {
            let message = ShardMessage::MadeTrackClosed { track: made.id() };
            self.outlet.send(self.id.shard(), message);
        }
        let refused = || Err(EngineError::from(PlayerError::Closed));
        let waits = self.seeking.take().map(|(request, _)| request);
        for request in waits.into_iter().chain(self.opening.take()) {
            self.mailbox.post(Event::Reply { request, result: refused() });
        }
        self.mailbox.post(Event::PlayerClosed { player: self.id, reason });
        self.requests.close();
        while let Ok(command) = self.requests.try_recv() {
            let (request, result) = match command {
                PlayerCommand::Close { request } => (request, Ok(Reply::Done)),
                PlayerCommand::Seek { request, .. } | PlayerCommand::Stats { request } => {
                    (request, refused())
                }
                _ => continue,
            };
            self.mailbox.post(Event::Reply { request, result });
        }
    }

    pub(super) fn fail_with(&mut self, error: PlayerError) {
        if self.over {
            return;
        }
        let error = EngineError::from(error);
        match self.opening.take() {
            // Nobody knows of it yet but who asked for it.
            Some(request) => self.mailbox.post(Event::Reply { request, result: Err(error) }),
            None => self.tell_error(None, error),
        }
        self.close(CloseReason::Error);
    }
}

fn track_info(made: &Made, reordered: bool) -> Option<PlayedTrackInfo> {
    let description = made.description();
    let encoding = description.encodings.first()?;
    let (id, size) = (made.id(), encoding.size);
    Some(PlayedTrackInfo::new(id, encoding.codec, encoding.ssrc, size, reordered))
}
