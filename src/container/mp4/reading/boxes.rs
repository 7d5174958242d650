//! Boxes (ISO/IEC 14496-12 4.2) of a file that is read, wherever it ends.

use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::source::ReadAt;

/// Boxes in another one that are looked at: a hostile file is made of nothing but headers.
const MAX_CHILDREN: usize = 4_096;

/// A box, as far as it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Box {
    pub(super) kind: [u8; 4],
    /// Offset of its first byte.
    pub(super) at: u64,
    /// Offset of what stands in it.
    pub(super) body: u64,
    /// Where it is said to end.
    pub(super) end: u64,
}

impl Box {
    /// The box that begins at `at`. `None` where none does: at the end, and where zeros stand that a
    /// crash left or a writer has not filled yet.
    pub(super) fn read<S: ReadAt>(
        file: &mut Windows<S>,
        at: u64,
    ) -> Result<Option<Self>, ContainerError> {
        let Some(&[a, b, c, d, kind @ ..]) = file.bytes(at, 8)?.first_chunk::<8>() else {
            return Ok(None);
        };
        let (size, head) = match u32::from_be_bytes([a, b, c, d]) {
            0 if kind == [0; 4] => return Ok(None),
            // To the end of the file.
            0 => (file.len().saturating_sub(at), 8),
            1 => match file.exact(at.saturating_add(8))? {
                Some(size) => (u64::from_be_bytes(size), 16),
                None => return Ok(None),
            },
            size => (size.into(), 8),
        };
        let end = at.checked_add(size).filter(|_| size >= head);
        Ok(end.map(|end| Self { kind, at, body: at.saturating_add(head), end }))
    }

    /// The boxes in this one, from `skip` bytes on, each whole.
    pub(super) fn children<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        skip: u64,
    ) -> Result<Vec<Self>, ContainerError> {
        let mut children = Vec::new();
        let mut at = self.body.saturating_add(skip);
        while at < self.end && children.len() < MAX_CHILDREN {
            let Some(child) = Self::read(file, at)?.filter(|child| child.end <= self.end) else {
                break;
            };
            at = child.end;
            children.push(child);
        }
        Ok(children)
    }

    /// Bytes of it, behind `skip` of its first.
    pub(super) fn bytes<'a, S: ReadAt>(
        &self,
        file: &'a mut Windows<S>,
        skip: u64,
        most: usize,
    ) -> Result<&'a [u8], ContainerError> {
        let at = self.body.saturating_add(skip);
        let len = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        file.bytes(at, len.min(most))
    }

    /// Its version and flags (ISO/IEC 14496-12 4.2.2).
    pub(super) fn version<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
    ) -> Result<Option<(u8, u32)>, ContainerError> {
        let word = file.u32(self.body)?;
        Ok(word.map(|word| ((word >> 24) as u8, word & 0x00ff_ffff)))
    }
}

/// Numbers one behind the other, the first byte counting most.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// Of four bytes, or of eight in a box of version 1.
    pub(super) fn long(&mut self, version: u8) -> Option<u64> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    pub(super) fn skip(&mut self, len: usize) -> Option<()> {
        self.0 = self.0.get(len..)?;
        Some(())
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}
