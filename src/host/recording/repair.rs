//! Repairs a file that its recorder did not finish.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::container::webm::repair as repair_webm;
use crate::container::{ContainerError, ReadAt, Step};
use crate::control::error::{ErrorCode, Fault};

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepairedFile {
    /// It was not finished, and is now.
    pub repaired: bool,
    /// Bytes of it.
    pub bytes: u64,
    /// How long it is when it is played; `None` of one that was finished before.
    pub duration: Option<Duration>,
    /// Where the beginning of a frame went that was cut off.
    pub cut: Option<PathBuf>,
}

/// Why a file is not repaired.
#[derive(Debug)]
pub enum RepairError {
    Container(ContainerError),
    Io(io::Error),
}

impl fmt::Display for RepairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the file cannot be repaired: {error}"),
        }
    }
}

impl Fault for RepairError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Container(ContainerError::Io(_)) | Self::Io(_) => ErrorCode::Io,
            Self::Container(_) => ErrorCode::Format,
        }
    }

    fn field(&self) -> Option<String> {
        Some("file".to_owned())
    }
}

impl From<io::Error> for RepairError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Makes a WebM or Matroska file of a recorder seekable, in place. What was cut off, the beginning of
/// a frame, is kept in a file beside it. Blocks.
///
/// # Errors
/// `Format` with the offset when it is another file, `Io`.
pub fn repair(path: &Path) -> Result<RepairedFile, RepairError> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let len = file.metadata()?.len();
    let found = repair_webm(Reading(&mut file), len).map_err(RepairError::Container)?;
    if found.steps.is_empty() {
        return Ok(RepairedFile { repaired: false, bytes: len, duration: None, cut: None });
    }
    let cut = (found.len < len).then(|| {
        let mut name = path.as_os_str().to_owned();
        name.push(".cut");
        PathBuf::from(name)
    });
    if let Some(cut) = &cut {
        file.seek(SeekFrom::Start(found.len))?;
        let mut rest = OpenOptions::new().write(true).create_new(true).open(cut)?;
        io::copy(&mut file, &mut rest)?;
        rest.sync_data()?;
        file.set_len(found.len)?;
    }
    let mut bytes = found.len;
    for step in &found.steps {
        let (at, data) = match step {
            Step::Append(data) => {
                bytes += data.len() as u64;
                (bytes - data.len() as u64, data)
            }
            Step::Overwrite { at, bytes } => (*at, bytes),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(data)?;
    }
    file.sync_data()?;
    Ok(RepairedFile { repaired: true, bytes, duration: Some(found.duration), cut })
}

struct Reading<'a>(&'a mut File);

impl ReadAt for Reading<'_> {
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
