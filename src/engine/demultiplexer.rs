//! Which peer a datagram is from. By source address where ICE has validated it; before that only
//! STUN gets in, by the user name it carries and its integrity (RFC 8445 7.3, RFC 7983). Where
//! several peers are behind one pair of addresses, STUN names one of them and the rest is told apart
//! by a [`SharedFlow`]. Who a peer is that moved, its own keys say: see
//! [`Movers`](crate::engine::movers::Movers).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::codec::multiplex::{self, Multiplexed, Transaction};
use crate::codec::wrapped;
use crate::control::flow::Flow;
use crate::control::ids::{IdMap, TransportId};
use crate::engine::shared_flow::{MAX_SHARING, SharedFlow};

/// Addresses remembered per peer: a peer that roams leaves its old ones behind.
const MAX_FLOWS: usize = 32;
/// User name fragments remembered per peer: an ICE restart leaves the old one behind.
const MAX_UFRAGS: usize = 4;
/// Checks remembered for each peer that checks an address: its answer is to come, or was lost.
const MAX_TRANSACTIONS: usize = 8;

/// Whose a datagram is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addressee {
    Peer(TransportId),
    /// One of those that [`Demultiplexer::shared`] tells.
    Several,
    Nobody,
}

/// The tables that lead from a datagram to its peer.
#[derive(Default)]
pub struct Demultiplexer {
    flows: HashMap<Flow, Owner>,
    /// What the last datagram found in them, until they change: datagrams of a peer come in runs, and
    /// a table that nobody can choose collisions of has an expensive hash.
    recent: Option<(Flow, TransportId)>,
    ufrags: HashMap<String, TransportId>,
    /// Where our own connectivity checks went, and whose they were.
    checks: HashMap<Flow, Checking>,
    peers: IdMap<TransportId, Names>,
}

/// Who is behind a pair of addresses.
enum Owner {
    One(TransportId),
    Several(Box<SharedFlow>),
}

/// Peers that check one address of ours against one of theirs (full ICE).
#[derive(Default)]
struct Checking {
    peers: Vec<TransportId>,
    transactions: VecDeque<(Transaction, TransportId)>,
}

/// What leads to one peer.
#[derive(Default)]
struct Names {
    flows: Vec<Flow>,
    ufrags: Vec<String>,
    checks: Vec<Flow>,
}

impl Owner {
    fn has(&self, id: TransportId) -> bool {
        match self {
            Owner::One(owner) => *owner == id,
            Owner::Several(shared) => shared.has(id),
        }
    }
}

impl Demultiplexer {
    /// Whose datagram it is. `accepts` says whether a STUN message is authentic for a peer.
    pub fn find(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        accepts: impl FnMut(TransportId) -> bool,
    ) -> Addressee {
        if multiplex::classify(bytes) == Multiplexed::Stun {
            let Some(id) = self.find_by_stun(now, flow, bytes, accepts) else {
                return Addressee::Nobody;
            };
            if let Some(shared) = self.shared(flow) {
                shared.heard(now, id);
            }
            return Addressee::Peer(id);
        }
        if let Some((recent, id)) = &self.recent
            && recent == flow
        {
            return Addressee::Peer(*id);
        }
        match self.flows.get(flow) {
            Some(Owner::One(id)) => {
                self.recent = Some((*flow, *id));
                Addressee::Peer(*id)
            }
            Some(Owner::Several(_)) => Addressee::Several,
            None => Addressee::Nobody,
        }
    }

    fn find_by_stun(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        mut accepts: impl FnMut(TransportId) -> bool,
    ) -> Option<TransportId> {
        let owner = self.flows.get(flow);
        if let Some((ufrag, _)) = wrapped::unwrap(bytes) {
            let named = self.ufrags.get(ufrag).copied()?;
            return owner?.has(named).then_some(named);
        }
        let named = match multiplex::stun_local_ufrag(bytes) {
            Some(ufrag) => self.ufrags.get(ufrag).copied(),
            None => self.checks.get(flow).and_then(|checking| checking.answered(bytes)),
        };
        match (owner, named) {
            // The ordinary case.
            (Some(owner), Some(named)) if owner.has(named) => return Some(named),
            // What names nobody, such as an indication that keeps a NAT's mapping.
            (Some(Owner::One(id)), None) => return Some(*id),
            (_, None) => return None,
            _ => {}
        }
        // A new address, or one that somebody else is behind as well: who was there before stays,
        // or anybody could take an address away by a check of his own that seems to come from there.
        let named = named.filter(|id| accepts(*id))?;
        self.join(now, *flow, named).then_some(named)
    }

