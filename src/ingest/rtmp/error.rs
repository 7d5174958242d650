//! Why a connection cannot go on.

use std::fmt;

/// What a peer did that RTMP does not have, or too much of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtmpError {
    /// The first byte is none of a version that is spoken; 6 is RTMPE, and 22 the beginning of TLS.
    Version(u8),
    /// A chunk that continues a message of which nothing came.
    ChunkWithoutBegin,
    /// A chunk size of zero, or more than a message may have (5.4.1).
    ChunkSize(u32),
    /// More chunk streams than any encoder uses.
    ChunkStreams,
    /// More messages on their way at once than are kept.
    Messages,
    /// A message that is too large, or several that are together.
    Size(usize),
    /// A control message that is too short.
    Control,
    /// A command that is no AMF, too deep or too much.
    Command,
    /// A command that has no place where it came.
    Order,
}

impl fmt::Display for RtmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(6) => f.write_str("RTMPE is not spoken: use RTMPS"),
            Self::Version(22) => f.write_str("TLS where RTMP without TLS is spoken"),
            Self::Version(version) => write!(f, "no RTMP: its first byte is {version}"),
            Self::ChunkWithoutBegin => f.write_str("a chunk without the beginning of its message"),
            Self::ChunkSize(size) => write!(f, "a chunk size of {size}"),
            Self::ChunkStreams => f.write_str("too many chunk streams"),
            Self::Messages => f.write_str("too many messages at once"),
            Self::Size(bytes) => write!(f, "a message of {bytes} bytes"),
            Self::Control => f.write_str("a control message that is too short"),
            Self::Command => f.write_str("a command that is no AMF"),
            Self::Order => f.write_str("a command that has no place here"),
        }
    }
}

impl std::error::Error for RtmpError {}
