//! What tells this peer from others behind the same address.

use super::Session;

impl Session {
    /// Whether the peer's description announced this SSRC, for media or for retransmissions, or it
    /// was learned from packets.
    pub fn was_told_of(&mut self, ssrc: u32) -> bool {
        self.receiving.knows(ssrc)
    }

    /// Whether authentic RTCP of this sender came before.
    pub fn has_heard_reports_of(&self, ssrc: u32) -> bool {
        self.sending.rtcp_senders().any(|(_, sender, _)| sender == ssrc)
    }

    /// Packets of media and RTCP that were authentic and not there before.
    pub fn authentic_received(&self) -> u64 {
        self.authentic_received
    }

    /// Whether the DTLS handshake is through.
    pub fn has_keys(&self) -> bool {
        self.sending.has_keys()
    }
}
