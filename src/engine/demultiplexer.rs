//! Which peer a datagram is from. By source address where ICE has validated it; before that only
//! STUN gets in, by the user name it carries and its integrity (RFC 8445 7.3, RFC 7983). Who a peer
//! is that moved, its own keys say: see [`Movers`](crate::engine::movers::Movers).

use std::collections::HashMap;

use crate::codec::multiplex::{self, Multiplexed};
use crate::control::flow::Flow;
use crate::control::ids::{IdMap, TransportId};

/// Addresses remembered per peer: a peer that roams leaves its old ones behind.
const MAX_FLOWS: usize = 32;
/// User name fragments remembered per peer: an ICE restart leaves the old one behind.
const MAX_UFRAGS: usize = 4;
/// Peers that may be checking the same address of ours at once (full ICE).
const MAX_CHECKS: usize = 8;

#[derive(Default)]
pub struct Demultiplexer {
    flows: HashMap<Flow, TransportId>,
    ufrags: HashMap<String, TransportId>,
    /// Where our own connectivity checks went, and whose they were.
    checks: HashMap<Flow, Vec<TransportId>>,
    peers: IdMap<TransportId, Names>,
}

/// What leads to one peer.
#[derive(Default)]
struct Names {
    flows: Vec<Flow>,
    ufrags: Vec<String>,
    checks: Vec<Flow>,
}

impl Demultiplexer {
    /// Whose datagram it is. `accepts` says whether a STUN message is authentic for a peer.
    pub fn find(
        &mut self,
        flow: &Flow,
        bytes: &[u8],
        mut accepts: impl FnMut(TransportId) -> bool,
    ) -> Option<TransportId> {
        let known = self.flows.get(flow).copied();
        if multiplex::classify(bytes) != Multiplexed::Stun {
            return known;
        }
        let claimed = match multiplex::stun_local_ufrag(bytes) {
            Some(ufrag) => self.ufrags.get(ufrag).copied(),
            None => None,
        };
        match (known, claimed) {
            // The ordinary case, and every STUN message that names nobody.
            (Some(known), Some(claimed)) if known == claimed => return Some(known),
            (Some(known), None) => return Some(known),
            _ => {}
        }
        // A new address, or one that now speaks for another peer.
        let candidates = claimed.into_iter().chain(
            self.checks
                .get(flow)
                .filter(|_| multiplex::stun_is_response(bytes))
                .into_iter()
                .flatten()
                .copied(),
        );
        let found = candidates.into_iter().find(|id| accepts(*id))?;
        self.bind(*flow, found);
        Some(found)
    }

    /// Datagrams from there are this peer's from now on.
    pub fn bind(&mut self, flow: Flow, id: TransportId) {
        if let Some(before) = self.flows.insert(flow, id)
            && let Some(names) = self.peers.get_mut(&before)
        {
            names.flows.retain(|f| *f != flow);
        }
        let names = self.peers.entry(id).or_default();
        names.flows.push(flow);
        if names.flows.len() > MAX_FLOWS {
            let oldest = names.flows.remove(0);
            self.flows.remove(&oldest);
        }
    }

    /// A peer's checks will carry this user name fragment from now on, beside earlier ones.
    pub fn add_ufrag(&mut self, id: TransportId, ufrag: &str) {
        let names = self.peers.entry(id).or_default();
        if names.ufrags.iter().any(|known| known == ufrag) {
            return;
        }
        names.ufrags.push(ufrag.to_owned());
        if names.ufrags.len() > MAX_UFRAGS {
            let oldest = names.ufrags.remove(0);
            self.ufrags.remove(&oldest);
        }
        self.ufrags.insert(ufrag.to_owned(), id);
    }

    /// A datagram of the peer's session leaves. When it is a connectivity check, its response
    /// will come from that address.
    pub fn sent(&mut self, id: TransportId, flow: &Flow, bytes: &[u8]) {
        if !multiplex::stun_is_request(bytes) || self.flows.contains_key(flow) {
            return;
        }
        let checking = self.checks.entry(*flow).or_default();
        if checking.contains(&id) || checking.len() >= MAX_CHECKS {
            return;
        }
        checking.push(id);
        let names = self.peers.entry(id).or_default();
        names.checks.push(*flow);
        if names.checks.len() > MAX_FLOWS {
            let oldest = names.checks.remove(0);
            self.forget_check(&oldest, id);
        }
    }

    fn forget_check(&mut self, flow: &Flow, id: TransportId) {
        if let Some(checking) = self.checks.get_mut(flow) {
            checking.retain(|other| *other != id);
            if checking.is_empty() {
                self.checks.remove(flow);
            }
        }
    }

    /// An address is not this peer's after all. It may be another one's by now.
    pub fn unbind(&mut self, flow: &Flow, id: TransportId) {
        if self.flows.get(flow) == Some(&id) {
            self.remove_flow(flow);
        }
    }

    /// A TCP connection ended.
    pub fn remove_flow(&mut self, flow: &Flow) {
        if let Some(id) = self.flows.remove(flow)
            && let Some(names) = self.peers.get_mut(&id)
        {
            names.flows.retain(|f| f != flow);
        }
    }

    /// Forgets a peer; gives the flows that led to it.
    pub fn remove(&mut self, id: TransportId) -> Vec<Flow> {
        let Some(names) = self.peers.remove(&id) else { return Vec::new() };
        for ufrag in &names.ufrags {
            self.ufrags.remove(ufrag);
        }
        for flow in &names.checks {
            self.forget_check(flow, id);
        }
        for flow in &names.flows {
            self.flows.remove(flow);
        }
        names.flows
    }
}
