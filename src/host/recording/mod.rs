//! Recorders as the binding sees them: made on the pool of tasks, asked by commands, each with a file
//! that threads of their own write.

mod disk_file;
mod file;
mod repair;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::HostError;
use super::media_threads::Outside;
use super::running::{Actor, Running};
use super::tasks::{TaskPool, Waker};
use crate::control::error::EngineError;
use crate::control::ids::{Ended, IdMap, Ids, RecordedTrackId, RecorderId, RequestId, ShardIndex};
use crate::control::mailbox::Mailbox;
use crate::control::recorder::{RecorderCommand, RecorderOptions};
use crate::control::snapshot::StatsCollector;
use crate::engine::message::ShardMessage;
use crate::engine::recorder::{MAX_COMMANDS, Parts, Recorder};
use crate::engine::tap::Inlet;
use file::FileQueue;
pub use repair::{RepairError, RepairedFile, repair};

/// Recorders of one endpoint.
const MAX_RECORDERS: usize = 10_000;
/// Threads that write files: one that waits for its disk does not hold up all the others.
const DISK_THREADS: usize = 2;

pub(super) struct Recordings {
    pool: Arc<TaskPool>,
    disk: TaskPool,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    /// Bytes on their way to all files.
    waiting: Arc<AtomicUsize>,
    recorders: Arc<Recorders>,
}

/// The recorders there are.
#[derive(Default)]
pub(super) struct Recorders(Mutex<IdMap<RecorderId, Handle>>);

struct Handle {
    requests: mpsc::Sender<RecorderCommand>,
    waker: Waker,
    inlet: Arc<Inlet>,
}

impl Recordings {
    pub(super) fn new(
        pool: Arc<TaskPool>,
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        recorders: Arc<Recorders>,
    ) -> Self {
        let disk = TaskPool::new(DISK_THREADS);
        Self { pool, disk, ids, mailbox, outside, waiting: Arc::default(), recorders }
    }

    /// The reply to `opening` says whether there is a file.
    pub(super) fn create(
        &self,
        opening: RequestId,
        options: RecorderOptions,
    ) -> Result<RecorderId, EngineError> {
        let mut recorders = self.recorders.lock();
        recorders.retain(|_, handle| !handle.requests.is_closed());
        if recorders.len() >= MAX_RECORDERS {
            return Err(HostError::RecorderLimit(MAX_RECORDERS).into());
        }
        let id = RecorderId::new(&self.ids, ShardIndex(0));
        let waker = self.pool.waker();
        let (inlet, packets) = Inlet::new({
            let waker = waker.clone();
            move || waker.wake()
        });
        let (sender, requests) = mpsc::channel(MAX_COMMANDS);
        let (disk, file) = file::open(&options, &self.disk, &self.waiting, waker.clone());
        let parts = Parts {
            id,
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            disk,
            inlet: Arc::clone(&inlet),
            packets,
            requests,
            opening,
            // A clock before 1970 is one that was never set.
            date: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        let recorder = Recorder::new(parts, &options);
        let file_waker = file.waker();
        self.disk.spawn(&file_waker, Box::new(file))?;
        self.pool.spawn(&waker, Box::new(Running(recorder)))?;
        recorders.insert(id, Handle { requests: sender, waker, inlet });
        Ok(id)
    }

    /// For a line that is made next.
    pub(super) fn line_id(&self) -> RecordedTrackId {
        RecordedTrackId::new(&self.ids, ShardIndex(0))
    }

    pub(super) fn command(
        &self,
        recorder: RecorderId,
        command: RecorderCommand,
    ) -> Result<(), EngineError> {
        let recorders = self.recorders.lock();
        let handle = recorders.get(&recorder).ok_or(HostError::RecorderClosed)?;
        handle.requests.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => HostError::CallsWaitForRecorder { calls: MAX_COMMANDS },
            TrySendError::Closed(_) => HostError::RecorderClosed,
        })?;
        handle.waker.wake();
        Ok(())
    }

    /// Has every recorder add its statistics.
    pub(super) fn add_stats(&self, collector: &Arc<StatsCollector>) -> Result<(), EngineError> {
        for handle in self.recorders.lock().values() {
            let collector = Arc::clone(collector);
            match handle.requests.try_send(RecorderCommand::AddStats { collector }) {
                // It is over, and nobody has looked since.
                Err(TrySendError::Closed(_)) => {}
                Err(TrySendError::Full(_)) => {
                    return Err(HostError::CallsWaitForRecorder { calls: MAX_COMMANDS }.into());
                }
                Ok(()) => handle.waker.wake(),
            }
        }
        Ok(())
    }

    /// Writes what is left of all files. To be called when the pool of tasks has ended.
    pub(super) fn shutdown(&self) {
        self.disk.shutdown();
    }
}

impl Recorders {
    /// A shard lost all it had: tracks that recorders take from there.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().values() {
            handle.inlet.thread_ended(ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdMap<RecorderId, Handle>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Actor for Recorder<Outside<ShardMessage>, FileQueue> {
    const NAME: &'static str = "recorder";

    fn run(&mut self, now: Instant, _: Instant) -> Option<Instant> {
        self.run(now)
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn fail(&mut self) {
        self.fail();
    }

    fn abandon(&mut self, now: Instant) {
        self.abandon(now);
    }
}
