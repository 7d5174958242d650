//! A peer whose NAT gives it another address in the middle of a call. Its checks would tell within
//! seconds (RFC 7675 5.1); its media and reports do so at once, and they are authentic.

use std::time::{Duration, Instant};

use super::Session;
use crate::control::event::TransportState;
use crate::control::flow::{Flow, Protocol};
use crate::peer::trace::{Stream, Trace, streams};

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

impl Roaming {
    /// Supposes that the peer is at another address, and was at `before` until now. In place before the
    /// packet is looked at, which asks whether to go there. Gives what was supposed until now.
    pub(super) fn suppose(&mut self, now: Instant, flow: &Flow, before: Flow) -> Supposed {
        let known = self.provisional;
        let (before, until) = match known {
            Some(Provisional { before, until, .. }) => (before, until),
            None => (before, now + PROOF),
        };
        let (used, proven) = (false, false);
        let provisional = Provisional { flow: *flow, before, seen: now, until, used, proven };
        self.provisional = Some(provisional);
        Supposed(known)
    }

    /// The packet was not authentic.
    pub(super) fn retract(&mut self, known: Supposed) {
        self.provisional = known.0;
    }

    /// The packet was authentic.
    pub(super) fn confirm(&mut self, known: Supposed) {
        self.refuted.extend(known.0.map(|known| known.flow));
    }
}

/// What was supposed of a peer before.
pub(super) struct Supposed(Option<Provisional>);

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
    pub(super) fn is_newest(&self, now: Instant, bytes: &[u8]) -> bool {
        streams(bytes).any(|(stream, number)| {
            let mut newer = false;
            self.traces(now, |trace| {
                newer |= trace.stream == stream && trace.ahead(number).is_some();
            });
            newer
        })
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
