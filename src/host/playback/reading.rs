//! The files of one player, as threads of their own read them: a disk that is slow holds up nobody but
//! whoever plays from it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::container::reader::ReadFrame;
use crate::container::{ReadAt, Reader};
use crate::engine::player::{Chosen, FileFrame, FileNews, Files, OpenedFile, PlayerError, Reading};
use crate::host::tasks::{Next, Task, TaskPool, Waker};

/// Bytes that are read ahead, beside those that a player has taken.
const AHEAD: usize = 1 << 20;
/// And frames.
const AHEAD_FRAMES: usize = 512;
/// Frames that are read in one turn, and their bytes, those of tracks that are not played included: the
/// thread has other files to read as well.
const TURN: usize = 1_024;
const TURN_BYTES: usize = 4 << 20;

/// Where a file is.
#[derive(Clone, Debug)]
pub enum Item {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

/// Which kinds of tracks are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    pub(super) audio: bool,
    pub(super) video: bool,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: Vec<Item>,
    requests: VecDeque<Reading>,
    /// Of readings with a lower number nothing is wanted any more.
    wanted_from: u64,
    news: VecDeque<(u64, FileNews)>,
    bytes: usize,
    closed: bool,
}

impl Shared {
    pub(super) fn new(items: Vec<Item>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { items, ..State::default() }) })
    }

    /// Adds files behind those that are there. Gives how many there are then, or `None` when that
    /// would be more than there may be.
    pub(super) fn add(&self, items: Vec<Item>, most: usize) -> Option<usize> {
        let mut state = self.lock();
        if state.items.len() + items.len() > most {
            return None;
        }
        state.items.extend(items);
        Some(state.items.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= AHEAD || self.news.len() >= AHEAD_FRAMES
    }
}

/// The player's end.
pub(super) struct FilesQueue {
    shared: Arc<Shared>,
    /// Of the task that reads.
    waker: Waker,
    /// Behind the number of the last reading.
    next: u64,
}

/// The reader, as its pool runs it.
pub(super) struct ReadingTask {
    shared: Arc<Shared>,
    kinds: Kinds,
    /// Of the player.
    player: Waker,
    waker: Waker,
    current: Option<Current>,
    /// Bytes of frames that were read in this turn.
    turn: usize,
}

struct Current {
    number: u64,
    reader: Reader,
    chosen: Chosen,
}

/// Both ends of the files of a player.
pub(super) fn open(
    shared: &Arc<Shared>,
    kinds: Kinds,
    pool: &TaskPool,
    player: Waker,
) -> (FilesQueue, ReadingTask) {
    let waker = pool.waker();
    let queue = FilesQueue { shared: Arc::clone(shared), waker: waker.clone(), next: 0 };
    let shared = Arc::clone(shared);
    let task = ReadingTask { shared, kinds, player, waker, current: None, turn: 0 };
    (queue, task)
}

impl Files for FilesQueue {
    fn read(&mut self, reading: Reading) {
        self.next = reading.number + 1;
        self.shared.lock().requests.push_back(reading);
        self.waker.wake();
    }

    fn forget(&mut self) {
        let mut state = self.shared.lock();
        state.wanted_from = self.next;
        state.requests.clear();
        state.news.clear();
        state.bytes = 0;
    }

    fn poll(&mut self) -> Option<(u64, FileNews)> {
        let mut state = self.shared.lock();
        let was_full = state.is_full();
        let (number, news) = state.news.pop_front()?;
        if let FileNews::Frame(frame) = &news {
            state.bytes = state.bytes.saturating_sub(frame.data.len());
        }
        let wake = was_full && !state.is_full();
        drop(state);
        if wake {
            self.waker.wake();
        }
        Some((number, news))
    }
}

impl Drop for FilesQueue {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.waker.wake();
    }
}

