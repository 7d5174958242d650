//! Which pair of addresses the peer is sent to: the one that ICE chose, or that it moved to.

use std::time::{Duration, Instant};

use str0m::net::Transmit;

use super::{Session, config, flow_of};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::Flow;
use crate::control::stats::CandidatePairStats;
use crate::sending::Reach;

/// Longer than the checks of a pair in use may be apart (RFC 7675 5.1).
const SILENCE: Duration = Duration::from_secs(7);

impl Session {
    /// Checks come from another address than media goes to: ICE may have chosen another pair.
    /// str0m does not tell which one it uses, but a packet that it sends does.
    pub(super) fn ask_for_path(&mut self, now: Instant) {
        if !self.sending.has_keys() || self.state == TransportState::Closed {
            return;
        }
        self.dtls.ask_for_pair();
        self.advance(now);
    }

    /// A datagram came over `flow`, which ICE has validated; `authentic` says that it was media or a
    /// report, decrypted and not replayed, or a check that takes over. A peer sends those from the address it has now
    /// (RFC 8445 12.1 lets them come over any valid pair), so that is where it hears from us. str0m
    /// would not move before the peer nominates another pair, which one whose NAT has given it
    /// another address has no reason to do.
    pub(super) fn follow(&mut self, now: Instant, flow: &Flow, kind: Multiplexed, authentic: bool) {
        if self.sending.flow().is_none_or(|used| used == flow) || !self.sending.has_keys() {
            return;
        }
        if authentic {
            if !self.may_follow(now, flow) {
                return;
            }
            self.use_flow(now, flow);
            self.hear(now);
        } else if kind == Multiplexed::Stun {
            self.ask_for_path(now);
        }
    }

    /// An authentic check came over a pair that is not sent to. Checks come over pairs that are only
    /// kept in reserve, too, but those of the pair in use come at least every six seconds
    /// (RFC 7675 5.1): when there were none, the peer has left it.
    pub(super) fn takes_over(&self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        self.sending.flow().is_some_and(|used| used != flow)
            && now.saturating_duration_since(self.heard) > SILENCE
            && self.accepts(now, flow, bytes)
    }

    /// Something came over the pair that is sent to.
    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = now;
        if self.state == TransportState::Disconnected {
            self.tell_reach();
        }
    }

    /// Tells the sending half whether media may be sent. An ICE restart may leave str0m without a
    /// pair until the peer's first check, during which media goes on where it went (RFC 8445 2.4).
    pub(super) fn tell_reach(&mut self) {
        self.sending.set_reach(match self.state {
            TransportState::Connected => Reach::Yes,
            TransportState::Disconnected => Reach::Until(self.heard + SILENCE),
            _ => Reach::No,
        });
    }

    pub(super) fn use_flow(&mut self, now: Instant, flow: &Flow) {
        if self.sending.flow() != Some(flow) {
            self.sending.set_flow(now, *flow);
            self.on_path_changed(flow);
        }
    }

    /// What is sent goes another way from now on, the first one included.
    fn on_path_changed(&mut self, flow: &Flow) {
        self.candidate_pair = Some(CandidatePairStats::of(flow));
        self.path_changes += 1;
    }

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
