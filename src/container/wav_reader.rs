//! WAV (RIFF, and RF64 of EBU Tech 3306): samples as they are, or as G.711.

use super::error::ContainerError;
use super::file::Windows;
use super::reader::{Coding, Demuxer, Found, ReadTrack};
use super::source::ReadAt;
use crate::codec::pcm::{SampleFormat, Samples};
use crate::codec::{Codec, Kind};

/// Frames are cut to so many milliseconds.
const FRAME_MS: u64 = 20;
/// Chunks that are looked at before the samples.
const MAX_CHUNKS: usize = 1_024;
const SECOND: u64 = 1_000_000_000;

/// Format tags (RFC 2361).
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// A file that is read.
pub(super) struct Reader<S> {
    file: Windows<S>,
    track: [ReadTrack; 1],
    /// Of all samples.
    begin: u64,
    end: u64,
    /// Of one sample of all channels, and how many there are in a second and in a frame.
    width: u64,
    rate: u64,
    frame: u64,
    at: u64,
}

impl<S: ReadAt> Reader<S> {
    /// Reads what stands before the samples.
    pub(super) fn open(mut file: Windows<S>) -> Result<Self, ContainerError> {
        let mut format = None;
        let mut long = None;
        let mut at = 12u64;
        for _ in 0..MAX_CHUNKS {
            let missing = |expected| ContainerError::Format { offset: at, expected };
            let Some([a, b, c, d, size @ ..]) = file.exact::<8>(at)? else {
                return Err(missing("chunk of samples (data)"));
            };
            let size = u64::from(u32::from_le_bytes(size));
            let body = at.saturating_add(8);
            match &[a, b, c, d] {
                b"fmt " => {
                    let bytes = file.bytes(body, usize::try_from(size).unwrap_or(40).min(40))?;
                    format = Some(read_format(bytes).ok_or(missing("format of samples (fmt)"))?);
                }
                // Sizes that four bytes do not hold.
                b"ds64" => long = file.exact::<8>(body.saturating_add(8))?.map(u64::from_le_bytes),
                b"data" => {
                    let (coding, width, rate) =
                        format.ok_or(missing("format of samples (fmt) before them"))?;
                    let unknown = size == 0 || size == u64::from(u32::MAX);
                    // Writers that cannot go back leave the length open.
                    let size = if unknown { long.unwrap_or(u64::MAX) } else { size };
                    let end = body.saturating_add(size).min(file.len());
                    let frame = (rate * FRAME_MS / 1_000).max(1);
                    let track = ReadTrack {
                        kind: Kind::Audio,
                        coding,
                        record: Vec::new(),
                        rotation: 0,
                        default: true,
                    };
                    let (begin, at, track) = (body, body, [track]);
                    return Ok(Self { file, track, begin, end, width, rate, frame, at });
                }
                _ => {}
            }
            // Chunks begin at even places.
            at = body.saturating_add(size).saturating_add(size & 1);
        }
        Err(ContainerError::Format { offset: at, expected: "chunk of samples (data)" })
    }

    /// Nanoseconds at a place.
    fn time(&self, at: u64) -> u64 {
        let samples = u128::from(at.saturating_sub(self.begin) / self.width);
        let nanos = samples * u128::from(SECOND) / u128::from(self.rate);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// What samples are, how many bytes those of all channels take, and how many there are in a second.
fn read_format(bytes: &[u8]) -> Option<(Coding, u64, u64)> {
    let word = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (tag, channels, bits) = (word(0)?, word(2)?, word(14)?);
    let rate = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    if channels == 0 || rate == 0 || bits == 0 {
        return None;
    }
    // The tag is at the beginning of the GUID that says what it is.
    let tag = if tag == EXTENSIBLE { word(24)? } else { tag };
    let format = match (tag, bits) {
        (PCM, 8) => SampleFormat::U8,
        (PCM, 16) => SampleFormat::I16,
        (PCM, 24) => SampleFormat::I24,
        (PCM, 32) => SampleFormat::I32,
        (FLOAT, 32) => SampleFormat::F32,
        (ALAW | ULAW, 8) if channels == 1 && rate == 8_000 => {
            let codec = if tag == ALAW { Codec::Pcma } else { Codec::Pcmu };
            return Some((Coding::Codec(codec), 1, 8_000));
        }
        _ => {
            let width = u64::from(channels) * u64::from(bits.div_ceil(8));
            let name =
                format!("WAV format {tag:#x} of {bits} bits, {channels} channels, {rate} Hz");
            return Some((Coding::Other(name), width.max(1), rate.into()));
        }
    };
    let samples = Samples { format, rate, channels };
    Some((Coding::Pcm(samples), samples.frame_bytes() as u64, rate.into()))
}

impl<S: ReadAt + Send> Demuxer for Reader<S> {
    fn tracks(&self) -> &[ReadTrack] {
        &self.track
    }

    fn duration(&self) -> Option<u64> {
        Some(self.time(self.end))
    }

    fn next(&mut self) -> Result<Option<Found>, ContainerError> {
        let left = self.end.saturating_sub(self.at) / self.width;
        let samples = left.min(self.frame);
        if samples == 0 {
            return Ok(None);
        }
        let len = samples * self.width;
        let Some(data) = self.file.frame(self.at, len)? else { return Ok(None) };
        let time = i64::try_from(self.time(self.at)).unwrap_or(i64::MAX);
        self.at += len;
        let duration = i64::try_from(self.time(self.at)).unwrap_or(i64::MAX).saturating_sub(time);
        Ok(Some(Found { track: 0, time, duration: Some(duration), keyframe: true, data }))
    }

    fn seek(&mut self, to: u64, _: usize) -> Result<u64, ContainerError> {
        let samples = u128::from(to) * u128::from(self.rate) / u128::from(SECOND);
        // Where frames begin when it is played from the start.
        let frames = u64::try_from(samples).unwrap_or(u64::MAX) / self.frame;
        let offset = frames.saturating_mul(self.frame).saturating_mul(self.width);
        self.at = self.begin.saturating_add(offset).min(self.end);
        Ok(self.time(self.at))
    }
}
