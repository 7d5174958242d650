//! How errors leave the engine: each part has its own, and all of them end in one.

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
    Format,
    Internal,
    Transport,
    BFrames,
    ForbiddenAddress,
    Unauthorized,
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
            ErrorCode::Format => "ERR_FORMAT",
            ErrorCode::Internal => "ERR_INTERNAL",
            ErrorCode::Transport => "ERR_TRANSPORT",
            ErrorCode::BFrames => "ERR_B_FRAMES",
            ErrorCode::ForbiddenAddress => "ERR_FORBIDDEN_ADDRESS",
            ErrorCode::Unauthorized => "ERR_UNAUTHORIZED",
        }
    }
}

/// What went wrong in one part, in a type of its own: an enum with a variant for each cause. Its text
/// says what to do next. Becomes an [`EngineError`] where it leaves for JavaScript.
pub trait Fault: fmt::Display {
    /// For programs.
    fn code(&self) -> ErrorCode;

    /// Path of the offending argument or option, such as `options.listen[0].ip`.
    fn field(&self) -> Option<String> {
        None
    }

    /// The offending SDP line.
    fn line(&self) -> Option<&str> {
        None
    }
}

/// What JavaScript gets of a [`Fault`].
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

impl<F: Fault> From<F> for EngineError {
    fn from(fault: F) -> Self {
        Self {
            code: fault.code(),
            message: fault.to_string(),
            field: fault.field(),
            line: fault.line().map(|line| line.chars().take(MAX_LINE).collect()),
        }
    }
}

impl EngineError {
    /// The option or argument at fault, by its path, where the fault itself cannot know it.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for EngineError {}

/// Why an argument is refused before anything is done with it.
#[derive(Debug)]
pub enum InvalidArgument {
    /// It is something else than this.
    Expected(&'static str),
    /// What crossed as JSON is not what it should be.
    Json(serde_json::Error),
}

impl fmt::Display for InvalidArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl Fault for InvalidArgument {
    fn code(&self) -> ErrorCode {
        ErrorCode::InvalidArg
    }
}
