//! Announced addresses and the sockets behind them, both ways.

use std::net::{IpAddr, SocketAddr};

/// What one entry of `listen` came to on one shard.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// The address bound, perhaps a wildcard.
    pub ip: IpAddr,
    pub port: u16,
    /// What candidates say. Several for a wildcard that was given no announced address.
    pub announced: Vec<SocketAddr>,
    /// Whether `announced` was given, which hides the addresses packets really arrive at.
    pub mapped: bool,
    /// Announced addresses that are the host's own. The others are those of a NAT, from which
    /// nothing can be sent.
    pub own: Vec<IpAddr>,
}

/// Where a datagram leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Departure {
    /// Index of the socket, the same as of the listen entry.
    pub socket: usize,
    /// Source address to pin, for a wildcard socket.
    pub source: Option<IpAddr>,
}

#[derive(Debug)]
pub(crate) struct AddressTable {
    entries: Vec<Bound>,
}

impl AddressTable {
    /// `entries` by index of their sockets.
    pub fn new(entries: Vec<Bound>) -> Self {
        Self { entries }
    }

    /// The announced address that something arriving on `socket` was sent to. `destination` is
    /// the address the kernel saw, if it said so. Behind a NAT it is that of the host whatever the
    /// peer sent to, so that the first announced address stands for all that are not the host's.
    pub fn announced(&self, socket: usize, destination: Option<IpAddr>) -> Option<SocketAddr> {
        let entry = self.entries.get(socket)?;
        if !entry.ip.is_unspecified() {
            return entry.announced.first().copied();
        }
        match destination {
            Some(ip) if !entry.mapped => Some(SocketAddr::new(ip, entry.port)),
            Some(ip) => {
                let own = entry.announced.iter().find(|announced| announced.ip() == ip);
                own.or(entry.announced.first()).copied()
            }
            None => entry.announced.first().copied(),
        }
    }

    /// The socket, and the source address, that send from the announced address `local`.
    pub fn departure(&self, local: SocketAddr) -> Option<Departure> {
        let indexed = || self.entries.iter().enumerate();
        let (socket, entry) =
            indexed().find(|(_, entry)| entry.announced.contains(&local)).or_else(|| {
                // An address the host got after the endpoint started.
                indexed().find(|(_, entry)| {
                    entry.port == local.port()
                        && entry.ip.is_unspecified()
                        && !entry.mapped
                        && entry.ip.is_ipv4() == local.is_ipv4()
                })
            })?;
        let pin = entry.ip.is_unspecified() && (!entry.mapped || entry.own.contains(&local.ip()));
        Some(Departure { socket, source: pin.then_some(local.ip()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(ip: &str, announced: &[&str], mapped: bool) -> Bound {
        Bound {
            ip: ip.parse().unwrap(),
            port: 4000,
            announced: announced
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 4000))
                .collect(),
            mapped,
            own: Vec::new(),
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_socket_announces_and_pins_the_address_a_packet_arrived_at() {
        let table = AddressTable::new(vec![bound("0.0.0.0", &["127.0.0.1", "192.0.2.1"], false)]);
        let arrived = Some("192.0.2.1".parse().unwrap());
        let local = table.announced(0, arrived).unwrap();
        assert_eq!(local, address("192.0.2.1:4000"));
        assert_eq!(table.departure(local), Some(Departure { socket: 0, source: arrived }));
    }

    #[test]
    fn a_mapped_socket_shows_only_the_announced_address_and_lets_the_kernel_choose_the_source() {
        let table = AddressTable::new(vec![bound("0.0.0.0", &["203.0.113.5"], true)]);
        let local = table.announced(0, Some("10.0.0.2".parse().unwrap())).unwrap();
        assert_eq!(local, address("203.0.113.5:4000"));
        assert_eq!(table.departure(local), Some(Departure { socket: 0, source: None }));
    }

    #[test]
    fn of_several_announced_addresses_the_one_that_is_the_hosts_own_is_told_apart() {
        let entry = Bound {
            announced: vec![address("203.0.113.5:30000"), address("192.168.1.5:4000")],
            own: vec!["192.168.1.5".parse().unwrap()],
            ..bound("0.0.0.0", &[], true)
        };
        let table = AddressTable::new(vec![entry]);
        let lan = table.announced(0, Some("192.168.1.5".parse().unwrap())).unwrap();
        assert_eq!(lan, address("192.168.1.5:4000"));
        let pinned = Departure { socket: 0, source: Some("192.168.1.5".parse().unwrap()) };
        assert_eq!(table.departure(lan), Some(pinned));
        let public = table.announced(0, Some("10.0.0.2".parse().unwrap())).unwrap();
        assert_eq!(public, address("203.0.113.5:30000"), "with the port of the NAT");
        assert_eq!(table.departure(public), Some(Departure { socket: 0, source: None }));
        assert_eq!(table.departure(address("203.0.113.5:4000")), None);
    }

    #[test]
    fn an_address_the_host_got_later_leaves_by_the_wildcard_socket_of_its_family() {
        let table = AddressTable::new(vec![
            bound("0.0.0.0", &["127.0.0.1"], false),
            bound("::", &["::1"], false),
        ]);
        let departure = table.departure(address("[fd00::7]:4000")).unwrap();
        assert_eq!(departure.socket, 1);
        assert_eq!(departure.source, Some("fd00::7".parse().unwrap()));
    }

    #[test]
    fn an_address_or_port_nobody_announced_has_no_way_out() {
        let table = AddressTable::new(vec![bound("127.0.0.1", &["127.0.0.1"], false)]);
        assert_eq!(table.departure(address("127.0.0.2:4000")), None);
        assert_eq!(table.departure(address("127.0.0.1:4001")), None);
    }
}
