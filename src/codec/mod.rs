//! What the engine knows about payloads: codecs, payload descriptors, keyframes and RTP header
//! extensions that no other part parses. Pure functions of bytes a peer controls: nothing here
//! panics, allocates without a bound, or reads a clock.

pub(crate) mod av1;
pub mod base64;
pub(crate) mod bits;
pub mod configuration;
pub mod dependency_descriptor;
pub mod description;
pub mod format;
pub mod frame;
pub(crate) mod h264;
pub mod h264_profile;
mod h265;
pub mod layer;
pub mod multiplex;
mod nal;
pub mod names;
pub mod ntp;
pub mod opus;
pub mod packet;
pub mod pcm;
pub mod picture_id;
pub mod prefix;
pub mod red;
pub mod rtcp;
pub mod stored;
pub mod telephone_event;
pub mod vp8;
pub mod vp9;
pub mod wrapped;

use std::fmt;

pub use description::{Description, Descriptor, keyframe_start};
pub use layer::Layer;
pub use prefix::Prefix;
pub use telephone_event::TelephoneEvent;

/// Sound or pictures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Audio,
    Video,
}

impl Kind {
    /// Lower case, as SDP and JavaScript name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Audio => "audio",
            Kind::Video => "video",
        }
    }
}

/// A codec that can be forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    Opus,
    Pcmu,
    Pcma,
    G722,
    Vp8,
    Vp9,
    H264,
    H265,
    Av1,
}

impl Codec {
    /// Every codec the engine knows, those for sound first.
    pub const ALL: [Codec; 9] = [
        Codec::Opus,
        Codec::Pcmu,
        Codec::Pcma,
        Codec::G722,
        Codec::Vp8,
        Codec::Vp9,
        Codec::H264,
        Codec::H265,
        Codec::Av1,
    ];

    /// Sound or pictures.
    pub fn kind(self) -> Kind {
        match self {
            Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => Kind::Audio,
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::H265 | Codec::Av1 => Kind::Video,
        }
    }

    /// RTP clock rate in Hz (RFC 3551; G.722 runs at 8000 for historical reasons, 4.5.2).
    pub fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::H265 | Codec::Av1 => 90_000,
        }
    }

    /// Lower case, as JavaScript names it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::Pcmu => "pcmu",
            Codec::Pcma => "pcma",
            Codec::G722 => "g722",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
            Codec::H264 => "h264",
            Codec::H265 => "h265",
            Codec::Av1 => "av1",
        }
    }

    /// The other way around.
    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
