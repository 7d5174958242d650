//! Why a shard does not do what it was asked.

use std::fmt;

use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::TransportId;

/// An error of a shard.
#[derive(Debug)]
pub(super) enum ShardError {
    TransportClosed(TransportId),
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
            Self::PeerFailed => ErrorCode::Internal,
            Self::Excess(_) => ErrorCode::Limit,
            Self::MessagesWait => ErrorCode::QueueFull,
        }
    }
}
