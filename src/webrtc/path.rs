//! Which pair of addresses the peer is sent to, as far as what it sends tells: the one that ICE chose,
//! or that it moved to.

use std::time::Instant;

use super::Session;
use super::state::SILENCE;
use crate::codec::multiplex::Multiplexed;
use crate::control::event::TransportState;
use crate::control::flow::Flow;

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
}
