//! What JavaScript tells a mixer. Sizes are in pixels, places on the canvas in parts of its width
//! and height. Checked by the caller, with every default filled in; values cross as JSON.

use std::sync::Arc;

use serde::Deserialize;

use super::canvas::{Colour, Layout, Overlay};
use super::conduit::{Conduit, Frame, Pcm};
use super::ids::{ConduitId, PortId, RequestId, SourceId};
use super::snapshot::StatsCollector;
use crate::codec::Kind;

/// What a mixer is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MixerOptions {
    pub audio: Option<AudioOptions>,
    pub video: Option<VideoOptions>,
}

/// What a mixer of sound is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AudioOptions {
    /// How many are heard at once.
    pub speakers: usize,
    pub stereo: bool,
    /// Bit/s of Opus.
    pub bitrate: u32,
    pub fec: bool,
    pub dtx: bool,
}

/// What a mixer of pictures is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VideoOptions {
    pub width: u16,
    pub height: u16,
    /// Frames per second.
    pub frame_rate: u8,
    /// Names of codecs, most wanted first.
    pub codecs: Vec<String>,
    /// Bit/s of the full size.
    pub bitrate: u32,
    /// Sizes that the canvas is offered in: the full one, its half, its quarter.
    pub rungs: u8,
    pub background: Colour,
    pub layout: Layout,
}

/// What a port is like.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortOptions {
    pub label: String,
    /// Linear, 0 to 8.
    pub gain: f32,
    /// -1 is left, 1 is right.
    pub position: f32,
    pub auto_gain: bool,
    pub noise_suppression: bool,
    /// Not heard.
    pub muted: bool,
    /// Seen on the canvas.
    pub visible: bool,
    /// A screen, which gets the room it needs.
    pub screen: bool,
}

/// What a snapshot becomes.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotOptions {
    /// PNG instead of JPEG.
    pub png: bool,
    /// Pixels; the height follows. `None`: as it is.
    pub width: Option<u16>,
    /// Of JPEG, 1 to 100.
    pub quality: u8,
}

/// How sound looks to JavaScript.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PcmFormat {
    /// Hz: 8,000, 16,000, 24,000 or 48,000.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Milliseconds of a frame: 10 or 20.
    pub frame_duration: u8,
}

/// What a reader hears or sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tapped {
    /// The mix of everything.
    Mix,
    /// What a port gets: everyone but itself.
    ForPort(PortId),
    /// What a port brings.
    OfPort(PortId),
}

/// How pictures look to JavaScript.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrameFormat {
    /// RGBA instead of I420.
    pub rgba: bool,
    /// Width and height; `None`: as it is.
    pub size: Option<(u16, u16)>,
    /// Frames per second at most.
    pub frame_rate: u8,
    /// That many, whether or not there is another picture.
    pub steady: bool,
}

/// A tone, or two at once.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tone {
    /// Hz.
    pub frequency: f32,
    /// A second one, as the keys of a telephone have.
    pub second: Option<f32>,
    /// Amplitude of each in dB of full scale.
    pub level: f32,
}

/// A command to a mixer.
pub enum MixerCommand {
    SetPort {
        port: PortId,
        options: PortOptions,
    },
    RemovePort {
        port: PortId,
    },
    /// Feeds a port from a track, or from nothing.
    Attach {
        port: PortId,
        kind: Kind,
        track: Option<SourceId>,
    },
    SetLayout {
        layout: Layout,
    },
    /// Of one colour, or a JPEG or PNG.
    SetBackground {
        colour: Colour,
        picture: Option<Arc<[u8]>>,
        request: RequestId,
    },
    SetOverlays {
        overlays: Vec<Overlay>,
        pictures: Vec<Arc<[u8]>>,
        request: RequestId,
    },
    Pin {
        ports: Vec<PortId>,
    },
    /// Answered with the file. `None` is the canvas.
    Snapshot {
        port: Option<PortId>,
        options: SnapshotOptions,
        request: RequestId,
    },
    /// What is heard goes into the conduit.
    ReadPcm {
        tapped: Tapped,
        format: PcmFormat,
        conduit: Arc<Conduit<Pcm>>,
    },
    /// What comes out of the conduit is heard, in place of a track.
    WritePcm {
        port: PortId,
        conduit: Arc<Conduit<Pcm>>,
    },
    /// What is seen goes into the conduit. `None` is the canvas.
    ReadFrames {
        port: Option<PortId>,
        format: FrameFormat,
        conduit: Arc<Conduit<Frame>>,
    },
    /// What comes out of the conduit is seen, in place of a track.
    WriteFrames {
        port: PortId,
        conduit: Arc<Conduit<Frame>>,
    },
    SetTone {
        port: PortId,
        tone: Option<Tone>,
    },
    /// Answered when the file is understood; its end is an event.
    PlayFile {
        port: PortId,
        file: Option<Arc<[u8]>>,
        repeat: bool,
        request: RequestId,
    },
    RemoveConduit {
        conduit: ConduitId,
    },
    /// JavaScript listens to how loud a mixed track is, or does no longer.
    ListenLevels {
        track: SourceId,
        listen: bool,
    },
    Stats {
        collector: Arc<StatsCollector>,
    },
    Close {
        request: RequestId,
    },
}

impl std::fmt::Debug for MixerCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MixerCommand").finish_non_exhaustive()
    }
}
