//! The sockets of one conversation with a server: the connection, and ports of UDP where media come by
//! those.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use rustls::Connection;

use crate::control::rtp::RtpPort;
use crate::engine::rtsp::{Pull, PullError};
use crate::engine::tap::Shards;
use crate::host::tls::Channel;
use crate::ingest::rtsp::{Agreed, Client, Description, Event, Lower, Url, Wanted};
use crate::net::ports;

/// Bytes read of a connection in one turn, so that one server does not hold up the others.
const TURN: usize = 256 * 1024;
/// Datagrams read of a port in one turn.
const DATAGRAMS: usize = 128;
/// What a server does not take.
const MAX_UNSENT: usize = 64 * 1024;
/// Tokens of one link: its connection, and two ports for sound and for pictures.
pub(super) const TOKENS: usize = 8;
/// Opens the way through a NAT: RTP without a payload, which servers drop.
const PUNCH: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// See the module.
pub(super) struct Link {
    channel: Channel<TcpStream>,
    remote: IpAddr,
    client: Client,
    unsent: Vec<u8>,
    /// Places of lines in the description.
    lines: Vec<usize>,
    /// Lines by channel, and whether it is that of RTCP.
    channels: Vec<(u8, usize, bool)>,
    /// Ports by line.
    pairs: Vec<Pair>,
    playing: bool,
    /// When RTP last came, once it is to come.
    heard: Option<Instant>,
    /// RTP came.
    alive: bool,
}

struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Where the server sends from, where it says so.
    server: Option<(u16, u16)>,
}

/// What a turn comes to.
pub(super) enum Turn {
    /// It waits for its sockets.
    Idle,
    /// There is more to read.
    More,
    Described(Description),
    /// It does not send by TCP, or not by UDP.
    Refused,
    Playing,
    Moved(Url),
}

