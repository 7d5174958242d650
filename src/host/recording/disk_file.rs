//! A file on a disk, as what is read and written anywhere.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::container::{ReadAt, WriteAt};

pub(super) struct DiskFile(pub(super) File);

impl DiskFile {
    /// Fails when the file is in no directory any more: what is written would be gone with the last
    /// byte.
    pub(super) fn check(&self) -> io::Result<()> {
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&self.0.metadata()?) == 0 {
            let text = "the file was deleted while it was written";
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        Ok(())
    }
}

impl ReadAt for DiskFile {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.seek(SeekFrom::Start(at))?;
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

impl WriteAt for DiskFile {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(at))?;
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
