//! A peer whose NAT gives it another address in the middle of a call. Its checks would tell within
//! seconds (RFC 7675 5.1); its media and reports do so at once, and they are authentic.

use std::time::{Duration, Instant};

use super::{Session, receive};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::TransportState;
use crate::control::flow::{Flow, Protocol};
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

/// An RTP stream or sender of RTCP, as far as can be told without a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stream {
    Rtp {
        ssrc: u32,
    },
    /// `tag`: bytes behind the index of an SRTCP packet (RFC 3711 3.4, RFC 7714 9).
    Rtcp {
        tag: usize,
        ssrc: u32,
    },
}

/// The newest that came of a stream: its RTP sequence number or SRTCP index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trace {
    pub stream: Stream,
    pub newest: u32,
}

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

impl Trace {
    /// How far ahead of the newest packet of its stream another one is; `None` when it is not.
    pub fn ahead(&self, number: u32) -> Option<u32> {
        let ahead = match self.stream {
            Stream::Rtp { .. } => match (number as u16).wrapping_sub(self.newest as u16) {
                ahead if ahead < 0x8000 => u32::from(ahead),
                _ => 0,
            },
            Stream::Rtcp { .. } => number.saturating_sub(self.newest),
        };
        (ahead > 0).then_some(ahead)
    }
}

/// The streams that a datagram may go on, each with the number it has there.
pub fn streams(bytes: &[u8]) -> impl Iterator<Item = (Stream, u32)> {
    let kind = multiplex::classify(bytes);
    let rtp = (kind == Multiplexed::Rtp).then(|| {
        let ssrc = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        (Stream::Rtp { ssrc }, u32::from(u16::from_be_bytes([bytes[2], bytes[3]])))
    });
    let rtcp = (kind == Multiplexed::Rtcp).then(|| crate::srtp::rtcp_numbers(bytes));
    let rtcp = rtcp.into_iter().flatten();
    rtp.into_iter().chain(rtcp.map(|(tag, ssrc, index)| (Stream::Rtcp { tag, ssrc }, index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_is_ahead() {
        let rtp = |newest| Trace { stream: Stream::Rtp { ssrc: 1 }, newest };
        assert_eq!(rtp(10).ahead(11), Some(1));
        assert_eq!(rtp(10).ahead(10), None);
        assert_eq!(rtp(10).ahead(9), None);
        assert_eq!(rtp(0xfffe).ahead(3), Some(5), "sequence numbers start over");
        assert_eq!(rtp(3).ahead(0xfffe), None);
        let rtcp = |newest| Trace { stream: Stream::Rtcp { tag: 0, ssrc: 1 }, newest };
        assert_eq!(rtcp(10).ahead(11), Some(1));
        assert_eq!(rtcp(10).ahead(10), None);
        assert_eq!(rtcp(10).ahead(9), None);
    }

    #[test]
    fn a_datagram_is_read_without_a_key() {
        let mut rtp = [0x80, 96, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2];
        assert_eq!(streams(&rtp).collect::<Vec<_>>(), [(Stream::Rtp { ssrc: 7 }, 0x1234)]);
        assert_eq!(streams(&rtp[..11]).count(), 0);
        rtp[0] = 22;
        assert_eq!(streams(&rtp).count(), 0, "DTLS names no stream");

        let mut rtcp = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        rtcp.extend([0x80, 0, 0, 5]);
        rtcp.extend([0x80, 0, 0, 9, 0, 0, 0x80, 0, 0, 6]);
        let expected =
            [(Stream::Rtcp { tag: 0, ssrc: 1 }, 6), (Stream::Rtcp { tag: 10, ssrc: 1 }, 5)];
        assert_eq!(streams(&rtcp).collect::<Vec<_>>(), expected);
        for end in 0..rtcp.len() {
            assert!(streams(&rtcp[..end]).count() <= 2);
        }
    }
}
