//! What the writers of all kinds of file have in common.

use std::time::Duration;

use super::error::ContainerError;
use super::output::Step;
use super::{Frame, TrackEntry};
use crate::codec::configuration::Configuration;

/// A file on its way to the disk. What was said shows in [`take`](Self::take).
pub trait Muxer: Send {
    /// Gives a track its number. It may come when others have frames already.
    ///
    /// # Errors
    /// [`ContainerError::Codec`] when the file holds no such codec, [`ContainerError::Tracks`] when
    /// there is no room for another one.
    fn add_track(&mut self, track: &TrackEntry) -> Result<u8, ContainerError>;

    /// Frames of a track go on with another size or other parameter sets, from the keyframe that
    /// comes next.
    fn reconfigure(&mut self, _track: u8, _configuration: &Configuration) {}

    /// Adds a frame. Those of one track come in the order of their times; different tracks may be
    /// some seconds apart.
    fn write(&mut self, frame: &Frame<'_>);

    /// Gives a moment a name. `false` when there is no room for it.
    fn mark(&mut self, time: Duration, name: &str) -> bool;

    /// How long the file is when it is played.
    fn duration(&self) -> Duration;

    /// Bytes of the file when all that was said is done.
    fn size(&self) -> u64;

    /// Bytes of what was said that were not taken yet.
    fn waiting(&self) -> usize;

    /// Writes what still waits and makes the file seekable. Nothing may be written afterwards.
    fn finish(&mut self);

    /// What is to be done to the file since the last call.
    fn take(&mut self) -> Vec<Step>;
}
