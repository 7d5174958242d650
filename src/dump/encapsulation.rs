//! UDP and IP headers around a packet that left them behind long ago, so that tools can see who
//! sent it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const TIME_TO_LIVE: u8 = 64;
/// RFC 791: don't fragment.
const DONT_FRAGMENT: u16 = 0x4000;

/// Appends the IP packet that carries `payload`. False, and nothing appended, when it is too
/// long for one.
pub(super) fn udp(
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
    packet: &mut Vec<u8>,
) -> bool {
    let Ok(length) = u16::try_from(UDP_HEADER + payload.len()) else { return false };
    let pseudo_header = match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let Some(total) = length.checked_add(IPV4_HEADER as u16) else { return false };
            ipv4(source, destination, total, packet)
        }
        (source, destination) => ipv6(to_v6(source), to_v6(destination), length, packet),
    };
    let start = packet.len();
    packet.extend(source.port().to_be_bytes());
    packet.extend(destination.port().to_be_bytes());
    packet.extend(length.to_be_bytes());
    packet.extend([0; 2]);
    packet.extend(payload);
    let sum = pseudo_header + sum(&packet[start..]) + u64::from(UDP) + u64::from(length);
    // RFC 768: a checksum of zero says that there is none.
    let checksum = match fold(sum) {
        0 => u16::MAX,
        checksum => checksum,
    };
    packet[start + 6..start + 8].copy_from_slice(&checksum.to_be_bytes());
    true
}

/// Appends an IPv4 header (RFC 791) and returns the addresses' share of the UDP checksum.
fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, total: u16, packet: &mut Vec<u8>) -> u64 {
    let start = packet.len();
    packet.extend([0x45, 0]);
    packet.extend(total.to_be_bytes());
    packet.extend([0; 2]);
    packet.extend(DONT_FRAGMENT.to_be_bytes());
    packet.extend([TIME_TO_LIVE, UDP, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    let checksum = fold(sum(&packet[start..]));
    packet[start + 10..start + 12].copy_from_slice(&checksum.to_be_bytes());
    sum(&source.octets()) + sum(&destination.octets())
}

/// Appends an IPv6 header (RFC 8200) and returns the addresses' share of the UDP checksum.
fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, length: u16, packet: &mut Vec<u8>) -> u64 {
    packet.extend([0x60, 0, 0, 0]);
    packet.extend(length.to_be_bytes());
    packet.extend([UDP, TIME_TO_LIVE]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    sum(&source.octets()) + sum(&destination.octets())
}

fn to_v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// Sum of 16-bit words (RFC 1071), an odd last byte padded with zero.
fn sum(bytes: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}

/// One's complement of the one's complement sum.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        assert!(udp(source, destination, payload, &mut packet));
        packet
    }

    /// A receiver's check: the sum over everything, checksum included, is all ones.
    fn checks_out(addresses: &[u8], udp: &[u8]) -> bool {
        fold(sum(addresses) + sum(udp) + u64::from(UDP) + udp.len() as u64) == 0
    }

    #[test]
    fn ipv4_checksums_are_right_for_even_and_odd_lengths() {
        for payload in [b"even".as_slice(), b"odd", b""] {
            let packet = packet("192.0.2.1:5000", "192.0.2.2:6000", payload);
            assert_eq!(packet.len(), 28 + payload.len());
            assert_eq!(fold(sum(&packet[..20])), 0);
            assert!(checks_out(&packet[12..20], &packet[20..]));
        }
    }

    #[test]
    fn ipv6_checksums_are_right_and_mixed_families_become_ipv6() {
        for source in ["[2001:db8::1]:5000", "192.0.2.1:5000"] {
            let packet = packet(source, "[2001:db8::2]:6000", b"odd");
            assert_eq!(packet[0] >> 4, 6);
            assert!(checks_out(&packet[8..40], &packet[40..]));
        }
    }

    #[test]
    fn what_does_not_fit_an_ip_packet_is_refused() {
        let address = "192.0.2.1:5000".parse().unwrap();
        let mut packet = Vec::new();
        assert!(udp(address, address, &vec![0; 65_507], &mut packet));
        packet.clear();
        assert!(!udp(address, address, &vec![0; 65_508], &mut packet));
        assert!(packet.is_empty());
    }
}