    /// The peers behind a flow that has several.
    pub fn shared(&mut self, flow: &Flow) -> Option<&mut SharedFlow> {
        match self.flows.get_mut(flow)? {
            Owner::One(_) => None,
            Owner::Several(shared) => Some(shared),
        }
    }

    /// Datagrams from there may be this peer's from now on, beside those that were there before.
    /// False when there is no room for it.
    pub fn join(&mut self, now: Instant, flow: Flow, id: TransportId) -> bool {
        self.recent = None;
        match self.flows.entry(flow) {
            Entry::Vacant(entry) => {
                entry.insert(Owner::One(id));
                // Its own answers need not be told from others' any more.
                if self.checks.get(&flow).is_some_and(|checking| checking.peers == [id]) {
                    self.checks.remove(&flow);
                }
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                Owner::One(before) if *before == id => return true,
                Owner::One(before) => {
                    let shared = SharedFlow::new(now, *before, id);
                    entry.insert(Owner::Several(Box::new(shared)));
                }
                Owner::Several(shared) => {
                    if !shared.join(now, id) {
                        return false;
                    }
                }
            },
        }
        let names = self.peers.entry(id).or_default();
        if !names.flows.contains(&flow) {
            names.flows.push(flow);
        }
        if names.flows.len() > MAX_FLOWS {
            let oldest = names.flows.remove(0);
            self.leave(&oldest, id);
        }
        true
    }

    /// Takes a peer off a flow. Gives whether nobody is left there.
    fn leave(&mut self, flow: &Flow, id: TransportId) -> bool {
        self.recent = None;
        let Entry::Occupied(mut entry) = self.flows.entry(*flow) else { return true };
        match entry.get_mut() {
            Owner::One(owner) if *owner == id => {
                entry.remove();
                true
            }
            Owner::One(_) => false,
            Owner::Several(shared) => {
                if let Some(last) = shared.leave(id) {
                    entry.insert(Owner::One(last));
                }
                false
            }
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
        let Some(transaction) = multiplex::stun_request(bytes) else { return };
        let alone = matches!(self.flows.get(flow), Some(Owner::One(owner)) if *owner == id);
        if alone && !self.checks.contains_key(flow) {
            return;
        }
        let checking = self.checks.entry(*flow).or_default();
        if !checking.peers.contains(&id) {
            if checking.peers.len() >= MAX_SHARING {
                return;
            }
            checking.peers.push(id);
            let names = self.peers.entry(id).or_default();
            names.checks.push(*flow);
            if names.checks.len() > MAX_FLOWS {
                let oldest = names.checks.remove(0);
                self.forget_check(&oldest, id);
            }
        }
        if let Some(checking) = self.checks.get_mut(flow) {
            checking.remember(transaction, id);
        }
    }

    fn forget_check(&mut self, flow: &Flow, id: TransportId) {
        if let Some(checking) = self.checks.get_mut(flow) {
            checking.peers.retain(|other| *other != id);
            checking.transactions.retain(|(_, other)| *other != id);
            if checking.peers.is_empty() {
                self.checks.remove(flow);
            }
        }
    }

    /// An address is not this peer's after all. It may be another one's by now.
    pub fn unbind(&mut self, flow: &Flow, id: TransportId) {
        if let Some(names) = self.peers.get_mut(&id) {
            names.flows.retain(|f| f != flow);
        }
        self.leave(flow, id);
    }

    /// A TCP connection ended.
    pub fn remove_flow(&mut self, flow: &Flow) {
        self.recent = None;
        let members = match self.flows.remove(flow) {
            None => return,
            Some(Owner::One(id)) => vec![id],
            Some(Owner::Several(shared)) => shared.members().collect(),
        };
        for id in members {
            if let Some(names) = self.peers.get_mut(&id) {
                names.flows.retain(|f| f != flow);
            }
        }
    }

    /// Forgets a peer; gives the flows that led to it and to nobody else.
    pub fn remove(&mut self, id: TransportId) -> Vec<Flow> {
        let Some(mut names) = self.peers.remove(&id) else { return Vec::new() };
        for ufrag in &names.ufrags {
            self.ufrags.remove(ufrag);
        }
        for flow in &names.checks {
            self.forget_check(flow, id);
        }
        names.flows.retain(|flow| self.leave(flow, id));
        names.flows
    }
}

impl Checking {
    fn remember(&mut self, transaction: Transaction, id: TransportId) {
        if self.transactions.len() >= MAX_TRANSACTIONS * self.peers.len() {
            self.transactions.pop_front();
        }
        self.transactions.push_back((transaction, id));
    }

