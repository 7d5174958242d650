//! Entries of tracks (RFC 9559 5.1.4) as they are read.

use super::elements as id;
use super::source::{Element, Source};
use crate::codec::pcm::{SampleFormat, Samples};
use crate::codec::{Codec, Kind};
use crate::container::error::ContainerError;
use crate::container::reader::{Coding, ReadTrack, name};
use crate::container::source::ReadAt;

/// Tracks that are looked at.
const MAX_TRACKS: usize = 64;
/// Of a decoder's configuration.
const MAX_RECORD: usize = 16 << 10;
/// Of the bytes that stand at the beginning of each frame and are left out (header stripping).
const MAX_STRIPPED: usize = 256;
/// Elements in each other, from the entry on.
const MAX_LEVEL: u8 = 4;

/// What its blocks need to be read.
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) track: ReadTrack,
    /// Nanoseconds of a frame, where all are as long.
    pub(super) duration: Option<u64>,
    /// Nanoseconds that its times are late by.
    pub(super) delay: u64,
    /// What stands before each frame.
    pub(super) stripped: Vec<u8>,
}

#[derive(Default)]
struct Draft {
    number: u64,
    kind: u64,
    codec: String,
    record: Vec<u8>,
    duration: Option<u64>,
    delay: u64,
    stripped: Vec<u8>,
    /// Compressed or encrypted in a way that is not undone here.
    sealed: Option<&'static str>,
    /// Its only compression is that the beginning of frames is left out.
    stripping: bool,
    left_out: bool,
    default: bool,
    roll: f64,
    rate: f64,
    channels: u64,
    depth: u64,
    /// How many elements this one stands in.
    level: u8,
}

/// Reads all entries of sound and pictures.
pub(super) fn read<S: ReadAt>(
    source: &mut Source<S>,
    tracks: &Element,
) -> Result<Vec<Entry>, ContainerError> {
    let mut entries = Vec::new();
    source.each(tracks, |source, element| {
        if element.id == id::TRACK_ENTRY && entries.len() < MAX_TRACKS {
            entries.extend(entry(source, element)?);
        }
        Ok(())
    })?;
    Ok(entries)
}

fn entry<S: ReadAt>(
    source: &mut Source<S>,
    element: &Element,
) -> Result<Option<Entry>, ContainerError> {
    let mut draft = Draft { default: true, rate: 8_000.0, channels: 1, ..Draft::default() };
    source.each(element, |source, child| draft.see(source, child))?;
    Ok(draft.finish())
}

impl Draft {
    fn see<S: ReadAt>(
        &mut self,
        source: &mut Source<S>,
        element: &Element,
    ) -> Result<(), ContainerError> {
        match element.id {
            id::TRACK_NUMBER => self.number = source.unsigned(element)?.unwrap_or(0),
            id::TRACK_TYPE => self.kind = source.unsigned(element)?.unwrap_or(0),
            id::CODEC_ID => self.codec = source.text(element)?.unwrap_or_default(),
            id::CODEC_PRIVATE => {
                self.record = source.small(element, MAX_RECORD)?.unwrap_or(&[]).to_vec();
            }
            id::DEFAULT_DURATION => self.duration = source.unsigned(element)?,
            id::CODEC_DELAY => self.delay = source.unsigned(element)?.unwrap_or(0),
            id::FLAG_ENABLED => self.left_out = source.unsigned(element)? == Some(0),
            id::FLAG_DEFAULT => self.default = source.unsigned(element)? != Some(0),
            id::PROJECTION_POSE_ROLL => self.roll = source.float(element)?.unwrap_or(0.0),
            id::SAMPLING_FREQUENCY => self.rate = source.float(element)?.unwrap_or(8_000.0),
            id::CHANNELS => self.channels = source.unsigned(element)?.unwrap_or(1),
            id::BIT_DEPTH => self.depth = source.unsigned(element)?.unwrap_or(0),
            id::CONTENT_COMP_ALGO => self.stripping = source.unsigned(element)? == Some(3),
            id::CONTENT_COMP_SETTINGS => {
                self.stripped = source.small(element, MAX_STRIPPED)?.unwrap_or(&[]).to_vec();
            }
            id::CONTENT_ENCRYPTION => self.sealed = Some("encrypted"),
            id::CONTENT_COMPRESSION => {
                // Where nothing is said of it, it is zlib (RFC 9559 5.1.4.1.31.6).
                self.stripping = false;
                self.inside(source, element)?;
                if !self.stripping {
                    self.sealed = Some("compressed");
                }
            }
            id::VIDEO
            | id::AUDIO
            | id::PROJECTION
            | id::CONTENT_ENCODINGS
            | id::CONTENT_ENCODING => self.inside(source, element)?,
            _ => {}
        }
        Ok(())
    }

