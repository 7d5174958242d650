//! A file that is written on a pool of threads of its own: what waits for a disk waits there.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::disk_file::DiskFile;
use crate::container::{ContainerError, Step};
use crate::control::recorder::RecorderOptions;
use crate::engine::recorder::{Disk, DiskNews};
use crate::host::tasks::{Next, Task, TaskPool, Waker};

/// Bytes on their way to one file.
const MAX_WAITING: usize = 8 << 20;
/// Bytes on their way to all files of an endpoint.
const MAX_WAITING_OF_ALL: usize = 64 << 20;

/// The recorder's end of a file.
pub(super) struct FileQueue {
    shared: Arc<Shared>,
    waiting_of_all: Arc<AtomicUsize>,
    /// Of the task that writes.
    waker: Waker,
}

/// The file, as its pool runs it.
pub(super) struct FileTask {
    shared: Arc<Shared>,
    waiting_of_all: Arc<AtomicUsize>,
    /// Of the recorder.
    recorder: Waker,
    waker: Waker,
    path: PathBuf,
    mode: u32,
    file: Option<DiskFile>,
    /// Bytes of the file, and of those before it.
    len: u64,
    before: u64,
    over: bool,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    works: Vec<Work>,
    finish: bool,
    news: Vec<DiskNews>,
}

/// What is to be done, in turn.
enum Work {
    Step(Step),
    /// Another file.
    Begin(PathBuf),
}

impl Work {
    fn bytes(&self) -> usize {
        match self {
            Self::Step(step) => step.bytes(),
            Self::Begin(_) => 0,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Both ends of a file that is made when the task runs first.
pub(super) fn open(
    options: &RecorderOptions,
    pool: &TaskPool,
    waiting_of_all: &Arc<AtomicUsize>,
    recorder: Waker,
) -> (FileQueue, FileTask) {
    let shared = Arc::<Shared>::default();
    let waker = pool.waker();
    let queue = FileQueue {
        shared: Arc::clone(&shared),
        waiting_of_all: Arc::clone(waiting_of_all),
        waker: waker.clone(),
    };
    let task = FileTask {
        shared,
        waiting_of_all: Arc::clone(waiting_of_all),
        recorder,
        waker,
        path: options.file.clone(),
        mode: options.mode,
        file: None,
        len: 0,
        before: 0,
        over: false,
    };
    (queue, task)
}

impl Disk for FileQueue {
    fn has_room(&self, bytes: usize) -> bool {
        let own = self.shared.waiting.load(Ordering::Relaxed);
        let all = self.waiting_of_all.load(Ordering::Relaxed);
        own.saturating_add(bytes) <= MAX_WAITING && all.saturating_add(bytes) <= MAX_WAITING_OF_ALL
    }

    fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    fn write(&self, steps: Vec<Step>) {
        let bytes = steps.iter().map(Step::bytes).sum();
        self.shared.waiting.fetch_add(bytes, Ordering::Relaxed);
        self.waiting_of_all.fetch_add(bytes, Ordering::Relaxed);
        self.shared.lock().works.extend(steps.into_iter().map(Work::Step));
        self.waker.wake();
    }

    fn begin(&self, file: PathBuf) {
        self.shared.lock().works.push(Work::Begin(file));
        self.waker.wake();
    }

    fn finish(&self) {
        self.shared.lock().finish = true;
        self.waker.wake();
    }

    fn poll(&self) -> Option<DiskNews> {
        let mut state = self.shared.lock();
        (!state.news.is_empty()).then(|| state.news.remove(0))
    }
}

impl FileTask {
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn tell(&mut self, news: DiskNews) {
        self.over |= !matches!(news, DiskNews::Opened);
        self.shared.lock().news.push(news);
        self.recorder.wake();
    }

    /// Does what waits.
    fn work(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(DiskFile(create(&self.path, self.mode)?));
            self.tell(DiskNews::Opened);
        }
        loop {
            let (works, finish) = {
                let mut state = self.shared.lock();
                (std::mem::take(&mut state.works), state.finish)
            };
            if works.is_empty() {
                if finish {
                    self.close()?;
                    let bytes = self.before;
                    self.tell(DiskNews::Finished { bytes });
                }
                return Ok(());
            }
            let bytes: usize = works.iter().map(Work::bytes).sum();
            let done = works.into_iter().try_for_each(|work| self.perform(work));
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.waiting_of_all.fetch_sub(bytes, Ordering::Relaxed);
            done?;
            self.file.as_ref().map_or(Ok(()), DiskFile::check)?;
        }
    }

    fn perform(&mut self, work: Work) -> io::Result<()> {
        match work {
            Work::Step(step) => match &mut self.file {
                Some(file) => step.perform(file, &mut self.len).map_err(io_error),
                None => Ok(()),
            },
            Work::Begin(path) => {
                self.close()?;
                self.file = Some(DiskFile(create(&path, self.mode)?));
                Ok(())
            }
        }
    }

    /// The file is as it is to stay.
    fn close(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.0.sync_data()?;
        }
        self.before = self.before.saturating_add(std::mem::take(&mut self.len));
        Ok(())
    }

    fn attempt(&mut self) {
        if self.over {
            return;
        }
        if let Err(error) = self.work() {
            self.tell(DiskNews::Failed(error));
        }
    }
}

/// Never over a file that is there: it may be a recording.
fn create(path: &PathBuf, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // It is read again when it is finished.
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

fn io_error(error: ContainerError) -> io::Error {
    match error {
        ContainerError::Io(error) => error,
        // Somebody else wrote to it.
        other => io::Error::other(other.to_string()),
    }
}

impl Task for FileTask {
    fn name(&self) -> &'static str {
        "file"
    }

    fn run(&mut self, _: Instant) -> Next {
        self.attempt();
        if self.over { Next::Never } else { Next::WhenWoken }
    }

    fn fail(&mut self) {
        self.tell(DiskNews::Failed(io::Error::other("writing failed by a fault of this program")));
    }
}

impl Drop for FileTask {
    /// The endpoint closes: what waits is written still.
    fn drop(&mut self) {
        if !std::thread::panicking() && self.file.is_some() {
            self.attempt();
        }
        let left = self.shared.waiting.swap(0, Ordering::Relaxed);
        self.waiting_of_all.fetch_sub(left, Ordering::Relaxed);
    }
}
