//! A movie with the places of its tables left open.

use super::boxes::{self, full, text, u16s, u32s, u64s};
use super::movie::MOVIE_SCALE;
use super::source::{Fields, child, children};
use super::survey::{Mark, Survey, Track};
use super::tables::Table;

/// Bytes, and where in them the entries of tables belong.
#[derive(Default)]
pub(super) struct Skeleton {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<Place>,
    /// Bytes of all tables.
    tables: u64,
}

/// Where the entries of a table belong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) track: usize,
    pub(super) table: Table,
    /// So many bytes of the skeleton are before it.
    pub(super) at: usize,
    pub(super) len: u64,
}

impl Skeleton {
    /// Of what was found in a file. `None` when the file says less than
    /// a writer does, or the movie has 4 GiB.
    pub(super) fn of(survey: &Survey) -> Option<Self> {
        let mut out = Self::default();
        let entries = children(&survey.movie).filter(|(name, ..)| name == b"trak");
        let entries: Vec<&[u8]> = entries.map(|(.., body)| body).collect();
        let created = Fields(child(&survey.movie, b"mvhd")?.get(4..)?).u32()?;
        out.boxed(b"moov", |out| {
            let next_track = survey.tracks.len() as u32 + 1;
            movie_header(&mut out.bytes, created, survey.duration(), next_track);
            for (index, entry) in entries.iter().enumerate() {
                let track = survey.tracks.get(index)?;
                // One without a frame has nothing to be played.
                if track.tables.samples > 0 {
                    out.track(index, entry, track, created)?;
                }
            }
            if !survey.marks.is_empty() {
                boxes::boxed(&mut out.bytes, b"udta", |out| chapters(out, &survey.marks));
            }
            Some(())
        })?;
        Some(out)
    }

    /// Bytes of the movie with its tables.
    pub(super) fn len(&self) -> u64 {
        (self.bytes.len() as u64).saturating_add(self.tables)
    }

    fn boxed(&mut self, name: &[u8; 4], fill: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let (at, before) = (self.bytes.len(), self.len());
        self.bytes.extend_from_slice(&boxes::head(name, 0));
        fill(self)?;
        let size = u32::try_from(self.len() - before).ok()?;
        self.bytes.get_mut(at..at + 4)?.copy_from_slice(&size.to_be_bytes());
        Some(())
    }

    fn track(&mut self, index: usize, entry: &[u8], track: &Track, created: u32) -> Option<()> {
        let first = track.tables.first?;
        let length = track.tables.end().saturating_sub(first);
        let (delay, shown) = (track.in_movie(first), track.in_movie(length));
        self.boxed(b"trak", |out| {
            let header = child(entry, b"tkhd")?;
            let total = delay.saturating_add(shown);
            track_header(&mut out.bytes, header, created, track.id, total)?;
            if delay > 0 {
                boxes::boxed(&mut out.bytes, b"edts", |out| edits(out, delay, shown));
            }
            let media = child(entry, b"mdia")?;
            out.boxed(b"mdia", |out| out.media(index, media, track, length, created))?;
            for (_, whole, _) in children(entry).filter(|(name, ..)| name == b"udta") {
                out.bytes.extend_from_slice(whole);
            }
            Some(())
        })
    }

    fn media(
        &mut self,
        index: usize,
        media: &[u8],
        track: &Track,
        length: u64,
        created: u32,
    ) -> Option<()> {
        let language = child(media, b"mdhd")?.get(20..24)?;
        full(&mut self.bytes, b"mdhd", 1, 0, |out| {
            u64s(out, &[created.into(), created.into()]);
            u32s(out, &[track.scale]);
            u64s(out, &[length]);
            out.extend_from_slice(language);
        });
        for (_, whole, _) in children(media).filter(|(name, ..)| [b"elng", b"hdlr"].contains(&name))
        {
            self.bytes.extend_from_slice(whole);
        }
        let information = child(media, b"minf")?;
        self.boxed(b"minf", |out| {
            for (_, whole, _) in children(information).filter(|(name, ..)| name != b"stbl") {
                out.bytes.extend_from_slice(whole);
            }
            let tables = child(information, b"stbl")?;
            out.boxed(b"stbl", |out| {
                let (_, description, _) = children(tables).find(|(name, ..)| name == b"stsd")?;
                out.bytes.extend_from_slice(description);
                out.tables(index, track)
            })
        })
    }

