//! Why a recorder does not do what it was asked.

use std::fmt;
use std::io;

use crate::codec::Codec;
use crate::container::ContainerError;
use crate::control::error::{ErrorCode, Fault};

/// An error of a recorder, or of one of its lines.
#[derive(Debug)]
pub enum RecorderError {
    Closed,
    /// Recording panicked.
    Failed,
    /// The file cannot be made or written.
    Disk(io::Error),
    /// The file cannot hold it.
    Container(ContainerError),
    /// Nothing that this codec makes is in its frames.
    Unreadable(Codec),
    /// As many lines as there may be.
    Lines(usize),
}

impl fmt::Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the recorder is closed"),
            Self::Failed => f.write_str("recording failed; the file has what was written before"),
            Self::Disk(error) => write!(f, "the file of the recording: {error}"),
            Self::Container(error) => error.fmt(f),
            Self::Unreadable(codec) => {
                write!(
                    f,
                    "keyframes that are no {codec}: frames encrypted end to end, which only "
                )?;
                f.write_str("their receivers can record, or a broken sender")
            }
            Self::Lines(most) => write!(f, "a recorder has at most {most} tracks at a time"),
        }
    }
}

impl Fault for RecorderError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Closed => ErrorCode::Closed,
            Self::Failed => ErrorCode::Internal,
            Self::Disk(_) => ErrorCode::Io,
            Self::Container(ContainerError::Tracks(_)) | Self::Lines(_) => ErrorCode::Limit,
            Self::Container(ContainerError::Codec { .. }) | Self::Unreadable(_) => {
                ErrorCode::CodecMismatch
            }
            Self::Container(ContainerError::Format { .. }) => ErrorCode::Format,
            Self::Container(ContainerError::Io(_)) => ErrorCode::Io,
        }
    }
}
