//! A file that a recorder may have begun, of any kind. What it is made of is never longer than it.

use std::io;

use medialoom::container::repair::survey;
use medialoom::container::{Finished, ReadAt, WriteAt};

/// An index takes more bytes than the frames it tells of, but not many times.
const MOST_PER_BYTE: usize = 16;
/// Of sizes, heads and durations of a few tracks.
const HEADERS: usize = 1_024;

/// Counts what is written.
struct Counted {
    file: Vec<u8>,
    written: usize,
}

impl ReadAt for Counted {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(at, buffer)
    }
}

impl WriteAt for Counted {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        let most = HEADERS + self.file.len() * MOST_PER_BYTE;
        assert!(at + bytes.len() as u64 <= most as u64, "{} bytes at {at}", bytes.len());
        self.file.write_at(at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn run(data: &[u8]) {
    let mut file = Counted { file: data.to_vec(), written: 0 };
    let Ok(Some(unfinished)) = survey(&mut file, data.len() as u64) else { return };
    let end = unfinished.end();
    assert!(end <= data.len() as u64);
    file.file.truncate(end as usize);
    let Ok(Finished { len, .. }) = unfinished.finish(&mut file) else { return };
    assert_eq!(len, file.file.len() as u64);
    let written = file.written;
    assert!(written <= HEADERS + data.len() * MOST_PER_BYTE, "{written} for {}", data.len());
    assert!(survey(&mut file, len).is_ok_and(|left| left.is_none()), "it is finished");
}
