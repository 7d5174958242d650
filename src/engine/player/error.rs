//! Why a player does not play what it is to play.

use std::fmt;
use std::io;

use crate::codec::Kind;
use crate::container::ContainerError;
use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::ShardIndex;

/// An error of a player, or of one of its files.
#[derive(Debug)]
pub enum PlayerError {
    Closed,
    /// Playing panicked.
    Failed,
    /// The media thread of its tracks is gone.
    ThreadFailed(ShardIndex),
    /// It is no file that can be read.
    Container(ContainerError),
    /// It cannot be opened.
    Open(io::Error),
    /// Of no track of a kind is anything known that could be done with it.
    Coding {
        kind: Kind,
        coding: String,
    },
    /// Pictures that are not in the order in which they are shown; whether mixers could take them.
    OutOfOrder {
        codec: &'static str,
        mixable: bool,
    },
    /// A track of a later file is made of something else than that of the first one.
    Differs {
        kind: Kind,
        first: &'static str,
        now: &'static str,
    },
    /// A track has no keyframe, or what is said to be one is none.
    NoKeyframe(&'static str),
    /// There is neither sound nor pictures in it.
    Nothing,
    /// Of all files none can be played.
    NoFile,
}

impl fmt::Display for PlayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the player is closed"),
            Self::Failed => f.write_str("playing failed by a fault of this program"),
            Self::ThreadFailed(thread) => {
                write!(f, "media thread {}, on which the player's tracks lived, is gone", thread.0)
            }
            Self::Container(error) => error.fmt(f),
            Self::Open(error) => write!(f, "the file cannot be opened: {error}"),
            Self::Coding { kind, coding } => {
                let kind = kind.name();
                write!(f, "the {kind} cannot be played ({coding}): convert the file, ")?;
                write!(f, "or leave the track out with {{ {kind}: false }}")
            }
            Self::OutOfOrder { codec, mixable } => {
                write!(f, "the {codec} pictures have B-frames, which WebRTC has no room for: ")?;
                f.write_str("encode without them (ffmpeg: -bf 0)")?;
                if *mixable {
                    f.write_str(", or play them into mixers alone, by { bFrames: 'mix' }")?;
                }
                Ok(())
            }
            Self::Differs { kind, first, now } => {
                let kind = kind.name();
                write!(f, "the {kind} is {now}, and that of the first file is {first}: ")?;
                f.write_str("files of one player have the same codecs")
            }
            Self::NoKeyframe(codec) => {
                write!(f, "there is no {codec} keyframe among the first pictures")
            }
            Self::Nothing => f.write_str("the file has neither sound nor pictures to play"),
            Self::NoFile => f.write_str("none of the files can be played"),
        }
    }
}

impl std::error::Error for PlayerError {}

impl From<ContainerError> for PlayerError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}

impl Fault for PlayerError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Closed => ErrorCode::Closed,
            Self::Failed | Self::ThreadFailed(_) => ErrorCode::Internal,
            Self::Container(ContainerError::Io(_)) | Self::Open(_) => ErrorCode::Io,
            Self::Coding { .. } | Self::OutOfOrder { .. } | Self::Differs { .. } => {
                ErrorCode::CodecMismatch
            }
            Self::Container(_) | Self::NoKeyframe(_) | Self::Nothing | Self::NoFile => {
                ErrorCode::Format
            }
        }
    }
}
