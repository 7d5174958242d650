//! Binding everything an endpoint listens on, and saying clearly why that failed.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

use super::address_table::Bound;
use super::error::ListenError;
use super::local_addresses::local_addresses;
use crate::control::flow::{LocalCandidates, Protocol};
use crate::control::ids::ShardIndex;
use crate::control::options::{Announced, EngineOptions, Listen};

/// TCP connections the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
/// Free UDP ports tried until one is free for TCP too.
const PORT_ATTEMPTS: usize = 64;

/// An address an endpoint listens on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenAddress {
    /// The address bound, perhaps a wildcard.
    pub ip: IpAddr,
    /// What candidates say instead.
    pub announced: Vec<SocketAddr>,
    /// The port bound.
    pub port: u16,
    pub protocol: Protocol,
    /// The media thread that reads it.
    pub thread: ShardIndex,
}

/// The sockets of one shard, one of each kind per entry of `listen`.
#[derive(Debug)]
pub(crate) struct ShardSockets {
    pub udp: Vec<UdpSocket>,
    /// Empty when TCP is off.
    pub tcp: Vec<TcpListener>,
    pub bound: Vec<Bound>,
}

/// Binds the sockets of all shards; shard k listens on `port + k`.
pub(crate) fn bind(options: &EngineOptions) -> Result<Vec<ShardSockets>, ListenError> {
    (0..options.threads).map(|shard| bind_shard(options, shard)).collect()
}

fn bind_shard(options: &EngineOptions, shard: usize) -> Result<ShardSockets, ListenError> {
    let port = match options.port {
        0 => 0,
        first => u16::try_from(usize::from(first) + shard)
            .map_err(|_| ListenError::NoPortsLeft { first, threads: options.threads })?,
    };
    let mut sockets = ShardSockets { udp: Vec::new(), tcp: Vec::new(), bound: Vec::new() };
    for (index, listen) in options.listen.iter().enumerate() {
        let (udp, tcp) = bind_entry(listen.ip, port, options.tcp)
            .map_err(|failure| failure.explain(index, listen.ip))?;
        let explain = |error| Failure { protocol: "UDP", port, error }.explain(index, listen.ip);
        let port = udp.local_addr().map_err(explain)?.port();
        let announced = announced(listen, port, shard).map_err(explain)?;
        let mapped = !listen.announced.is_empty();
        let own = match mapped && listen.ip.is_unspecified() {
            true => local_addresses(listen.ip).map_err(explain)?,
            false => Vec::new(),
        };
        sockets.udp.push(udp);
        sockets.tcp.extend(tcp);
        sockets.bound.push(Bound { ip: listen.ip, port, announced, mapped, own });
    }
    Ok(sockets)
}

/// What the candidates of shard `shard` say, which listens on `port`.
fn announced(listen: &Listen, port: u16, shard: usize) -> io::Result<Vec<SocketAddr>> {
    let at = |ip| SocketAddr::new(ip, port);
    if listen.announced.is_empty() {
        return Ok(match listen.ip.is_unspecified() {
            true => local_addresses(listen.ip)?.into_iter().map(at).collect(),
            false => vec![at(listen.ip)],
        });
    }
    let mut announced = Vec::new();
    for Announced { ip, port } in &listen.announced {
        let address = match port {
            None => at(*ip),
            Some(first) => {
                let port = u16::try_from(usize::from(*first) + shard).map_err(|_| {
                    let text = format!("announced port {first} leaves no room for the threads");
                    io::Error::new(io::ErrorKind::InvalidInput, text)
                })?;
                SocketAddr::new(*ip, port)
            }
        };
        if !announced.contains(&address) {
            announced.push(address);
        }
    }
    Ok(announced)
}

/// A UDP socket and, if wanted, a TCP listener at the same port number.
fn bind_entry(
    ip: IpAddr,
    port: u16,
    tcp: bool,
) -> Result<(UdpSocket, Option<TcpListener>), Failure> {
    let mut attempts = if port == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let failure = |error| Failure { protocol: "UDP", port, error };
        let udp = bind_udp(SocketAddr::new(ip, port)).map_err(failure)?;
        if !tcp {
            return Ok((udp, None));
        }
        let same = udp.local_addr().map_err(failure)?.port();
        match bind_tcp(SocketAddr::new(ip, same)) {
            Ok(tcp) => return Ok((udp, Some(tcp))),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            Err(error) => return Err(Failure { protocol: "TCP", port: same, error }),
        }
    }
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM)?;
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

pub(crate) fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM)?;
    // Connections of an earlier endpoint in TIME_WAIT do not keep the port. On Windows they never
    // do, and there the option would let two endpoints listen on one port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// IPv6 sockets take IPv6 only, so that `0.0.0.0` and `::` can listen on one port.
