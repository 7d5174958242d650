//! Whose a datagram is by the port that it came to, for peers that have ports of their own. A port that
//! several share tells them apart by where they send from, and before that is known by who takes a
//! packet.

use std::collections::HashMap;
use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use crate::control::ids::{IdMap, TransportId};

/// Most peers of one port.
pub const MAX_SHARING: usize = 1024;
/// Peers that one packet from an address that is nobody's is shown to.
const MAX_ASKED: usize = 64;
/// Addresses remembered of each.
const MAX_REMOTES: usize = 8;

/// Ports of this thread that are not those of its endpoint.
#[derive(Default)]
pub struct Ports {
    /// The addresses are of our own making, so nobody can choose them to collide.
    by_local: FxHashMap<SocketAddr, Users>,
    /// The ports of each.
    by_peer: IdMap<TransportId, Vec<SocketAddr>>,
}

enum Users {
    One(TransportId),
    Several(Box<Shared>),
}

#[derive(Default)]
struct Shared {
    members: Vec<Member>,
    by_remote: HashMap<SocketAddr, Vec<TransportId>>,
    /// Where to begin to ask, so that all have their turn.
    next: usize,
}

struct Member {
    id: TransportId,
    remotes: Vec<SocketAddr>,
}

/// Who has a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortOwner {
    /// It is none of these.
    Nobody,
    One(TransportId),
    /// See [`Ports::ask`].
    Several,
}

impl Ports {
    /// Whose a datagram that came there is.
    pub fn owner(&self, local: SocketAddr) -> PortOwner {
        match self.by_local.get(&local) {
            None => PortOwner::Nobody,
            Some(Users::One(id)) => PortOwner::One(*id),
            Some(Users::Several(_)) => PortOwner::Several,
        }
    }

    /// A peer has a port from now on. `shared`: others may have it as well. False when it does not get
    /// it.
    pub fn join(&mut self, local: SocketAddr, id: TransportId, shared: bool) -> bool {
        let joins = self.take(local, id, shared);
        let known = self.by_peer.entry(id).or_default();
        if joins && !known.contains(&local) {
            known.push(local);
        }
        joins
    }

    fn take(&mut self, local: SocketAddr, id: TransportId, shared: bool) -> bool {
        if !shared {
            return match self.by_local.get(&local) {
                None => {
                    self.by_local.insert(local, Users::One(id));
                    true
                }
                // One of several lines.
                Some(Users::One(owner)) => *owner == id,
                Some(Users::Several(_)) => false,
            };
        }
        let users = self.by_local.entry(local).or_insert_with(|| Users::Several(Box::default()));
        let Users::Several(shared) = users else { return false };
        if shared.members.iter().any(|member| member.id == id) {
            return true;
        }
        let room = shared.members.len() < MAX_SHARING;
        if room {
            shared.members.push(Member { id, remotes: Vec::new() });
        }
        room
    }

    /// A peer is gone. Gives whether any of its ports is free now.
    pub fn leave(&mut self, id: TransportId) -> bool {
        let mut free = false;
        for local in self.by_peer.remove(&id).unwrap_or_default() {
            let empty = match self.by_local.get_mut(&local) {
                Some(Users::One(owner)) => *owner == id,
                Some(Users::Several(shared)) => shared.leave(id),
                None => false,
            };
            if empty {
                self.by_local.remove(&local);
                free = true;
            }
        }
        free
    }

    /// Shows a datagram from `remote` that came to a port of several to those whose it may be, until
    /// one `takes` it: it is told whether something of that address was its own before. Gives who did.
    pub fn ask(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        mut takes: impl FnMut(TransportId, bool) -> bool,
    ) -> Option<TransportId> {
        let Users::Several(shared) = self.by_local.get_mut(&local)? else { return None };
        let known = shared.by_remote.get(&remote).cloned().unwrap_or_default();
        if let Some(id) = known.iter().copied().find(|id| takes(*id, true)) {
            return Some(id);
        }
        let count = shared.members.len();
        for turn in 0..count.min(MAX_ASKED) {
            let place = (shared.next + turn) % count;
            let Some(id) = shared.members.get(place).map(|member| member.id) else { break };
            if !known.contains(&id) && takes(id, false) {
                shared.remember(remote, place);
                return Some(id);
            }
        }
        // Of more than are asked the others come first next time.
        if count > MAX_ASKED {
            shared.next = (shared.next + MAX_ASKED) % count;
        }
        None
    }
}

