//! Why something of a transport stream becomes no frame.

use std::fmt;

/// What is wrong with a stream, or with what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TsError {
    /// Its parts do not add up.
    Malformed,
    /// Packets are missing in the middle of a frame.
    Lost,
    /// A frame that is larger than any encoder's.
    Size,
    /// A codec that browsers do not have, or that is not taken from transport streams.
    Codec(&'static str),
    /// Packets are encrypted by means of broadcasting.
    Scrambled,
    /// More than two channels of Opus.
    Channels(u8),
    /// Nothing says what is in it: no transport stream, most likely.
    NoProgram,
    /// Several tracks of a kind, or several programs.
    Tracks,
}

impl fmt::Display for TsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the transport stream is damaged"),
            Self::Lost => f.write_str("packets of the transport stream were lost on their way"),
            Self::Size => f.write_str("a frame of the transport stream is too large"),
            Self::Codec(name) => write!(
                f,
                "{name} is not taken: have the encoder send H.264 or H.265, and AAC or Opus"
            ),
            Self::Scrambled => f.write_str("the transport stream is scrambled"),
            Self::Channels(channels) => {
                write!(f, "Opus of {channels} channels is not taken: have the encoder make stereo")
            }
            Self::NoProgram => f.write_str("nothing says what is in the stream: is it MPEG-TS?"),
            Self::Tracks => f.write_str(
                "the transport stream has several tracks of a kind: the first of each is taken",
            ),
        }
    }
}

impl std::error::Error for TsError {}
