//! Why something of an input is left out, or why all of it ends.

use std::fmt;

use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::ShardIndex;
use crate::ingest::flv::FlvError;
use crate::ingest::rtmp::RtmpError;
use crate::ingest::srt::SrtError;
use crate::ingest::ts::TsError;
#[cfg(feature = "mcu")]
use crate::mcu::audio::AacError;

/// An error of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InputError {
    /// Pictures are shown in another order than they are decoded in, which WebRTC has no way to say.
    BFrames,
    /// A tag that is damaged, or holds what is not taken.
    Flv(FlvError),
    /// A transport stream that is damaged, or holds what is not taken.
    Ts(TsError),
    /// AAC that is not decoded.
    #[cfg(feature = "mcu")]
    Aac(AacError),
    /// Nothing here decodes AAC.
    #[cfg(not(feature = "mcu"))]
    Aac,
    /// A stream that does not begin with a keyframe that says how large its pictures are.
    NoSize,
    /// The codec changed in the middle.
    CodecChanged,
    /// The connection is no RTMP any more.
    Rtmp(RtmpError),
    /// The connection by SRT is over.
    Srt(SrtError),
    /// The media thread that its tracks were on ended.
    ThreadFailed(ShardIndex),
    /// Taking it in panicked.
    Failed,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BFrames => f.write_str(
                "the pictures have B-frames, which WebRTC cannot carry: have the encoder make none \
                 (ffmpeg: -bf 0 or -tune zerolatency; OBS: bframes=0)",
            ),
            Self::Flv(error) => error.fmt(f),
            Self::Ts(error) => error.fmt(f),
            Self::Srt(error) => write!(f, "SRT: {error}"),
            #[cfg(feature = "mcu")]
            Self::Aac(error) => error.fmt(f),
            #[cfg(not(feature = "mcu"))]
            Self::Aac => f.write_str("this build is without mixing, and so without AAC"),
            Self::NoSize => f.write_str("a keyframe does not say how large the pictures are"),
            Self::CodecChanged => f.write_str("the codec changed in the middle of the stream"),
            Self::Rtmp(error) => write!(f, "the encoder sends what is no RTMP: {error}"),
            Self::ThreadFailed(thread) => {
                write!(f, "media thread {}, which had the tracks, ended by a fault", thread.0)
            }
            Self::Failed => f.write_str("taking in the stream failed"),
        }
    }
}

impl Fault for InputError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::BFrames => ErrorCode::BFrames,
            Self::Flv(FlvError::Malformed)
            | Self::Ts(TsError::Malformed | TsError::Lost | TsError::Size | TsError::NoProgram)
            | Self::NoSize
            | Self::Rtmp(_) => ErrorCode::Format,
            Self::Srt(_) => ErrorCode::Io,
            #[cfg(feature = "mcu")]
            Self::Aac(AacError::Malformed) => ErrorCode::Format,
            #[cfg(feature = "mcu")]
            Self::Aac(_) => ErrorCode::CodecMismatch,
            #[cfg(not(feature = "mcu"))]
            Self::Aac => ErrorCode::CodecMismatch,
            Self::Flv(_) | Self::Ts(_) | Self::CodecChanged => ErrorCode::CodecMismatch,
            Self::ThreadFailed(_) | Self::Failed => ErrorCode::Internal,
        }
    }
}

impl From<TsError> for InputError {
    fn from(error: TsError) -> Self {
        Self::Ts(error)
    }
}

impl From<FlvError> for InputError {
    fn from(error: FlvError) -> Self {
        Self::Flv(error)
    }
}
