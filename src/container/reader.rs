//! Files of any kind as one: their tracks, and their frames in the order of the file.
//!
//! What a file says of itself is believed only as far as it is there: tables are read where they
//! stand, a frame has its memory when all of it is in the file, and a file that ends early ends with
//! what was whole before.

use std::time::Duration;

use super::error::ContainerError;
use super::file::Windows;
use super::source::ReadAt;
use super::{mjr, mp4, ogg_reader, wav_reader, webm};
use crate::codec::pcm::Samples;
use crate::codec::{Codec, Kind};

/// Longest name of a codec or a track that is kept.
const MAX_NAME: usize = 200;
/// The first frame of a picture may begin a little before the moment that an index gives.
const SLACK: i64 = 1_000_000;
/// And who comes back to a moment that was told in seconds means that one, rounded as it is.
const ROUNDING: Duration = Duration::from_micros(500);

/// What a track of a file is made of.
#[derive(Clone, PartialEq, Debug)]
pub enum Coding {
    /// What tracks of WebRTC are made of as well.
    Codec(Codec),
    /// AAC (ISO/IEC 14496-3); [`ReadTrack::record`] is its AudioSpecificConfig.
    Aac,
    /// Samples as they are.
    Pcm(Samples),
    /// Nothing that is known here, as the file calls it.
    Other(String),
}

/// A track of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadTrack {
    pub kind: Kind,
    pub coding: Coding,
    /// What its decoder has to know, as [`Configuration`](crate::codec::configuration::Configuration)
    /// has it; of AAC its AudioSpecificConfig. May be empty.
    pub record: Vec<u8>,
    /// Clockwise turns by 90 degrees that pictures need.
    pub rotation: u8,
    /// Whoever made the file means it to be played.
    pub default: bool,
}

/// A frame of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadFrame {
    /// Its track, by its place in [`Reader::tracks`].
    pub track: usize,
    /// When it is shown or heard, from the beginning of the file on; that of pictures which are decoded for
    /// later ones alone is the beginning.
    pub time: Duration,
    /// A decoder can begin with it.
    pub keyframe: bool,
    /// As the container has it.
    pub data: Vec<u8>,
}

/// A frame as a container has it: times in nanoseconds, and before the beginning of the file where it
/// is decoded for those behind it alone.
pub(super) struct Found {
    pub(super) track: usize,
    pub(super) time: i64,
    pub(super) duration: Option<i64>,
    pub(super) keyframe: bool,
    pub(super) data: Vec<u8>,
}

/// A container that is read.
pub(super) trait Demuxer: Send {
    fn tracks(&self) -> &[ReadTrack];
    /// Of all tracks, in nanoseconds, where the file says it.
    fn duration(&self) -> Option<u64>;
    /// The next frame in the order of the file; `None` at its end.
    fn next(&mut self) -> Result<Option<Found>, ContainerError>;
    /// Goes on at or before a moment where `leader` has a keyframe, and says where that is.
    fn seek(&mut self, to: u64, leader: usize) -> Result<u64, ContainerError>;
}

/// A file that is read.
pub struct Reader {
    demuxer: Box<dyn Demuxer>,
    /// Of a jump: the first frame that is given.
    from: i64,
    /// Which track has to begin there with a keyframe.
    leader: Option<usize>,
}

