//! Sees what is sent before it is encrypted, for debugging.

use super::packet::OutgoingPacket;
use crate::control::flow::Flow;

/// Is told of everything that a [`Sending`](super::Sending) seals, in the clear.
pub trait Observer: Send + Sync {
    /// A packet was sealed into `datagram`.
    fn rtp(&self, flow: &Flow, datagram: &[u8], packet: &OutgoingPacket<'_>);

    /// A packet was repeated on the retransmission stream, sealed into `datagram`. Its payload
    /// follows the sequence number it had (RFC 4588 4).
    fn rtx(&self, flow: &Flow, datagram: &[u8], packet: &OutgoingPacket<'_>);

    /// An RTCP compound is about to be sealed.
    fn rtcp(&self, flow: &Flow, compound: &[u8]);
}
