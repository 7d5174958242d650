//! Files of encoded sound and pictures. Pure: frames in, what has to be done to a file out, and back.
//! No clock, no disk.
//!
//! A file is written so that it opens and plays up to its last moment wherever writing ends: what is
//! there is never waiting for something that comes later. What makes it seekable is added when it is
//! finished, or by a repair afterwards.

mod ebml;
pub mod error;
mod file;
mod mjr;
pub mod mp4;
mod muxer;
pub mod ogg;
mod ogg_reader;
pub mod output;
pub mod reader;
pub mod repair;
#[cfg(any(test, feature = "fault-injection"))]
pub mod samples;
mod source;
mod step;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod wav;
mod wav_reader;
pub mod webm;

pub use error::ContainerError;
pub use file::MAX_FRAME;
pub use muxer::Muxer;
pub use output::{Output, Step};
pub use reader::Reader;
pub use source::{ReadAt, WriteAt};

use std::time::Duration;

use crate::codec::Codec;
use crate::codec::configuration::Configuration;

/// What a track of a file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackEntry {
    /// What it is encoded with.
    pub codec: Codec,
    /// For whoever chooses a track; may be empty.
    pub name: String,
    /// As BCP 47 (RFC 5646) has it; `und` when nothing is known.
    pub language: String,
    /// What a decoder has to know, of the first keyframe.
    pub configuration: Configuration,
    /// Clockwise turns by 90 degrees that pictures need.
    pub rotation: u8,
}

/// A frame on its way into a file.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// As `add_track` of the file's writer numbered it.
    pub track: u8,
    /// Since the beginning of the file.
    pub time: Duration,
    /// A decoder can begin with it.
    pub keyframe: bool,
    /// As the container has it; see [`store`](crate::codec::configuration::store).
    pub data: &'a [u8],
}

/// What became of a file that was finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Bytes of it.
    pub len: u64,
    /// How long it is when it is played.
    pub duration: Duration,
}
