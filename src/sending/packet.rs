//! One packet for one receiver, as it is handed to be sealed.

use std::time::Instant;

use crate::codec::Prefix;
use crate::sfu::Extensions;

/// One packet for one receiver, rewritten, not yet sealed.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingPacket<'a> {
    pub pt: u8,
    /// Packet index: the low 16 bits are the sequence number, the rest the rollover counter. Never
    /// used twice for one stream, because it is the nonce (RFC 3711 9.1).
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// In Hz.
    pub clock_rate: u32,
    /// When the media was captured, on this machine's clock; feeds sender reports.
    pub captured: Instant,
    /// Goes before the payload.
    pub lead: &'a [u8],
    pub payload: &'a [u8],
    /// Replaces the first bytes of the payload. Not with a `lead`.
    pub prefix: Option<&'a Prefix>,
    pub extensions: &'a Extensions,
    /// Goes into a copy of the dependency descriptor of `extensions`.
    pub frame_number: Option<u16>,
}

impl<'a> OutgoingPacket<'a> {
    /// What goes before the shared payload or replaces its start, and the rest of it.
    pub fn parts(&self) -> (&'a [u8], &'a [u8]) {
        debug_assert!(self.prefix.is_none() || self.lead.is_empty(), "one start for a payload");
        match self.prefix {
            Some(prefix) => (prefix.bytes(), prefix.rest(self.payload)),
            None => (self.lead, self.payload),
        }
    }
}
