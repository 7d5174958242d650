//! Which datagrams are a peer's: by what it is found, and what tells it from others behind the same
//! address. A peer that panics here has no datagrams; settling finds out about the panic.

use std::time::Instant;

use super::{Kind, Peer};
use crate::control::flow::Flow;
use crate::engine::shared_flow::Stream;
use crate::peer::Trace;
use crate::sending::Workspace;

impl Peer {
    /// The user name fragment that checks for this peer carry, once after each change
    /// (RFC 8445 7.2.2). Kinds that are not found by checks have none.
    pub fn take_new_ufrag(&mut self) -> Option<String> {
        let ufrag = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.take_new_ufrag().map(str::to_owned),
            Kind::Plain(_) => None,
        });
        ufrag.flatten()
    }

    /// Whether a STUN message with its user name is from this peer: authenticated by its password.
    pub fn accepts(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        let accepts = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.accepts(now, flow, bytes),
            Kind::Plain(_) => false,
        });
        accepts.unwrap_or(false)
    }

    /// Whether the SSRC is one of this peer's: announced or learned, or heard of in RTCP.
    pub fn knows(&mut self, stream: Stream) -> bool {
        let knows = self.run(|kind| match kind {
            Kind::WebRtc(session) => match stream {
                Stream::Rtp(ssrc) => session.was_told_of(ssrc),
                Stream::Rtcp(ssrc) => session.has_heard_reports_of(ssrc),
            },
            Kind::Plain(_) => false,
        });
        knows.unwrap_or(false)
    }

    /// Whether a datagram that came to a port of several may be this one's, as far as can be told
    /// without a key.
    pub fn may_take(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        let may = self.run(|kind| match kind {
            Kind::WebRtc(_) => false,
            Kind::Plain(session) => session.may_take(now, flow, bytes),
        });
        may.unwrap_or(false)
    }

    /// Takes a datagram that may be somebody else's. Gives whether it was authentic and not there
    /// before.
    pub fn opens(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        let opens = self.run(|kind| match kind {
            Kind::WebRtc(session) => {
                let before = session.authentic_received();
                session.handle_datagram(now, flow, bytes, workspace);
                session.authentic_received() != before
            }
            Kind::Plain(session) => {
                let before = session.accepted();
                session.handle_datagram(now, flow, bytes, workspace);
                session.accepted() != before
            }
        });
        opens.unwrap_or(false)
    }

    /// Whether DTLS records that nothing names a peer of may be its own: it has DTLS, and not wrapped.
    pub fn takes_bare_dtls(&mut self) -> bool {
        let takes = self.run(|kind| match kind {
            Kind::WebRtc(session) => !session.is_wrapped(),
            Kind::Plain(_) => false,
        });
        takes.unwrap_or(false)
    }

    /// Whether its DTLS handshake is not through.
    pub fn awaits_handshake(&mut self) -> bool {
        let awaits = self.run(|kind| match kind {
            Kind::WebRtc(session) => !session.has_keys(),
            Kind::Plain(_) => false,
        });
        awaits.unwrap_or(false)
    }

    /// What its datagrams would go on from, if it may have moved to another address. `None` when it
    /// panicked.
    pub fn traces(&mut self, now: Instant, each: impl FnMut(Trace)) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.traces(now, each),
            Kind::Plain(_) => {}
        })
    }

    /// Media or RTCP came from an address that is nobody's. Takes it when it is this peer's, and its
    /// address is to be remembered then, until it is among those of [`Peer::take_refuted`].
    pub fn claim(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        let claims = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.claim(now, flow, bytes, workspace),
            Kind::Plain(_) => false,
        });
        claims.unwrap_or(false)
    }

    /// Hands over addresses that are not to be remembered as this peer's after all.
    pub fn take_refuted(&mut self, each: impl FnMut(Flow)) {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.take_refuted().for_each(each),
            Kind::Plain(_) => {}
        });
    }
}
