//! Reading a file: first the samples of its tables, then its fragments.

use super::boxes::Box;
use super::fragments::Fragment;
use super::tables::{Cursor, Sample};
use super::tracks::{self, Track};
use crate::codec::Kind;
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::reader::{Demuxer, Found, ReadTrack, scaled};
use crate::container::source::ReadAt;

/// A file that is read.
pub struct Reader<S> {
    file: Windows<S>,
    tracks: Vec<Track>,
    shown: Vec<ReadTrack>,
    duration: Option<u64>,
    /// Samples of the tables that come next, by track; `None` behind the last one.
    heads: Vec<Option<Sample>>,
    fragment: Fragment,
    /// Bytes that samples of fragments may still have which are not told of one by one.
    budget: u64,
    /// Where the next box is that may be a fragment.
    at: u64,
}

impl<S: ReadAt> Reader<S> {
    /// Reads the movie box, wherever it stands.
    ///
    /// # Errors
    /// [`ContainerError::Format`], [`ContainerError::Io`].
    pub(in crate::container) fn open(mut file: Windows<S>) -> Result<Self, ContainerError> {
        let mut at = 0;
        let moov = loop {
            let missing = ContainerError::Format { offset: at, expected: "movie box (moov)" };
            let Some(found) = Box::read(&mut file, at)? else { return Err(missing) };
            if found.kind == *b"moov" {
                break found;
            }
            at = found.end;
        };
        if moov.end > file.len() {
            let expected = "whole movie box (moov)";
            return Err(ContainerError::Format { offset: moov.at, expected });
        }
        let movie = tracks::movie(&mut file, &moov)?;
        let shown = movie.tracks.iter().map(|track| track.read.clone()).collect();
        let mut reader = Self {
            file,
            shown,
            duration: movie.duration,
            heads: vec![None; movie.tracks.len()],
            tracks: movie.tracks,
            fragment: Fragment::default(),
            budget: 0,
            at: 0,
        };
        reader.budget = reader.file.len();
        for track in 0..reader.tracks.len() {
            reader.advance(track)?;
        }
        // Pictures whose beginning was cut off begin with the last keyframe before the cut.
        let cut = |track: &Track| track.read.kind == Kind::Video && track.shift < 0;
        if let Some(leader) = reader.tracks.iter().position(cut) {
            reader.seek_tables(0, leader)?;
        }
        Ok(reader)
    }

    /// Takes the next sample of a track's tables.
    fn advance(&mut self, index: usize) -> Result<Option<Sample>, ContainerError> {
        let (Some(track), Some(head)) = (self.tracks.get_mut(index), self.heads.get_mut(index))
        else {
            return Ok(None);
        };
        let next = match &track.tables {
            Some(tables) => track.cursor.next(&mut self.file, tables)?,
            None => None,
        };
        Ok(std::mem::replace(head, next))
    }

    /// The sample that is decoded next, and its track.
    fn sample(&mut self) -> Result<Option<(usize, Sample)>, ContainerError> {
        let heads = self.heads.iter().zip(&self.tracks).enumerate();
        let times = heads.filter_map(|(index, (head, track))| {
            head.map(|sample| (track.nanos(sample.time), index))
        });
        if let Some((_, index)) = times.min() {
            return Ok(self.advance(index)?.map(|sample| (index, sample)));
        }
        loop {
            if let Some(found) = self.fragment.next(&mut self.file, &self.tracks)? {
                return Ok(Some(found));
            }
            let Some(found) = Box::read(&mut self.file, self.at)? else { return Ok(None) };
            self.at = found.end;
            if found.kind == *b"moof" {
                // One that is cut off has lost its samples as well.
                if found.end > self.file.len() {
                    return Ok(None);
                }
                self.fragment =
                    Fragment::read(&mut self.file, &found, &mut self.tracks, &mut self.budget)?;
            }
        }
    }

