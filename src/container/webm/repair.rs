//! Making a file seekable whose writer ended before it was finished.

use std::time::Duration;

use super::elements as id;
use super::index::{DURATION_ROOM, Index, Layout, SEEK_HEAD_ROOM};
use super::source::{Element, Source};
use crate::container::ebml;
use crate::container::error::ContainerError;
use crate::container::output::{Output, Step};
use crate::container::source::ReadAt;

/// Type of a track in its entry (RFC 9559 5.1.4.1.3).
const VIDEO: u64 = 1;
/// Number of a block's track, its time and its flags, at most.
const BLOCK_HEAD: usize = 11;

/// What makes a file whole.
#[derive(Debug)]
pub struct Repaired {
    /// Bytes that are of use. What lies behind is the beginning of something, and has to be cut off.
    pub len: u64,
    /// What is to be done to the file afterwards; nothing when it was finished.
    pub steps: Vec<Step>,
    /// How long it is when it is played. Zero when it was finished.
    pub duration: Duration,
}

/// Reads a file that a [`Writer`](super::Writer) began, `len` bytes long.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`].
pub fn repair<S: ReadAt>(file: S, len: u64) -> Result<Repaired, ContainerError> {
    let mut source = Source::new(file, len);
    let head = expect(&mut source, 0, id::EBML, "EBML header")?;
    let after = head.end().ok_or(missing(0, "EBML header"))?;
    let segment = expect(&mut source, after, id::SEGMENT, "Segment")?;
    if segment.end().is_some_and(|end| end <= len) {
        return Ok(Repaired { len, steps: Vec::new(), duration: Duration::ZERO });
    }
    let layout = Layout {
        segment_size: segment.body.saturating_sub(8),
        segment: segment.body,
        ..Layout::default()
    };
    let mut repair =
        Repair { source, len, layout, pictures: 0, index: Index::default(), sizes: Vec::new() };
    let end = repair.walk()?;
    let Repair { layout, index, sizes, .. } = repair;
    if layout.seek_head == 0 || layout.duration == 0 || layout.tracks == 0 {
        return Err(missing(segment.body, "room for an index"));
    }
    let mut out = Output::after(end);
    for (at, size) in sizes {
        out.overwrite(at, &ebml::long_size(size));
    }
    index.finish(&layout, &mut out);
    Ok(Repaired { len: end, steps: out.take(), duration: index.end })
}

fn missing(offset: u64, expected: &'static str) -> ContainerError {
    ContainerError::Format { offset, expected }
}

fn expect<S: ReadAt>(
    source: &mut Source<S>,
    at: u64,
    id: u32,
    name: &'static str,
) -> Result<Element, ContainerError> {
    source.element(at)?.filter(|element| element.id == id).ok_or(missing(at, name))
}

struct Repair<S> {
    source: Source<S>,
    len: u64,
    layout: Layout,
    /// A bit of each track of pictures; there are 64 of all at most.
    pictures: u128,
    index: Index,
    /// Sizes of clusters that nobody said: where they stand, and what they are.
    sizes: Vec<(u64, u64)>,
}

impl<S: ReadAt> Repair<S> {
    /// Goes through all there is. Says where it ends.
    fn walk(&mut self) -> Result<u64, ContainerError> {
        let mut at = self.layout.segment;
        while let Some(element) = self.source.element(at)? {
            if element.id == id::CLUSTER {
                let end = self.cluster(&element)?;
                if end.cut {
                    return Ok(end.at);
                }
                at = end.at;
                continue;
            }
            let size = element.size.ok_or(missing(at, "element of known size"))?;
            // An index that nothing points at yet is made anew.
            if element.id == id::CUES || !self.is_whole(&element) {
                break;
            }
            match element.id {
                id::VOID | id::SEEK_HEAD if at == self.layout.segment => {
                    self.layout.seek_head = at;
                    // The room is filled up with another void.
                    if element.id == id::VOID && element.end() != Some(at + SEEK_HEAD_ROOM as u64) {
                        return Err(missing(at, "room for an index"));
                    }
                }
                id::INFO => self.info(&element)?,
                id::TRACKS => self.tracks(&element)?,
                id::CHAPTERS => self.index.chapters = Some(at),
                _ => {}
            }
            at = element.body.saturating_add(size);
        }
        Ok(at)
    }

