//! What tells this peer from others behind the same address.

use super::Session;
use super::incoming::Incoming;

impl Session {
    /// Whether the peer's description announced this SSRC, for media or for retransmissions.
    pub fn was_told_of(&mut self, ssrc: u32) -> bool {
        let mut api = self.rtc.direct_api();
        if api.stream_rx(&ssrc.into()).is_some() {
            return true;
        }
        self.incoming.iter().any(|Incoming { mid, .. }| {
            let stream = api.stream_rx_by_mid(*mid, None);
            stream.is_some_and(|stream| stream.rtx().is_some_and(|rtx| *rtx == ssrc))
        })
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
