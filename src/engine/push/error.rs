//! Why pushing to a server ends.

use std::{fmt, io};

use crate::control::error::{ErrorCode, Fault};
use crate::ingest::rtmp::RtmpError;
use crate::ingest::srt::SrtError;

/// An error of what is pushed to a server.
#[derive(Debug)]
pub enum PushError {
    /// No connection, or none any more.
    Connection(io::Error),
    /// The server ended the connection.
    Ended,
    /// It did not answer in time.
    Timeout,
    /// It does not want the stream, and says why.
    Refused(String),
    /// It sends what is no RTMP.
    Rtmp(RtmpError),
    /// A connection by SRT that came to nothing, or is over.
    Srt(SrtError),
    /// The link to it carries less than is pushed.
    TooSlow,
    /// Pushing panicked.
    Failed,
}

impl PushError {
    /// Whether another connection to the same server may end better: links fail, servers are restarted, and
    /// some refuse a stream for as long as they have the connection that was lost.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Ended | Self::Timeout | Self::Refused(_) => true,
            // What it speaks and which passphrase it has stays.
            Self::Srt(SrtError::Passphrase | SrtError::Version) => false,
            Self::Srt(_) => true,
            Self::Rtmp(_) | Self::TooSlow | Self::Failed => false,
        }
    }

    /// Whether the other end said goodbye.
    pub fn is_goodbye(&self) -> bool {
        matches!(self, Self::Srt(SrtError::Shutdown))
    }
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection to the server: {error}"),
            Self::Ended => f.write_str("the server closed the connection"),
            Self::Timeout => f.write_str("the server does not answer"),
            Self::Refused(reason) => write!(f, "the server refused the stream: {reason}"),
            Self::Rtmp(error) => write!(f, "the server sends what is no RTMP: {error}"),
            Self::Srt(error) => write!(f, "SRT: {error}"),
            Self::TooSlow => f.write_str("the link to the server carries less than is pushed"),
            Self::Failed => f.write_str("pushing failed"),
        }
    }
}

impl Fault for PushError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Connection(_) | Self::Ended | Self::Timeout | Self::Refused(_) | Self::Srt(_) => {
                ErrorCode::Io
            }
            Self::Rtmp(_) => ErrorCode::Format,
            Self::TooSlow => ErrorCode::Limit,
            Self::Failed => ErrorCode::Internal,
        }
    }
}
