//! Repairs a file that its recorder did not finish.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk_file::DiskFile;
use crate::container::repair::survey;
use crate::container::{ContainerError, Finished};
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

/// Makes a file of a recorder seekable, in place. What was cut off, the beginning of a frame, is kept
/// in a file beside it. Blocks.
///
/// # Errors
/// `Format` with the offset when it is another file, `Io`.
pub fn repair(path: &Path) -> Result<RepairedFile, RepairError> {
    let mut file = DiskFile(OpenOptions::new().read(true).write(true).open(path)?);
    let len = file.0.metadata()?.len();
    let Some(unfinished) = survey(&mut file, len).map_err(RepairError::Container)? else {
        return Ok(RepairedFile { repaired: false, bytes: len, duration: None, cut: None });
    };
    let end = unfinished.end();
    let cut = (end < len).then(|| {
        let mut name = path.as_os_str().to_owned();
        name.push(".cut");
        PathBuf::from(name)
    });
    if let Some(cut) = &cut {
        file.0.seek(SeekFrom::Start(end))?;
        let mut rest = OpenOptions::new().write(true).create_new(true).open(cut)?;
        io::copy(&mut file.0, &mut rest)?;
        rest.sync_data()?;
        file.0.set_len(end)?;
    }
    let Finished { len: bytes, duration } =
        unfinished.finish(&mut file).map_err(RepairError::Container)?;
    file.0.sync_data()?;
    Ok(RepairedFile { repaired: true, bytes, duration: Some(duration), cut })
}
