//! Tables of samples (ISO/IEC 14496-12 8.6, 8.7), read where they stand: a track of many hours takes
//! no more memory than a short one.

use super::boxes::Box;
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::source::ReadAt;

/// A row of numbers in a file.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Table {
    at: u64,
    /// Entries that are in their box.
    count: u64,
    /// Bytes of an entry.
    width: u64,
}

impl Table {
    /// Behind `skip` bytes and a count of entries.
    fn read<S: ReadAt>(
        file: &mut Windows<S>,
        table: &Box,
        skip: u64,
        width: u64,
    ) -> Result<Self, ContainerError> {
        let count = file.u32(table.body.saturating_add(skip))?.unwrap_or(0);
        let at = table.body.saturating_add(skip).saturating_add(4);
        let room = table.end.min(file.len()).saturating_sub(at) / width;
        Ok(Self { at, count: u64::from(count).min(room), width })
    }

    /// The number at a place within an entry.
    fn get<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        index: u64,
        offset: u64,
    ) -> Result<Option<u32>, ContainerError> {
        if index >= self.count {
            return Ok(None);
        }
        file.u32(self.at.saturating_add(index * self.width).saturating_add(offset))
    }
}

/// How large samples are.
#[derive(Clone, Copy, Debug)]
enum Sizes {
    All(u32),
    Each(Table),
}

/// All of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables {
    durations: Table,
    offsets: Table,
    chunks: Table,
    places: Table,
    sizes: Sizes,
    /// Without it every sample is a keyframe.
    keyframes: Option<Table>,
    /// Samples that may be there.
    count: u64,
}

/// A sample, in the track's units of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sample {
    pub(super) at: u64,
    pub(super) size: u64,
    /// When it is decoded, and how much later it is shown.
    pub(super) time: i64,
    pub(super) offset: i64,
    pub(super) duration: u32,
    pub(super) keyframe: bool,
}

impl Tables {
    /// Of the boxes of a sample table; `None` where one of them is missing, as in files of fragments
    /// alone.
    pub(super) fn read<S: ReadAt>(
        file: &mut Windows<S>,
        boxes: &[Box],
    ) -> Result<Option<Self>, ContainerError> {
        let find = |kind: &[u8; 4]| boxes.iter().find(|found| found.kind == *kind);
        let (Some(stts), Some(stsc)) = (find(b"stts"), find(b"stsc")) else { return Ok(None) };
        let (stsz, stz2) = (find(b"stsz"), find(b"stz2"));
        let (places, width) = match (find(b"stco"), find(b"co64")) {
            (Some(stco), _) => (stco, 4),
            (_, Some(co64)) => (co64, 8),
            _ => return Ok(None),
        };
        let Some(sizes) = stsz.filter(|_| stz2.is_none()) else { return Ok(None) };
        let all = file.u32(sizes.body.saturating_add(4))?.unwrap_or(0);
        let (sizes, count) = if all > 0 {
            let count = file.u32(sizes.body.saturating_add(8))?.unwrap_or(0);
            // Samples do not share bytes.
            (Sizes::All(all), u64::from(count).min(file.len() / u64::from(all)))
        } else {
            let table = Table::read(file, sizes, 8, 4)?;
            (Sizes::Each(table), table.count)
        };
        let offsets = match find(b"ctts") {
            Some(ctts) => Table::read(file, ctts, 4, 8)?,
            None => Table::default(),
        };
        Ok(Some(Self {
            durations: Table::read(file, stts, 4, 8)?,
            offsets,
            chunks: Table::read(file, stsc, 4, 12)?,
            places: Table::read(file, places, 4, width)?,
            sizes,
            keyframes: match find(b"stss") {
                Some(stss) => Some(Table::read(file, stss, 4, 4)?),
                None => None,
            },
            count,
        }))
    }

