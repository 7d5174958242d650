//! Packets that a peer sent and nobody gets, by the reason.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::control::stats::DroppedPackets;

/// Why a packet was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropReason {
    /// No RTP, or its padding is longer than it (RFC 3550 5.1).
    Malformed,
    /// No tag of this peer (RFC 3711 3.3), or there are no keys yet.
    Unauthenticated,
    /// It was there before, or is too old to tell (RFC 3711 3.3.2). The network repeats packets,
    /// too.
    Replayed,
    /// Its line has no such payload type.
    UnknownPayloadType,
    /// It belongs to no line, or not to exactly one (RFC 9143 9.2).
    NoLine,
    /// Its SSRC is one too many for this peer or this track.
    TooManySources,
    /// Another SSRC took the place of the one it has.
    Superseded,
    /// Its track was closed on this side.
    Refused,
    /// The peer goes on above what it may send.
    TooMuch,
}

/// Counts a dropped packet by its reason.
pub(super) fn count(drops: &mut DroppedPackets, reason: DropReason) {
    *match reason {
        DropReason::Malformed => &mut drops.malformed,
        DropReason::Unauthenticated => &mut drops.unauthenticated,
        DropReason::Replayed => &mut drops.replayed,
        DropReason::UnknownPayloadType => &mut drops.unknown_payload_type,
        DropReason::NoLine => &mut drops.no_line,
        DropReason::TooManySources => &mut drops.too_many_sources,
        DropReason::Superseded => &mut drops.superseded,
        DropReason::Refused => &mut drops.refused,
        DropReason::TooMuch => &mut drops.too_much,
    } += 1;
}

impl DropReason {
    /// Whether the peer sent it: it was decrypted, and was not there before.
    pub fn is_authentic(self) -> bool {
        match self {
            DropReason::Malformed | DropReason::Unauthenticated | DropReason::Replayed => false,
            DropReason::UnknownPayloadType
            | DropReason::NoLine
            | DropReason::TooManySources
            | DropReason::Superseded
            | DropReason::Refused
            | DropReason::TooMuch => true,
        }
    }

    /// Whether it shows that something is wrong between the peer and its description. The others
    /// happen in every network.
    fn is_a_fault(self) -> bool {
        matches!(
            self,
            DropReason::UnknownPayloadType | DropReason::NoLine | DropReason::TooManySources
        )
    }
}

/// Tells the log of a dropped packet, of one a second for all peers together.
pub(super) fn warn(now: Instant, reason: DropReason, ssrc: u32, pt: u8) {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    /// The second in which the next one may be told.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if !reason.is_a_fault() {
        return;
    }
    let second = now.saturating_duration_since(*ORIGIN.get_or_init(|| now)).as_secs();
    let next = NEXT.load(Ordering::Relaxed);
    let free = second >= next;
    let (order, after) = (Ordering::Relaxed, second + 1);
    if free && NEXT.compare_exchange(next, after, order, order).is_ok() {
        tracing::warn!(?reason, ssrc, pt, "packets of a peer are dropped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let mut drops = DroppedPackets::default();
        for reason in [
            DropReason::Malformed,
            DropReason::Unauthenticated,
            DropReason::Replayed,
            DropReason::UnknownPayloadType,
            DropReason::NoLine,
            DropReason::TooManySources,
            DropReason::Superseded,
            DropReason::Refused,
            DropReason::TooMuch,
        ] {
            count(&mut drops, reason);
        }
        let once = DroppedPackets {
            malformed: 1,
            unauthenticated: 1,
            replayed: 1,
            unknown_payload_type: 1,
            no_line: 1,
            too_many_sources: 1,
            superseded: 1,
            refused: 1,
            too_much: 1,
        };
        assert_eq!(drops, once);
    }
}
