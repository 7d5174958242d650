//! Where datagrams come from and go to.

use std::net::SocketAddr;

/// What carries the datagrams of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    Udp,
    /// RFC 4571 framing; the remote address names the connection.
    Tcp,
}

impl Protocol {
    /// As JavaScript and statistics name it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        }
    }
}

/// The two ends of a datagram's way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flow {
    pub protocol: Protocol,
    /// The address our candidate announces, which behind a NAT is not the one bound.
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// Addresses a shard's candidates announce, most preferred first.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LocalCandidates(pub Vec<(Protocol, SocketAddr)>);