    /// Whose check a STUN response answers.
    fn answered(&self, bytes: &[u8]) -> Option<TransportId> {
        let transaction = multiplex::stun_response(bytes)?;
        let mut known = self.transactions.iter().rev();
        known.find(|(known, _)| *known == transaction).map(|(_, id)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::flow::Protocol;

    const A: TransportId = TransportId(1);
    const B: TransportId = TransportId(2);
    const RTP: [u8; 12] = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];

    fn flow(port: u16) -> Flow {
        let (local, remote) = (([10, 0, 0, 1], 40_000).into(), ([10, 0, 0, 2], port).into());
        Flow { protocol: Protocol::Udp, local, remote }
    }

    fn stun(kind: u16, transaction: u8, user_name: &str) -> Vec<u8> {
        let mut message = kind.to_be_bytes().to_vec();
        let padded = user_name.len().next_multiple_of(4);
        let length = if user_name.is_empty() { 0 } else { 4 + padded };
        message.extend((length as u16).to_be_bytes());
        message.extend(0x2112_a442_u32.to_be_bytes());
        message.extend([transaction; 12]);
        if !user_name.is_empty() {
            message.extend([0, 6]);
            message.extend((user_name.len() as u16).to_be_bytes());
            message.extend(user_name.as_bytes());
            message.resize(20 + length, 0);
        }
        message
    }

    fn check(of: &str) -> Vec<u8> {
        stun(1, 9, &format!("{of}:peer"))
    }

    struct Fixture {
        demultiplexer: Demultiplexer,
        now: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let mut demultiplexer = Demultiplexer::default();
            demultiplexer.add_ufrag(A, "aaaa");
            demultiplexer.add_ufrag(B, "bbbb");
            Self { demultiplexer, now: Instant::now() }
        }

        fn find(&mut self, port: u16, bytes: &[u8]) -> Addressee {
            self.demultiplexer.find(self.now, &flow(port), bytes, |_| true)
        }
    }

    #[test]
    fn an_authentic_check_opens_an_address_for_its_peer_and_a_forged_one_does_not() {
        let mut f = Fixture::new();
        let forged = f.demultiplexer.find(f.now, &flow(1), &check("aaaa"), |_| false);
        assert_eq!(forged, Addressee::Nobody);
        assert_eq!(f.find(1, &RTP), Addressee::Nobody);
        assert_eq!(f.find(1, &check("aaaa")), Addressee::Peer(A));
        assert_eq!(f.find(1, &RTP), Addressee::Peer(A));
        assert_eq!(f.find(2, &RTP), Addressee::Nobody);
    }

    #[test]
    fn a_check_from_an_address_that_is_anothers_shares_it_and_takes_nothing_away() {
        let mut f = Fixture::new();
        f.find(1, &check("aaaa"));
        assert_eq!(f.find(1, &check("bbbb")), Addressee::Peer(B));
        assert_eq!(f.find(1, &RTP), Addressee::Several);
        let members: Vec<_> = f.demultiplexer.shared(&flow(1)).unwrap().members().collect();
        assert_eq!(members, [A, B]);
        assert_eq!(f.find(1, &check("aaaa")), Addressee::Peer(A));
    }

