//! What JavaScript tells a player, and what a player tells of itself. Checked by the caller, with
//! every default filled in; values cross as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{RequestId, SourceId};
use crate::codec::Codec;

/// What a player is made of, but for its files.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlayerOptions {
    /// It goes on with the first file behind the last one.
    #[serde(rename = "loop")]
    pub loops: bool,
    /// Milliseconds in the first file where it begins.
    pub from: f64,
    /// Which kinds of tracks of the files are played.
    pub audio: bool,
    pub video: bool,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
}

/// What a player is asked.
#[derive(Debug)]
pub enum PlayerCommand {
    /// Time goes on. Behind the end it begins anew.
    Play,
    /// Time stands still.
    Pause,
    /// Goes to a moment of a file. The reply is where it really is, in seconds.
    Seek { item: usize, to: Duration, request: RequestId },
    /// There are so many files now.
    SetItems { count: usize },
    /// Whether it begins anew behind the last file.
    SetLoop { loops: bool },
    /// The reply is [`PlayerStats`] as JSON.
    Stats { request: RequestId },
    /// The reply comes when it has ended.
    Close { request: RequestId },
}

/// A track that is played, for JavaScript.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlayedTrackInfo {
    pub id: f64,
    pub codec: &'static str,
    pub ssrc: u32,
    /// In pixels; `None` of sound.
    pub width: Option<u16>,
    pub height: Option<u16>,
    /// It has B-frames: its pictures come in the order in which they are decoded.
    pub reordered: bool,
}

impl PlayedTrackInfo {
    /// Of a track with this name.
    pub fn new(
        id: SourceId,
        codec: Codec,
        ssrc: u32,
        size: Option<(u16, u16)>,
        reordered: bool,
    ) -> Self {
        let (width, height) = (size.map(|size| size.0), size.map(|size| size.1));
        Self { id: id.0 as f64, codec: codec.name(), ssrc, width, height, reordered }
    }
}

/// A player whose first file was opened; the reply to the call that made it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlayerInfo {
    pub audio: Option<PlayedTrackInfo>,
    pub video: Option<PlayedTrackInfo>,
    /// Seconds of the first file, where it says that.
    pub duration: Option<f64>,
    /// Seconds in the first file where it begins.
    pub position: f64,
}

/// Where a player is.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct PlayerPosition {
    /// Which file, from 0.
    pub item: usize,
    /// In it.
    pub position: Duration,
    /// Of it, where it says that.
    pub duration: Option<Duration>,
    /// Whether time goes on.
    pub playing: bool,
}

/// Statistics of a player.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayerStats {
    pub item: usize,
    /// Seconds.
    pub position: f64,
    pub playing: bool,
    /// Bytes that are read and not played yet.
    pub bytes_waiting: u64,
    /// How often reading did not keep up, so that time stood still.
    pub stalls: u64,
    pub audio: Option<PlayedStats>,
    pub video: Option<PlayedStats>,
}

/// Statistics of a track that is played.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayedStats {
    pub codec: &'static str,
    pub frames: u64,
    pub keyframes: u64,
    pub packets: u64,
    pub bytes: u64,
    /// Frames of the file that were left out: broken, or too large for a packet.
    pub frames_dropped: u64,
}
