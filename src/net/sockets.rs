//! The UDP sockets of one thread: those that its endpoint listens on, and ports that transports of
//! plain RTP have, which come and go.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::Weak;

use rustc_hash::FxHashMap;

use super::address_table::Departure;
use super::calls::Calls;
use super::poller::Watch;
use super::udp::{Looking, ReceiveBuffers, UdpSocket};
use crate::control::rtp::PortLease;

/// A port that a thread is to have from now on, until nobody has its lease any more.
pub(crate) struct NewPort {
    pub socket: StdUdpSocket,
    pub lease: Weak<PortLease>,
}

/// The sockets of a thread, by their places. Those that it begins with keep theirs.
pub(crate) struct Sockets {
    fixed: Vec<UdpSocket>,
    ports: Vec<Option<Port>>,
    by_local: FxHashMap<SocketAddr, usize>,
    /// Places of ports with something to read.
    ready: Vec<usize>,
    watch: Watch,
}

struct Port {
    socket: UdpSocket,
    local: SocketAddr,
    lease: Weak<PortLease>,
    ready: bool,
}

impl Sockets {
    /// What a thread listens on; `watch` waits for what comes later.
    pub fn new(fixed: Vec<UdpSocket>, watch: Watch) -> Self {
        let (ports, by_local) = (Vec::new(), FxHashMap::default());
        Self { fixed, ports, by_local, ready: Vec::new(), watch }
    }

    /// Opens a port, unless its lease is over already.
    ///
    /// # Errors
    /// What the system says when it cannot be waited for.
    pub fn open(&mut self, port: NewPort) -> io::Result<()> {
        let Some(lease) = port.lease.upgrade() else { return Ok(()) };
        let free = self.ports.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.ports.len());
        let place = self.fixed.len() + slot;
        let socket = UdpSocket::new(port.socket, &self.watch, place)?;
        let opened = Port { socket, local: lease.local, lease: port.lease, ready: false };
        self.by_local.insert(lease.local, place);
        match self.ports.get_mut(slot) {
            Some(free) => *free = Some(opened),
            None => self.ports.push(Some(opened)),
        }
        Ok(())
    }

    /// Closes ports that nobody has any more.
    pub fn close_ended(&mut self) {
        for (slot, port) in self.ports.iter_mut().enumerate() {
            if let Some(ended) = port.take_if(|port| port.lease.strong_count() == 0) {
                let place = self.fixed.len() + slot;
                // It may be somebody else's again.
                if self.by_local.get(&ended.local) == Some(&place) {
                    self.by_local.remove(&ended.local);
                }
            }
        }
    }

    /// The socket at a place, if there is one still.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut UdpSocket> {
        match place.checked_sub(self.fixed.len()) {
            None => self.fixed.get_mut(place),
            Some(slot) => self.ports.get_mut(slot)?.as_mut().map(|port| &mut port.socket),
        }
    }

    /// Where a datagram leaves that is from a port.
    pub fn departure(&self, local: SocketAddr) -> Option<Departure> {
        let socket = *self.by_local.get(&local)?;
        Some(Departure { socket, source: None })
    }

    /// The kernel says that there is something to read at a place.
    pub fn set_readable(&mut self, place: usize) {
        let Some(slot) = place.checked_sub(self.fixed.len()) else {
            self.fixed.get_mut(place).into_iter().for_each(UdpSocket::set_readable);
            return;
        };
        if let Some(Some(port)) = self.ports.get_mut(slot) {
            port.socket.set_readable();
            if !std::mem::replace(&mut port.ready, true) {
                self.ready.push(slot);
            }
        }
    }

    /// Nobody can say what there is to read.
    pub fn set_all_readable(&mut self) {
        for place in 0..self.fixed.len() + self.ports.len() {
            self.set_readable(place);
        }
    }

    /// Places with something to read, for a turn: all that the thread listens on, and the ports that
    /// the kernel named. Ports are not looked at by chance, as there may be thousands.
    pub fn take_places(&mut self, places: &mut Vec<usize>, looking: Looking) {
        places.clear();
        places.extend(0..self.fixed.len());
        if looking == Looking::WhereReady {
            places.extend(self.ready.drain(..).map(|slot| self.fixed.len() + slot));
        }
    }

    /// Reads what one system call gives of a place; see [`UdpSocket::receive`]. `each` is told the
    /// address of a port besides.
    pub fn receive(
        &mut self,
        place: usize,
        buffers: &mut ReceiveBuffers,
        looking: Looking,
        mut each: impl FnMut(Option<SocketAddr>, SocketAddr, Option<IpAddr>, &[u8]),
    ) -> bool {
        let Some(slot) = place.checked_sub(self.fixed.len()) else {
            let Some(socket) = self.fixed.get_mut(place) else { return false };
            return socket.receive(buffers, looking, |remote, destination, bytes| {
                each(None, remote, destination, bytes);
            });
        };
        let Some(Some(port)) = self.ports.get_mut(slot) else { return false };
        let local = port.local;
        let more = port.socket.receive(buffers, looking, |remote, destination, bytes| {
            each(Some(local), remote, destination, bytes);
        });
        // What is left is for a later turn.
        port.ready = more;
        if more {
            self.ready.push(slot);
        }
        more
    }

    /// What each socket counts.
    pub fn calls(&self) -> impl Iterator<Item = &Calls> {
        let ports = self.ports.iter().flatten().map(|port| &port.socket.calls);
        self.fixed.iter().map(|socket| &socket.calls).chain(ports)
    }
}
