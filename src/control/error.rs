//! The one error type that leaves the engine.

use std::fmt;

/// What went wrong, for programs. JavaScript sees the names of [`ErrorCode::name`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    InvalidArg,
    InvalidState,
    Closed,
    Sdp,
    Glare,
    CodecMismatch,
    Candidate,
    Listen,
    QueueFull,
    MessageTooLarge,
    Limit,
    Busy,
    Io,
    Internal,
    Transport,
}

impl ErrorCode {
    /// The name JavaScript knows it by.
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::InvalidArg => "ERR_INVALID_ARG",
            ErrorCode::InvalidState => "ERR_INVALID_STATE",
            ErrorCode::Closed => "ERR_CLOSED",
            ErrorCode::Sdp => "ERR_SDP",
            ErrorCode::Glare => "ERR_GLARE",
            ErrorCode::CodecMismatch => "ERR_CODEC_MISMATCH",
            ErrorCode::Candidate => "ERR_CANDIDATE",
            ErrorCode::Listen => "ERR_LISTEN",
            ErrorCode::QueueFull => "ERR_QUEUE_FULL",
            ErrorCode::MessageTooLarge => "ERR_MESSAGE_TOO_LARGE",
            ErrorCode::Limit => "ERR_LIMIT",
            ErrorCode::Busy => "ERR_BUSY",
            ErrorCode::Io => "ERR_IO",
            ErrorCode::Internal => "ERR_INTERNAL",
            ErrorCode::Transport => "ERR_TRANSPORT",
        }
    }
}

/// An error with a code for programs and a text that says what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineError {
    pub code: ErrorCode,
    pub message: String,
    /// Path of the offending argument or option, such as `options.listen[0].ip`.
    pub field: Option<String>,
    /// The offending SDP line.
    pub line: Option<String>,
}

/// Longest SDP line carried in an error: the text comes from a peer.
const MAX_LINE: usize = 200;

impl EngineError {
    /// An error about nothing in particular.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, line: None }
    }

    /// The option or argument at fault, by its path.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub fn line(mut self, line: &str) -> Self {
        self.line = Some(line.chars().take(MAX_LINE).collect());
        self
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for EngineError {}
