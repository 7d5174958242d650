//! Fragments (ISO/IEC 14496-12 8.8): samples that are told of beside their bytes.

use std::collections::VecDeque;

use super::boxes::{Box, Numbers};
use super::tables::Sample;
use super::tracks::{Defaults, Track};
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::source::ReadAt;

/// Runs of samples of one fragment.
const MAX_RUNS: usize = 1_024;
/// Flags of a track's fragment (8.8.7.1).
const BASE_OFFSET: u32 = 0x01;
const DESCRIPTION: u32 = 0x02;
const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_FRAGMENT: u32 = 0x02_0000;
/// Flags of a run (8.8.8.1).
const DATA_OFFSET: u32 = 0x01;
const FIRST_FLAGS: u32 = 0x04;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;
const FLAGS: u32 = 0x400;
const OFFSETS: u32 = 0x800;
/// Of a sample (8.8.3.1): no decoder can begin with it.
const NOT_SYNC: u32 = 0x0001_0000;

/// Samples of a track one behind the other.
#[derive(Clone, Debug)]
struct Run {
    /// Place of its track.
    track: usize,
    flags: u32,
    first_flags: Option<u32>,
    defaults: Defaults,
    /// Its entries in the box, how many there are and how wide they are.
    entries: u64,
    count: u64,
    width: u64,
    /// How many were taken, where the bytes of the next one are, and when it is decoded.
    taken: u64,
    at: u64,
    time: i64,
}

impl Run {
    fn next<S: ReadAt>(&mut self, file: &mut Windows<S>) -> Result<Option<Sample>, ContainerError> {
        if self.taken >= self.count {
            return Ok(None);
        }
        let entry = self.entries.saturating_add(self.taken * self.width);
        let mut numbers = Numbers(file.bytes(entry, self.width as usize)?);
        let mut given = |flag: u32| {
            if self.flags & flag == 0 { None } else { Some(numbers.u32().unwrap_or(0)) }
        };
        let duration = given(DURATIONS).unwrap_or(self.defaults.duration);
        let size = given(SIZES).unwrap_or(self.defaults.size);
        let flags = given(FLAGS);
        let offset = given(OFFSETS).unwrap_or(0);
        let first = self.first_flags.filter(|_| self.taken == 0);
        let flags = first.or(flags).unwrap_or(self.defaults.flags);
        let sample = Sample {
            at: self.at,
            size: size.into(),
            time: self.time,
            offset: (offset as i32).into(),
            duration,
            keyframe: flags & NOT_SYNC == 0,
        };
        self.taken += 1;
        self.at = self.at.saturating_add(size.into());
        self.time = self.time.saturating_add(duration.into());
        Ok(Some(sample))
    }

    /// Goes behind its last sample.
    fn skip<S: ReadAt>(&mut self, file: &mut Windows<S>) -> Result<(), ContainerError> {
        if self.width > 0 {
            while self.next(file)?.is_some() {}
            return Ok(());
        }
        self.at = self.at.saturating_add(self.bytes());
        let duration = i64::from(self.defaults.duration);
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        self.time = self.time.saturating_add(duration.saturating_mul(count));
        Ok(())
    }

    /// Bytes of samples of which each has as many.
    fn bytes(&self) -> u64 {
        self.count.saturating_mul(self.defaults.size.into())
    }
}

/// What is left of a fragment.
#[derive(Default)]
pub(super) struct Fragment {
    runs: VecDeque<Run>,
}

impl Fragment {
    /// Reads a movie fragment box, and notes in tracks where their next one begins. `budget` is what
    /// samples may have in bytes that are not told of one by one.
    pub(super) fn read<S: ReadAt>(
        file: &mut Windows<S>,
        moof: &Box,
        tracks: &mut [Track],
        budget: &mut u64,
    ) -> Result<Self, ContainerError> {
        let mut fragment = Self::default();
        // Bytes of one track's fragment follow those of the one before (8.8.7.1).
        let mut after = moof.at;
        for traf in moof.children(file, 0)?.iter().filter(|found| found.kind == *b"traf") {
            fragment.read_track(file, moof, traf, tracks, (&mut after, &mut *budget))?;
        }
        Ok(fragment)
    }

