//! Why a transport of plain RTP is not made, or ends.

use std::path::PathBuf;
use std::{fmt, io};

use crate::control::error::{ErrorCode, Fault};
use crate::control::rtp::{MAX_RTP_ALLOWED, MAX_RTP_MEDIA, MAX_RTP_PORTS};

/// An error of a transport of plain RTP. Places count from 0.
#[derive(Debug)]
pub enum PlainError {
    /// No media, or too much of it.
    Media,
    /// A line without a port, or with too many.
    Ports { media: usize },
    /// More networks than may be named.
    Allowed { media: usize, port: usize },
    /// A payload type means nothing here.
    Format { media: usize, format: usize },
    /// A line has no format of its kind.
    NoFormat { media: usize },
    /// The suite is not known, or the key is not as long as it asks for.
    Key { media: usize, port: usize },
    /// Two encodings of a line have one name.
    Rid { media: usize, port: usize },
    /// Something else is said anew than what there is.
    OtherLines,
    /// Pictures are shown in another order than they are decoded in.
    BFrames,
    /// It is asked for what only transports have that negotiate.
    NoNegotiation,
    /// The dump cannot be written.
    Dump { path: PathBuf, error: io::Error },
}

impl fmt::Display for PlainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media => write!(f, "a transport has sound, pictures or both, in 1 to {MAX_RTP_MEDIA} lines"),
            Self::Ports { .. } => write!(f, "a line has 1 to {MAX_RTP_PORTS} ports"),
            Self::Allowed { .. } => write!(f, "a port names at most {MAX_RTP_ALLOWED} networks"),
            Self::Format { .. } => f.write_str(
                "this payload type is no codec that can be forwarded: opus, PCMU, PCMA or G722 for sound, \
                 VP8, VP9, H264, H265 or AV1 for pictures, each number once",
            ),
            Self::NoFormat { .. } => f.write_str("a line has at least one codec"),
            Self::Key { .. } => f.write_str(
                "expected a suite such as AES_CM_128_HMAC_SHA1_80 and its key and salt (RFC 4568 6.1)",
            ),
            Self::Rid { .. } => f.write_str("each encoding has a name of its own"),
            Self::OtherLines => f.write_str("lines and their ports stay what they are"),
            Self::BFrames => f.write_str(
                "the pictures have B-frames, which WebRTC cannot carry, and are left out: have the sender make none \
                 (ffmpeg: -bf 0 or -tune zerolatency; cameras: profile baseline), or give H264 to mixers alone, by \
                 { bFrames: 'mix' }",
            ),
            Self::NoNegotiation => f.write_str("plain RTP negotiates nothing and has no channels"),
            Self::Dump { path, error } => {
                write!(f, "cannot write the dump {}: {error}", path.display())
            }
        }
    }
}

impl Fault for PlainError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Format { .. } => ErrorCode::CodecMismatch,
            Self::Dump { .. } => ErrorCode::Io,
            Self::BFrames => ErrorCode::BFrames,
            Self::NoNegotiation => ErrorCode::InvalidState,
            _ => ErrorCode::InvalidArg,
        }
    }

    fn field(&self) -> Option<String> {
        Some(match self {
            Self::NoNegotiation | Self::BFrames => return None,
            Self::Media | Self::OtherLines => "options.media".to_owned(),
            Self::Ports { media } => format!("options.media[{media}].ports"),
            Self::NoFormat { media } => format!("options.media[{media}].formats"),
            Self::Format { media, format } => format!("options.media[{media}].formats[{format}]"),
            Self::Allowed { media, port } => {
                format!("options.media[{media}].ports[{port}].allowed")
            }
            Self::Key { media, port } => format!("options.media[{media}].ports[{port}].srtp"),
            Self::Rid { media, port } => format!("options.media[{media}].ports[{port}].rid"),
            Self::Dump { .. } => "options.dumpFile".to_owned(),
        })
    }
}
