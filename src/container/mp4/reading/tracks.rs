//! Tracks of the movie box (ISO/IEC 14496-12 8.3, 8.4).

use super::boxes::{Box, Numbers};
use super::descriptions;
use super::tables::{Cursor, Tables};
use crate::codec::Kind;
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::reader::{ReadTrack, scaled};
use crate::container::source::ReadAt;

/// Tracks that are looked at.
const MAX_TRACKS: usize = 64;
/// Entries of an edit list that are looked at.
const MAX_EDITS: u32 = 64;
/// Nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;

/// What fragments leave out of what they say of samples (8.8.3).
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Defaults {
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

/// A track of sound or pictures.
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) read: ReadTrack,
    /// Units of its time in a second.
    pub(super) timescale: u64,
    /// In its units: what is to be added to a time that is shown (8.6.6).
    pub(super) shift: i64,
    pub(super) tables: Option<Tables>,
    pub(super) cursor: Cursor,
    pub(super) defaults: Defaults,
    /// Where its next fragment begins that does not say so.
    pub(super) next: i64,
}

impl Track {
    /// Nanoseconds of a time of the track.
    pub(super) fn nanos(&self, time: i64) -> i64 {
        scaled(time.saturating_add(self.shift), SECOND, self.timescale)
    }

    /// The time of the track at a moment of the file.
    pub(super) fn units(&self, nanos: u64) -> i64 {
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        scaled(nanos, self.timescale, SECOND).saturating_sub(self.shift)
    }
}

/// What the movie box says.
#[derive(Default)]
pub(super) struct Movie {
    pub(super) tracks: Vec<Track>,
    /// Nanoseconds.
    pub(super) duration: Option<u64>,
}

fn child(boxes: &[Box], kind: &[u8; 4]) -> Option<Box> {
    boxes.iter().find(|found| found.kind == *kind).copied()
}

/// Reads the movie box.
pub(super) fn movie<S: ReadAt>(file: &mut Windows<S>, moov: &Box) -> Result<Movie, ContainerError> {
    let boxes = moov.children(file, 0)?;
    let mut movie = Movie::default();
    let mut timescale = 1_000;
    if let Some((scale, duration)) = match child(&boxes, b"mvhd") {
        Some(mvhd) => header(file, &mvhd)?,
        None => None,
    } {
        timescale = scale;
        movie.duration = nanos(duration, scale);
    }
    for trak in boxes.iter().filter(|found| found.kind == *b"trak").take(MAX_TRACKS) {
        movie.tracks.extend(track(file, trak, timescale)?);
    }
    let extends = match child(&boxes, b"mvex") {
        Some(mvex) => mvex.children(file, 0)?,
        None => Vec::new(),
    };
    let in_tables = |track: &Track| track.tables.is_some_and(|tables| !tables.is_empty());
    if !extends.is_empty() && movie.tracks.iter().any(in_tables) {
        // That of what is in the tables, and more follows.
        movie.duration = None;
    }
    for found in extends {
        let mut numbers = Numbers(found.bytes(file, 0, 24)?);
        match &found.kind {
            b"trex" => {
                trex(&mut numbers, &mut movie.tracks);
            }
            b"mehd" => {
                let version = numbers.u32().map_or(0, |word| (word >> 24) as u8);
                let duration =
                    numbers.long(version).and_then(|duration| nanos(duration, timescale));
                movie.duration = duration.or(movie.duration);
            }
            _ => {}
        }
    }
    Ok(movie)
}

fn nanos(duration: u64, timescale: u64) -> Option<u64> {
    let known = i64::try_from(duration).ok().filter(|duration| *duration > 0)?;
    // All ones say that it is unknown.
    (duration != u64::from(u32::MAX)).then(|| scaled(known, SECOND, timescale) as u64)
}

fn trex(numbers: &mut Numbers<'_>, tracks: &mut [Track]) -> Option<()> {
    numbers.skip(4)?;
    let id = numbers.u32()?;
    numbers.skip(4)?;
    let (duration, size, flags) = (numbers.u32()?, numbers.u32()?, numbers.u32()?);
    let track = tracks.iter_mut().find(|track| track.id == id)?;
    track.defaults = Defaults { duration, size, flags };
    Some(())
}

