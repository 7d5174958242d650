//! What feedback says of one packet.

use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketResult {
    /// When it was sent, since the transport began.
    pub sent: Duration,
    /// Of the datagram, in bytes.
    pub size: usize,
    /// When it arrived, by the receiver's clock, in steps of 250 us; `None` when it did not.
    pub arrived: Option<i64>,
    /// The probe that it is part of.
    pub probe: Option<u8>,
}
