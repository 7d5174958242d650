//! What a recorder tells of itself.

use std::time::Duration;

use crate::codec::Codec;

/// How far a recording is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct RecordingProgress {
    /// Of the file.
    pub bytes: u64,
    /// How long it is when it is played.
    pub duration: Duration,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
}

/// A line that has its first frame: what it is in the file from there on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineFormat {
    /// Of its entry in the file.
    pub number: u8,
    pub codec: Codec,
    /// Width and height, of pictures.
    pub size: Option<(u16, u16)>,
}
