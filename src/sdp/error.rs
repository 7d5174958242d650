//! Why a description, or a part of it, was not taken.

use std::fmt;

/// Longest line of a peer's text that an error carries, in characters.
const MAX_LINE: usize = 200;

/// Why a description was not taken. Where one line is to blame, the error has it as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SdpError {
    /// It is larger than [`MAX_SDP`](super::MAX_SDP).
    TooLarge,
    /// It has more m-lines than [`MAX_MEDIA`](super::MAX_MEDIA).
    TooManyMedia,
    /// It has more lines than [`MAX_LINES`](super::MAX_LINES).
    TooManyLines,
    /// It has more payload types than [`MAX_PAYLOAD_TYPES`](super::MAX_PAYLOAD_TYPES).
    TooManyPayloadTypes,
    /// A line cannot be read.
    Malformed { line: String, expected: &'static str },
    /// Everything can be read, but it cannot be agreed to.
    Unacceptable { line: Option<String>, reason: String },
}

impl SdpError {
    pub(super) fn malformed(line: &str, expected: &'static str) -> Self {
        Self::Malformed { line: shortened(line), expected }
    }

    pub(super) fn unacceptable(line: &str, reason: impl Into<String>) -> Self {
        Self::Unacceptable { line: Some(shortened(line)), reason: reason.into() }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self::Unacceptable { line: None, reason: reason.into() }
    }

    /// The line to blame, cut where it is longer than 200 characters.
    pub fn line(&self) -> Option<&str> {
        match self {
            Self::TooLarge
            | Self::TooManyMedia
            | Self::TooManyLines
            | Self::TooManyPayloadTypes => None,
            Self::Malformed { line, .. } => Some(line),
            Self::Unacceptable { line, .. } => line.as_deref(),
        }
    }
}

fn shortened(line: &str) -> String {
    line.chars().take(MAX_LINE).collect()
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the SDP is larger than {} bytes", super::MAX_SDP),
            Self::TooManyMedia => write!(f, "the SDP has more than {} m-lines", super::MAX_MEDIA),
            Self::TooManyLines => write!(f, "the SDP has more than {} lines", super::MAX_LINES),
            Self::TooManyPayloadTypes => {
                write!(f, "the SDP has more than {} payload types", super::MAX_PAYLOAD_TYPES)
            }
            Self::Malformed { expected, .. } => write!(f, "expected {expected}"),
            Self::Unacceptable { reason, .. } => f.write_str(reason),
        }
    }
}

impl std::error::Error for SdpError {}
