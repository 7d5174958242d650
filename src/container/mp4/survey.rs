//! Looks through a file of a writer, whether it was finished or not.

use std::time::Duration;

use super::movie::MOVIE_SCALE;
use super::runs::{Run, runs};
use super::source::{Fields, Found, body, child, children, found};
use super::tables::{Lengths, Tables};
use super::writer::{LARGE_HEAD, MARK};
use crate::container::ReadAt;
use crate::container::error::ContainerError;

/// Bytes of what the tracks are, and of what is in one fragment, at most.
const MAX_MOVIE: usize = 1 << 20;
const MAX_MOVIE_FRAGMENT: usize = 1 << 20;
const MAX_TRACKS: usize = 64;
/// What a list of chapters has room for.
const MAX_MARKS: usize = 255;
const MAX_MARK: usize = 4_200;

/// What there is of a file, up to where it ends.
pub(super) struct Survey {
    /// Where the room for a large box is.
    pub(super) room: u64,
    /// Of the first fragment.
    pub(super) fragments: u64,
    /// Bytes that are of use.
    pub(super) end: u64,
    /// The body of the `moov` at the beginning.
    pub(super) movie: Vec<u8>,
    pub(super) tracks: Vec<Track>,
    pub(super) marks: Vec<Mark>,
}

/// A track of it.
pub(super) struct Track {
    /// Among all of them.
    pub(super) index: usize,
    pub(super) id: u32,
    /// Units a second.
    pub(super) scale: u32,
    pub(super) tables: Tables,
    pub(super) lengths: Lengths,
}

/// A moment with a name.
pub(super) struct Mark {
    pub(super) time: Duration,
    pub(super) name: String,
}

fn missing(offset: u64, expected: &'static str) -> ContainerError {
    ContainerError::Format { offset, expected }
}

impl Survey {
    /// Of a file of `len` bytes. `None` when it was finished.
    pub(super) fn of<F: ReadAt>(file: &mut F, len: u64) -> Result<Option<Self>, ContainerError> {
        let brand = found(file, 0, len)?.filter(|found| found.is(b"ftyp"));
        let brand = brand.ok_or(missing(0, "ftyp box"))?;
        let room = found(file, brand.end, len)?.ok_or(missing(brand.end, "room for an index"))?;
        if room.is(b"mdat") && room.body - room.at == u64::from(LARGE_HEAD) {
            return Ok(None);
        }
        if !room.is(b"free") || room.end - room.at != u64::from(LARGE_HEAD) {
            return Err(missing(room.at, "room for an index"));
        }
        let (movie, fragments) = movie(file, room.end, len)?;
        let tracks = tracks(&movie).ok_or(missing(room.end, "moov box with tracks"))?;
        let marks = Vec::new();
        let mut survey = Self { room: room.at, fragments, end: fragments, movie, tracks, marks };
        survey.end = walk(file, fragments, len, |_, item| {
            match item {
                Item::Fragment(fragment) => fragment.each(&mut survey.tracks, |track, run| {
                    track.tables.add(run, &mut track.lengths);
                })?,
                Item::Mark(mark) if survey.marks.len() < MAX_MARKS => survey.marks.push(mark),
                Item::Mark(_) => {}
            }
            Ok(())
        })?;
        for Track { tables, lengths, .. } in &mut survey.tracks {
            tables.finish(lengths);
        }
        Ok(Some(survey))
    }

    /// How long the file is when it is played, in units of the movie.
    pub(super) fn duration(&self) -> u64 {
        self.tracks.iter().map(|track| track.in_movie(track.tables.end())).max().unwrap_or(0)
    }
}

/// What the tracks are, in one of its rooms, and where the rooms end.
fn movie<F: ReadAt>(file: &mut F, start: u64, len: u64) -> Result<(Vec<u8>, u64), ContainerError> {
    let (mut at, mut movie) = (start, None);
    while let Some(next) = found(file, at, len)?.filter(|f| f.is(b"free") || f.is(b"moov")) {
        if next.is(b"moov") {
            // A second one is an index that was begun.
            if movie.is_some() {
                break;
            }
            movie = Some(body(file, &next, MAX_MOVIE)?.ok_or(missing(at, "moov box of 1 MiB"))?);
        }
        at = next.end;
    }
    Ok((movie.ok_or(missing(start, "moov box"))?, at))
}

