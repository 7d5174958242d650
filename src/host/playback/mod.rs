//! Players as the binding sees them: made on the pool of tasks, asked by commands, each with files
//! that threads of their own read.

mod reading;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::HostError;
use super::media_threads::Outside;
use super::running::{Actor, Running};
use super::tasks::{TaskPool, Waker};
use crate::control::error::EngineError;
use crate::control::event::CloseReason;
use crate::control::ids::{Ended, IdMap, Ids, PlayerId, RequestId, ShardIndex, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::player::{PlayerCommand, PlayerOptions};
use crate::engine::message::ShardMessage;
use crate::engine::player::{MAX_COMMANDS, Parts, Player, TrackNames};
use crate::engine::tap::Inlet;
pub use reading::Item;
use reading::{FilesQueue, Kinds, Shared};

/// Players of one endpoint.
const MAX_PLAYERS: usize = 10_000;
/// Files of one player.
const MAX_ITEMS: usize = 10_000;
/// Threads that read files: one that waits for its disk does not hold up all the others.
const DISK_THREADS: usize = 2;

pub(super) struct Playback {
    pool: Arc<TaskPool>,
    disk: TaskPool,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    shards: usize,
    players: Arc<Players>,
}

/// The players there are.
#[derive(Default)]
pub(super) struct Players(Mutex<Known>);

#[derive(Default)]
struct Known {
    handles: IdMap<PlayerId, Handle>,
    /// How many there ever were: they take turns with the shards.
    made: usize,
}

struct Handle {
    requests: mpsc::Sender<PlayerCommand>,
    waker: Waker,
    inlet: Arc<Inlet>,
    files: Arc<Shared>,
}

impl Playback {
    pub(super) fn new(
        pool: Arc<TaskPool>,
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        shards: usize,
        players: Arc<Players>,
    ) -> Self {
        let disk = TaskPool::new(DISK_THREADS);
        Self { pool, disk, ids, mailbox, outside, shards, players }
    }

    /// The reply to `opening` says what its tracks are.
    pub(super) fn create(
        &self,
        opening: RequestId,
        items: Vec<Item>,
        options: PlayerOptions,
    ) -> Result<PlayerId, EngineError> {
        let mut players = self.players.lock();
        players.handles.retain(|_, handle| !handle.requests.is_closed());
        if players.handles.len() >= MAX_PLAYERS {
            return Err(HostError::PlayerLimit(MAX_PLAYERS).into());
        }
        if items.len() > MAX_ITEMS {
            return Err(HostError::ItemLimit(MAX_ITEMS).into());
        }
        let shard = ShardIndex((players.made % self.shards) as u8);
        let id = PlayerId::new(&self.ids, shard);
        let waker = self.pool.waker();
        // It takes no tracks, so that no packets come.
        let (inlet, _) = Inlet::new({
            let waker = waker.clone();
            move || waker.wake()
        });
        let (sender, requests) = mpsc::channel(MAX_COMMANDS);
        let kinds = Kinds { audio: options.audio, video: options.video };
        let count = items.len();
        let shared = Shared::new(items);
        let (files, task) = reading::open(&shared, kinds, &self.disk, waker.clone());
        let name = || SourceId::new(&self.ids, shard);
        let parts = Parts {
            id,
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            files,
            inlet: Arc::clone(&inlet),
            requests,
            names: TrackNames { audio: name(), video: name() },
            items: count,
            opening,
        };
        let task_waker = task.waker();
        let player = Player::new(parts, options);
        self.disk.spawn(&task_waker, Box::new(task))?;
        self.pool.spawn(&waker, Box::new(Running(player)))?;
        players.made += 1;
        players.handles.insert(id, Handle { requests: sender, waker, inlet, files: shared });
        Ok(id)
    }

    /// Adds files behind those that a player has.
    pub(super) fn add(&self, player: PlayerId, items: Vec<Item>) -> Result<(), EngineError> {
        let players = self.players.lock();
        let handle = players.handles.get(&player).ok_or(HostError::PlayerClosed)?;
        let count = handle.files.add(items, MAX_ITEMS).ok_or(HostError::ItemLimit(MAX_ITEMS))?;
        handle.ask(PlayerCommand::SetItems { count })
    }

    pub(super) fn command(
        &self,
        player: PlayerId,
        command: PlayerCommand,
    ) -> Result<(), EngineError> {
        let players = self.players.lock();
        players.handles.get(&player).ok_or(HostError::PlayerClosed)?.ask(command)
    }

    /// Reads nothing more. To be called when the pool of tasks has ended.
    pub(super) fn shutdown(&self) {
        self.disk.shutdown();
    }
}

impl Players {
    /// A shard lost all it had: the players whose tracks it had.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().handles.values() {
            handle.inlet.thread_ended(ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Handle {
    fn ask(&self, command: PlayerCommand) -> Result<(), EngineError> {
        self.requests.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => HostError::CallsWaitForPlayer { calls: MAX_COMMANDS },
            TrySendError::Closed(_) => HostError::PlayerClosed,
        })?;
        self.waker.wake();
        Ok(())
    }
}

impl Actor for Player<Outside<ShardMessage>, FilesQueue> {
    const NAME: &'static str = "player";

    fn run(&mut self, now: Instant, _: Instant) -> Option<Instant> {
        self.run(now)
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn fail(&mut self) {
        self.fail();
    }

    fn abandon(&mut self, _: Instant) {
        self.close(CloseReason::Parent);
    }
}
