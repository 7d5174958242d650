//! What a [`Step`] does to a file.

use super::error::ContainerError;
use super::mp4;
use super::output::Step;
use super::source::{ReadAt, WriteAt};

impl Step {
    /// Does it to a file of `len` bytes, and says how long that is then. When it fails a part of it may
    /// be there: readers stop at what is not whole.
    ///
    /// # Errors
    /// [`ContainerError::Io`]; [`ContainerError::Format`] where the file is not what was written.
    pub fn perform<F: ReadAt + WriteAt>(
        &self,
        file: &mut F,
        len: &mut u64,
    ) -> Result<(), ContainerError> {
        match self {
            Self::Append(bytes) => {
                file.write_at(*len, bytes)?;
                *len = len.saturating_add(bytes.len() as u64);
            }
            Self::Overwrite { at, bytes } => file.write_at(*at, bytes)?,
            Self::Index => *len = mp4::finish(file, *len)?.len,
        }
        Ok(())
    }
}