    #[test]
    fn who_is_left_behind_an_address_has_it_alone_again() {
        let mut f = Fixture::new();
        f.find(1, &check("aaaa"));
        f.find(1, &check("bbbb"));
        assert_eq!(f.demultiplexer.remove(A), [], "it leads to another one still");
        assert_eq!(f.find(1, &RTP), Addressee::Peer(B));
        assert_eq!(f.demultiplexer.remove(B), [flow(1)]);
        assert_eq!(f.find(1, &RTP), Addressee::Nobody);
    }

    #[test]
    fn where_the_last_datagram_led_is_forgotten_with_its_connection() {
        let mut f = Fixture::new();
        f.find(1, &check("aaaa"));
        assert_eq!([f.find(1, &RTP), f.find(1, &RTP)], [Addressee::Peer(A); 2]);
        f.demultiplexer.remove_flow(&flow(1));
        assert_eq!(f.find(1, &RTP), Addressee::Nobody);
    }

    #[test]
    fn an_answer_belongs_to_whoever_asked() {
        let mut f = Fixture::new();
        for (id, transaction) in [(A, 1), (B, 2)] {
            f.demultiplexer.sent(id, &flow(1), &stun(1, transaction, "peer:some"));
        }
        assert_eq!(f.find(1, &stun(0x101, 3, "")), Addressee::Nobody, "nobody asked that");
        assert_eq!(f.find(1, &stun(0x101, 2, "")), Addressee::Peer(B));
        assert_eq!(f.find(1, &RTP), Addressee::Peer(B));
        assert_eq!(f.find(1, &stun(0x101, 1, "")), Addressee::Peer(A));
        assert_eq!(f.find(1, &RTP), Addressee::Several);
    }

    #[test]
    fn checks_of_a_peer_that_is_alone_are_not_remembered_and_those_of_others_are_bounded() {
        let mut f = Fixture::new();
        f.demultiplexer.sent(A, &flow(1), &stun(1, 1, "peer:some"));
        f.find(1, &stun(0x101, 1, ""));
        f.demultiplexer.sent(A, &flow(1), &stun(1, 2, "peer:some"));
        assert!(f.demultiplexer.checks.is_empty());
        for transaction in 0..200 {
            f.demultiplexer.sent(B, &flow(1), &stun(1, transaction, "peer:some"));
        }
        assert_eq!(f.demultiplexer.checks[&flow(1)].transactions.len(), MAX_TRANSACTIONS);
        f.demultiplexer.remove(B);
        assert!(f.demultiplexer.checks.is_empty());
    }

    #[test]
    fn wrapped_records_go_to_the_peer_they_name_where_ice_has_validated_its_address() {
        let mut f = Fixture::new();
        let mut record = Vec::new();
        assert!(wrapped::wrap(&mut record, "bbbb", "peer", &[22; 40]));
        f.find(1, &check("aaaa"));
        assert_eq!(f.find(1, &record), Addressee::Nobody);
        f.find(1, &check("bbbb"));
        assert_eq!(f.find(1, &record), Addressee::Peer(B));
        assert_eq!(f.find(2, &record), Addressee::Nobody);
    }

    #[test]
    fn more_than_an_address_has_room_for_are_refused() {
        let mut f = Fixture::new();
        for id in 0..MAX_SHARING as u64 + 1 {
            f.demultiplexer.add_ufrag(TransportId(id), &format!("u{id}"));
        }
        for id in 0..MAX_SHARING as u64 {
            assert_eq!(f.find(1, &check(&format!("u{id}"))), Addressee::Peer(TransportId(id)));
        }
        assert_eq!(f.find(1, &check(&format!("u{MAX_SHARING}"))), Addressee::Nobody);
    }

    #[test]
    fn of_a_peer_that_roams_the_oldest_addresses_are_forgotten() {
        let mut f = Fixture::new();
        for port in 1..=MAX_FLOWS as u16 + 1 {
            f.find(port, &check("aaaa"));
        }
        assert_eq!(f.find(1, &RTP), Addressee::Nobody);
        assert_eq!(f.find(2, &RTP), Addressee::Peer(A));
    }
}
