//! The addresses of this host, for sockets bound to a wildcard address.

use std::io;
use std::net::IpAddr;

/// Every address a candidate can name when bound to `wildcard`: those of its family, without
/// IPv6 link-local ones, which mean nothing without an interface (RFC 8445 section 5.1.1.1).
pub(super) fn local_addresses(wildcard: IpAddr) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let ip = interface.ip();
        if ip.is_ipv4() == wildcard.is_ipv4() && can_be_announced(ip) && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    Ok(addresses)
}

fn can_be_announced(ip: IpAddr) -> bool {
    let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !link_local && !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn lists_loopback_and_only_the_family_asked_for() {
        let addresses = local_addresses(Ipv4Addr::UNSPECIFIED.into()).unwrap();
        assert!(addresses.contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(addresses.iter().all(IpAddr::is_ipv4));
    }

    #[test]
    fn leaves_out_link_local_wildcard_and_multicast_addresses() {
        assert!(!can_be_announced("fe80::1".parse().unwrap()));
        assert!(!can_be_announced(Ipv6Addr::UNSPECIFIED.into()));
        assert!(!can_be_announced("224.0.0.1".parse().unwrap()));
        assert!(can_be_announced("fd00::1".parse().unwrap()));
        assert!(can_be_announced("192.0.2.1".parse().unwrap()));
    }
}
