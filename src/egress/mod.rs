//! A peer's sending side behind a narrow seam: RTP goes in, datagrams come out. What is behind the
//! seam seals, keeps history for retransmission, answers NACKs and writes reports.

pub mod srtp;

use std::sync::Arc;
use std::time::Instant;

use crate::codec::Prefix;
use crate::sfu::packet::Extensions;

/// One packet for one receiver, rewritten, not yet sealed.
pub struct OutgoingPacket<'a> {
    pub pt: u8,
    /// Packet index: the low 16 bits are the sequence number, the rest the rollover counter. Never
    /// used twice for one stream, because it is the nonce (RFC 3711 9.1).
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// When the media was captured, on this machine's clock; feeds sender reports.
    pub captured: Instant,
    pub payload: &'a Arc<[u8]>,
    /// Replaces the first bytes of the payload.
    pub prefix: Option<&'a Prefix>,
    pub extensions: &'a Extensions,
    /// Goes into a copy of the dependency descriptor of `extensions`.
    pub frame_number: Option<u16>,
    /// Whether a NACK for it is answered.
    pub retransmittable: bool,
}

/// Names one stream of a peer's sending side: its SSRC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OutgoingSsrc(pub u32);

/// A peer's sending side.
pub trait Egress {
    /// Queues a packet; it leaves with the session's next flush. A stream that is gone drops it.
    fn send(&mut self, stream: OutgoingSsrc, packet: &OutgoingPacket<'_>);
}
