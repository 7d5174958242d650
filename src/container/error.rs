//! What goes wrong with files.

use std::fmt;
use std::io;

use crate::codec::Codec;

/// Why a file cannot be written or read.
#[derive(Debug)]
pub enum ContainerError {
    /// The container has no word for this codec.
    Codec { codec: Codec, container: &'static str },
    /// More tracks than a file has room for.
    Tracks(usize),
    /// It is no file of this kind: what was to stand at this offset is not there.
    Format { offset: u64, expected: &'static str },
    /// It cannot be read.
    Io(io::Error),
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec { codec, container } => {
                write!(f, "{container} files hold no {codec}: take another format")
            }
            Self::Tracks(most) => {
                write!(f, "a file has room for {most} tracks at most: begin another one")
            }
            Self::Format { offset, expected } => {
                write!(f, "not a file that can be read: at byte {offset} there is no {expected}")
            }
            Self::Io(error) => write!(f, "the file cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ContainerError {}

impl From<io::Error> for ContainerError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
