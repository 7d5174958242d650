//! A file that is read, through small windows: what it says of itself costs no more memory than that.

use super::error::ContainerError;
use super::source::ReadAt;

/// Bytes of a window.
const WINDOW: usize = 16 << 10;
/// Places of a file that are read by turns: its frames, and the tables that tell where they are.
const WINDOWS: usize = 12;
/// Most bytes of one frame.
pub const MAX_FRAME: usize = 4 << 20;

/// A file with the places of it that were read last.
pub(super) struct Windows<S> {
    file: S,
    len: u64,
    /// The one that was used last comes first.
    windows: Vec<Window>,
}

struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// So many bytes from `at` on, if all of them are here.
    fn find(&self, at: u64, len: usize) -> Option<usize> {
        let offset = usize::try_from(at.checked_sub(self.at)?).ok()?;
        (offset.checked_add(len)? <= self.bytes.len()).then_some(offset)
    }
}

impl<S: ReadAt> Windows<S> {
    /// Of a file of `len` bytes.
    pub(super) fn new(file: S, len: u64) -> Self {
        Self { file, len, windows: Vec::new() }
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// At most `len` bytes from `at` on, and no more than a window has; fewer at the end of the file.
    pub(super) fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8], ContainerError> {
        let rest = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let len = len.min(WINDOW).min(rest);
        let found = self.windows.iter().position(|window| window.find(at, len).is_some());
        match found {
            Some(place) => self.windows[..=place].rotate_right(1),
            None => {
                let full = self.windows.len() >= WINDOWS;
                let spare = if full { self.windows.pop() } else { None };
                let mut bytes = spare.map(|window| window.bytes).unwrap_or_default();
                bytes.resize(WINDOW.min(rest), 0);
                let read = self.file.read_at(at, &mut bytes)?;
                bytes.truncate(read);
                self.windows.insert(0, Window { at, bytes });
            }
        }
        let Some(window) = self.windows.first() else { return Ok(&[]) };
        let offset = usize::try_from(at.saturating_sub(window.at)).unwrap_or(usize::MAX);
        let rest = window.bytes.get(offset..).unwrap_or(&[]);
        Ok(rest.get(..len).unwrap_or(rest))
    }

    /// Exactly so many bytes from `at` on; `None` where the file ends before.
    pub(super) fn exact<const N: usize>(
        &mut self,
        at: u64,
    ) -> Result<Option<[u8; N]>, ContainerError> {
        Ok(self.bytes(at, N)?.first_chunk().copied())
    }

    /// A number of four bytes, the first counting most.
    pub(super) fn u32(&mut self, at: u64) -> Result<Option<u32>, ContainerError> {
        Ok(self.exact(at)?.map(u32::from_be_bytes))
    }

    /// A frame of `len` bytes; `None` where the file ends before, so that nothing is allocated for
    /// what is not there.
    ///
    /// # Errors
    /// [`ContainerError::Format`] when it has more than [`MAX_FRAME`] bytes.
    pub(super) fn frame(&mut self, at: u64, len: u64) -> Result<Option<Vec<u8>>, ContainerError> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Ok(None);
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= MAX_FRAME);
        let expected = "frame of at most 4 MiB";
        let len = len.ok_or(ContainerError::Format { offset: at, expected })?;
        if len <= WINDOW / 4 {
            let bytes = self.bytes(at, len)?;
            return Ok((bytes.len() == len).then(|| bytes.to_vec()));
        }
        let mut frame = vec![0; len];
        let read = self.file.read_at(at, &mut frame)?;
        Ok((read == len).then_some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_place_is_read_however_many_there_are() {
        let file: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
        let mut windows = Windows::new(file.as_slice(), file.len() as u64);
        for round in 0..50u64 {
            for place in 0..40 {
                let at = (place * 24_999 + round * 13) as usize;
                let expected = &file[at.min(file.len())..(at + 300).min(file.len())];
                assert_eq!(windows.bytes(at as u64, 300).unwrap(), expected);
            }
        }
        assert!(windows.windows.len() <= WINDOWS);
        assert!(windows.bytes(u64::MAX, 10).unwrap().is_empty());
    }

    #[test]
    fn a_frame_is_as_long_as_it_is_said_or_not_there() {
        let file = vec![7u8; 100_000];
        let mut windows = Windows::new(file.as_slice(), file.len() as u64);
        assert_eq!(windows.frame(10, 90_000).unwrap(), Some(vec![7; 90_000]));
        assert_eq!(windows.frame(99_000, 1_000).unwrap(), Some(vec![7; 1_000]));
        assert_eq!(windows.frame(99_000, 1_001).unwrap(), None);
        assert_eq!(windows.frame(1, u64::MAX).unwrap(), None, "nothing is allocated for it");
    }
}
