//! Makes a file of fragments an ordinary, seekable one, when it is finished or by a repair: a movie
//! with all its tables goes to the end, and then one write makes all before it a single box of data,
//! fragments with their heads and the movie of the beginning.

use std::io;
use std::time::Duration;

use super::boxes;
use super::movie::MOVIE_SCALE;
use super::skeleton::Skeleton;
use super::survey::{Item, Survey, Track, walk};
use super::tables::{Sink, Table};
use crate::container::error::ContainerError;
use crate::container::{Finished, ReadAt, WriteAt};

/// Bytes that a table collects before they are written.
const WRITE_AT: usize = 4 << 10;

/// What there is of a file whose writer ended before it was finished.
pub struct Unfinished(Survey);

/// Looks through a file of `len` bytes that a [`Writer`](super::Writer) began. `None` when it was
/// finished.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`].
pub fn survey<F: ReadAt>(file: &mut F, len: u64) -> Result<Option<Unfinished>, ContainerError> {
    Ok(Survey::of(file, len)?.map(Unfinished))
}

/// Makes a file of `len` bytes seekable, if it is not already. What lies behind its last whole
/// fragment is written over.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`], and then it is as it
/// was, but for what lies behind its last fragment.
pub fn finish<F: ReadAt + WriteAt>(file: &mut F, len: u64) -> Result<Finished, ContainerError> {
    match survey(file, len)? {
        Some(unfinished) => unfinished.finish(file),
        None => Ok(Finished { len, duration: Duration::ZERO }),
    }
}

impl Unfinished {
    /// Bytes that are of use. What lies behind is the beginning of something.
    pub fn end(&self) -> u64 {
        self.0.end
    }

    /// Makes the file seekable. Each write leaves one that plays.
    ///
    /// # Errors
    /// As [`finish`].
    pub fn finish<F: ReadAt + WriteAt>(mut self, file: &mut F) -> Result<Finished, ContainerError> {
        self.use_wide_offsets();
        let Self(survey) = self;
        let end = survey.end;
        let too_large = || ContainerError::Format { offset: end, expected: "index below 4 GiB" };
        let skeleton = Skeleton::of(&survey).ok_or_else(too_large)?;
        let size = u32::try_from(skeleton.len()).map_err(|_| too_large())?;
        write(file, &survey, &skeleton)?;
        // Nobody looks into it yet: what is in it has to be there before anybody does.
        file.write_at(end, &boxes::head(b"free", size))?;
        file.sync()?;
        file.write_at(end, &boxes::head(b"moov", size))?;
        let mut head = boxes::head(b"mdat", 1).to_vec();
        head.extend_from_slice(&end.saturating_sub(survey.room).to_be_bytes());
        file.write_at(survey.room, &head)?;
        let nanos = u128::from(survey.duration()) * 1_000_000_000 / u128::from(MOVIE_SCALE);
        let duration = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Ok(Finished { len: end.saturating_add(size.into()), duration })
    }

    /// Offsets that four bytes do not hold take eight, of all tracks.
    fn use_wide_offsets(&mut self) {
        if self.0.end <= u64::from(u32::MAX) {
            return;
        }
        for Track { tables, lengths, .. } in &mut self.0.tracks {
            tables.wide = true;
            let offsets = &mut lengths[Table::Offsets as usize];
            *offsets = offsets.saturating_mul(2);
        }
    }
}

/// All of the movie but its first bytes, which are zeros still.
fn write<F: ReadAt + WriteAt>(
    file: &mut F,
    survey: &Survey,
    skeleton: &Skeleton,
) -> Result<(), ContainerError> {
    let mut cursors: Vec<Cursors> = survey.tracks.iter().map(|_| Cursors::default()).collect();
    let (mut from, mut at) = (0, survey.end);
    for place in &skeleton.places {
        at = put(file, at, from, skeleton.bytes.get(from..place.at).unwrap_or_default())?;
        from = place.at;
        if let Some(cursors) = cursors.get_mut(place.track) {
            cursors.0[place.table as usize] = Some(Cursor { at, waiting: Vec::new() });
        }
        at = at.saturating_add(place.len);
    }
    put(file, at, from, skeleton.bytes.get(from..).unwrap_or_default())?;
    // Reads all samples once more.
    let mut again: Vec<Track> = survey.tracks.iter().map(Track::anew).collect();
    walk(file, survey.fragments, survey.end, |file, item| {
        if let Item::Fragment(fragment) = item {
            fragment.each(&mut again, |track, run| {
                if let Some(cursors) = cursors.get_mut(track.index) {
                    track.tables.add(run, cursors);
                }
            })?;
        }
        cursors.iter_mut().try_for_each(|cursors| cursors.flush(file, WRITE_AT))
    })?;
    for (track, cursors) in again.iter_mut().zip(&mut cursors) {
        track.tables.finish(cursors);
        cursors.flush(file, 0)?;
    }
    Ok(())
}

/// Writes a part of the skeleton, whose first bytes stay zeros. Gives where it ends.
fn put<F: WriteAt>(file: &mut F, at: u64, from: usize, bytes: &[u8]) -> io::Result<u64> {
    let mut bytes = bytes.to_vec();
    if from == 0 {
        bytes.iter_mut().take(boxes::HEAD).for_each(|byte| *byte = 0);
    }
    file.write_at(at, &bytes)?;
    Ok(at.saturating_add(bytes.len() as u64))
}

/// Where the tables of a track are on their way to; the ones that are not there go nowhere.
#[derive(Default)]
struct Cursors([Option<Cursor>; 5]);

struct Cursor {
    at: u64,
    waiting: Vec<u8>,
}

impl Sink for Cursors {
    fn put(&mut self, table: Table, entry: &[u8]) {
        if let Some(cursor) = &mut self.0[table as usize] {
            cursor.waiting.extend_from_slice(entry);
        }
    }
}

impl Cursors {
    /// Writes what is more than so many bytes.
    fn flush<F: WriteAt>(&mut self, file: &mut F, most: usize) -> Result<(), ContainerError> {
        for cursor in self.0.iter_mut().flatten().filter(|cursor| cursor.waiting.len() > most) {
            file.write_at(cursor.at, &cursor.waiting)?;
            cursor.at = cursor.at.saturating_add(cursor.waiting.len() as u64);
            cursor.waiting.clear();
        }
        Ok(())
    }
}