    /// Nothing more of a track is there: the file ends before.
    fn leave_out(&mut self, track: usize) {
        if let Some(head) = self.heads.get_mut(track) {
            *head = None;
        }
        if let Some(track) = self.tracks.get_mut(track) {
            track.tables = None;
        }
        self.fragment.leave_out(track);
    }

    /// Goes to a moment in the tables. `None` where there are none.
    fn seek_tables(&mut self, to: u64, leader: usize) -> Result<Option<u64>, ContainerError> {
        let Some(track) = self.tracks.get(leader) else { return Ok(None) };
        let Some(tables) = track.tables else { return Ok(None) };
        let sample = tables.sample_at(&mut self.file, track.units(to))?;
        let sample = tables.keyframe_before(&mut self.file, sample)?;
        let begins = Cursor::go(&mut self.file, &tables, sample)?.next(&mut self.file, &tables)?;
        let Some(begins) = begins else { return Ok(None) };
        let at = u64::try_from(track.nanos(begins.time.saturating_add(begins.offset))).unwrap_or(0);
        for index in 0..self.tracks.len() {
            let Some(track) = self.tracks.get_mut(index) else { continue };
            let Some(tables) = track.tables else { continue };
            let sample = if index == leader {
                sample
            } else {
                tables.sample_at(&mut self.file, track.units(at))?
            };
            track.cursor = Cursor::go(&mut self.file, &tables, sample)?;
            self.advance(index)?;
        }
        Ok(Some(at))
    }

    /// Goes to a moment in the fragments. `None` where none of them is as early.
    fn seek_fragments(&mut self, to: u64, leader: usize) -> Result<Option<u64>, ContainerError> {
        let (mut at, mut best) = (0, None);
        self.budget = self.file.len();
        while let Some(found) = Box::read(&mut self.file, at)? {
            if found.kind == *b"moof" && found.end <= self.file.len() {
                let fragment =
                    Fragment::read(&mut self.file, &found, &mut self.tracks, &mut self.budget)?;
                if let Some(sample) = fragment.begins(&mut self.file, leader)?
                    && let Some(track) = self.tracks.get(leader)
                {
                    let time = track.nanos(sample.time.saturating_add(sample.offset));
                    let time = u64::try_from(time).unwrap_or(0);
                    if time > to {
                        break;
                    }
                    best = Some((time, found.at));
                }
            }
            at = found.end;
        }
        self.budget = self.file.len();
        Ok(best.map(|(time, at)| {
            self.at = at;
            time
        }))
    }
}

impl<S: ReadAt + Send> Demuxer for Reader<S> {
    fn tracks(&self) -> &[ReadTrack] {
        &self.shown
    }

    fn duration(&self) -> Option<u64> {
        self.duration
    }

    fn next(&mut self) -> Result<Option<Found>, ContainerError> {
        while let Some((index, sample)) = self.sample()? {
            let Some(track) = self.tracks.get(index) else { continue };
            let time = track.nanos(sample.time.saturating_add(sample.offset));
            let duration = scaled(sample.duration.into(), tracks::SECOND, track.timescale);
            let keyframe = sample.keyframe || track.read.kind == Kind::Audio;
            match self.file.frame(sample.at, sample.size)? {
                Some(data) => {
                    let duration = Some(duration);
                    return Ok(Some(Found { track: index, time, duration, keyframe, data }));
                }
                None => self.leave_out(index),
            }
        }
        Ok(None)
    }

    fn seek(&mut self, to: u64, leader: usize) -> Result<u64, ContainerError> {
        self.fragment = Fragment::default();
        self.tracks.iter_mut().for_each(|track| track.next = 0);
        self.at = 0;
        // Tables have what comes before all fragments, where a file has both.
        if let Some(at) = self.seek_fragments(to, leader)? {
            self.heads.iter_mut().for_each(|head| *head = None);
            return Ok(at);
        }
        self.tracks.iter_mut().for_each(|track| track.next = 0);
        match self.seek_tables(to, leader)? {
            Some(at) => Ok(at),
            None => {
                self.heads.iter_mut().for_each(|head| *head = None);
                Ok(0)
            }
        }
    }
}