fn socket(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

#[derive(Debug)]
struct Failure {
    protocol: &'static str,
    port: u16,
    error: io::Error,
}

impl Failure {
    fn explain(self, index: usize, ip: IpAddr) -> ListenError {
        let Failure { protocol, port, error } = self;
        ListenError::Bind { protocol, address: SocketAddr::new(ip, port), index, error }
    }
}

impl ShardSockets {
    /// The same sockets once more: what one has is not closed when the other is.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            udp: self.udp.iter().map(UdpSocket::try_clone).collect::<io::Result<_>>()?,
            tcp: self.tcp.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?,
            bound: self.bound.clone(),
        })
    }

    /// What each protocol listens on, as one of this thread's addresses.
    pub fn addresses(&self, thread: ShardIndex) -> impl Iterator<Item = ListenAddress> {
        self.protocols().flat_map(move |protocol| {
            self.bound.iter().map(move |bound| ListenAddress {
                ip: bound.ip,
                announced: bound.announced.clone(),
                port: bound.port,
                protocol,
                thread,
            })
        })
    }

    /// UDP before TCP (RFC 6544 section 4.2), loopback last, else in the order of `listen`.
    pub fn candidates(&self) -> LocalCandidates {
        let mut candidates: Vec<_> = self
            .protocols()
            .flat_map(|protocol| {
                self.bound.iter().flat_map(move |bound| {
                    bound.announced.iter().map(move |address| (protocol, *address))
                })
            })
            .collect();
        candidates.sort_by_key(|(protocol, address)| {
            (*protocol == Protocol::Tcp, address.ip().is_loopback())
        });
        LocalCandidates(candidates)
    }

    fn protocols(&self) -> impl Iterator<Item = Protocol> + use<> {
        let tcp = (!self.tcp.is_empty()).then_some(Protocol::Tcp);
        std::iter::once(Protocol::Udp).chain(tcp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::error::{EngineError, ErrorCode};

    fn options(listen: &[&str], port: u16) -> EngineOptions {
        let entry = |ip: &&str| Listen { ip: ip.parse().unwrap(), announced: Vec::new() };
        let listen = listen.iter().map(entry).collect();
        EngineOptions { listen, port, threads: 1, tcp: true, max_transports: 10, task_threads: 1 }
    }

    #[test]
    fn tcp_listens_at_the_port_number_of_udp() {
        let sockets = bind(&options(&["127.0.0.1"], 0)).unwrap().remove(0);
        let udp = sockets.udp[0].local_addr().unwrap();
        assert_eq!(udp, sockets.tcp[0].local_addr().unwrap());
        assert_eq!(udp.port(), sockets.bound[0].port);
    }

    #[test]
    fn a_port_in_use_is_named_with_the_option_to_change() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = EngineError::from(bind(&options(&["127.0.0.1"], port)).unwrap_err());
        assert_eq!(error.code, ErrorCode::Listen);
        assert_eq!(error.field.as_deref(), Some("options.port"));
        assert!(error.message.contains(&format!("127.0.0.1:{port}")), "{}", error.message);
    }

    #[test]
    fn an_address_that_is_not_ours_is_named_by_its_place_in_the_list() {
        let error =
            EngineError::from(bind(&options(&["127.0.0.1", "192.0.2.199"], 0)).unwrap_err());
        assert_eq!(error.code, ErrorCode::Listen);
        assert_eq!(error.field.as_deref(), Some("options.listen[1].ip"));
    }

    #[test]
    fn threads_beyond_the_last_port_are_refused() {
        let options = EngineOptions { threads: 2, ..options(&["127.0.0.1"], 65_535) };
        let error = EngineError::from(bind(&options).unwrap_err());
        assert_eq!(error.field.as_deref(), Some("options.port"));
    }

    #[test]
    fn both_wildcards_listen_on_one_port() {
        // The port found free for IPv4 may be taken for IPv6 by somebody else meanwhile.
        let found = (0..20).find_map(|_| {
            let free = bind(&options(&["0.0.0.0"], 0)).unwrap().remove(0).bound[0].port;
            bind(&options(&["0.0.0.0", "::"], free)).ok()
        });
        let sockets = found.expect("no port free for both").remove(0);
        assert_eq!(sockets.bound[0].port, sockets.bound[1].port);
    }

    #[test]
    fn each_thread_announces_every_address_with_its_own_port() {
        let announced = |ip: &str, port| Announced { ip: ip.parse().unwrap(), port };
        let mut options = EngineOptions { threads: 2, ..options(&["127.0.0.1"], 0) };
        options.listen[0].announced =
            vec![announced("203.0.113.5", Some(30_000)), announced("192.168.1.5", None)];
        for (shard, sockets) in bind(&options).unwrap().iter().enumerate() {
            let public = SocketAddr::new("203.0.113.5".parse().unwrap(), 30_000 + shard as u16);
            let lan = SocketAddr::new("192.168.1.5".parse().unwrap(), sockets.bound[0].port);
            let addresses: Vec<_> = sockets.candidates().0.iter().map(|(_, at)| *at).collect();
            assert_eq!(addresses, [public, lan, public, lan], "UDP, then TCP");
        }
        options.listen[0].announced[0].port = Some(65_535);
        assert_eq!(EngineError::from(bind(&options).unwrap_err()).code, ErrorCode::Listen);
    }

    #[test]
    fn candidates_put_udp_before_tcp_and_loopback_last() {
        let bound = |announced: &[&str]| Bound {
            ip: "0.0.0.0".parse().unwrap(),
            port: 5,
            announced: announced.iter().map(|at| at.parse().unwrap()).collect(),
            mapped: false,
            own: Vec::new(),
        };
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = ShardSockets {
            udp: Vec::new(),
            tcp: vec![tcp],
            bound: vec![bound(&["127.0.0.1:5", "192.0.2.1:5"])],
        };
        let expected = [
            (Protocol::Udp, "192.0.2.1:5"),
            (Protocol::Udp, "127.0.0.1:5"),
            (Protocol::Tcp, "192.0.2.1:5"),
            (Protocol::Tcp, "127.0.0.1:5"),
        ]
        .map(|(protocol, address)| (protocol, address.parse().unwrap()));
        assert_eq!(sockets.candidates().0, expected);
    }
}
