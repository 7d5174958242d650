//! The last word to a peer whose association is given up: an ABORT that says why, so that its
//! developer sees the reason and not a connection that went away.

use super::checksum;
use super::guard::Excess;

/// RFC 9260 3.3.7.
const ABORT: u8 = 6;
/// What is above SCTP ends the association, and says why (RFC 9260 3.3.10.12).
const USER_INITIATED_ABORT: u16 = 12;
/// Ports and verification tag (RFC 9260 3.1), which all packets to a peer have in common.
const ADDRESS: usize = 8;

#[derive(Debug, Default)]
pub(in super::super) struct Farewell {
    /// Of the last packet to the peer.
    address: [u8; ADDRESS],
}

impl Farewell {
    /// Hears what the association says to the peer.
    pub(in super::super) fn hear(&mut self, packet: &[u8]) {
        if let Some(address) = packet.first_chunk() {
            self.address = *address;
        }
    }

    /// What ends the association for the peer as well.
    pub(in super::super) fn abort(&self, excess: Excess) -> Vec<u8> {
        let reason = excess.text().as_bytes();
        let length = |bytes: usize| (bytes as u16).to_be_bytes();
        let mut packet = self.address.to_vec();
        packet.extend([0; 4]);
        packet.extend([ABORT, 0]);
        packet.extend(length(8 + reason.len()));
        packet.extend(USER_INITIATED_ABORT.to_be_bytes());
        packet.extend(length(4 + reason.len()));
        packet.extend(reason);
        packet.resize(packet.len().next_multiple_of(4), 0);
        checksum::set(&mut packet);
        packet
    }
}
