//! What an application may ask of the layers that a receiver gets, and what it is told of them.

pub use crate::bandwidth::Preferences;

/// What is forwarded of an encoding.
#[derive(Clone, PartialEq, Debug)]
pub struct ForwardedLayer {
    pub rid: Option<String>,
    pub spatial: u8,
    pub temporal: u8,
    /// Width and height, where known.
    pub size: Option<(u16, u16)>,
    /// Frames per second, as measured; 0 is unknown.
    pub frame_rate: f32,
    /// Bit/s, as measured when the layer was chosen.
    pub bitrate: u64,
}

/// Why a receiver gets what it gets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum LayerReason {
    /// There is nothing better.
    #[default]
    Best,
    /// The application wants no more.
    Preferences,
    /// The link carries no more.
    Bandwidth,
    /// The sender sends nothing that could be forwarded.
    Unavailable,
    /// The application muted the transponder.
    Muted,
    /// The media thread has no time for more.
    Load,
}

impl LayerReason {
    /// As JavaScript names it.
    pub fn name(self) -> &'static str {
        match self {
            LayerReason::Best => "best",
            LayerReason::Preferences => "preferences",
            LayerReason::Bandwidth => "bandwidth",
            LayerReason::Unavailable => "unavailable",
            LayerReason::Muted => "muted",
            LayerReason::Load => "load",
        }
    }
}

/// A peer's link, as far as is known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BandwidthReport {
    /// Bit/s that can be sent to the peer.
    pub available: u64,
    /// Bit/s that the chosen layers and the audio need.
    pub target: u64,
    /// Bit/s that the next better layers would need, when there are any.
    pub wanted: Option<u64>,
    /// Fraction lost on the way to the peer, 0 to 1.
    pub fraction_lost: f64,
    /// Milliseconds that packets wait in queues on their way.
    pub queue_delay: f64,
}

/// Whether anybody takes an encoding of an incoming track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodingDemand {
    pub rid: Option<String>,
    pub wanted: bool,
}
