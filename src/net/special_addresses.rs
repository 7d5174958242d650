//! Which addresses are those of hosts on the Internet, and which are not: what somebody else may have this host connect
//! to must not be what only this host can reach.

use std::net::{IpAddr, Ipv4Addr};

/// IPv4 that is not of the public Internet (IANA's special-purpose registry, RFC 6890).
const SPECIAL: [(Ipv4Addr, u32); 14] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, and what is reserved.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// Of IPv6 what is public is one block (RFC 4291 2.4).
const PUBLIC6: (u128, u32) = (0x2000 << 112, 3);
/// Inside of it, ways back to IPv4, protocols and examples.
const SPECIAL6: [(u128, u32); 4] =
    [(0x2001 << 112, 23), (0x2001_0db8 << 96, 32), (0x2002 << 112, 16), (0x3fff << 112, 20)];

/// Whether an address is that of a host on the Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1 to the system (RFC 4291 2.5.5.2).
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let begins = |(network, length): &(Ipv4Addr, u32)| {
                (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0
            };
            !SPECIAL.iter().any(begins)
        }
        IpAddr::V6(address) => {
            let begins = |(network, length): &(u128, u32)| {
                (address.to_bits() ^ network) >> (128 - length) == 0
            };
            begins(&PUBLIC6) && !SPECIAL6.iter().any(begins)
        }
    }
}

/// Whether an address is that of one host, wherever that is.
pub(crate) fn is_host(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let nobody = address.is_unspecified() || address.is_multicast();
    !nobody && address != IpAddr::V4(Ipv4Addr::BROADCAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_internet_are_told_from_all_others() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for address in [
            "8.8.8.8",
            "192.88.98.1",
            "172.32.0.1",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "223.255.255.1",
        ] {
            assert!(public(address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.255.0.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn groups_and_nobody_are_no_hosts() {
        let host = |text: &str| is_host(text.parse().unwrap());
        assert!(host("127.0.0.1") && host("10.0.0.1") && host("::1") && host("fe80::1"));
        for address in
            ["0.0.0.0", "::", "255.255.255.255", "239.1.1.1", "ff02::1", "::ffff:0.0.0.0"]
        {
            assert!(!host(address), "{address}");
        }
    }
}
