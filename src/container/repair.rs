//! Files of any kind whose writer ended before they were finished.

use std::time::Duration;

use super::error::ContainerError;
use super::output::Step;
use super::source::{ReadAt, WriteAt};
use super::{Finished, mp4, ogg, wav, webm};

/// What there is of such a file.
pub struct Unfinished {
    end: u64,
    kind: Kind,
}

enum Kind {
    /// What is left to be done is known.
    Steps {
        steps: Vec<Step>,
        duration: Duration,
    },
    Mp4(mp4::Unfinished),
}

/// Looks through a file of `len` bytes, of any of the kinds that are written. `None` when it was
/// finished.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`].
pub fn survey<F: ReadAt>(file: &mut F, len: u64) -> Result<Option<Unfinished>, ContainerError> {
    let mut head = [0; 8];
    let read = file.read_at(0, &mut head)?;
    let (end, steps, duration) = match head.get(..read).unwrap_or_default() {
        [_, _, _, _, b'f', b't', b'y', b'p'] => {
            let unfinished = mp4::survey(file, len)?;
            return Ok(unfinished.map(|mp4| Unfinished { end: mp4.end(), kind: Kind::Mp4(mp4) }));
        }
        [b'O', b'g', b'g', b'S', ..] => {
            let ogg::Repaired { len, last, duration } = ogg::repair(file, len)?;
            (len, last.map(Step::Append).into_iter().collect(), duration)
        }
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', ..] => {
            let wav::Repaired { len, steps, duration } = wav::repair(file, len)?;
            (len, steps, duration)
        }
        _ => {
            let webm::Repaired { len, steps, duration } = webm::repair(file, len)?;
            (len, steps, duration)
        }
    };
    let unfinished = !steps.is_empty();
    Ok(unfinished.then_some(Unfinished { end, kind: Kind::Steps { steps, duration } }))
}

impl Unfinished {
    /// Bytes that are of use. What lies behind is the beginning of something, and has to be cut off.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Makes the file seekable, which ends at [`end`](Self::end) now.
    ///
    /// # Errors
    /// [`ContainerError::Io`], and then it plays as before.
    pub fn finish<F: ReadAt + WriteAt>(self, file: &mut F) -> Result<Finished, ContainerError> {
        let mut len = self.end;
        match self.kind {
            Kind::Mp4(mp4) => mp4.finish(file),
            Kind::Steps { steps, duration } => {
                steps.iter().try_for_each(|step| step.perform(file, &mut len))?;
                Ok(Finished { len, duration })
            }
        }
    }
}
