//! Why nothing, or not all, is fetched from a server.

use std::fmt;
use std::io;

use crate::control::error::{EngineError, ErrorCode, Fault};
use crate::control::ids::ShardIndex;
use crate::engine::ingest::InputError;
use crate::ingest::rtsp::RtspError;

/// An error of an input that is fetched.
#[derive(Debug)]
pub enum PullError {
    /// What the server said, or did not say.
    Rtsp(RtspError),
    /// Of `rtsps:` media come by TCP, and somebody has to vouch for who the server is.
    Unprotected,
    /// No address of the host may be asked.
    ForbiddenAddress,
    /// The host has no address.
    Unresolved(EngineError),
    /// No connection, or one that ended.
    Connection(io::Error),
    /// The server ended it.
    Ended,
    /// No media came for so many milliseconds.
    Silence(u32),
    /// It sends from one place to the next more often than that.
    Redirects(u8),
    /// A line that is left out, in a codec that is not taken.
    Codec { kind: &'static str, encoding: String },
    /// Pictures that are left out, and why.
    Pictures(EngineError),
    /// Sound that is not decoded.
    Sound(InputError),
    /// Of all that is described nothing is taken.
    Nothing,
    /// The media thread that its tracks were on ended.
    ThreadFailed(ShardIndex),
    /// Taking it in panicked.
    Failed,
}

/// What JavaScript hears of another address than may be asked. Says nothing of what is there.
const FORBIDDEN: &str = "private, loopback and other special addresses are not asked for media, unless they are allowed \
                         (options.allowPrivate, options.allow)";

impl fmt::Display for PullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(error) => error.fmt(f),
            Self::Unprotected => f.write_str(
                "of rtsps:// media come by TCP, where TLS protects them: leave options.transport out",
            ),
            Self::ForbiddenAddress => f.write_str(FORBIDDEN),
            Self::Unresolved(error) => f.write_str(&error.message),
            Self::Connection(error) => write!(f, "no connection to the server: {error}"),
            Self::Ended => f.write_str("the server ended the stream"),
            Self::Silence(silence) => write!(f, "no media came for {silence} ms"),
            Self::Redirects(most) => {
                write!(f, "the server sends on to other places more than {most} times")
            }
            Self::Codec { kind, encoding } => write!(
                f,
                "the {kind} is {encoding}, which is not taken: H264, H265, VP8, VP9, AV1, Opus, PCMU, PCMA, G722 and AAC are"
            ),
            Self::Pictures(error) => f.write_str(&error.message),
            Self::Sound(error) => error.fmt(f),
            Self::Nothing => {
                f.write_str("the server has neither sound nor pictures in a codec that is taken")
            }
            Self::ThreadFailed(thread) => {
                write!(f, "media thread {}, which had the tracks, ended by a fault", thread.0)
            }
            Self::Failed => f.write_str("taking in the stream failed"),
        }
    }
}

impl Fault for PullError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Rtsp(RtspError::Url) | Self::Unprotected => ErrorCode::InvalidArg,
            Self::Rtsp(RtspError::Unauthorized { .. } | RtspError::Scheme) => {
                ErrorCode::Unauthorized
            }
            Self::Rtsp(RtspError::Malformed | RtspError::TooLong | RtspError::Description) => {
                ErrorCode::Format
            }
            Self::ForbiddenAddress => ErrorCode::ForbiddenAddress,
            Self::Codec { .. } | Self::Nothing => ErrorCode::CodecMismatch,
            Self::Pictures(error) => error.code,
            Self::Sound(error) => error.code(),
            Self::ThreadFailed(_) | Self::Failed => ErrorCode::Internal,
            Self::Unresolved(error) => error.code,
            Self::Rtsp(_)
            | Self::Connection(_)
            | Self::Ended
            | Self::Silence(_)
            | Self::Redirects(_) => ErrorCode::Io,
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::ForbiddenAddress | Self::Unresolved(_) | Self::Rtsp(RtspError::Url) => {
                Some("url".to_owned())
            }
            Self::Unprotected => Some("options.transport".to_owned()),
            _ => None,
        }
    }
}

impl From<RtspError> for PullError {
    fn from(error: RtspError) -> Self {
        Self::Rtsp(error)
    }
}