    fn tables(&mut self, index: usize, track: &Track) -> Option<()> {
        let all_sync = track.tables.syncs == track.tables.samples;
        for (table, len) in Table::ALL.into_iter().zip(track.lengths) {
            let (name, entry): (&[u8; 4], u64) = match table {
                // Without it all samples are sync samples.
                Table::Syncs if all_sync => continue,
                Table::Syncs => (b"stss", 4),
                Table::Durations => (b"stts", 8),
                Table::Chunks => (b"stsc", 12),
                Table::Sizes => (b"stsz", 4),
                Table::Offsets if track.tables.wide => (b"co64", 8),
                Table::Offsets => (b"stco", 4),
            };
            self.boxed(name, |out| {
                u32s(&mut out.bytes, &[0]);
                if table == Table::Sizes {
                    // They differ.
                    u32s(&mut out.bytes, &[0]);
                }
                u32s(&mut out.bytes, &[u32::try_from(len / entry).ok()?]);
                out.places.push(Place { track: index, table, at: out.bytes.len(), len });
                out.tables = out.tables.checked_add(len)?;
                Some(())
            })?;
        }
        Some(())
    }
}

fn movie_header(out: &mut Vec<u8>, created: u32, duration: u64, next_track: u32) {
    full(out, b"mvhd", 1, 0, |out| {
        u64s(out, &[created.into(), created.into()]);
        u32s(out, &[MOVIE_SCALE]);
        u64s(out, &[duration]);
        // As fast as it is, at full volume, upright.
        u32s(out, &[0x1_0000]);
        u16s(out, &[0x0100, 0]);
        u32s(out, &[0, 0]);
        u32s(out, &super::movie::UPRIGHT);
        u32s(out, &[0; 6]);
        u32s(out, &[next_track]);
    });
}

/// As in the fragmented movie, with a duration.
fn track_header(
    out: &mut Vec<u8>,
    before: &[u8],
    created: u32,
    id: u32,
    duration: u64,
) -> Option<()> {
    // Layer, group, volume, matrix, size.
    let rest = before.get(24..84)?;
    let flags = Fields(before).u32()? & 0xff_ffff;
    full(out, b"tkhd", 1, flags, |out| {
        u64s(out, &[created.into(), created.into()]);
        u32s(out, &[id, 0]);
        u64s(out, &[duration]);
        out.extend_from_slice(rest);
    });
    Some(())
}

/// Nothing until the track begins, then all of it (ISO/IEC 14496-12 8.6.6).
fn edits(out: &mut Vec<u8>, delay: u64, shown: u64) {
    full(out, b"elst", 1, 0, |out| {
        u32s(out, &[2]);
        u64s(out, &[delay, u64::MAX]);
        u32s(out, &[0x1_0000]);
        u64s(out, &[shown, 0]);
        u32s(out, &[0x1_0000]);
    });
}

/// Chapters as Nero began it, which ffmpeg and VLC read: units of 100 ns, names of 255 bytes.
fn chapters(out: &mut Vec<u8>, marks: &[Mark]) {
    full(out, b"chpl", 1, 0, |out| {
        u32s(out, &[0]);
        out.push(u8::try_from(marks.len()).unwrap_or(u8::MAX));
        for mark in marks.iter().take(u8::MAX.into()) {
            u64s(out, &[u64::try_from(mark.time.as_nanos() / 100).unwrap_or(u64::MAX)]);
            let end =
                (0..=mark.name.len().min(255)).rev().find(|at| mark.name.is_char_boundary(*at));
            let name = mark.name.get(..end.unwrap_or(0)).unwrap_or_default();
            out.push(name.len() as u8);
            text(out, name);
            out.pop();
        }
    });
}
