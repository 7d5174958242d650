//! Tracks pushed to others: packets of shards in, what a protocol carries out. Does no I/O and reads no
//! clock; whoever has the connection drives it.

mod error;
mod rtmp;
mod tracks;
mod ts;

use std::sync::Arc;

use crate::control::ids::{OutputId, SourceId};
use crate::engine::tap::{Inlet, LeftPackets};
pub use error::PushError;
pub use rtmp::RtmpPush;
pub use ts::{Payload, StreamPush};

/// What an output is made of.
pub struct Parts<S> {
    pub id: OutputId,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    pub packets: LeftPackets,
    /// The tracks.
    pub audio: Option<SourceId>,
    pub video: Option<SourceId>,
}

#[cfg(test)]
mod tests;
