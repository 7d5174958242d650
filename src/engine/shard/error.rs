//! Why a shard does not do what it was asked.

use std::fmt;

use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::TransportId;

/// An error of a shard.
#[derive(Debug)]
pub(super) enum ShardError {
    TransportClosed(TransportId),
    /// Another transport has a port, or too many share it.
    PortTaken,
    /// Handling a peer panicked.
    PeerFailed,
    /// A peer took more of the thread than it may, for too long.
    Excess(String),
    /// JavaScript does not take the messages of a data channel.
    MessagesWait,
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TransportClosed(id) => write!(f, "transport {id} is closed"),
            Self::PortTaken => f.write_str(
                "another transport has this port alone, or 1024 share it: choose another one",
            ),
            Self::PeerFailed => {
                f.write_str("handling this peer failed; it was closed and nobody else was touched")
            }
            Self::Excess(text) => f.write_str(text),
            Self::MessagesWait => f.write_str("messages come faster than JavaScript takes them"),
        }
    }
}

impl Fault for ShardError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::TransportClosed(_) => ErrorCode::Closed,
            Self::PortTaken => ErrorCode::Listen,
            Self::PeerFailed => ErrorCode::Internal,
            Self::Excess(_) => ErrorCode::Limit,
            Self::MessagesWait => ErrorCode::QueueFull,
        }
    }
}
