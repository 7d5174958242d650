//! Why a stream of HLS, or a rendition of it, is not what it was asked to be.

use std::fmt;

use crate::codec::Codec;
use crate::container::ContainerError;
use crate::control::error::{ErrorCode, Fault};

/// An error of a stream, or of one of its renditions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HlsError {
    Closed,
    /// Making it panicked.
    Failed,
    /// What players of HLS do not take.
    Codec(Codec),
    /// Nothing that this codec makes is in its frames.
    Unreadable(Codec),
}

impl HlsError {
    /// Of a fragmenter that refuses a track of this codec.
    pub(super) fn of(codec: Codec, _: &ContainerError) -> Self {
        Self::Codec(codec)
    }
}

impl fmt::Display for HlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the stream is closed"),
            Self::Failed => f.write_str("making the stream failed"),
            Self::Codec(codec) => write!(
                f,
                "HLS carries H264, H265, VP9, AV1 and Opus, and this track is {codec}: mix it into one of those"
            ),
            Self::Unreadable(codec) => write!(
                f,
                "keyframes that are no {codec}: frames encrypted end to end, or a broken sender"
            ),
        }
    }
}

impl Fault for HlsError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Closed => ErrorCode::Closed,
            Self::Failed => ErrorCode::Internal,
            Self::Codec(_) | Self::Unreadable(_) => ErrorCode::CodecMismatch,
        }
    }
}
