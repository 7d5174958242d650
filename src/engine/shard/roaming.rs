//! Datagrams from addresses that are nobody's.

use std::time::Instant;

use super::Shard;
use crate::control::flow::{Flow, Protocol};

impl Shard {
    /// Media or RTCP of a peer that moved leads to it from now on. Everything else is nobody's.
    pub(super) fn handle_stranger(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        if flow.protocol != Protocol::Udp || !self.is_of_mover(now, flow, bytes) {
            self.unmatched += 1;
        }
    }

    fn is_of_mover(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        let Self { core, media, movers, .. } = self;
        let (peers, touched) = (&mut core.peers, &mut core.touched);
        let workspace = &mut media.workspace;
        if movers.is_stale(now, bytes) {
            movers.refresh(now, |traces| {
                for (id, peer) in peers.iter_mut() {
                    let told = peer.traces(now, |trace| traces.push((trace, *id)));
                    if told.is_none() && !std::mem::replace(&mut peer.touched, true) {
                        touched.push_back(*id);
                    }
                }
            });
        }
        let found = movers.find(now, bytes, |id| {
            let Some(peer) = peers.get_mut(&id) else { return false };
            let claims = peer.claim(now, flow, bytes, workspace);
            if !std::mem::replace(&mut peer.touched, true) {
                touched.push_back(id);
            }
            claims
        });
        if let Some(id) = found {
            tracing::debug!(transport = %id, address = %flow.remote, "the peer moved");
            self.demultiplexer.join(now, *flow, id);
        }
        found.is_some()
    }
}
