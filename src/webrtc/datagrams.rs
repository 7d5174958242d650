//! Datagrams of the peer: each goes to the half, the association or the agent that it is for.

use std::time::Instant;

use str0m::Input;
use str0m::net::Receive;

use super::{Session, receive};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::flow::Flow;
use crate::sending::Workspace;

impl Session {
    /// Takes a datagram. Gives whether there is anything to see to: events, datagrams, other
    /// timers.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        let Some(receive) = receive(flow, bytes) else { return false };
        #[cfg(feature = "fault-injection")]
        if let Some(burden) = &self.burden {
            (burden.0)();
        }
        self.count_received(bytes);
        if self.sending.flow() == Some(flow) {
            self.hear(now);
        }
        self.take(now, flow, bytes, receive, workspace)
    }

    fn count_received(&mut self, bytes: &[u8]) {
        self.packets_received += 1;
        self.bytes_received += bytes.len() as u64;
    }

    fn take(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        receive: Receive<'_>,
        workspace: &mut Workspace,
    ) -> bool {
        let kind = multiplex::classify(bytes);
        match kind {
            Multiplexed::Rtp => {
                self.on_rtp(now, flow, bytes, &mut workspace.plain);
                return true;
            }
            Multiplexed::Rtcp => {
                self.on_rtcp(now, flow, bytes, &mut workspace.plain);
                return self.has_news() || self.is_receiving_due(now);
            }
            _ => {}
        }
        if kind == Multiplexed::Dtls && !self.on_dtls(now, flow, bytes) {
            return self.has_news();
        }
        let answered = kind == Multiplexed::Stun && self.answers_check(now, flow, bytes);
        if let Err(error) = self.rtc.handle_input(Input::Receive(now, receive)) {
            // A datagram nobody authenticated may cause this: it is no reason to give up a peer
            // that is still alive.
            if self.rtc.is_alive() {
                tracing::debug!(transport = %self.id, %error, "datagram dropped");
            } else {
                self.fail(&error);
            }
        }
        self.drain(now);
        let authentic = kind == Multiplexed::Stun && self.takes_over(now, flow, bytes);
        self.follow(now, flow, kind, authentic);
        self.note_consent(now, kind, answered);
        true
    }

    /// Whether the receiving half has something to say when the turn ends.
    fn is_receiving_due(&self, now: Instant) -> bool {
        self.receiving.next().is_some_and(|at| at <= now)
    }

    /// Media or RTCP came from an address that is nobody's. Takes it when it is this peer's:
    /// decrypted, and newer than what came before. The address is to be remembered then, until
    /// it is among those of [`Session::take_refuted`].
    pub fn claim(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        if !self.is_newest(now, bytes) {
            return false;
        }
        let (Some(used), Some(receive)) = (self.sending.flow().copied(), receive(flow, bytes))
        else {
            return false;
        };
        let known = self.roaming.suppose(now, flow, used);
        let authentic = self.authentic_received;
        self.take(now, flow, bytes, receive, workspace);
        if self.authentic_received == authentic {
            self.roaming.retract(known);
            return false;
        }
        self.count_received(bytes);
        self.roaming.confirm(known);
        true
    }
}
