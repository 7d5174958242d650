//! A peer whose NAT gives it another address in the middle of a call. Its checks would tell within
//! seconds (RFC 7675 5.1); its media and reports do so at once, and they are authentic.

use std::time::{Duration, Instant};

use super::{Session, receive};
use crate::control::event::TransportState;
use crate::control::flow::{Flow, Protocol};
use crate::peer::trace::{Stream, Trace, streams};
use crate::sending::Workspace;

/// Whoever was heard this recently is where he was, and his packets from elsewhere are somebody's
/// copies.
const SILENCE: Duration = Duration::from_millis(100);
/// Consent expires after this time (RFC 7675 5.1): whoever was silent for longer is gone.
const CONSENT: Duration = Duration::from_secs(30);
/// Time for a check from the new address. Consent is renewed every four to six seconds
/// (RFC 7675 5.1), so the second one may get lost.
const PROOF: Duration = Duration::from_secs(10);
/// New addresses of one peer that no check ever came from. With a source address that is not its
/// own, a peer could have its media sent to somebody who did not ask for it.
const MAX_UNPROVEN: u8 = 3;

#[derive(Default)]
pub(super) struct Roaming {
    provisional: Option<Provisional>,
    /// Addresses that turned out not to be the peer's.
    refuted: Vec<Flow>,
    unproven: u8,
}

/// Authentic packets came from an address that no check came from before.
#[derive(Clone, Copy)]
struct Provisional {
    flow: Flow,
    /// The one that was sent to until then.
    before: Flow,
    /// When an authentic packet last came from there.
    seen: Instant,
    until: Instant,
    /// Media is sent there, or was.
    used: bool,
    /// A check came.
    proven: bool,
}

impl Session {
    /// Whether the peer may have moved: it was heard until some time ago.
    fn may_have_moved(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) < CONSENT
            && self.roaming.unproven < MAX_UNPROVEN
            && matches!(self.state, TransportState::Connected | TransportState::Disconnected)
            && self.sending.has_keys()
            // A TCP connection ends with its addresses.
            && self.sending.flow().is_some_and(|flow| flow.protocol == Protocol::Udp)
    }

    /// What datagrams of this peer would go on from, if it may have moved.
    pub fn traces(&self, now: Instant, mut each: impl FnMut(Trace)) {
        if !self.may_have_moved(now) {
            return;
        }
        for (ssrc, newest) in self.receiving.newest() {
            each(Trace { stream: Stream::Rtp { ssrc }, newest: u32::from(newest) });
        }
        for (tag, ssrc, newest) in self.sending.rtcp_senders() {
            each(Trace { stream: Stream::Rtcp { tag, ssrc }, newest });
        }
    }

    /// Whether a datagram is newer than everything that came of its stream.
    fn is_newest(&self, now: Instant, bytes: &[u8]) -> bool {
        streams(bytes).any(|(stream, number)| {
            let mut newer = false;
            self.traces(now, |trace| {
                newer |= trace.stream == stream && trace.ahead(number).is_some();
            });
            newer
        })
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
        let known = self.roaming.provisional;
        let (before, until) = match known {
            Some(Provisional { before, until, .. }) => (before, until),
            None => (used, now + PROOF),
        };
        // In place before the packet is looked at, which asks whether to go there.
        let (used, proven) = (false, false);
        let provisional = Provisional { flow: *flow, before, seen: now, until, used, proven };
        self.roaming.provisional = Some(provisional);
        let authentic = self.authentic_received;
        self.take(now, flow, bytes, receive, workspace);
        if self.authentic_received == authentic {
            self.roaming.provisional = known;
            return false;
        }
        self.count_received(bytes);
        self.roaming.refuted.extend(known.map(|known| known.flow));
        true
    }

    /// Whether media may go now to where an authentic packet came from. A provisional address has
    /// to wait until nothing comes from the one before any more.
    pub(super) fn may_follow(&mut self, now: Instant, flow: &Flow) -> bool {
        let Some(provisional) = &mut self.roaming.provisional else { return true };
        if provisional.flow != *flow {
            return true;
        }
        provisional.seen = now;
        if now.saturating_duration_since(self.heard) < SILENCE {
            return false;
        }
        if !provisional.proven && !std::mem::replace(&mut provisional.used, true) {
            self.roaming.unproven += 1;
        }
        true
    }

    /// An authentic check over this pair was answered.
    pub(super) fn on_checked(&mut self, now: Instant, flow: &Flow) {
        self.consent(now);
        let Some(provisional) = &mut self.roaming.provisional else { return };
        if provisional.flow == *flow {
            provisional.proven = true;
            if provisional.used {
                self.roaming.unproven -= 1;
                self.roaming.provisional = None;
            }
        } else if provisional.before == *flow {
            // It did not move: somebody sends on what it sends.
            self.give_up_provisional(now);
        }
    }

    pub(super) fn poll_roaming(&mut self, now: Instant) {
        let Some(Provisional { flow, until, proven, .. }) = self.roaming.provisional else {
            return;
        };
        if self.follows_at().is_some_and(|at| now >= at) && self.may_follow(now, &flow) {
            self.use_flow(now, &flow);
            self.hear(now);
            if proven {
                self.roaming.provisional = None;
            }
        } else if now >= until {
            self.give_up_provisional(now);
        }
    }

    /// When a provisional address will have waited long enough.
    fn follows_at(&self) -> Option<Instant> {
        let provisional = self.roaming.provisional?;
        let waits = self.sending.flow() != Some(&provisional.flow) && provisional.seen > self.heard;
        waits.then(|| self.heard + SILENCE)
    }

    pub(super) fn roaming_at(&self) -> Option<Instant> {
        let until = self.roaming.provisional?.until;
        Some(self.follows_at().map_or(until, |at| at.min(until)))
    }

    fn give_up_provisional(&mut self, now: Instant) {
        let Some(provisional) = self.roaming.provisional.take() else { return };
        if provisional.proven {
            return;
        }
        self.roaming.refuted.push(provisional.flow);
        if self.sending.flow() == Some(&provisional.flow) {
            self.use_flow(now, &provisional.before);
        }
    }

    /// Addresses that are not to be remembered as this peer's after all.
    pub fn take_refuted(&mut self) -> impl Iterator<Item = Flow> {
        self.roaming.refuted.drain(..)
    }
}
