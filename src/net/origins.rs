//! Where TCP connections come from, so that no place takes them all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};

/// Most connections from one origin that nobody here has answered yet.
const MAX_STRANGERS: usize = 64;
/// Most connections from one origin. An office whose firewall stops UDP has all its people come
/// by TCP from one address, so this is far above what one peer needs.
const MAX_CONNECTIONS: usize = 1_024;

/// Counts connections by origin: an IPv4 address, or an IPv6 /64, which is what one subscriber
/// has to himself (RFC 6177 section 2).
#[derive(Default, Debug)]
pub(super) struct Origins(HashMap<IpAddr, Count>);

#[derive(Default, Debug)]
struct Count {
    connections: usize,
    strangers: usize,
}

impl Origins {
    /// Counts a new connection, a stranger at first. False, and nothing counted, when its origin
    /// has enough.
    pub fn admit(&mut self, remote: IpAddr) -> bool {
        let count = self.0.entry(origin(remote)).or_default();
        let admitted = count.strangers < MAX_STRANGERS && count.connections < MAX_CONNECTIONS;
        if admitted {
            count.strangers += 1;
            count.connections += 1;
        }
        admitted
    }

    /// A stranger was answered.
    pub fn answered(&mut self, remote: IpAddr) {
        if let Some(count) = self.0.get_mut(&origin(remote)) {
            count.strangers -= 1;
        }
    }

    /// A connection is gone; `answered` says whether it had been.
    pub fn left(&mut self, remote: IpAddr, answered: bool) {
        let Entry::Occupied(mut entry) = self.0.entry(origin(remote)) else { return };
        let count = entry.get_mut();
        count.connections -= 1;
        count.strangers -= usize::from(!answered);
        if count.connections == 0 {
            entry.remove();
        }
    }
}

fn origin(remote: IpAddr) -> IpAddr {
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
    fn an_origin_with_enough_strangers_gets_no_more_and_others_do() {
        let mut origins = Origins::default();
        let crowded = ip("192.0.2.1");
        assert!((0..MAX_STRANGERS).all(|_| origins.admit(crowded)));
        assert!(!origins.admit(crowded));
        assert!(origins.admit(ip("192.0.2.2")));
        origins.answered(crowded);
        assert!(origins.admit(crowded), "a stranger less");
        assert!(!origins.admit(crowded));
        origins.left(crowded, true);
        assert!(!origins.admit(crowded), "as many strangers as before");
        origins.left(crowded, false);
        assert!(origins.admit(crowded));
    }

    #[test]
    fn answered_connections_have_a_higher_limit() {
        let mut origins = Origins::default();
        let office = ip("192.0.2.1");
        for _ in 0..MAX_CONNECTIONS {
            assert!(origins.admit(office));
            origins.answered(office);
        }
        assert!(!origins.admit(office));
        origins.left(office, true);
        assert!(origins.admit(office));
    }

    #[test]
    fn addresses_of_one_ipv6_subscriber_count_together() {
        let mut origins = Origins::default();
        let mut from = |number: usize| origins.admit(ip(&format!("2001:db8:0:1::{number:x}")));
        assert!((0..MAX_STRANGERS).all(&mut from));
        assert!(!from(MAX_STRANGERS));
        assert!(origins.admit(ip("2001:db8:0:2::1")));
    }

    #[test]
    fn origins_without_connections_are_forgotten() {
        let mut origins = Origins::default();
        for number in 0..100 {
            let remote = ip(&format!("192.0.2.{number}"));
            assert!(origins.admit(remote));
            origins.left(remote, false);
        }
        assert!(origins.0.is_empty());
    }
}
