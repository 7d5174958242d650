//! A packet as all receivers of it share it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::codec::{Codec, Description};
use crate::control::ids::SourceId;

/// Which encoding of an incoming track.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EncodingIndex(pub u8);

/// One packet of an encoding.
#[derive(Clone, Debug)]
pub struct SourcePacket {
    pub track: SourceId,
    pub encoding: EncodingIndex,
    /// The sender's, which tells one life of an encoding from the next.
    pub ssrc: u32,
    /// Extended sequence number (RFC 3550 A.1).
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub codec: Codec,
    /// The payload is wrapped in RED (RFC 2198).
    pub red: bool,
    /// It is a key of a telephone (RFC 4733) and no sound, under numbers of the sound's.
    pub telephone_event: bool,
    /// Payload type the sender used.
    pub source_pt: u8,
    /// Without padding; empty when there was nothing else.
    pub payload: Arc<[u8]>,
    pub arrival: Instant,
    /// When it was captured, on the local clock: the arrival mapped through sender reports, so
    /// that the encodings and tracks of one sender agree.
    pub captured: Instant,
    /// Microseconds that `captured`, which never leaps, has yet to go to where the sender's reports put
    /// it. `None`: there was no report.
    pub to_reported: Option<i32>,
    pub description: Description,
    pub extensions: Extensions,
}

/// Values of header extensions that are passed on.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Extensions {
    /// RFC 6464: -127 to 0 dBov, and whether it is voice.
    pub audio_level: Option<(i8, bool)>,
    /// Coordination of video orientation (3GPP TS 26.114 7.4.5), the whole byte.
    pub video_orientation: Option<u8>,
    /// Shortest and longest, in units of 10 ms.
    pub playout_delay: Option<(u16, u16)>,
    /// NTP time of capture, and the estimated offset of the capturer's clock, both 32.32.
    pub abs_capture_time: Option<(u64, Option<i64>)>,
    /// As it came; [`Forward::frame_number`](super::Forward::frame_number) goes into a copy.
    pub dependency_descriptor: Option<Bytes>,
}