    fn read_track<S: ReadAt>(
        &mut self,
        file: &mut Windows<S>,
        moof: &Box,
        traf: &Box,
        tracks: &mut [Track],
        (after, budget): (&mut u64, &mut u64),
    ) -> Result<(), ContainerError> {
        let boxes = traf.children(file, 0)?;
        let Some(tfhd) = boxes.iter().find(|found| found.kind == *b"tfhd") else { return Ok(()) };
        let Some((_, flags)) = tfhd.version(file)? else { return Ok(()) };
        let mut head = Numbers(tfhd.bytes(file, 4, 36)?);
        let id = head.u32();
        let Some(index) = tracks.iter().position(|track| Some(track.id) == id) else {
            return Ok(());
        };
        let Some(track) = tracks.get_mut(index) else { return Ok(()) };
        let base = if flags & BASE_OFFSET != 0 { head.u64() } else { None };
        let base = base.unwrap_or(if flags & BASE_IS_FRAGMENT != 0 { moof.at } else { *after });
        let mut given = |flag: u32| if flags & flag == 0 { None } else { head.u32() };
        given(DESCRIPTION);
        let defaults = Defaults {
            duration: given(DEFAULT_DURATION).unwrap_or(track.defaults.duration),
            size: given(DEFAULT_SIZE).unwrap_or(track.defaults.size),
            flags: given(DEFAULT_FLAGS).unwrap_or(track.defaults.flags),
        };
        if let Some(tfdt) = boxes.iter().find(|found| found.kind == *b"tfdt") {
            let version = tfdt.version(file)?.map_or(0, |(version, _)| version);
            let time = Numbers(tfdt.bytes(file, 4, 8)?).long(version);
            track.next = time.and_then(|time| i64::try_from(time).ok()).unwrap_or(track.next);
        }
        let mut at = base;
        for trun in boxes.iter().filter(|found| found.kind == *b"trun") {
            if self.runs.len() >= MAX_RUNS {
                let expected = "movie fragment of at most 1024 runs";
                return Err(ContainerError::Format { offset: moof.at, expected });
            }
            let Some(run) = run(file, trun, index, (base, at), defaults, track.next)? else {
                continue;
            };
            // Samples do not share bytes, so that there are no more of them than bytes.
            if run.width == 0 {
                let expected = "samples with bytes of their own";
                let left = budget.checked_sub(run.bytes());
                *budget = left.ok_or(ContainerError::Format { offset: trun.at, expected })?;
            }
            let mut all = run.clone();
            all.skip(file)?;
            (at, track.next) = (all.at, all.time);
            self.runs.push_back(run);
        }
        *after = at;
        Ok(())
    }

    /// Time and place of the first sample of a track, if a decoder can begin with it.
    pub(in crate::container) fn begins<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        track: usize,
    ) -> Result<Option<Sample>, ContainerError> {
        let Some(run) = self.runs.iter().find(|run| run.track == track) else { return Ok(None) };
        Ok(run.clone().next(file)?.filter(|sample| sample.keyframe))
    }

    /// The sample that is decoded first of those left, by nanoseconds, and its track.
    pub(super) fn next<S: ReadAt>(
        &mut self,
        file: &mut Windows<S>,
        tracks: &[Track],
    ) -> Result<Option<(usize, Sample)>, ContainerError> {
        // Of each track only its first run has its turn; there are few tracks.
        let nanos = |run: &Run| tracks.get(run.track).map_or(0, |track| track.nanos(run.time));
        let mut seen = 0u64;
        let mut first: Option<(usize, i64)> = None;
        for (index, run) in self.runs.iter().enumerate() {
            let bit = 1u64 << (run.track & 63);
            if seen & bit == 0 {
                seen |= bit;
                let time = nanos(run);
                if first.is_none_or(|(_, before)| time < before) {
                    first = Some((index, time));
                }
            }
            if seen.count_ones() as usize >= tracks.len() {
                break;
            }
        }
        let Some((index, _)) = first else { return Ok(None) };
        let Some(run) = self.runs.get_mut(index) else { return Ok(None) };
        let track = run.track;
        let sample = run.next(file)?;
        if run.taken >= run.count {
            self.runs.remove(index);
        }
        Ok(sample.map(|sample| (track, sample)))
    }

    /// Nothing more of a track is in the file.
    pub(super) fn leave_out(&mut self, track: usize) {
        self.runs.retain(|run| run.track != track);
    }
}

fn run<S: ReadAt>(
    file: &mut Windows<S>,
    trun: &Box,
    track: usize,
    (base, at): (u64, u64),
    defaults: Defaults,
    time: i64,
) -> Result<Option<Run>, ContainerError> {
    let Some((_, flags)) = trun.version(file)? else { return Ok(None) };
    let mut head = Numbers(trun.bytes(file, 4, 12)?);
    let Some(count) = head.u32() else { return Ok(None) };
    let mut entries = trun.body.saturating_add(8);
    let mut at = at;
    if flags & DATA_OFFSET != 0 {
        let offset = head.u32().unwrap_or(0) as i32;
        at = base.saturating_add_signed(offset.into());
        entries += 4;
    }
    let mut first_flags = None;
    if flags & FIRST_FLAGS != 0 {
        first_flags = head.u32();
        entries += 4;
    }
    let width = 4 * u64::from((flags & (DURATIONS | SIZES | FLAGS | OFFSETS)).count_ones());
    // As many as have entries, or bytes of their own.
    let most = match (trun.end.min(file.len()).saturating_sub(entries)).checked_div(width) {
        Some(most) => most,
        None => file.len().checked_div(defaults.size.into()).unwrap_or(0),
    };
    let count = u64::from(count).min(most);
    Ok((count > 0).then_some(Run {
        track,
        flags,
        first_flags,
        defaults,
        entries,
        count,
        width,
        taken: 0,
        at,
        time,
    }))
}
