//! SRT: it calls somebody, or whoever calls it watches.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket as StdSocket};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Registry};
use zeroize::Zeroizing;

use super::output::{Carrier, SOCKET};
use super::watchers::{Door, Watchers};
use crate::control::ingest::{OutputStats, SrtOutputOptions};
use crate::engine::message::ShardMessage;
use crate::engine::push::{PushError, StreamPush};
use crate::host::media_threads::Outside;
use crate::ingest::srt::{Caller, CallerOptions, KeyRefresh};
use crate::net::udp::enlarge_buffers;

/// Datagrams read in one turn, before what has to be sent is.
const DATAGRAMS_PER_TURN: usize = 256;
/// Longest datagram that is looked at whole.
const READ: usize = 2_048;

/// See the module.
pub(super) struct SrtCarrier {
    push: StreamPush<Outside<ShardMessage>>,
    socket: UdpSocket,
    role: Role,
    watchers: Watchers,
    buffer: Box<[u8]>,
}

enum Role {
    /// Whoever calls watches. Whether it was told that it is there.
    Listens(bool),
    /// Calls with these. The call is over once it is answered.
    Calls(CallerOptions, Option<Box<Caller>>),
}

/// The socket of an output. Errors: it cannot be had, or not of this address.
pub(super) fn bind(options: &SrtOutputOptions) -> io::Result<StdSocket> {
    let any: IpAddr = if options.address.is_ipv6() {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let socket = StdSocket::bind(if options.listen { options.address } else { (any, 0).into() })?;
    if !options.listen {
        socket.connect(options.address)?;
    }
    enlarge_buffers(&socket);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn lacking() -> io::Error {
    io::Error::other("the system has no randomness")
}

impl SrtCarrier {
    /// Errors: when the system gives no randomness.
    pub(super) fn new(
        push: StreamPush<Outside<ShardMessage>>,
        socket: StdSocket,
        options: &SrtOutputOptions,
    ) -> io::Result<Self> {
        let SrtOutputOptions { stream_id, key_length, latency, max_watchers, .. } = options;
        let passphrase = options.passphrase.as_deref();
        let (role, door) = if options.listen {
            let passphrase = passphrase.map(|text| Zeroizing::new(text.to_owned()));
            let latency = Duration::from_millis((*latency).into());
            let (now, stream_id) = (Instant::now(), stream_id.clone());
            let door = Door::new(now, passphrase, stream_id, latency, *max_watchers);
            (Role::Listens(false), Some(door.ok_or_else(lacking)?))
        } else {
            let caller = CallerOptions::new(stream_id, passphrase, *key_length, *latency);
            (Role::Calls(caller, None), None)
        };
        Ok(Self {
            push,
            socket: UdpSocket::from_std(socket),
            role,
            watchers: Watchers::new(door, KeyRefresh::after(options.key_refresh)),
            buffer: vec![0; READ].into_boxed_slice(),
        })
    }

    /// Gives whether who was called answered.
    fn read(&mut self, now: Instant) -> Result<bool, PushError> {
        let mut answered = false;
        let Self { socket, role, watchers, buffer, .. } = self;
        for _ in 0..DATAGRAMS_PER_TURN {
            match socket.recv_from(buffer) {
                // What is as long as the buffer may have been longer.
                Ok((length, remote)) if length < READ => {
                    let datagram = buffer.get(..length).unwrap_or(&[]);
                    let Role::Calls(_, calling @ Some(_)) = role else {
                        watchers.receive(now, remote, datagram, socket).map_err(PushError::Srt)?;
                        continue;
                    };
                    let Some(caller) = calling else { continue };
                    let own = caller.socket();
                    if let Some(made) = caller.receive(now, datagram).map_err(PushError::Srt)? {
                        watchers.called(own, remote, made);
                        *calling = None;
                        answered = true;
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // What ICMP says, which anybody may write: of one who is not there yet or not any more,
                // silence tells in time.
                Err(_) => {}
            }
        }
        Ok(answered)
    }
}

impl Carrier for SrtCarrier {
    const ANSWER_TIME: Duration = Duration::from_secs(5);

    fn connect(&mut self, now: Instant, registry: &Registry) -> Result<(), PushError> {
        if let Role::Calls(options, calling) = &mut self.role {
            let remote = self.socket.peer_addr().map_err(PushError::Connection)?;
            let caller = Caller::new(now, remote, options.clone());
            let caller = caller.ok_or_else(|| PushError::Connection(lacking()))?;
            *calling = Some(Box::new(caller));
        }
        let registered = registry.register(&mut self.socket, SOCKET, Interest::READABLE);
        registered.map_err(PushError::Connection)
    }

    fn turn(&mut self, now: Instant) -> Result<bool, PushError> {
        let mut ready = self.read(now)?;
        match &mut self.role {
            Role::Listens(told) => ready = !std::mem::replace(told, true),
            Role::Calls(_, Some(caller)) => {
                if let Some(datagram) = caller.transmit(now) {
                    let _ = self.socket.send(&datagram);
                }
            }
            Role::Calls(_, None) => {}
        }
        let Self { push, watchers, socket, .. } = self;
        if watchers.take_new() {
            push.begin(now);
        }
        push.run(now, !watchers.is_empty(), |payload| watchers.send(now, &payload));
        watchers.transmit(now, socket).map_err(PushError::Srt)?;
        Ok(ready)
    }

    fn disconnect(&mut self, registry: &Registry) {
        let _ = registry.deregister(&mut self.socket);
        self.watchers.shutdown(Instant::now(), &self.socket);
        if let Role::Calls(_, calling) = &mut self.role {
            *calling = None;
        }
    }

    fn idle(&mut self, now: Instant) -> Result<(), PushError> {
        self.push.run(now, false, |_| {});
        Ok(())
    }

    fn finish(&mut self, now: Instant) -> bool {
        self.push.finish();
        self.watchers.shutdown(now, &self.socket);
        false
    }

    fn stats(&self) -> OutputStats {
        let mut stats = self.push.stats().clone();
        stats.link = Some(self.watchers.stats());
        stats
    }
}
