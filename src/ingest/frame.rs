//! What every protocol hands on.

use crate::codec::Codec;

/// One encoded picture, in the order in which pictures are decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VideoFrame<'a> {
    /// What it is encoded with.
    pub codec: Codec,
    /// A decoder can begin with it: it has all parameter sets that it needs.
    pub keyframe: bool,
    /// Milliseconds from when it is decoded to when it is shown. Not always the same where pictures
    /// are shown in another order than they are decoded in (B-frames).
    pub composition: i32,
    /// As [`Parts::data`](crate::codec::frame::Parts::data) has it.
    pub data: &'a [u8],
}

/// A piece of sound, or what has to be known of those that follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound<'a> {
    /// An AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
    AacConfiguration(&'a [u8]),
    /// A raw frame of AAC.
    Aac(&'a [u8]),
    /// A packet of Opus (RFC 6716).
    Opus(&'a [u8]),
}