impl Shared {
    fn remember(&mut self, remote: SocketAddr, place: usize) {
        let Some(member) = self.members.get_mut(place) else { return };
        member.remotes.push(remote);
        let id = member.id;
        let old = (member.remotes.len() > MAX_REMOTES).then(|| member.remotes.remove(0));
        self.by_remote.entry(remote).or_default().push(id);
        if let Some(old) = old {
            self.forget(&old, id);
        }
    }

    fn forget(&mut self, remote: &SocketAddr, id: TransportId) {
        if let Some(ids) = self.by_remote.get_mut(remote) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_remote.remove(remote);
            }
        }
    }

    /// Gives whether nobody is left.
    fn leave(&mut self, id: TransportId) -> bool {
        if let Some(place) = self.members.iter().position(|member| member.id == id) {
            let member = self.members.swap_remove(place);
            member.remotes.iter().for_each(|remote| self.forget(remote, id));
        }
        self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    const ONE: TransportId = TransportId(64);
    const TWO: TransportId = TransportId(128);

    #[test]
    fn a_port_of_one_peer_is_no_other_ones() {
        let mut ports = Ports::default();
        assert!(ports.join(at(5004), ONE, false) && ports.join(at(5004), ONE, false));
        assert!(!ports.join(at(5004), TWO, false) && !ports.join(at(5004), TWO, true));
        assert_eq!(ports.owner(at(5004)), PortOwner::One(ONE));
        assert!(!ports.leave(TWO));
        assert!(ports.leave(ONE));
        assert_eq!(ports.owner(at(5004)), PortOwner::Nobody);
    }

    #[test]
    fn who_shares_a_port_is_asked_once_and_known_by_its_address_then() {
        let mut ports = Ports::default();
        assert!(ports.join(at(5004), ONE, true) && ports.join(at(5004), TWO, true));
        assert_eq!(ports.owner(at(5004)), PortOwner::Several);
        let mut asked = Vec::new();
        let mut ask = |ports: &mut Ports, remote, whose| {
            asked.clear();
            let found = ports.ask(at(5004), remote, |id, _| {
                asked.push(id);
                Some(id) == whose
            });
            (found, asked.len())
        };
        assert_eq!(ask(&mut ports, at(1), Some(TWO)), (Some(TWO), 2));
        assert_eq!(ask(&mut ports, at(1), Some(TWO)), (Some(TWO), 1), "known");
        assert_eq!(ask(&mut ports, at(1), Some(ONE)), (Some(ONE), 2), "behind one address");
        assert_eq!(ask(&mut ports, at(2), None), (None, 2));
        assert!(!ports.leave(TWO));
        assert_eq!(ask(&mut ports, at(1), Some(ONE)), (Some(ONE), 1));
        assert!(ports.leave(ONE));
    }

    #[test]
    fn one_packet_is_shown_to_few_and_all_have_their_turn() {
        let mut ports = Ports::default();
        let ids: Vec<TransportId> = (1..=MAX_SHARING as u64).map(|n| TransportId(n << 6)).collect();
        assert!(ids.iter().all(|id| ports.join(at(5004), *id, true)));
        assert!(!ports.join(at(5004), TransportId(1 << 40), true), "no more");
        let mut asked = std::collections::HashSet::new();
        for _ in 0..MAX_SHARING / MAX_ASKED {
            let mut count = 0;
            ports.ask(at(5004), at(9), |id, _| {
                count += 1;
                asked.insert(id);
                false
            });
            assert_eq!(count, MAX_ASKED);
        }
        assert_eq!(asked.len(), MAX_SHARING);
    }
}
