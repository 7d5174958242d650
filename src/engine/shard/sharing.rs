//! Datagrams from an address that several peers are behind.

use std::time::Instant;

use super::Shard;
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::flow::Flow;
use crate::control::ids::{IdMap, TransportId};
use crate::engine::budget::Work;
use crate::engine::peer::Peer;
use crate::engine::shared_flow::Stream;

/// Peers that may get one DTLS record of which only their keys could tell whose it is.
const MAX_RECIPIENTS: usize = 4;

impl Shard {
    /// Everything but STUN, which names its peer.
    pub(super) fn handle_shared(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        match multiplex::classify(bytes) {
            Multiplexed::Dtls => self.handle_shared_dtls(now, flow, bytes),
            Multiplexed::Rtp => {
                let ssrc = bytes.get(8..12).and_then(|field| field.try_into().ok());
                let stream = ssrc.map(|ssrc| Stream::Rtp(u32::from_be_bytes(ssrc)));
                self.handle_shared_media(now, flow, bytes, stream);
            }
            Multiplexed::Rtcp => {
                let ssrc = bytes.get(4..8).and_then(|field| field.try_into().ok());
                let stream = ssrc.map(|ssrc| Stream::Rtcp(u32::from_be_bytes(ssrc)));
                self.handle_shared_media(now, flow, bytes, stream);
            }
            Multiplexed::Stun | Multiplexed::Unknown => self.unmatched += 1,
        }
    }

    fn handle_shared_media(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        stream: Option<Stream>,
    ) {
        let Self { core, media, demultiplexer, tries, budget, .. } = self;
        let (peers, touched) = (&mut core.peers, &mut core.touched);
        let workspace = &mut media.workspace;
        let (Some(shared), Some(stream)) = (demultiplexer.shared(flow), stream) else { return };
        // Two closures look at the peers, one after the other.
        let peers = std::cell::RefCell::new(peers);
        let knows = |id| is(&mut peers.borrow_mut(), id, |peer| peer.knows(stream));
        let opens = |id| {
            let mut peers = peers.borrow_mut();
            let Some(peer) = peers.get_mut(&id) else { return false };
            // It tries that when it is up.
            if budget.is_measured() && budget.hold(id, flow, bytes) {
                return false;
            }
            budget.begin(Some(id), Work::of(bytes));
            let opened = peer.opens(now, flow, bytes, workspace);
            if !std::mem::replace(&mut peer.touched, true) {
                touched.push_back(id);
            }
            opened
        };
        shared.open(now, stream, tries, knows, opens);
    }

    /// Records that are not wrapped, so that nothing names their peer. There is one such peer in
    /// practice: who has the address now. Another one may have had it before and be gone, or only
    /// pretend to be there.
    fn handle_shared_dtls(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        let Some(shared) = self.demultiplexer.shared(flow) else { return };
        let mut recipients = shared.latest();
        recipients.retain(|id| is(&mut self.core.peers, *id, Peer::takes_bare_dtls));
        if multiplex::is_dtls_plaintext(bytes) {
            // The messages of a handshake go to one peer only: in the order in which they came to
            // this address the first that has no keys, or else whoever was heard last.
            let waiting = self.demultiplexer.shared(flow).and_then(|shared| {
                let mut waiting = shared.members().filter(|id| recipients.contains(id));
                waiting.find(|id| is(&mut self.core.peers, *id, Peer::awaits_handshake))
            });
            recipients = waiting.or(recipients.first().copied()).into_iter().collect();
        }
        // An association passes over records that its keys do not open (RFC 6347 4.1.2.7).
        for id in recipients.into_iter().take(MAX_RECIPIENTS) {
            if self.is_up(id, flow, bytes) {
                self.take_datagram(now, id, flow, bytes);
            }
        }
    }
}

fn is(
    peers: &mut IdMap<TransportId, Peer>,
    id: TransportId,
    what: impl FnOnce(&mut Peer) -> bool,
) -> bool {
    peers.get_mut(&id).is_some_and(what)
}
