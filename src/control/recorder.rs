//! What JavaScript tells a recorder, and what a recorder tells of itself. Checked by the caller, with
//! every default filled in; values cross as JSON.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{RecordedTrackId, RequestId, SourceId};
use crate::codec::{Codec, Kind};

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingFormat {
    /// Opus, VP8, VP9 and AV1.
    Webm,
    /// Any codec, in Matroska.
    Mkv,
}

/// What a recorder is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecorderOptions {
    /// Must not be there yet.
    pub file: PathBuf,
    pub format: RecordingFormat,
    /// Bits of permission, where the system has them.
    pub mode: u32,
    /// Bytes after which it closes.
    pub max_size: Option<u64>,
    /// Milliseconds after which it closes.
    pub max_duration: Option<u64>,
}

/// What a recorded track is like.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineOptions {
    /// For whoever chooses a track of the file.
    pub name: String,
    /// As BCP 47 has it.
    pub language: String,
    /// The smallest encoding of several rather than the best.
    pub smallest: bool,
}

/// What a recorder is asked.
#[derive(Debug)]
pub enum RecorderCommand {
    /// Another line of the recording, fed by a track.
    Record { line: RecordedTrackId, kind: Kind, track: SourceId, options: LineOptions },
    /// A line is fed by another track, or by nothing for now.
    Attach { line: RecordedTrackId, track: Option<SourceId> },
    /// Nothing more comes of a line.
    Stop { line: RecordedTrackId },
    /// Time of the file stands still, or goes on.
    Pause { paused: bool },
    /// The same of one line: its frames are left out.
    PauseLine { line: RecordedTrackId, paused: bool },
    /// Gives the moment a name.
    Mark { name: String },
    /// The reply is [`RecorderStats`] as JSON.
    Stats { request: RequestId },
    /// Finishes the file; the reply comes when it is closed.
    Close { request: RequestId },
}

/// How far a recording is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct RecordingProgress {
    /// Of the file.
    pub bytes: u64,
    /// How long it is when it is played.
    pub duration: Duration,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
}

/// A line that has its first frame: what it is in the file from there on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineFormat {
    /// Of its entry in the file.
    pub number: u8,
    pub codec: Codec,
    /// Width and height, of pictures.
    pub size: Option<(u16, u16)>,
}

/// Statistics of a recorder.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecorderStats {
    /// Of the file, with what is on its way to it.
    pub bytes: u64,
    /// Seconds.
    pub duration: f64,
    /// Seconds: where in the file what is captured now comes. `None` before its first frame.
    pub position: Option<f64>,
    /// Bytes on their way to the disk.
    pub bytes_waiting: u64,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
    /// Packets that found no room before they were looked at.
    pub packets_dropped: u64,
    pub tracks: Vec<LineStats>,
}

/// Statistics of a line.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineStats {
    pub id: u64,
    pub codec: Option<&'static str>,
    pub frames: u64,
    pub keyframes: u64,
    pub bytes: u64,
    /// Frames that were lost on their way here or broken.
    pub frames_lost: u64,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
    /// Frames whose time was moved because it was not after the one before.
    pub times_moved: u64,
}
