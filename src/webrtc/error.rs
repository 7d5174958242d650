//! Why a session does not do what it was asked, or ends.

use std::path::PathBuf;
use std::{fmt, io};

use str0m::RtcError;

use super::dtls::Failure;
use crate::control::error::{ErrorCode, Fault};
use crate::sdp::{self, SdpError};

/// Longest name of a peer that checks are sent to. What makes them has room for 128 bytes of both
/// names.
pub(super) const MAX_CHECKED_UFRAG: usize = 96;
/// Longest text of str0m's: a peer may have a part in it.
const MAX_TEXT: usize = 300;

/// An error of a session.
#[derive(Debug)]
pub(super) enum SessionError<'a> {
    /// An offer came while one of our own is out.
    Glare,
    NothingToNegotiate,
    TooManyLines,
    NoOfferToAnswer,
    NoOfferToRollBack,
    /// An answer has new ICE credentials and its offer had not.
    AnswerRestarts,
    Candidate {
        text: &'a str,
        error: SdpError,
    },
    FragmentBeforeOffer,
    /// It is asked for what only transports of plain RTP do.
    NotPlain,
    FragmentRestarts,
    /// The peer's name is longer than what this side, which checks, can say (RFC 8445 7.2.2).
    LongUfrag,
    /// The transport has as many data channels as it may.
    ChannelLimit(usize),
    /// Another data channel has the stream that this one was agreed to have.
    ChannelTaken(u16),
    /// A message of the peer's is larger than it may be.
    MessageTooLarge {
        size: usize,
        limit: usize,
    },
    /// str0m does not send a message of this many bytes.
    MessageNotSent {
        size: usize,
        error: RtcError,
    },
    Dtls(&'a Failure),
    /// str0m gave the peer up.
    Rtc(&'a RtcError),
    Dump {
        path: PathBuf,
        error: io::Error,
    },
}

impl fmt::Display for SessionError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glare => f.write_str(
                "an offer of this side is pending and it is not polite: the peer has to roll its own back",
            ),
            Self::NothingToNegotiate => f.write_str(
                "there is nothing to negotiate: add a track or a data channel first, or ask for an ICE restart",
            ),
            Self::TooManyLines => write!(f, "a description has at most {} m-lines", sdp::MAX_MEDIA),
            Self::NoOfferToAnswer => {
                f.write_str("there is no offer to answer: call createOffer() first")
            }
            Self::NoOfferToRollBack => f.write_str("there is no offer to roll back"),
            Self::AnswerRestarts => f.write_str("the answer restarts ICE, which its offer did not"),
            Self::Candidate { error, .. } => write!(f, "not a candidate: {error}"),
            Self::NotPlain => f.write_str("this is no transport of plain RTP"),
            Self::FragmentBeforeOffer => f.write_str("a fragment came before any offer"),
            Self::FragmentRestarts => {
                f.write_str("only a peer that made the offer can restart ICE by a fragment")
            }
            Self::LongUfrag => write!(
                f,
                "an ice-ufrag of more than {MAX_CHECKED_UFRAG} characters is for endpoints with iceLite alone"
            ),
            Self::ChannelLimit(limit) => {
                write!(f, "a transport has at most {limit} data channels")
            }
            Self::ChannelTaken(stream) => {
                write!(f, "another data channel has the id {stream}")
            }
            Self::MessageTooLarge { size, limit } => {
                write!(f, "the peer sent a message of {size} bytes, the limit is {limit}")
            }
            Self::MessageNotSent { size, error } => {
                write!(f, "a message of {size} bytes was not sent: {error}")
            }
            Self::Dtls(Failure::Excess(excess)) => f.write_str(excess.text()),
            Self::Dtls(failure) => write!(f, "DTLS: {failure}"),
            Self::Rtc(error) => {
                let text: String = error.to_string().chars().take(MAX_TEXT).collect();
                f.write_str(&text)
            }
            Self::Dump { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl Fault for SessionError<'_> {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Glare => ErrorCode::Glare,
            Self::NothingToNegotiate
            | Self::NoOfferToAnswer
            | Self::NoOfferToRollBack
            | Self::FragmentBeforeOffer
            | Self::NotPlain
            | Self::FragmentRestarts
            | Self::ChannelTaken(_) => ErrorCode::InvalidState,
            Self::AnswerRestarts | Self::LongUfrag => ErrorCode::Sdp,
            Self::Candidate { .. } => ErrorCode::Candidate,
            Self::TooManyLines | Self::ChannelLimit(_) | Self::Dtls(Failure::Excess(_)) => {
                ErrorCode::Limit
            }
            Self::MessageTooLarge { .. } | Self::MessageNotSent { .. } => {
                ErrorCode::MessageTooLarge
            }
            Self::Dtls(_) | Self::Rtc(_) => ErrorCode::Transport,
            Self::Dump { .. } => ErrorCode::Io,
        }
    }

    fn field(&self) -> Option<String> {
        matches!(self, Self::Dump { .. }).then(|| "options.dumpFile".to_owned())
    }

    fn line(&self) -> Option<&str> {
        match self {
            Self::Candidate { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl Fault for SdpError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Sdp
    }

    fn line(&self) -> Option<&str> {
        SdpError::line(self)
    }
}
