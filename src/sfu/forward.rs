//! How a packet of a source goes out to one receiver.

use std::time::Instant;

use crate::codec::Prefix;

/// How a packet goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forward {
    /// The low 16 bits are the sequence number, the rest is the rollover counter. No value comes
    /// twice.
    pub sequence: u64,
    pub timestamp: u32,
    /// When it was captured, by the clock that `timestamp` goes by.
    pub captured: Instant,
    pub marker: bool,
    /// Only the number is needed: without it the receiver would miss a packet.
    pub empty: bool,
    /// Takes the place of the payload's first bytes.
    pub prefix: Option<Prefix>,
    /// Goes into a copy of the Dependency Descriptor
    /// ([`set_frame_number`](crate::codec::dependency_descriptor::set_frame_number)).
    pub frame_number: Option<u16>,
}
