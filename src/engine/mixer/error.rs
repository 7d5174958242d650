//! Why a mixer does not do what it was asked.

use std::fmt;

use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::ShardIndex;
use crate::mcu::audio::FileError;
use crate::mcu::video::VideoError;

/// An error of a mixer.
#[derive(Debug)]
pub(super) enum MixerError {
    Closed,
    /// Mixing panicked.
    Failed,
    /// The media thread that its tracks are on died.
    ThreadFailed(ShardIndex),
    /// It has no sound, or no pictures, to do this to.
    Unmixed,
    /// A file that cannot be played.
    File(FileError),
    /// Pictures that cannot be made like that.
    Pictures(VideoError),
    /// Pictures that cannot be made with these options.
    Options(VideoError),
    /// There is nothing to make a snapshot of.
    NoSnapshot(VideoError),
    /// So many snapshots are waited for.
    SnapshotsWait(usize),
}

impl fmt::Display for MixerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the mixer is closed"),
            Self::Failed => {
                f.write_str("mixing failed; the mixer was closed and nothing else was touched")
            }
            Self::ThreadFailed(shard) => {
                let number = shard.0;
                write!(f, "media thread {number}, which had the mixer's tracks, ended by a fault")
            }
            Self::Unmixed => f.write_str("the mixer mixes nothing of it"),
            Self::File(error) => error.fmt(f),
            Self::Pictures(error) | Self::Options(error) | Self::NoSnapshot(error) => error.fmt(f),
            Self::SnapshotsWait(count) => write!(f, "{count} snapshots wait already"),
        }
    }
}

impl Fault for MixerError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Closed => ErrorCode::Closed,
            Self::Failed | Self::ThreadFailed(_) => ErrorCode::Internal,
            Self::Unmixed | Self::NoSnapshot(_) => ErrorCode::InvalidState,
            Self::File(_) | Self::Pictures(_) | Self::Options(_) => ErrorCode::InvalidArg,
            Self::SnapshotsWait(_) => ErrorCode::QueueFull,
        }
    }

    fn field(&self) -> Option<String> {
        matches!(self, Self::Options(_)).then(|| "options.video".to_owned())
    }
}

impl From<FileError> for MixerError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<VideoError> for MixerError {
    fn from(error: VideoError) -> Self {
        Self::Pictures(error)
    }
}
