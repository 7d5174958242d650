//! Whether the peer is still there (RFC 7675): anything authentic that comes from it says so. Checks
//! alone would do, but a peer that sends media is there between two of them, and str0m counts them
//! by pairs of addresses, whose end it tells long after the last one.

use std::time::{Duration, Instant};

use super::Session;
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::Flow;

/// Whoever says nothing for this long is told to be disconnected: longer than the checks of a peer
/// may be apart that sends nothing else (RFC 7675 5.1: up to six seconds).
const SILENCE: Duration = Duration::from_secs(7);

impl Session {
    /// Something authentic came from the peer.
    pub(super) fn consent(&mut self, now: Instant) {
        self.consented = now;
        if self.state == TransportState::Disconnected {
            self.set_state(TransportState::Connected);
        }
    }

    /// Whether a datagram answers a check of ours. To be asked before str0m takes it.
    pub(super) fn answers_check(&self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        // Of a known address str0m says that it takes everything, so it is asked of another one.
        let nowhere = Flow { remote: ([0, 0, 0, 0], 0).into(), ..*flow };
        !self.options.ice_lite
            && multiplex::stun_is_response(bytes)
            && self.accepts(now, &nowhere, bytes)
    }

    /// What the datagram that was just taken says about consent: media and reports that were
    /// decrypted, an answer to a check of ours, a record of the DTLS association. Checks of the
    /// peer count when they are answered, see [`Session::on_checked`].
    pub(super) fn note_consent(&mut self, now: Instant, kind: Multiplexed, authentic: bool) {
        if authentic || (kind == Multiplexed::Dtls && self.dtls.take_heard()) {
            self.consent(now);
        }
    }

    /// The peer has been silent for too long, or for long enough to say so.
    pub(super) fn poll_consent(&mut self, now: Instant) {
        let timeout = self.options.disconnect_timeout;
        match self.state {
            TransportState::Connected if now >= self.consented + self.silence() => {
                self.set_state(TransportState::Disconnected);
            }
            TransportState::Disconnected if now >= self.consented + timeout => {
                self.end(CloseReason::Timeout);
            }
            _ => {}
        }
    }

    /// When [`Session::poll_consent`] wants to be called.
    pub(super) fn consent_at(&self) -> Option<Instant> {
        match self.state {
            TransportState::Connected => Some(self.consented + self.silence()),
            TransportState::Disconnected => Some(self.consented + self.options.disconnect_timeout),
            _ => None,
        }
    }

    /// So that `disconnected` comes before the end, however soon that is.
    fn silence(&self) -> Duration {
        SILENCE.min(self.options.disconnect_timeout / 2)
    }
}