    fn is_whole(&self, element: &Element) -> bool {
        element.end().is_some_and(|end| end <= self.len)
    }

    fn info(&mut self, info: &Element) -> Result<(), ContainerError> {
        self.layout.info = info.at;
        self.each(info, |repair, child| {
            let len = child.end().map_or(0, |end| end - child.at);
            if [id::VOID, id::DURATION].contains(&child.id) && len == DURATION_ROOM as u64 {
                repair.layout.duration = child.at;
            }
            Ok(())
        })
    }

    fn tracks(&mut self, tracks: &Element) -> Result<(), ContainerError> {
        self.layout.tracks = tracks.at;
        self.each(tracks, |repair, entry| {
            let (mut number, mut kind) = (None, None);
            repair.each(entry, |repair, child| {
                match child.id {
                    id::TRACK_NUMBER => number = repair.source.unsigned(child)?,
                    id::TRACK_TYPE => kind = repair.source.unsigned(child)?,
                    _ => {}
                }
                Ok(())
            })?;
            if let (Some(number), Some(VIDEO)) = (number.filter(|number| *number < 128), kind) {
                repair.pictures |= 1 << number;
            }
            Ok(())
        })
    }

    /// The elements in another one.
    fn each(
        &mut self,
        parent: &Element,
        mut see: impl FnMut(&mut Self, &Element) -> Result<(), ContainerError>,
    ) -> Result<(), ContainerError> {
        let end = parent.end().unwrap_or(parent.body);
        let mut at = parent.body;
        while at < end {
            let child = self.source.element(at)?.ok_or(missing(at, "element"))?;
            let after = child.end().filter(|after| *after <= end).ok_or(missing(at, "element"))?;
            see(self, &child)?;
            at = after;
        }
        Ok(())
    }

    fn cluster(&mut self, cluster: &Element) -> Result<End, ContainerError> {
        let (mut at, mut begin) = (cluster.body, None);
        let mut cut = false;
        while cluster.end() != Some(at) {
            let Some(child) = self.source.element(at)? else {
                cut = true;
                break;
            };
            if cluster.size.is_none() && id::is_top_level(child.id) {
                break;
            }
            let after = child.end().ok_or(missing(at, "element of known size"))?;
            if after > self.len {
                cut = true;
                break;
            }
            match child.id {
                id::TIMESTAMP => begin = self.source.unsigned(&child)?,
                id::SIMPLE_BLOCK => self.block(&child, cluster.at, begin.unwrap_or(0))?,
                _ => {}
            }
            at = after;
        }
        // One without a time is none.
        if cut && begin.is_none() {
            return Ok(End { at: cluster.at, cut });
        }
        if cluster.end() != Some(at) {
            // Writers give sizes of clusters eight bytes; others cannot be repaired in place.
            if cluster.body - cluster.at != 12 {
                return Err(missing(cluster.at, "cluster with a size of eight bytes"));
            }
            self.sizes.push((cluster.body - 8, at - cluster.body));
        }
        Ok(End { at, cut })
    }

    fn block(&mut self, block: &Element, cluster: u64, begin: u64) -> Result<(), ContainerError> {
        let head = self.source.bytes(block.body, BLOCK_HEAD)?;
        let Some((track, used)) = ebml::number(head) else { return Ok(()) };
        let Some(&[high, low, flags]) = head.get(used..).and_then(|rest| rest.first_chunk()) else {
            return Ok(());
        };
        let relative = i16::from_be_bytes([high, low]);
        let time = Duration::from_millis(begin.saturating_add_signed(relative.into()));
        let Some(track) = u8::try_from(track).ok().filter(|track| *track < 128) else {
            return Ok(());
        };
        self.index.frame(time, track);
        let picture = self.pictures >> track & 1 == 1;
        if flags & 0x80 != 0 && (picture || self.pictures == 0) {
            self.index.add(time, track, cluster);
        }
        Ok(())
    }
}

/// Where a cluster ends, and whether the file does as well.
struct End {
    at: u64,
    cut: bool,
}
