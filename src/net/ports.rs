//! Binding the ports of plain RTP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

use super::error::ListenError;
use crate::control::rtp::RtpPort;

/// Free ports tried until one is even and the next one free.
const ATTEMPTS: usize = 64;

/// Sockets for RTP and, unless both share one, for RTCP on the port above (RFC 3550 11).
#[derive(Debug)]
pub(crate) struct PortPair {
    pub rtp: UdpSocket,
    pub rtcp: Option<UdpSocket>,
    /// That of RTP, as it was asked for but for the port.
    pub local: SocketAddr,
}

/// Binds what is asked for. `media` and `port` are its places in the options.
///
/// # Errors
/// Why the system refuses it.
pub(crate) fn bind(wanted: &RtpPort, media: usize, port: usize) -> Result<PortPair, ListenError> {
    pair(wanted).map_err(|error| {
        let address = SocketAddr::new(wanted.address, wanted.port);
        ListenError::RtpPort { address, media, port, error }
    })
}

fn pair(wanted: &RtpPort) -> io::Result<PortPair> {
    let mut attempts = if wanted.port == 0 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let rtp = socket(wanted, wanted.port)?;
        let number = rtp.local_addr()?.port();
        let local = SocketAddr::new(wanted.address, number);
        if wanted.rtcp_mux {
            return Ok(PortPair { rtp, rtcp: None, local });
        }
        let above = number.checked_add(1);
        let above = above.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
        let free = wanted.port == 0;
        if free && !number.is_multiple_of(2) && attempts > 0 {
            continue;
        }
        match above.and_then(|above| socket(wanted, above)) {
            Ok(rtcp) => return Ok(PortPair { rtp, rtcp: Some(rtcp), local }),
            Err(_) if free && attempts > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

fn socket(wanted: &RtpPort, port: u16) -> io::Result<UdpSocket> {
    let address = wanted.address;
    let group = address.is_multicast();
    // A socket of a group hears that group alone where the system can bind it to that.
    let bound = match address {
        IpAddr::V4(_) if group && cfg!(windows) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) if group && cfg!(windows) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        address => address,
    };
    let local = SocketAddr::new(bound, port);
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, None)?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if group {
        // Whoever else listens to the group on this host has the same port.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&local.into())?;
    match address {
        IpAddr::V4(address) if group => {
            let interface = match wanted.interface {
                Some(IpAddr::V4(interface)) => interface,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            let sources = wanted.sources.iter().filter_map(|source| match source {
                IpAddr::V4(source) => Some(source),
                IpAddr::V6(_) => None,
            });
            let mut joined = false;
            for source in sources {
                socket.join_ssm_v4(source, &address, &interface)?;
                joined = true;
            }
            if !joined {
                socket.join_multicast_v4(&address, &interface)?;
            }
        }
        // By the interface that the system takes for it. Whose packets they are shows when they come.
        IpAddr::V6(address) if group => socket.join_multicast_v6(&address, 0)?,
        _ => {}
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(address: &str, port: u16) -> RtpPort {
        RtpPort {
            address: address.parse().unwrap(),
            interface: None,
            sources: Vec::new(),
            port,
            rtcp_mux: false,
            shared: false,
            rid: None,
            ssrc: None,
            remote: None,
            remote_rtcp: None,
            allowed: Vec::new(),
            send_key: None,
            receive_key: None,
        }
    }

    #[test]
    fn a_free_port_is_even_and_rtcp_is_on_the_next() {
        let pair = bind(&wanted("127.0.0.1", 0), 0, 0).unwrap();
        let rtcp = pair.rtcp.unwrap().local_addr().unwrap().port();
        assert_eq!((pair.local.port() % 2, rtcp), (0, pair.local.port() + 1));
    }

    #[test]
    fn with_rtcp_on_the_same_port_there_is_one() {
        let pair = bind(&RtpPort { rtcp_mux: true, ..wanted("::1", 0) }, 0, 0).unwrap();
        assert!(pair.rtcp.is_none() && pair.local.is_ipv6());
    }

    #[test]
    fn a_port_in_use_is_named_with_the_option_to_change() {
        use crate::control::error::{EngineError, ErrorCode};
        let taken = bind(&wanted("127.0.0.1", 0), 0, 0).unwrap();
        let error = bind(&wanted("127.0.0.1", taken.local.port()), 1, 2).unwrap_err();
        let error = EngineError::from(error);
        assert_eq!(error.code, ErrorCode::Listen);
        assert_eq!(error.field.as_deref(), Some("options.media[1].ports[2].port"));
    }
}
