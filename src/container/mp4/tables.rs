//! The tables of a movie (`stbl`, ISO/IEC 14496-12 8.6 and 8.7), made of samples one by one. How
//! long a table is shows when all samples were there: so they are made twice, once to be counted and
//! once to be written. No table is ever in memory.

use super::runs::{Run, Sample};

/// The tables of a track that have an entry for some or all of its samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Table {
    /// How long samples are (stts), of eight bytes.
    Durations,
    /// Which are sync samples (stss), of four bytes.
    Syncs,
    /// How many are in each chunk (stsc), of twelve bytes.
    Chunks,
    /// How many bytes they are (stsz), of four bytes.
    Sizes,
    /// Where chunks are (stco or co64), of four or eight bytes.
    Offsets,
}

impl Table {
    pub(super) const ALL: [Self; 5] =
        [Self::Durations, Self::Syncs, Self::Chunks, Self::Sizes, Self::Offsets];
}

/// Takes the entries of a track, each table's in turn.
pub(super) trait Sink {
    fn put(&mut self, table: Table, entry: &[u8]);
}

/// How many bytes each table has.
pub(super) type Lengths = [u64; 5];

impl Sink for Lengths {
    fn put(&mut self, table: Table, entry: &[u8]) {
        let length = &mut self[table as usize];
        *length = length.saturating_add(entry.len() as u64);
    }
}

/// The tables of one track on their way.
#[derive(Clone, Default, Debug)]
pub(super) struct Tables {
    /// Offsets have eight bytes.
    pub(super) wide: bool,
    pub(super) samples: u32,
    pub(super) syncs: u32,
    chunks: u32,
    /// Time of the first sample.
    pub(super) first: Option<u64>,
    /// Time and duration of the last one.
    last: Option<(u64, u32)>,
    /// So many samples in turn are this long.
    equal: Option<(u32, u32)>,
    /// Samples of the last chunk.
    of_chunk: Option<u32>,
}

impl Tables {
    /// Without an entry yet. `wide`: offsets have eight bytes.
    pub(super) fn new(wide: bool) -> Self {
        Self { wide, ..Self::default() }
    }

    /// A chunk and its samples.
    pub(super) fn add<S: Sink>(&mut self, run: &Run<'_>, to: &mut S) {
        let count = u32::try_from(run.samples().len()).unwrap_or(u32::MAX);
        if count == 0 {
            return;
        }
        self.chunks = self.chunks.saturating_add(1);
        if self.of_chunk.replace(count) != Some(count) {
            let entry = [self.chunks, count, 1].map(u32::to_be_bytes).concat();
            to.put(Table::Chunks, &entry);
        }
        if self.wide {
            to.put(Table::Offsets, &run.offset.to_be_bytes());
        } else {
            to.put(Table::Offsets, &(run.offset as u32).to_be_bytes());
        }
        let mut time = run.time;
        for sample in run.samples() {
            self.sample(time, sample, to);
            time = time.saturating_add(sample.duration.into());
        }
    }

    fn sample<S: Sink>(&mut self, time: u64, sample: Sample, to: &mut S) {
        // A sample is as long as it is until the next one: gaps are shown as the picture before.
        if let Some((before, _)) = self.last {
            let duration = u32::try_from(time.saturating_sub(before)).unwrap_or(u32::MAX);
            self.duration(duration, to);
        }
        let time = self.last.map_or(time, |(before, _)| time.max(before));
        self.first.get_or_insert(time);
        self.last = Some((time, sample.duration));
        self.samples = self.samples.saturating_add(1);
        to.put(Table::Sizes, &sample.size.to_be_bytes());
        if sample.sync {
            self.syncs = self.syncs.saturating_add(1);
            to.put(Table::Syncs, &self.samples.to_be_bytes());
        }
    }

    fn duration<S: Sink>(&mut self, duration: u32, to: &mut S) {
        match &mut self.equal {
            Some((count, equal)) if *equal == duration => *count = count.saturating_add(1),
            _ => {
                self.put_equal(to);
                self.equal = Some((1, duration));
            }
        }
    }

    fn put_equal<S: Sink>(&mut self, to: &mut S) {
        if let Some((count, duration)) = self.equal.take() {
            to.put(Table::Durations, &[count, duration].map(u32::to_be_bytes).concat());
        }
    }

    /// No sample comes any more.
    pub(super) fn finish<S: Sink>(&mut self, to: &mut S) {
        if let Some((_, duration)) = self.last {
            self.duration(duration, to);
        }
        self.put_equal(to);
    }

    /// When the last sample is over, in units of the track.
    pub(super) fn end(&self) -> u64 {
        self.last.map_or(0, |(time, duration)| time.saturating_add(duration.into()))
    }
}