impl ReadingTask {
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// One step. `false` when there is nothing to do or no room.
    fn step(&mut self) -> bool {
        let request = {
            let mut state = self.shared.lock();
            let wanted_from = state.wanted_from;
            self.current.take_if(|current| current.number < wanted_from);
            if state.is_full() {
                return false;
            }
            match self.current {
                Some(_) => None,
                None => match state.requests.pop_front() {
                    None => return false,
                    Some(reading) => Some((reading, state.items.get(reading.item).cloned())),
                },
            }
        };
        let (number, news) = match request {
            Some((reading, item)) => (reading.number, self.begin(reading, item)),
            None => match self.next_frame() {
                Some(news) => news,
                None => return true,
            },
        };
        if matches!(news, FileNews::End | FileNews::Failed(_)) {
            self.current = None;
        }
        self.tell(number, news);
        true
    }

    fn begin(&mut self, reading: Reading, item: Option<Item>) -> FileNews {
        let opened = item.ok_or(PlayerError::NoFile).and_then(|item| {
            let mut reader = open_item(item)?;
            let chosen = Chosen::of(reader.tracks(), self.kinds.audio, self.kinds.video)?;
            let mut begins = reading.from;
            if !begins.is_zero() {
                begins = reader.seek(begins, chosen.leader())?;
            }
            let duration = reader.duration();
            let file = OpenedFile { chosen: chosen.clone(), duration, begins };
            Ok((file, Current { number: reading.number, reader, chosen }))
        });
        match opened {
            Err(error) => FileNews::Failed(error),
            Ok((file, current)) => {
                self.current = Some(current);
                FileNews::Opened(file)
            }
        }
    }

    /// `None` when it was of a track that is not played.
    fn next_frame(&mut self) -> Option<(u64, FileNews)> {
        let current = self.current.as_mut()?;
        let news = match current.reader.next() {
            Err(error) => FileNews::Failed(error.into()),
            Ok(None) => FileNews::End,
            Ok(Some(ReadFrame { track, time, keyframe, data })) => {
                self.turn = self.turn.saturating_add(data.len());
                let kind = current.chosen.kind_of(track)?;
                FileNews::Frame(FileFrame { kind, time, keyframe, data })
            }
        };
        Some((current.number, news))
    }

    fn tell(&mut self, number: u64, news: FileNews) {
        let mut state = self.shared.lock();
        if number < state.wanted_from {
            return;
        }
        if let FileNews::Frame(frame) = &news {
            state.bytes = state.bytes.saturating_add(frame.data.len());
        }
        let wake = state.news.is_empty() || !matches!(news, FileNews::Frame(_));
        state.news.push_back((number, news));
        drop(state);
        if wake {
            self.player.wake();
        }
    }
}

impl Task for ReadingTask {
    fn name(&self) -> &'static str {
        "reading"
    }

    fn run(&mut self, _: Instant) -> Next {
        if self.shared.lock().closed {
            return Next::Never;
        }
        self.turn = 0;
        for _ in 0..TURN {
            if !self.step() {
                return Next::WhenWoken;
            }
            if self.turn >= TURN_BYTES {
                break;
            }
        }
        Next::At(Instant::now())
    }

    fn fail(&mut self) {
        let number = self.current.take().map_or(0, |current| current.number);
        let wanted = self.shared.lock().wanted_from;
        self.tell(number.max(wanted), FileNews::Failed(PlayerError::Failed));
    }
}

fn open_item(item: Item) -> Result<Reader, PlayerError> {
    match item {
        Item::Bytes(bytes) => {
            let len = bytes.len() as u64;
            Ok(Reader::open(Memory(bytes), len)?)
        }
        Item::Path(path) => {
            let about = std::fs::metadata(&path).map_err(PlayerError::Open)?;
            if !about.is_file() {
                // A pipe would be waited for.
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
                return Err(PlayerError::Open(error));
            }
            let file = File::open(&path).map_err(PlayerError::Open)?;
            Ok(Reader::open(OnDisk(file), about.len())?)
        }
    }
}

struct Memory(Arc<[u8]>);

impl ReadAt for Memory {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read_at(at, buffer)
    }
}

struct OnDisk(File);

impl ReadAt for OnDisk {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.read_some(at.saturating_add(read as u64), rest) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

impl OnDisk {
    #[cfg(unix)]
    fn read_some(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, at)
    }

    #[cfg(not(unix))]
    fn read_some(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        self.0.seek(SeekFrom::Start(at))?;
        self.0.read(buffer)
    }
}
