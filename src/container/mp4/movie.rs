//! The beginning of a file: its brands (`ftyp`) and what its tracks are (`moov`). Samples are in
//! fragments behind it (ISO/IEC 14496-12 8.8).

use std::time::Duration;

use super::boxes::{boxed, full, text, u16s, u32s};
use super::sample_entry;
use crate::codec::configuration::Configuration;
use crate::codec::{Codec, Kind};
use crate::container::TrackEntry;

/// Units a second of the whole movie.
pub(super) const MOVIE_SCALE: u32 = 90_000;
/// From 1904, where dates of files begin (ISO/IEC 14496-12 8.2.2.3), to 1970.
const EPOCH_1904: u64 = 2_082_844_800;
/// The identity (ISO/IEC 14496-12 8.2.2.2).
pub(super) const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/// One in the numbers of a matrix, and minus one.
const ONE: u32 = 0x1_0000;
const MINUS: u32 = 0xffff_0000;
/// tkhd: the track is enabled, in the movie and in its preview.
const TRACK_FLAGS: u32 = 7;
/// dref: the samples are in this file.
const SELF_CONTAINED: u32 = 1;

/// A track as the beginning of a file has it.
#[derive(Debug)]
pub(super) struct Track {
    /// From 1 on.
    pub(super) id: u32,
    pub(super) entry: TrackEntry,
    /// Parameter sets in its frames are not those of its entry.
    pub(super) inline: bool,
}

impl Track {
    /// Units a second of its samples.
    pub(super) fn scale(&self) -> u32 {
        scale(self.entry.codec.kind())
    }

    /// As RFC 6381 has it.
    pub(super) fn codec_name(&self) -> String {
        let TrackEntry { codec, configuration, .. } = &self.entry;
        sample_entry::codec_name(*codec, configuration, self.inline)
    }
}

/// Units a second of the samples of a track.
pub(super) fn scale(kind: Kind) -> u32 {
    match kind {
        Kind::Video => 90_000,
        Kind::Audio => 48_000,
    }
}

/// Appends what the file is: fragments with times and offsets of their own (iso6).
pub(super) fn file_type(out: &mut Vec<u8>) {
    boxed(out, b"ftyp", |out| {
        out.extend_from_slice(b"iso6\0\0\x02\0iso6isommp42mp41");
    });
}

/// Appends a movie whose samples are in fragments. `date` counts from 1970.
pub(super) fn fragmented<'a>(
    out: &mut Vec<u8>,
    tracks: impl ExactSizeIterator<Item = &'a Track> + Clone,
    date: Duration,
) {
    let created = u32::try_from(date.as_secs().saturating_add(EPOCH_1904)).unwrap_or(0);
    boxed(out, b"moov", |out| {
        movie_header(out, created, tracks.len() as u32 + 1);
        tracks.clone().for_each(|track| entry(out, track, created));
        boxed(out, b"mvex", |out| {
            for track in tracks {
                // Sample description 1; the fragments say the rest.
                full(out, b"trex", 0, 0, |out| u32s(out, &[track.id, 1, 0, 0, 0]));
            }
        });
    });
}

/// Of a duration that is not known yet.
fn movie_header(out: &mut Vec<u8>, created: u32, next_track: u32) {
    full(out, b"mvhd", 0, 0, |out| {
        u32s(out, &[created, created, MOVIE_SCALE, 0]);
        // Played forward as fast as it is, at full volume.
        u32s(out, &[ONE]);
        u16s(out, &[0x0100, 0]);
        u32s(out, &[0, 0]);
        u32s(out, &UPRIGHT);
        u32s(out, &[0; 6]);
        u32s(out, &[next_track]);
    });
}

fn entry(out: &mut Vec<u8>, track: &Track, created: u32) {
    let TrackEntry { codec, name, language, configuration, rotation } = &track.entry;
    boxed(out, b"trak", |out| {
        track_header(out, track.id, created, *codec, configuration, *rotation);
        boxed(out, b"mdia", |out| {
            full(out, b"mdhd", 0, 0, |out| {
                u32s(out, &[created, created, track.scale(), 0]);
                u16s(out, &[iso_639(language), 0]);
            });
            if iso_639(language) == UNDETERMINED && language != "und" {
                // Any language tag there is (ISO/IEC 14496-12 8.4.6).
                full(out, b"elng", 0, 0, |out| text(out, language));
            }
            handler(out, codec.kind(), name);
            boxed(out, b"minf", |out| {
                match codec.kind() {
                    Kind::Video => full(out, b"vmhd", 0, 1, |out| u32s(out, &[0, 0])),
                    Kind::Audio => full(out, b"smhd", 0, 0, |out| u32s(out, &[0])),
                }
                boxed(out, b"dinf", |out| {
                    full(out, b"dref", 0, 0, |out| {
                        u32s(out, &[1]);
                        full(out, b"url ", 0, SELF_CONTAINED, |_| {});
                    });
                });
                boxed(out, b"stbl", |out| sample_tables(out, *codec, configuration, track.inline));
            });
        });
        if !name.is_empty() {
            // What ffmpeg and VLC show; the name of the handler is what browsers have.
            boxed(out, b"udta", |out| boxed(out, b"name", |out| out.extend(name.bytes())));
        }
    });
}