/// What a file has one after the other, behind its tracks.
pub(super) enum Item<'a> {
    Fragment(Fragment<'a>),
    Mark(Mark),
}

/// A fragment that is there as a whole.
pub(super) struct Fragment<'a> {
    at: u64,
    moof: &'a [u8],
    data: Found,
}

impl Fragment<'_> {
    /// Gives each run of samples to its track.
    pub(super) fn each(
        &self,
        tracks: &mut [Track],
        mut see: impl FnMut(&mut Track, &Run<'_>),
    ) -> Result<(), ContainerError> {
        let odd = || missing(self.at, "moof box as recordings have it");
        for run in runs(self.moof, self.at).ok_or_else(odd)? {
            let len: u64 = run.samples().map(|sample| u64::from(sample.size)).sum();
            let end = run.offset.saturating_add(len);
            let inside = run.offset >= self.data.body && end <= self.data.end;
            let track = tracks.iter_mut().find(|track| track.id == run.track && inside);
            see(track.ok_or_else(odd)?, &run);
        }
        Ok(())
    }
}

/// Goes through a file of `len` bytes. Says where that which is of use ends.
pub(super) fn walk<F: ReadAt>(
    file: &mut F,
    from: u64,
    len: u64,
    mut see: impl FnMut(&mut F, Item<'_>) -> Result<(), ContainerError>,
) -> Result<u64, ContainerError> {
    let mut at = from;
    while let Some(next) = found(file, at, len)? {
        if next.is(b"uuid") {
            let bytes = body(file, &next, MAX_MARK)?;
            if let Some(mark) = bytes.as_deref().and_then(mark) {
                see(file, Item::Mark(mark))?;
            }
            at = next.end;
            continue;
        }
        let data = found(file, next.end, len)?.filter(|data| next.is(b"moof") && data.is(b"mdat"));
        // Anything else is an index that was begun.
        let Some(data) = data else { break };
        let moof = body(file, &next, MAX_MOVIE_FRAGMENT)?;
        let moof = moof.as_deref().ok_or(missing(at, "moof box of 1 MiB at most"))?;
        see(file, Item::Fragment(Fragment { at, moof, data }))?;
        at = data.end;
    }
    Ok(at)
}

fn mark(body: &[u8]) -> Option<Mark> {
    let mut fields = Fields(body.strip_prefix(&MARK)?);
    let time = Duration::from_nanos(fields.u64()?);
    Some(Mark { time, name: String::from_utf8_lossy(fields.0).into_owned() })
}

impl Track {
    /// With tables that have no entries yet.
    pub(super) fn anew(&self) -> Self {
        let tables = Tables::new(self.tables.wide);
        Self { tables, lengths: Lengths::default(), ..*self }
    }

    /// So many units of the track in units of the movie.
    pub(super) fn in_movie(&self, units: u64) -> u64 {
        let scaled = u128::from(units) * u128::from(MOVIE_SCALE) / u128::from(self.scale.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

fn tracks(movie: &[u8]) -> Option<Vec<Track>> {
    let entries = children(movie).filter(|(name, ..)| name == b"trak");
    let tracks: Vec<Track> = entries
        .enumerate()
        .map(|(index, (.., entry))| track(index, entry))
        .take(MAX_TRACKS + 1)
        .collect::<Option<_>>()?;
    (1..=MAX_TRACKS).contains(&tracks.len()).then_some(tracks)
}

fn track(index: usize, entry: &[u8]) -> Option<Track> {
    let mut header = Fields(child(entry, b"tkhd")?);
    header.skip(12)?;
    let id = header.u32()?;
    let mut media = Fields(child(child(entry, b"mdia")?, b"mdhd")?);
    media.skip(12)?;
    Some(Track {
        index,
        id,
        scale: media.u32()?,
        tables: Tables::default(),
        lengths: Lengths::default(),
    })
}
