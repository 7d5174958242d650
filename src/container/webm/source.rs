//! Elements of a file that is read, wherever it ends.

use std::io;

use crate::container::ReadAt;
use crate::container::ebml::{self, Head, MAX_HEAD};

/// Bytes that are read at once.
const WINDOW: usize = 64 << 10;

/// A file through a window.
pub(super) struct Source<S> {
    file: S,
    /// Where the window begins.
    at: u64,
    window: Vec<u8>,
}

/// An element, as far as it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element {
    pub(super) id: u32,
    /// Offset of its first byte.
    pub(super) at: u64,
    /// Offset of its body.
    pub(super) body: u64,
    /// Of the body; `None` when it is unknown.
    pub(super) size: Option<u64>,
}

impl Element {
    /// Where it ends, if that is known.
    pub(super) fn end(&self) -> Option<u64> {
        self.body.checked_add(self.size?)
    }
}

impl<S: ReadAt> Source<S> {
    pub(super) fn new(file: S) -> Self {
        Self { file, at: 0, window: Vec::new() }
    }

    /// At most `len` bytes from `at` on; fewer at the end of the file. `len` is no more than the
    /// window.
    pub(super) fn bytes(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let len = len.min(WINDOW);
        let offset = self.offset(at).filter(|offset| offset + len <= self.window.len());
        let offset = match offset {
            Some(offset) => offset,
            None => {
                self.window.resize(WINDOW, 0);
                let read = self.file.read_at(at, &mut self.window)?;
                self.window.truncate(read);
                self.at = at;
                0
            }
        };
        let rest = self.window.get(offset..).unwrap_or(&[]);
        Ok(rest.get(..len).unwrap_or(rest))
    }

    fn offset(&self, at: u64) -> Option<usize> {
        usize::try_from(at.checked_sub(self.at)?).ok()
    }

    /// The element that begins at `at`; `None` where none does.
    pub(super) fn element(&mut self, at: u64) -> io::Result<Option<Element>> {
        let head = ebml::head(self.bytes(at, MAX_HEAD)?);
        Ok(head.and_then(|Head { id, len, size }| {
            Some(Element { id, at, body: at.checked_add(len as u64)?, size })
        }))
    }

    /// The value of an unsigned element.
    pub(super) fn unsigned(&mut self, element: &Element) -> io::Result<Option<u64>> {
        let Some(size) = element.size.and_then(|size| usize::try_from(size).ok()) else {
            return Ok(None);
        };
        let bytes = self.bytes(element.body, size.min(9))?;
        Ok(ebml::unsigned_value(bytes).filter(|_| size <= 8 && bytes.len() == size))
    }
}
