//! Numbers and names on their way across.

use crate::codec::Kind;
use crate::control::error::{EngineError, InvalidArgument};
use crate::control::ids::{ChannelId, OutgoingTrackId, SourceId, TransportId};

/// Ids stay under 2^53, so they are exact as JavaScript numbers. A number that is no id becomes
/// one that nothing has.
pub(super) fn transport_id(id: f64) -> TransportId {
    TransportId(id as u64)
}

pub(super) fn incoming_track_id(id: f64) -> SourceId {
    SourceId(id as u64)
}

pub(super) fn outgoing_track_id(id: f64) -> OutgoingTrackId {
    OutgoingTrackId(id as u64)
}

pub(super) fn channel_id(id: f64) -> ChannelId {
    ChannelId(id as u64)
}

pub(super) fn kind(name: &str) -> Result<Kind, EngineError> {
    match name {
        "audio" => Ok(Kind::Audio),
        "video" => Ok(Kind::Video),
        _ => {
            let error = InvalidArgument::Expected("'audio' or 'video'");
            Err(EngineError::from(error).field("kind"))
        }
    }
}
