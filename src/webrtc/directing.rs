//! Where str0m's own datagrams go: to where the peer is, which they tell in their turn.

use std::time::Instant;

use str0m::net::Transmit;

use super::{Session, config, flow_of};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::CloseReason;

impl Session {
    /// Notes which pair ICE chose, as a datagram of str0m that is not STUN shows, and sends the
    /// datagram to where the peer is. `None` when it was for that alone.
    pub(super) fn direct(&mut self, now: Instant, mut transmit: Transmit) -> Option<Transmit> {
        let kind = multiplex::classify(&transmit.contents);
        let flow = flow_of(&transmit);
        if kind == Multiplexed::Stun {
            // str0m answers authentic checks only.
            if multiplex::stun_is_response(&transmit.contents) {
                self.on_checked(now, &flow);
                self.note_handshake_flow(now, flow);
            }
            return Some(transmit);
        }
        if kind == Multiplexed::Dtls {
            self.dtls_at = now;
        }
        // Only when it changes: str0m may hold on to an address that the peer has left.
        if self.chosen_flow != Some(flow) {
            self.chosen_flow = Some(flow);
            self.use_flow(now, &flow);
        }
        if self.dtls.is_question(&transmit.contents) {
            return None;
        }
        // Reports that str0m sends have its own SSRC, or one nonce could come twice under the
        // keys that both senders share (RFC 7714 9.1).
        let sender = transmit.contents.get(4..8).and_then(|bytes| bytes.try_into().ok());
        if kind == Multiplexed::Rtcp
            && sender.is_some_and(|ssrc| self.lines.contains(u32::from_be_bytes(ssrc)))
        {
            debug_assert!(false, "str0m reports under an SSRC of ours");
            self.end(CloseReason::Error);
        }
        if let Some(flow) = self.sending.flow() {
            transmit.proto = config::to_str0m_protocol(flow.protocol);
            (transmit.source, transmit.destination) = (flow.local, flow.remote);
        }
        Some(transmit)
    }
}