impl Reader {
    /// Opens a file of `len` bytes, whose first bytes say of what kind it is.
    ///
    /// # Errors
    /// [`ContainerError::Format`] with the offset of what is not as it has to be;
    /// [`ContainerError::Io`].
    pub fn open<S: ReadAt + Send + 'static>(file: S, len: u64) -> Result<Self, ContainerError> {
        Self::open_whole(file, len).map_err(|error| match error {
            // What is missing is missing where the file ends.
            ContainerError::Format { offset, expected } => {
                ContainerError::Format { offset: offset.min(len), expected }
            }
            other => other,
        })
    }

    fn open_whole<S: ReadAt + Send + 'static>(file: S, len: u64) -> Result<Self, ContainerError> {
        let mut file = Windows::new(file, len);
        let first: [u8; 12] = match file.exact(0)? {
            Some(first) => first,
            None => return Err(unknown()),
        };
        let demuxer: Box<dyn Demuxer> = match &first {
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Box::new(webm::Reader::open(file)?),
            [b'O', b'g', b'g', b'S', ..] => Box::new(ogg_reader::Reader::open(file)?),
            [b'R', b'I', b'F', b'F', .., b'W', b'A', b'V', b'E']
            | [b'R', b'F', b'6', b'4', .., b'W', b'A', b'V', b'E'] => {
                Box::new(wav_reader::Reader::open(file)?)
            }
            [b'M', b'J', b'R', b'0', ..] | [b'M', b'E', b'E', b'T', ..] => {
                Box::new(mjr::Reader::open(file)?)
            }
            _ if mp4::begins(&first) => Box::new(mp4::Reader::open(file)?),
            _ => return Err(unknown()),
        };
        Ok(Self { demuxer, from: 0, leader: None })
    }

    /// Its tracks.
    pub fn tracks(&self) -> &[ReadTrack] {
        self.demuxer.tracks()
    }

    /// How long it is, where it says so.
    pub fn duration(&self) -> Option<Duration> {
        self.demuxer.duration().map(Duration::from_nanos)
    }

    /// The next frame, in the order of the file; `None` at its end.
    ///
    /// # Errors
    /// As [`open`](Self::open); what came before is good.
    #[allow(clippy::should_implement_trait)] // It may fail.
    pub fn next(&mut self) -> Result<Option<ReadFrame>, ContainerError> {
        while let Some(frame) = self.demuxer.next()? {
            let Found { track, time, duration, keyframe, data } = frame;
            let over = match duration {
                // Of what was cut off at the beginning, pictures are decoded for those behind it.
                _ if self.from == 0 && self.is_video(track) => false,
                Some(duration) => time.saturating_add(duration) <= self.from,
                None => time < self.from,
            };
            if over || data.is_empty() || self.waits(track, time, keyframe) {
                continue;
            }
            let time = Duration::from_nanos(u64::try_from(time).unwrap_or(0));
            return Ok(Some(ReadFrame { track, time, keyframe, data }));
        }
        Ok(None)
    }

    fn is_video(&self, track: usize) -> bool {
        self.tracks().get(track).is_some_and(|track| track.kind == Kind::Video)
    }

    /// Pictures begin with a keyframe.
    fn waits(&mut self, track: usize, time: i64, keyframe: bool) -> bool {
        if self.leader != Some(track) {
            return false;
        }
        let begins = keyframe && (self.from == 0 || time.saturating_add(SLACK) >= self.from);
        if begins {
            self.leader = None;
        }
        !begins
    }

    /// Goes to a moment: to the keyframe of the track `leader` at or before it. Says where that is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn seek(&mut self, to: Duration, leader: usize) -> Result<Duration, ContainerError> {
        let to = to.saturating_add(ROUNDING).as_nanos();
        let to = u64::try_from(to).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let at = self.demuxer.seek(to, leader)?.min(to);
        self.from = at as i64;
        self.leader = self.is_video(leader).then_some(leader);
        Ok(Duration::from_nanos(at))
    }
}

fn unknown() -> ContainerError {
    ContainerError::Format { offset: 0, expected: "WebM, Matroska, MP4, Ogg, WAV or mjr file" }
}

/// A name that a file gives, as much of it as is worth telling.
pub(super) fn name(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// A product of two numbers of a file by a third one, as far as it is one.
pub(super) fn scaled(value: i64, by: u64, unit: u64) -> i64 {
    let scaled = i128::from(value) * i128::from(by) / i128::from(unit.max(1));
    scaled.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
