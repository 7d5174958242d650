//! What is in a fragment: runs of samples (`traf` and `trun`, ISO/IEC 14496-12 8.8.6 to 8.8.8), as
//! the writer makes them.

use super::source::{Fields, children};

/// Samples of one track that follow each other in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// As its header numbers it.
    pub(super) track: u32,
    /// When the first one is decoded, in units of the track.
    pub(super) time: u64,
    /// Of the first byte of the first one, in the file.
    pub(super) offset: u64,
    /// Of samples that have none of their own.
    flags: u32,
    /// Bytes of each entry.
    each: usize,
    entries: &'a [u8],
}

/// One sample of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sample {
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) sync: bool,
}

/// tfhd: what is there (ISO/IEC 14496-12 8.8.7.1).
const BASE_OFFSET: u32 = 0x01;
const DESCRIPTION: u32 = 0x02;
const DURATION: u32 = 0x08;
const SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;
/// trun: what is there, and what each sample has (ISO/IEC 14496-12 8.8.8.1).
const DATA_OFFSET: u32 = 0x001;
const FIRST_FLAGS: u32 = 0x004;
const SAMPLE_DURATION: u32 = 0x100;
const SAMPLE_SIZE: u32 = 0x200;
const SAMPLE_FLAGS: u32 = 0x400;
const SAMPLE_COMPOSITION: u32 = 0x800;
const IS_NO_SYNC: u32 = 0x1_0000;

/// The runs of a `moof` at `at`, one of each track. `None` for one that is made some other way.
pub(super) fn runs(moof: &[u8], at: u64) -> Option<Vec<Run<'_>>> {
    children(moof).filter(|(name, ..)| name == b"traf").map(|(.., traf)| run(traf, at)).collect()
}

fn run(traf: &[u8], moof: u64) -> Option<Run<'_>> {
    let (mut track, mut flags, mut time) = (None, 0, None);
    let mut found = None;
    for (name, _, body) in children(traf) {
        let mut fields = Fields(body);
        match &name {
            b"tfhd" => {
                let has = fields.u32()?;
                track = Some(fields.u32()?);
                if has & (BASE_OFFSET | DESCRIPTION | DURATION | SIZE) != 0
                    || has & BASE_IS_MOOF == 0
                {
                    return None;
                }
                flags = if has & DEFAULT_FLAGS == 0 { 0 } else { fields.u32()? };
            }
            b"tfdt" => {
                let version = fields.u32()? >> 24;
                time = Some(if version == 0 { fields.u32()?.into() } else { fields.u64()? });
            }
            b"trun" if found.is_none() => {
                let has = fields.u32()? & 0xff_ffff;
                let count = usize::try_from(fields.u32()?).ok()?;
                let wanted = DATA_OFFSET | SAMPLE_DURATION | SAMPLE_SIZE;
                if has & wanted != wanted || has & (FIRST_FLAGS | SAMPLE_COMPOSITION) != 0 {
                    return None;
                }
                let offset = moof.checked_add(fields.u32()?.into())?;
                let each = if has & SAMPLE_FLAGS == 0 { 8 } else { 12 };
                // A count is what the entries make true.
                let entries = fields.0.get(..count.checked_mul(each)?)?;
                found = Some((offset, each, entries));
            }
            _ => return None,
        }
    }
    let (offset, each, entries) = found?;
    Some(Run { track: track?, time: time?, offset, flags, each, entries })
}

impl Run<'_> {
    pub(super) fn samples(&self) -> impl ExactSizeIterator<Item = Sample> {
        let flags = self.flags;
        self.entries.chunks_exact(self.each).map(move |entry| {
            let mut fields = Fields(entry);
            let duration = fields.u32().unwrap_or(0);
            let size = fields.u32().unwrap_or(0);
            let sync = fields.u32().unwrap_or(flags) & IS_NO_SYNC == 0;
            Sample { duration, size, sync }
        })
    }
}
