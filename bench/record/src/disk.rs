//! A file that is written at once, on the thread that asks: all that it costs is measured.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use medialoom::container::{ReadAt, Step, WriteAt};
use medialoom::engine::recorder::{Disk, DiskNews};

pub struct DirectDisk(Mutex<State>);

struct State {
    file: Plain,
    len: u64,
    finished: bool,
}

struct Plain(File);

impl DirectDisk {
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Self(Mutex::new(State { file: Plain(file), len: 0, finished: false })))
    }
}

impl Disk for DirectDisk {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn waiting(&self) -> usize {
        0
    }

    fn write(&self, steps: Vec<Step>) {
        let mut state = self.0.lock().expect("nobody panics");
        let State { file, len, .. } = &mut *state;
        steps.iter().for_each(|step| step.perform(file, len).expect("the disk has room"));
    }

    fn begin(&self, _: PathBuf) {}

    fn finish(&self) {
        self.0.lock().expect("nobody panics").finished = true;
    }

    fn poll(&self) -> Option<DiskNews> {
        let mut state = self.0.lock().expect("nobody panics");
        let bytes = state.len;
        std::mem::take(&mut state.finished).then_some(DiskNews::Finished { bytes })
    }
}

impl ReadAt for Plain {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.seek(SeekFrom::Start(at))?;
        let mut read = 0;
        while read < buffer.len() {
            match self.0.read(&mut buffer[read..])? {
                0 => break,
                more => read += more,
            }
        }
        Ok(read)
    }
}

impl WriteAt for Plain {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(at))?;
        self.0.write_all(bytes)
    }

    /// To the page cache, which is as far as it is measured.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
