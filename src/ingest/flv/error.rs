//! Why a tag becomes no frame.

use std::fmt;

/// What is wrong with a tag, or with what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlvError {
    /// It is cut off, or its parts do not add up.
    Malformed,
    /// A codec of FLV's own that browsers do not have.
    Codec(&'static str),
    /// A FourCC that is not known.
    FourCc([u8; 4]),
    /// Several tracks in one stream (Enhanced RTMP's Multitrack).
    Multitrack,
    /// More than two channels of Opus.
    Channels(u8),
}

impl fmt::Display for FlvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("an FLV tag is damaged"),
            Self::Codec(name) => {
                write!(f, "{name} is not taken: have the encoder send H.264 and AAC")
            }
            Self::FourCc(code) => {
                let name: String = code
                    .iter()
                    .map(|byte| char::from(*byte))
                    .map(|letter| if letter.is_ascii_graphic() { letter } else { '?' })
                    .collect();
                write!(f, "'{name}' is not taken: have the encoder send avc1, hvc1, av01 or vp09")
            }
            Self::Multitrack => {
                f.write_str("multitrack is not taken: have the encoder send one track of each kind")
            }
            Self::Channels(channels) => {
                write!(f, "Opus of {channels} channels is not taken: have the encoder make stereo")
            }
        }
    }
}

impl std::error::Error for FlvError {}
