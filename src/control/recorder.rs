//! What JavaScript tells a recorder. Checked by the caller, with every default filled in; values cross as
//! JSON.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::ids::{RecordedTrackId, RequestId, SourceId};
use super::snapshot::StatsCollector;
use crate::codec::Kind;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingFormat {
    /// Opus, VP8, VP9 and AV1.
    Webm,
    /// Any codec, in Matroska.
    Mkv,
    /// Opus, VP9, AV1, H264 and H265, in fragments.
    Mp4,
    /// One track of Opus.
    Ogg,
    /// One track of samples.
    Wav,
}

/// What becomes of the file when pictures change their size, their parameter sets or their codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatChange {
    /// The same file goes on.
    Inline,
    /// Another one begins.
    Split,
}

/// What a recorder is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecorderOptions {
    /// Must not be there yet.
    pub file: PathBuf,
    pub format: RecordingFormat,
    pub on_format_change: FormatChange,
    /// Milliseconds of a fragment of MP4.
    pub fragment: u64,
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
    pub encoding: EncodingChoice,
}

/// Which encoding of several is recorded.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncodingChoice {
    Best,
    Smallest,
    /// By its RID (RFC 8851); the best one while there is none of this name.
    Rid(String),
}

impl RecorderOptions {
    /// Where the file of this number is, from 0 on.
    pub fn path(&self, file: u32) -> PathBuf {
        if file == 0 {
            return self.file.clone();
        }
        let mut name = self.file.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{}", file.saturating_add(1)));
        if let Some(ending) = self.file.extension() {
            name.push(".");
            name.push(ending);
        }
        self.file.with_file_name(name)
    }
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
    /// The same, as a share of the statistics of all.
    AddStats { collector: Arc<StatsCollector> },
    /// Finishes the file; the reply comes when it is closed.
    Close { request: RequestId },
}