impl Link {
    /// Begins to connect, in TLS where there is a connection of it.
    pub(super) fn connect(
        registry: &Registry,
        token: usize,
        address: SocketAddr,
        tls: Option<Connection>,
        client: Client,
    ) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        registry.register(&mut socket, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            channel: Channel::new(socket, tls),
            remote: address.ip(),
            client,
            unsent: Vec::new(),
            lines: Vec::new(),
            channels: Vec::new(),
            pairs: Vec::new(),
            playing: false,
            heard: None,
            alive: false,
        })
    }

    /// When media last came, once they are to come.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// Whether media came.
    pub(super) fn is_alive(&self) -> bool {
        self.alive
    }

    /// How media travel.
    pub(super) fn transport(&self) -> Option<&'static str> {
        self.playing.then_some(if self.pairs.is_empty() { "tcp" } else { "udp" })
    }

    /// The lines that are wanted, by the places that they have in the description.
    pub(super) fn choose(&mut self, lines: Vec<usize>) {
        self.lines = lines;
    }

    /// Asks for what was chosen.
    pub(super) fn set_up(
        &mut self,
        now: Instant,
        registry: &Registry,
        token: usize,
        udp: bool,
    ) -> Result<(), PullError> {
        let mut wanted = Vec::with_capacity(self.lines.len());
        for line in 0..self.lines.len() {
            let Some(media) = self.lines.get(line).copied() else { continue };
            let lower = if udp {
                let pair =
                    self.bind(registry, token + 1 + 2 * line).map_err(PullError::Connection)?;
                let port = pair.rtp.local_addr().map_err(PullError::Connection)?.port();
                self.pairs.push(pair);
                Lower::Udp(port)
            } else {
                // Two lines at most: sound and pictures.
                Lower::Interleaved(2 * line.min(127) as u8)
            };
            wanted.push(Wanted { media, lower });
        }
        self.client.set_up(now, wanted);
        Ok(())
    }

    /// Two ports, one behind the other, at the address that the server is reached from.
    fn bind(&mut self, registry: &Registry, token: usize) -> io::Result<Pair> {
        let wanted = RtpPort {
            address: self.channel.socket().local_addr()?.ip(),
            interface: None,
            sources: Vec::new(),
            port: 0,
            rtcp_mux: false,
            shared: false,
            rid: None,
            ssrc: None,
            remote: None,
            remote_rtcp: None,
            allowed: Vec::new(),
            send_key: None,
            receive_key: None,
        };
        let none = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let bound = ports::bind(&wanted, 0, 0).map_err(|_| none())?;
        let mut rtp = UdpSocket::from_std(bound.rtp);
        let mut rtcp = UdpSocket::from_std(bound.rtcp.ok_or_else(none)?);
        registry.register(&mut rtp, Token(token), Interest::READABLE)?;
        registry.register(&mut rtcp, Token(token + 1), Interest::READABLE)?;
        Ok(Pair { rtp, rtcp, server: None })
    }

    /// Reads what came, hands media on, and writes what that leads to.
    pub(super) fn turn<S: Shards>(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        pull: &mut Pull<S>,
    ) -> Result<Turn, PullError> {
        let mut left = TURN;
        let turn = loop {
            // What was read before is there still where its last word ended a turn.
            if let Some(turn) = self.take(now, pull)? {
                break turn;
            }
            if left == 0 {
                break Turn::More;
            }
            match self.channel.read(buffer) {
                Ok(0) => return Err(PullError::Ended),
                Ok(read) => {
                    left = left.saturating_sub(read);
                    self.client.feed(buffer.get(..read).unwrap_or_default());
                }
                Err(error) if is_later(&error) => break Turn::Idle,
                Err(error) => return Err(PullError::Connection(error)),
            }
        };
        let more = self.take_datagrams(now, buffer, pull);
        pull.run(now);
        self.report(pull);
        self.write()?;
        Ok(match turn {
            Turn::Idle if more => Turn::More,
            turn => turn,
        })
    }

    fn take<S: Shards>(
        &mut self,
        now: Instant,
        pull: &mut Pull<S>,
    ) -> Result<Option<Turn>, PullError> {
        loop {
            match self.client.next(now)? {
                None => return Ok(None),
                Some(Event::Packet { channel, data }) => {
                    let known = self.channels.iter().find(|(of, _, _)| *of == channel);
                    let Some((_, line, rtcp)) = known else { continue };
                    if !rtcp {
                        (self.heard, self.alive) = (Some(now), true);
                    }
                    pull.receive(now, *line, *rtcp, data);
                }
                Some(Event::Described(description)) => {
                    return Ok(Some(Turn::Described(description)));
                }
                Some(Event::Refused) => return Ok(Some(Turn::Refused)),
                Some(Event::Moved(url)) => return Ok(Some(Turn::Moved(url))),
                Some(Event::Ended) => return Err(PullError::Ended),
                Some(Event::Playing) => {
                    self.begin(now);
                    return Ok(Some(Turn::Playing));
                }
            }
        }
    }

    /// Media are about to come.
    fn begin(&mut self, now: Instant) {
        (self.heard, self.playing) = (Some(now), true);
        for (line, agreed) in self.client.agreed().iter().enumerate() {
            match *agreed {
                Agreed::Interleaved { rtp, rtcp } => {
                    self.channels.extend([(rtp, line, false), (rtcp, line, true)]);
                }
                Agreed::Udp { server } => {
                    let Some(pair) = self.pairs.get_mut(line) else { continue };
                    pair.server = server;
                    if let Some((rtp, _)) = server {
                        // A server behind no NAT sends anyway.
                        let _ = pair.rtp.send_to(&PUNCH, (self.remote, rtp).into());
                    }
                }
            }
        }
    }

    /// Gives whether there may be more.
    fn take_datagrams<S: Shards>(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        pull: &mut Pull<S>,
    ) -> bool {
        let Self { pairs, remote, heard, alive, playing, .. } = self;
        let mut more = false;
        for (line, pair) in pairs.iter().enumerate() {
            for (socket, rtcp) in [(&pair.rtp, false), (&pair.rtcp, true)] {
                let expected = pair.server.map(|(rtp, of_rtcp)| if rtcp { of_rtcp } else { rtp });
                for count in 1..=DATAGRAMS {
                    let Ok((read, from)) = socket.recv_from(buffer) else { break };
                    more |= count == DATAGRAMS;
                    // Anybody can send to a port: what counts is from the server.
                    let is_server = from.ip().to_canonical() == remote.to_canonical()
                        && expected.is_none_or(|port| port == from.port());
                    let Some(packet) = buffer.get(..read).filter(|_| is_server && *playing) else {
                        continue;
                    };
                    if !rtcp {
                        (*heard, *alive) = (Some(now), true);
                    }
                    pull.receive(now, line, rtcp, packet);
                }
            }
        }
        more
    }

    /// Sends what there is to say of media.
    fn report<S: Shards>(&mut self, pull: &mut Pull<S>) {
        let Self { pairs, channels, client, remote, .. } = self;
        pull.transmit(|line, packet| match pairs.get(line) {
            Some(Pair { rtcp, server: Some((_, port)), .. }) => {
                // Reports may get lost.
                let _ = rtcp.send_to(packet, (*remote, *port).into());
            }
            Some(_) => {}
            None => {
                let channel = channels.iter().find(|(_, of, rtcp)| *of == line && *rtcp);
                if let Some((channel, _, _)) = channel {
                    client.send(*channel, packet);
                }
            }
        });
    }

    /// Does what is due.
    pub(super) fn handle_timeout<S: Shards>(
        &mut self,
        now: Instant,
        pull: &mut Pull<S>,
    ) -> Result<(), PullError> {
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            self.client.handle_timeout(now)?;
        }
        if pull.poll_timeout(now).is_some_and(|at| at <= now) {
            pull.run(now);
            self.report(pull);
        }
        self.write()
    }

    /// Says goodbye, as far as that can be said at once. Gives the connection, if it is still one.
    pub(super) fn leave(mut self, now: Instant) -> Option<TcpStream> {
        self.client.tear_down(now);
        self.write().ok()?;
        self.channel.finish();
        Some(self.channel.into_socket())
    }

    fn write(&mut self) -> Result<(), PullError> {
        self.unsent.append(&mut self.client.take_output());
        let mut written = 0;
        let result = loop {
            let rest = self.unsent.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break match self.channel.flush() {
                    Err(error) if !is_later(&error) => Err(error),
                    _ => Ok(()),
                };
            }
            match self.channel.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if is_later(&error) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.unsent.drain(..written);
        if self.unsent.len() > MAX_UNSENT {
            return Err(PullError::Ended);
        }
        result.map_err(PullError::Connection)
    }
}

/// Nothing is there yet, or there is no connection yet.
fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected
    )
}
