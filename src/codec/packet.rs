//! A packet apart from the stream it came by or leaves by: as whoever takes a track gets it, and as
//! whoever makes one gives it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::{Codec, red};

/// A packet of a track that is taken. Of simulcast and layers one continuous stream is left: numbers
/// without gaps but for what was lost, also where the source was switched.
#[derive(Clone, Debug)]
pub struct TakenPacket {
    /// Extended sequence number (RFC 3550 A.1).
    pub sequence: u64,
    /// RTP time, at the clock rate of the codec.
    pub timestamp: u32,
    /// RFC 3550 5.1: of pictures, the last packet of a frame.
    pub marker: bool,
    /// What the payload is made of.
    pub codec: Codec,
    /// The payload is wrapped in RED (RFC 2198).
    pub red: bool,
    /// The RTP payload, with the codec's payload descriptor. Hostile.
    pub payload: Arc<[u8]>,
    /// When it came.
    pub arrival: Instant,
    /// When it was captured, on the local clock, by the sender's reports: sound and picture of one
    /// sender agree.
    pub captured: Instant,
    /// RFC 6464: -127 to 0 dBov.
    pub audio_level: Option<i8>,
    /// Clockwise turns by 90 degrees that the picture needs (3GPP TS 26.114 7.4.5).
    pub rotation: u8,
}

impl TakenPacket {
    /// With what its sender would have sent without RED (RFC 2198). `None` when that is not there.
    pub fn without_red(&self) -> Option<Cow<'_, Self>> {
        if !self.red {
            return Some(Cow::Borrowed(self));
        }
        let payload: Arc<[u8]> = red::primary(&self.payload)?.into();
        Some(Cow::Owned(Self { red: false, payload, ..self.clone() }))
    }
}

/// A packet of a track that is made. Its owner adds what RTP needs beyond it.
#[derive(Clone, Debug)]
pub struct MadePacket {
    /// Counts by one; no value comes twice for one track and codec.
    pub sequence: u64,
    /// RTP time, at the clock rate of the codec.
    pub timestamp: u32,
    /// RFC 3550 5.1: of pictures, the last packet of a frame.
    pub marker: bool,
    /// What the payload is made of.
    pub codec: Codec,
    /// The RTP payload, with the codec's payload descriptor.
    pub payload: Arc<[u8]>,
    /// The moment that what it holds stands for.
    pub captured: Instant,
    /// RFC 6464, of sound.
    pub audio_level: Option<(i8, bool)>,
}