    /// Whether they have no samples, as those of files of fragments alone.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn size<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        sample: u64,
    ) -> Result<Option<u32>, ContainerError> {
        match self.sizes {
            Sizes::All(size) => Ok((sample < self.count).then_some(size)),
            Sizes::Each(table) => table.get(file, sample, 0),
        }
    }

    /// Where a chunk begins.
    fn place<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        chunk: u64,
    ) -> Result<Option<u64>, ContainerError> {
        let Some(high) = self.places.get(file, chunk, 0)? else { return Ok(None) };
        if self.places.width == 4 {
            return Ok(Some(high.into()));
        }
        let low = self.places.get(file, chunk, 4)?;
        Ok(low.map(|low| u64::from(high) << 32 | u64::from(low)))
    }

    /// The last sample that is decoded by then.
    pub(super) fn sample_at<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        time: i64,
    ) -> Result<u64, ContainerError> {
        let (mut sample, mut begun) = (0u64, 0i64);
        for run in 0..self.durations.count {
            let count = self.durations.get(file, run, 0)?.unwrap_or(0);
            let each = i64::from(self.durations.get(file, run, 4)?.unwrap_or(0));
            let end = begun.saturating_add(i64::from(count).saturating_mul(each));
            if time < end {
                let within = time.saturating_sub(begun).max(0) / each.max(1);
                return Ok(sample.saturating_add(within as u64));
            }
            sample = sample.saturating_add(count.into());
            begun = end;
        }
        Ok(self.count.saturating_sub(1).min(sample))
    }

    /// The last keyframe that is no later than a sample.
    pub(super) fn keyframe_before<S: ReadAt>(
        &self,
        file: &mut Windows<S>,
        sample: u64,
    ) -> Result<u64, ContainerError> {
        let Some(table) = self.keyframes else { return Ok(sample) };
        // Numbers count from 1 and rise (8.6.2.1).
        let (mut low, mut high) = (0, table.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let number = table.get(file, middle, 0)?.unwrap_or(0);
            if u64::from(number) <= sample + 1 { low = middle + 1 } else { high = middle }
        }
        let Some(index) = low.checked_sub(1) else { return Ok(0) };
        Ok(table.get(file, index, 0)?.map_or(0, |number| u64::from(number).saturating_sub(1)))
    }
}

/// A table of runs, each of so many samples of the same value.
#[derive(Clone, Copy, Default, Debug)]
struct Runs {
    next: u64,
    left: u64,
    value: u32,
}

impl Runs {
    /// The value of the next sample.
    fn take<S: ReadAt>(
        &mut self,
        file: &mut Windows<S>,
        table: &Table,
    ) -> Result<u32, ContainerError> {
        while self.left == 0 {
            let Some(count) = table.get(file, self.next, 0)? else { return Ok(self.value) };
            self.value = table.get(file, self.next, 4)?.unwrap_or(0);
            self.left = count.into();
            self.next += 1;
        }
        self.left -= 1;
        Ok(self.value)
    }
}

/// A place in the samples of a track, which it goes through in turn.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Cursor {
    sample: u64,
    time: i64,
    durations: Runs,
    offsets: Runs,
    /// How many chunks were begun.
    chunk: u64,
    /// Samples that are left of it, and where the next one is.
    left: u64,
    at: u64,
    /// Entry of the table of chunks that holds, and how many there are in each of those.
    row: u64,
    each: u64,
    /// Keyframes that were passed.
    keyframe: u64,
}

impl Cursor {
    /// Goes to a sample, from the beginning.
    pub(super) fn go<S: ReadAt>(
        file: &mut Windows<S>,
        tables: &Tables,
        sample: u64,
    ) -> Result<Self, ContainerError> {
        let mut cursor = Self::default();
        while cursor.sample < sample && cursor.next(file, tables)?.is_some() {}
        Ok(cursor)
    }

    /// The next sample; `None` behind the last one.
    pub(super) fn next<S: ReadAt>(
        &mut self,
        file: &mut Windows<S>,
        tables: &Tables,
    ) -> Result<Option<Sample>, ContainerError> {
        let Some(size) = tables.size(file, self.sample)? else { return Ok(None) };
        while self.left == 0 {
            if !self.begin_chunk(file, tables)? {
                return Ok(None);
            }
        }
        let duration = self.durations.take(file, &tables.durations)?;
        let offset = self.offsets.take(file, &tables.offsets)?;
        let keyframe = match tables.keyframes {
            None => true,
            Some(table) => {
                let number = table.get(file, self.keyframe, 0)?.map(u64::from);
                // What is not in order is passed over.
                let passed = number.is_some_and(|number| number <= self.sample + 1);
                self.keyframe += u64::from(passed);
                number == Some(self.sample + 1)
            }
        };
        let sample = Sample {
            at: self.at,
            size: size.into(),
            time: self.time,
            // Of version 0 none is so large that it would look negative (8.6.1.3).
            offset: (offset as i32).into(),
            duration,
            keyframe,
        };
        self.sample += 1;
        self.left -= 1;
        self.at = self.at.saturating_add(size.into());
        self.time = self.time.saturating_add(duration.into());
        Ok(Some(sample))
    }

    fn begin_chunk<S: ReadAt>(
        &mut self,
        file: &mut Windows<S>,
        tables: &Tables,
    ) -> Result<bool, ContainerError> {
        let Some(at) = tables.place(file, self.chunk)? else { return Ok(false) };
        // Entries name the first chunk that they hold for, counted from 1 (8.7.4.1).
        while let Some(first) = tables.chunks.get(file, self.row, 0)?
            && u64::from(first) <= self.chunk + 1
        {
            self.each = tables.chunks.get(file, self.row, 4)?.unwrap_or(0).into();
            self.row += 1;
        }
        self.left = self.each;
        self.at = at;
        self.chunk += 1;
        Ok(true)
    }
}
