//! Elements of a file that is read, wherever it ends.

use crate::container::ebml::{self, Head, MAX_HEAD};
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::source::ReadAt;

/// A file of elements.
pub(super) struct Source<S> {
    file: Windows<S>,
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
    /// Of a file of `len` bytes.
    pub(super) fn new(file: S, len: u64) -> Self {
        Self { file: Windows::new(file, len) }
    }

    /// Of a file that was looked at already.
    pub(super) fn over(file: Windows<S>) -> Self {
        Self { file }
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        self.file.len()
    }

    /// At most `len` bytes from `at` on; fewer at the end of the file. `len` is no more than a
    /// window has.
    pub(super) fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8], ContainerError> {
        self.file.bytes(at, len)
    }

    /// A frame, or what else has `len` bytes; `None` where the file ends before.
    pub(super) fn frame(&mut self, at: u64, len: u64) -> Result<Option<Vec<u8>>, ContainerError> {
        self.file.frame(at, len)
    }

    /// The element that begins at `at`; `None` where none does.
    pub(super) fn element(&mut self, at: u64) -> Result<Option<Element>, ContainerError> {
        let head = ebml::head(self.bytes(at, MAX_HEAD)?);
        Ok(head.and_then(|Head { id, len, size }| {
            Some(Element { id, at, body: at.checked_add(len as u64)?, size })
        }))
    }

    /// The bytes of an element that has no more than `most`.
    pub(super) fn small(
        &mut self,
        element: &Element,
        most: usize,
    ) -> Result<Option<&[u8]>, ContainerError> {
        let size = element.size.and_then(|size| usize::try_from(size).ok());
        let Some(size) = size.filter(|size| *size <= most) else { return Ok(None) };
        let bytes = self.bytes(element.body, size)?;
        Ok((bytes.len() == size).then_some(bytes))
    }

    /// The elements in another one, each whole.
    ///
    /// # Errors
    /// [`ContainerError::Format`] where none is.
    pub(super) fn each(
        &mut self,
        parent: &Element,
        mut see: impl FnMut(&mut Self, &Element) -> Result<(), ContainerError>,
    ) -> Result<(), ContainerError> {
        let end = parent.end().unwrap_or(parent.body).min(self.len());
        let mut at = parent.body;
        while at < end {
            let missing = ContainerError::Format { offset: at, expected: "element" };
            let Some(child) = self.element(at)? else { return Err(missing) };
            let Some(after) = child.end().filter(|after| *after <= end) else {
                return Err(missing);
            };
            see(self, &child)?;
            at = after;
        }
        Ok(())
    }

    /// The value of an unsigned element.
    pub(super) fn unsigned(&mut self, element: &Element) -> Result<Option<u64>, ContainerError> {
        Ok(self.small(element, 8)?.and_then(ebml::unsigned_value))
    }

    /// The value of an element with a fraction (RFC 8794 7.3).
    pub(super) fn float(&mut self, element: &Element) -> Result<Option<f64>, ContainerError> {
        let bytes = self.small(element, 8)?;
        Ok(bytes.and_then(|bytes| match *bytes {
            [] => Some(0.0),
            [a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d]).into()),
            _ => Some(f64::from_be_bytes(*bytes.first_chunk()?)),
        }))
    }

    /// The value of an element of text, without what fills it up (RFC 8794 7.4).
    pub(super) fn text(&mut self, element: &Element) -> Result<Option<String>, ContainerError> {
        const MAX_TEXT: usize = 256;
        Ok(self.small(element, MAX_TEXT)?.map(|bytes| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        }))
    }
}
