//! Where TCP connections come from, so that no place takes them all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// Most connections from one origin that nobody here has answered yet.
const MAX_STRANGERS: usize = 64;
/// Most connections from one origin. An office whose firewall stops UDP has all its people come
/// by TCP from one address, so this is far above what one peer needs.
const MAX_CONNECTIONS: usize = 1_024;

/// Counts connections by origin: an IPv4 address, or an IPv6 /64, which is what one subscriber
/// has to himself (RFC 6177 section 2).
#[derive(Default, Debug)]
pub(crate) struct Origins(HashMap<IpAddr, Count>);

#[derive(Default, Debug)]
struct Count {
    connections: usize,
    /// Ids of connections that were not answered yet, in the order they came.
    strangers: VecDeque<usize>,
}

/// Whether a new connection may stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It is counted, as a stranger.
    Admitted,
    /// Not before this stranger, the oldest of the same origin, is gone. Were it the newcomer that
    /// has to go, 64 connections that say nothing would lock out everybody behind one NAT.
    InPlaceOf(usize),
    /// Its origin has as many as it may, all of them answered.
    Refused,
}

impl Origins {
    /// Counts a new connection, a stranger at first, unless its origin has enough.
    pub fn admit(&mut self, remote: IpAddr, id: usize) -> Admission {
        let count = self.0.entry(origin(remote)).or_default();
        if count.strangers.len() < MAX_STRANGERS && count.connections < MAX_CONNECTIONS {
            count.strangers.push_back(id);
            count.connections += 1;
            return Admission::Admitted;
        }
        count.strangers.front().map_or(Admission::Refused, |oldest| Admission::InPlaceOf(*oldest))
    }

    /// A stranger was answered.
    pub fn answered(&mut self, remote: IpAddr, id: usize) {
        if let Some(count) = self.0.get_mut(&origin(remote)) {
            count.strangers.retain(|stranger| *stranger != id);
        }
    }

    /// A connection is gone.
    pub fn left(&mut self, remote: IpAddr, id: usize) {
        let Entry::Occupied(mut entry) = self.0.entry(origin(remote)) else { return };
        let count = entry.get_mut();
        count.connections -= 1;
        count.strangers.retain(|stranger| *stranger != id);
        if count.connections == 0 {
            entry.remove();
        }
    }
}

/// What counts as one place: an IPv4 address, or an IPv6 /64.
pub(crate) fn origin(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !0 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn in_a_crowded_origin_the_oldest_stranger_gives_way_and_nobody_elsewhere() {
        let mut origins = Origins::default();
        let crowded = ip("192.0.2.1");
        let strangers = MAX_STRANGERS;
        assert!((0..strangers).all(|id| origins.admit(crowded, id) == Admission::Admitted));
        assert_eq!(origins.admit(crowded, strangers), Admission::InPlaceOf(0));
        assert_eq!(origins.admit(ip("192.0.2.2"), strangers), Admission::Admitted);
        origins.answered(crowded, 0);
        assert_eq!(origins.admit(crowded, strangers), Admission::Admitted, "a stranger less");
        assert_eq!(origins.admit(crowded, 100), Admission::InPlaceOf(1));
        origins.left(crowded, 0);
        assert_eq!(origins.admit(crowded, 100), Admission::InPlaceOf(1), "as many strangers");
        origins.left(crowded, 1);
        assert_eq!(origins.admit(crowded, 100), Admission::Admitted);
    }

    #[test]
    fn answered_connections_have_a_higher_limit_and_give_way_to_nobody() {
        let mut origins = Origins::default();
        let office = ip("192.0.2.1");
        for id in 0..MAX_CONNECTIONS {
            assert_eq!(origins.admit(office, id), Admission::Admitted);
            origins.answered(office, id);
        }
        assert_eq!(origins.admit(office, 5000), Admission::Refused);
        origins.left(office, 0);
        assert_eq!(origins.admit(office, 5000), Admission::Admitted);
    }

    #[test]
    fn addresses_of_one_ipv6_subscriber_count_together() {
        let mut origins = Origins::default();
        let mut from = |number: usize| {
            origins.admit(ip(&format!("2001:db8:0:1::{number:x}")), number) == Admission::Admitted
        };
        assert!((0..MAX_STRANGERS).all(&mut from));
        assert!(!from(MAX_STRANGERS));
        assert_eq!(origins.admit(ip("2001:db8:0:2::1"), 1000), Admission::Admitted);
    }

    #[test]
    fn origins_without_connections_are_forgotten() {
        let mut origins = Origins::default();
        for number in 0..100 {
            let remote = ip(&format!("192.0.2.{number}"));
            assert_eq!(origins.admit(remote, number), Admission::Admitted);
            origins.left(remote, number);
        }
        assert!(origins.0.is_empty());
    }
}
