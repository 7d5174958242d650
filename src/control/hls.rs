//! What JavaScript tells a stream of HLS, and what a stream tells of itself. Checked by the caller, with
//! every default filled in; values cross as JSON.

use serde::{Deserialize, Serialize};

use super::ids::{RecordedTrackId, RequestId, SourceId};
use super::recorder::LineOptions;
use crate::codec::Kind;

/// What a stream is made of.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HlsOptions {
    /// Of the stream at its own address; nobody else has it.
    pub name: String,
    /// Milliseconds of a part, and of a segment.
    pub part: u32,
    pub segment: u32,
    /// Segments in a playlist.
    pub window: usize,
}

/// What a stream is asked.
#[derive(Debug)]
pub enum HlsCommand {
    /// Another rendition, which players may ask for already, is fed by a track.
    Add { rendition: RecordedTrackId, kind: Kind, track: SourceId, options: LineOptions },
    /// A rendition is fed by another track, or by nothing for now.
    Attach { rendition: RecordedTrackId, track: Option<SourceId> },
    /// There is no such rendition any more.
    Remove { rendition: RecordedTrackId },
    /// The reply is [`HlsStats`] as JSON.
    Stats { request: RequestId },
}

/// Statistics of a stream.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HlsStats {
    /// About how many watch.
    pub viewers: u64,
    /// What players asked for.
    pub requests: u64,
    /// Packets that found no room before they were looked at.
    pub packets_dropped: u64,
    pub renditions: Vec<RenditionStats>,
}

/// Statistics of a rendition.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenditionStats {
    pub id: u64,
    /// As playlists call it.
    pub name: String,
    /// As RFC 6381 has it.
    pub codec: Option<String>,
    pub width: Option<u16>,
    pub height: Option<u16>,
    /// That were begun.
    pub segments: u64,
    /// Bits a second.
    pub bitrate: u64,
    /// That are kept.
    pub bytes: usize,
    pub frames: u64,
    pub keyframes: u64,
    /// Frames that were lost on their way here or broken.
    pub frames_lost: u64,
}
