//! Boxes of a file that is read, wherever it ends.

use std::io;

use crate::container::ReadAt;

/// A box that is there as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) name: [u8; 4],
    /// Offset of its first byte.
    pub(super) at: u64,
    /// Offset of its body.
    pub(super) body: u64,
    /// Offset behind it.
    pub(super) end: u64,
}

impl Found {
    pub(super) fn is(&self, name: &[u8; 4]) -> bool {
        self.name == *name
    }
}

/// The box at `at` in a file of `len` bytes. `None` where none is there as a whole: at the end, at a
/// box that was never sealed, or that is cut.
pub(super) fn found<S: ReadAt>(file: &mut S, at: u64, len: u64) -> io::Result<Option<Found>> {
    let mut head = [0; 16];
    let read = file.read_at(at, &mut head)?;
    let Some((short, name, large)) = head.get(..read).and_then(parse) else { return Ok(None) };
    let (size, used) = match (short, large) {
        (1, Some(large)) => (large, 16),
        (1, None) => return Ok(None),
        (short, _) => (u64::from(short), 8),
    };
    let end = at.checked_add(size).filter(|end| size >= used && *end <= len);
    Ok(end.map(|end| Found { name, at, body: at + used, end }))
}

/// Size, name and large size (ISO/IEC 14496-12 4.2).
fn parse(head: &[u8]) -> Option<(u32, [u8; 4], Option<u64>)> {
    let (short, rest) = head.split_first_chunk()?;
    let (name, rest) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*short), *name, rest.first_chunk().map(|b| u64::from_be_bytes(*b))))
}

/// The body of a box, if that has no more than `most` bytes.
pub(super) fn body<S: ReadAt>(
    file: &mut S,
    found: &Found,
    most: usize,
) -> io::Result<Option<Vec<u8>>> {
    let len = usize::try_from(found.end.saturating_sub(found.body)).unwrap_or(usize::MAX);
    if len > most {
        return Ok(None);
    }
    let mut bytes = vec![0; len];
    let read = file.read_at(found.body, &mut bytes)?;
    Ok((read == len).then_some(bytes))
}

/// Boxes one behind the other, as their names, all of their bytes and their bodies. What follows a
/// broken one is left out.
pub(super) fn children(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (size, name, _) = parse(rest)?;
        let size = usize::try_from(size).ok()?;
        let whole = rest.get(..size)?;
        let body = whole.get(8..)?;
        rest = rest.get(size..)?;
        Some((name, whole, body))
    })
}

/// The body of the first child of this name.
pub(super) fn child<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    children(bytes).find(|(found, ..)| found == name).map(|(.., body)| body)
}

/// Numbers of a body, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    pub(super) fn skip(&mut self, len: usize) -> Option<()> {
        self.0 = self.0.get(len..)?;
        Some(())
    }
}
