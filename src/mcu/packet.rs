//! What goes into a mixer and what comes out.

use std::sync::Arc;
use std::time::Instant;

use crate::codec::Codec;

/// Names a port of one mixer; given by whoever makes the port, never twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PortKey(pub u64);

/// A packet of a port's input. Of simulcast and layers one continuous stream is left: numbers
/// without gaps but for what was lost, also where the source was switched.
#[derive(Clone, Debug)]
pub struct InputPacket {
    /// Extended sequence number (RFC 3550 A.1).
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub codec: Codec,
    /// The payload is wrapped in RED (RFC 2198).
    pub red: bool,
    /// The RTP payload, with the codec's payload descriptor. Hostile.
    pub payload: Arc<[u8]>,
    pub arrival: Instant,
    /// When it was captured, on the local clock, by the sender's reports: sound and picture of one
    /// sender agree.
    pub captured: Instant,
    /// RFC 6464: -127 to 0 dBov.
    pub audio_level: Option<i8>,
    /// Clockwise turns by 90 degrees that the picture needs (3GPP TS 26.114 7.4.5).
    pub rotation: u8,
}

/// A packet of a mixed track. Its owner adds what RTP needs beyond it.
#[derive(Clone, Debug)]
pub struct OutputPacket {
    /// Counts by one; no value comes twice for one track and codec.
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub codec: Codec,
    pub payload: Arc<[u8]>,
    /// The moment that what it holds stands for.
    pub captured: Instant,
    /// RFC 6464, of sound.
    pub audio_level: Option<(i8, bool)>,
}
