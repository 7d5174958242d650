//! Why something is not sent.

use std::fmt;

use crate::codec::Codec;
use crate::codec::format::Format;
use crate::control::error::{ErrorCode, Fault};

/// An error of the sending half of a peer.
#[derive(Debug)]
pub(super) enum SendingError<'a> {
    /// A key is pressed on a track that nothing is sent on.
    TrackSilent,
    /// A key is pressed and the peer takes no telephone-event.
    NoTelephoneEvent,
    /// So many keys wait on the track.
    KeysWait(usize),
    /// The receiver takes none of what the source sends.
    OtherCodec { sent: Codec, taken: &'a [Format] },
}

impl fmt::Display for SendingError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrackSilent => f.write_str(
                "nothing is sent on the track: it takes keys when the peer is connected",
            ),
            Self::NoTelephoneEvent => {
                f.write_str("the peer takes no telephone-event on the track (RFC 4733)")
            }
            Self::KeysWait(count) => write!(f, "{count} keys wait already"),
            Self::OtherCodec { sent, taken } => {
                write!(f, "the source sends {sent}, the receiver takes ")?;
                for (index, format) in taken.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", format.codec.name())?;
                }
                if taken.is_empty() { f.write_str("none") } else { Ok(()) }
            }
        }
    }
}

impl Fault for SendingError<'_> {
    fn code(&self) -> ErrorCode {
        match self {
            Self::TrackSilent => ErrorCode::InvalidState,
            Self::NoTelephoneEvent | Self::OtherCodec { .. } => ErrorCode::CodecMismatch,
            Self::KeysWait(_) => ErrorCode::QueueFull,
        }
    }
}
