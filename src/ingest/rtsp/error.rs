//! Why a server is not played from.

use std::fmt;

/// An error of a conversation with a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RtspError {
    /// No URL of `rtsp:` or `rtsps:`.
    Url,
    /// What the server sends is no RTSP.
    Malformed,
    /// What it says is longer than anybody needs.
    TooLong,
    /// It does not answer.
    Timeout,
    /// It answers with an error.
    Status { status: u16, reason: String },
    /// It wants a password, and was given none or another one.
    Unauthorized { given: bool },
    /// It asks for a password in a way that is not known.
    Scheme,
    /// Its description is none, or has neither sound nor pictures.
    Description,
    /// It does not carry media the way it was asked to (461).
    Transport,
    /// It sends from one place to the next, to what is no server of RTSP or too often.
    Redirect,
    /// It sends from `rtsps:` to `rtsp:`, where nothing is protected, or the other way around.
    OtherScheme,
}

impl fmt::Display for RtspError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("expected rtsp://HOST/PATH or rtsps://HOST/PATH"),
            Self::Malformed => f.write_str("what the server sends is no RTSP"),
            Self::TooLong => f.write_str("an answer of the server is too long"),
            Self::Timeout => f.write_str("the server does not answer"),
            Self::Status { status, reason } => write!(f, "the server answers {status} {reason}"),
            Self::Unauthorized { given: true } => {
                f.write_str("the server refuses this user or password")
            }
            Self::Unauthorized { given: false } => {
                f.write_str("the server wants a user and a password")
            }
            Self::Scheme => f.write_str(
                "the server wants a password in a way that is not known here (Digest or Basic)",
            ),
            Self::Description => f.write_str("the server describes neither sound nor pictures"),
            Self::Transport => {
                f.write_str("the server does not send this way: try the other transport")
            }
            Self::Redirect => f.write_str("the server sends on to nowhere"),
            Self::OtherScheme => f.write_str(
                "the server sends on from rtsps:// to rtsp://, or the other way around: ask where it sends to",
            ),
        }
    }
}