    /// Elements have ids of their own wherever they stand.
    fn inside<S: ReadAt>(
        &mut self,
        source: &mut Source<S>,
        element: &Element,
    ) -> Result<(), ContainerError> {
        if self.level >= MAX_LEVEL {
            return Ok(());
        }
        self.level += 1;
        source.each(element, |source, child| self.see(source, child))?;
        self.level -= 1;
        Ok(())
    }

    fn finish(self) -> Option<Entry> {
        const VIDEO: u64 = 1;
        const AUDIO: u64 = 2;
        let kind = match self.kind {
            VIDEO => Kind::Video,
            AUDIO => Kind::Audio,
            _ => return None,
        };
        if self.left_out {
            return None;
        }
        let coding = match self.sealed {
            Some(how) => Coding::Other(format!("{how} {}", name(self.codec.as_bytes()))),
            None => self.coding(),
        };
        // Counterclockwise, in -180 to 180 (RFC 9559 5.1.4.1.28.46).
        let turns = (-self.roll / 90.0).round();
        let rotation = if turns.is_finite() { (turns as i64 & 3) as u8 } else { 0 };
        let Self { number, record, duration, delay, stripped, default, .. } = self;
        let track = ReadTrack { kind, coding, record, rotation, default };
        Some(Entry { number, track, duration, delay, stripped })
    }

    /// What the codec is (Matroska codec specifications).
    fn coding(&self) -> Coding {
        let pcm = |float: bool| {
            let format = match (self.depth, float) {
                (8, false) => SampleFormat::U8,
                (16, false) => SampleFormat::I16,
                (24, false) => SampleFormat::I24,
                (32, false) => SampleFormat::I32,
                (32, true) => SampleFormat::F32,
                _ => return Coding::Other(format!("{} of {} bits", self.codec, self.depth)),
            };
            let rate = if self.rate >= 1.0 { self.rate as u32 } else { 0 };
            let channels = u16::try_from(self.channels).unwrap_or(u16::MAX);
            Coding::Pcm(Samples { format, rate, channels })
        };
        Coding::Codec(match self.codec.as_str() {
            "A_OPUS" => Codec::Opus,
            "V_VP8" => Codec::Vp8,
            "V_VP9" => Codec::Vp9,
            "V_AV1" => Codec::Av1,
            "V_MPEG4/ISO/AVC" => Codec::H264,
            "V_MPEGH/ISO/HEVC" => Codec::H265,
            // A format tag of RIFF (RFC 2361), the last byte counting most.
            "A_MS/ACM" => match (self.record.first_chunk(), self.channels) {
                (Some([0x07, 0x00]), 1) => Codec::Pcmu,
                (Some([0x06, 0x00]), 1) => Codec::Pcma,
                (Some([0x8f, 0x02]), 1) => Codec::G722,
                _ => return Coding::Other(self.codec.clone()),
            },
            "A_AAC" => return Coding::Aac,
            "A_PCM/INT/LIT" => return pcm(false),
            "A_PCM/FLOAT/IEEE" => return pcm(true),
            other => return Coding::Other(name(other.as_bytes())),
        })
    }
}