fn track_header(
    out: &mut Vec<u8>,
    id: u32,
    created: u32,
    codec: Codec,
    configuration: &Configuration,
    rotation: u8,
) {
    let (width, height) = match codec.kind() {
        Kind::Video => configuration.size.unwrap_or((1, 1)),
        Kind::Audio => (0, 0),
    };
    let volume = if codec.kind() == Kind::Audio { 0x0100 } else { 0 };
    full(out, b"tkhd", 0, TRACK_FLAGS, |out| {
        u32s(out, &[created, created, id, 0, 0, 0, 0]);
        u16s(out, &[0, 0, volume, 0]);
        u32s(out, &matrix(rotation, (width, height)));
        u32s(out, &[u32::from(width) << 16, u32::from(height) << 16]);
    });
}

/// Turns clockwise by so many times 90 degrees, and back to where coordinates are not negative.
fn matrix(rotation: u8, (width, height): (u16, u16)) -> [u32; 9] {
    let (width, height) = (u32::from(width) << 16, u32::from(height) << 16);
    let [a, b, c, d, x, y] = match rotation & 3 {
        0 => return UPRIGHT,
        1 => [0, ONE, MINUS, 0, height, 0],
        2 => [MINUS, 0, 0, MINUS, width, height],
        _ => [0, MINUS, ONE, 0, 0, width],
    };
    [a, b, 0, c, d, 0, x, y, 0x4000_0000]
}

fn handler(out: &mut Vec<u8>, kind: Kind, name: &str) {
    let (handler, usual) = match kind {
        Kind::Video => (b"vide", "VideoHandler"),
        Kind::Audio => (b"soun", "SoundHandler"),
    };
    full(out, b"hdlr", 0, 0, |out| {
        u32s(out, &[0]);
        out.extend_from_slice(handler);
        u32s(out, &[0; 3]);
        text(out, if name.is_empty() { usual } else { name });
    });
}

/// Samples of which none is in the movie itself.
fn sample_tables(out: &mut Vec<u8>, codec: Codec, configuration: &Configuration, inline: bool) {
    full(out, b"stsd", 0, 0, |out| {
        u32s(out, &[1]);
        sample_entry::entry(out, codec, configuration, inline);
    });
    full(out, b"stts", 0, 0, |out| u32s(out, &[0]));
    full(out, b"stsc", 0, 0, |out| u32s(out, &[0]));
    full(out, b"stsz", 0, 0, |out| u32s(out, &[0, 0]));
    full(out, b"stco", 0, 0, |out| u32s(out, &[0]));
}

const UNDETERMINED: u16 = pack(*b"und");

/// Three letters of five bits (ISO/IEC 14496-12 8.4.2.3).
const fn pack([a, b, c]: [u8; 3]) -> u16 {
    let (a, b, c) = ((a & 0x1f) as u16, (b & 0x1f) as u16, (c & 0x1f) as u16);
    a << 10 | b << 5 | c
}

/// The language's three letters (ISO 639-2/T), where its tag begins with them.
fn iso_639(language: &str) -> u16 {
    let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_bytes() {
        [a, b, c] if primary.bytes().all(|b| b.is_ascii_lowercase()) => pack([*a, *b, *c]),
        [_, _] => two_letters(&primary).map_or(UNDETERMINED, pack),
        _ => UNDETERMINED,
    }
}

/// Of languages that tags name by two letters (RFC 5646 2.2.1); others are in `elng`.
fn two_letters(language: &str) -> Option<[u8; 3]> {
    Some(*match language {
        "ar" => b"ara",
        "de" => b"deu",
        "en" => b"eng",
        "es" => b"spa",
        "fr" => b"fra",
        "hi" => b"hin",
        "it" => b"ita",
        "ja" => b"jpn",
        "ko" => b"kor",
        "nl" => b"nld",
        "pl" => b"pol",
        "pt" => b"por",
        "ru" => b"rus",
        "tr" => b"tur",
        "uk" => b"ukr",
        "zh" => b"zho",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_three_letters_where_that_is_known() {
        assert_eq!(iso_639("und"), 0x55c4);
        assert_eq!(iso_639("en-GB"), pack(*b"eng"));
        assert_eq!(iso_639("yue"), pack(*b"yue"));
        assert_eq!(iso_639("xx"), UNDETERMINED);
    }

    #[test]
    fn turned_pictures_stay_where_coordinates_are_positive() {
        assert_eq!(matrix(0, (4, 2)), UPRIGHT);
        assert_eq!(matrix(1, (4, 2))[..8], [0, ONE, 0, MINUS, 0, 0, 2 << 16, 0]);
        assert_eq!(matrix(3, (4, 2))[..8], [0, MINUS, 0, ONE, 0, 0, 0, 4 << 16]);
    }
}