/// Units of a second and duration of a movie (8.2.2) or a track (8.4.2).
fn header<S: ReadAt>(
    file: &mut Windows<S>,
    found: &Box,
) -> Result<Option<(u64, u64)>, ContainerError> {
    let mut numbers = Numbers(found.bytes(file, 0, 36)?);
    Ok((|| {
        let version = (numbers.u32()? >> 24) as u8;
        numbers.skip(if version == 0 { 8 } else { 16 })?;
        let scale = u64::from(numbers.u32()?);
        let duration = numbers.long(version)?;
        (scale > 0).then_some((scale, duration))
    })())
}

fn track<S: ReadAt>(
    file: &mut Windows<S>,
    trak: &Box,
    movie_scale: u64,
) -> Result<Option<Track>, ContainerError> {
    let boxes = trak.children(file, 0)?;
    let (Some(tkhd), Some(mdia)) = (child(&boxes, b"tkhd"), child(&boxes, b"mdia")) else {
        return Ok(None);
    };
    let media = mdia.children(file, 0)?;
    let (Some(mdhd), Some(hdlr)) = (child(&media, b"mdhd"), child(&media, b"hdlr")) else {
        return Ok(None);
    };
    let kind = match hdlr.bytes(file, 8, 4)? {
        b"vide" => Kind::Video,
        b"soun" => Kind::Audio,
        _ => return Ok(None),
    };
    let Some((timescale, _)) = header(file, &mdhd)? else { return Ok(None) };
    let mut samples = Vec::new();
    if let Some(minf) = child(&media, b"minf")
        && let Some(stbl) = child(&minf.children(file, 0)?, b"stbl")
    {
        samples = stbl.children(file, 0)?;
    }
    let described = match child(&samples, b"stsd") {
        Some(stsd) => descriptions::read(file, &stsd)?,
        None => None,
    };
    let Some((coding, record)) = described else { return Ok(None) };
    let mut head = Numbers(tkhd.bytes(file, 0, 96)?);
    let (id, rotation, enabled) = track_header(&mut head).unwrap_or((0, 0, true));
    let shift = match child(&boxes, b"edts") {
        Some(edts) => match child(&edts.children(file, 0)?, b"elst") {
            Some(elst) => edits(file, &elst, movie_scale, timescale)?,
            None => 0,
        },
        None => 0,
    };
    let rotation = if kind == Kind::Video { rotation } else { 0 };
    Ok(Some(Track {
        id,
        read: ReadTrack { kind, coding, record, rotation, default: enabled },
        timescale,
        shift,
        tables: Tables::read(file, &samples)?,
        cursor: Cursor::default(),
        defaults: Defaults::default(),
        next: 0,
    }))
}

/// Id, quarter turns clockwise, and whether it is meant to be played (8.3.2).
fn track_header(numbers: &mut Numbers<'_>) -> Option<(u32, u8, bool)> {
    const ONE: u32 = 0x0001_0000;
    const MINUS_ONE: u32 = 0xffff_0000;
    let word = numbers.u32()?;
    let long = word >> 24 != 0;
    numbers.skip(if long { 16 } else { 8 })?;
    let id = numbers.u32()?;
    // Reserved and duration, reserved, layer, group, volume, reserved.
    numbers.skip(if long { 12 } else { 8 } + 16)?;
    let (a, b) = (numbers.u32()?, numbers.u32()?);
    let rotation = match (a, b) {
        (0, ONE) => 1,
        (MINUS_ONE, 0) => 2,
        (0, MINUS_ONE) => 3,
        _ => 0,
    };
    Some((id, rotation, word & 1 == 1))
}

/// What edits move the beginning of a track by, in its units: what is left out at its beginning, and
/// what it begins later by.
fn edits<S: ReadAt>(
    file: &mut Windows<S>,
    elst: &Box,
    movie_scale: u64,
    timescale: u64,
) -> Result<i64, ContainerError> {
    let Some((version, _)) = elst.version(file)? else { return Ok(0) };
    let count = file.u32(elst.body.saturating_add(4))?.unwrap_or(0).min(MAX_EDITS);
    let width = if version == 0 { 12 } else { 20 };
    let mut later = 0i64;
    for index in 0..u64::from(count) {
        let mut entry = Numbers(elst.bytes(file, 8 + index * width, width as usize)?);
        let parts = entry.long(version).zip(entry.long(version));
        let Some((duration, media)) = parts else { break };
        let media = if version == 0 { i64::from(media as u32 as i32) } else { media as i64 };
        if media >= 0 {
            return Ok(later.saturating_sub(media));
        }
        // An empty one.
        let duration = i64::try_from(duration).unwrap_or(0);
        later = later.saturating_add(scaled(duration, timescale, movie_scale));
    }
    Ok(later)
}
