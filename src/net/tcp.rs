//! The ICE-TCP connections of one thread. We are the passive side (RFC 6544 section 4.1): peers
//! connect, and until a session has answered them they are strangers who get little room.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

use super::address_table::AddressTable;
use super::calls::Calls;
use super::origins::{Admission, Origins};
use super::poller::{Key, Readiness, Watch};
use super::tcp_connection::{Connection, Ended};
use super::udp::without_flow_label;
use crate::control::flow::{Flow, Protocol};
use crate::queue::counters::ThreadCounters;

/// Most connections of one thread. A new one then takes the place of the oldest stranger.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a connection may stay without being answered.
const STRANGER_TIME: Duration = Duration::from_secs(10);
/// Connections accepted per turn and listener.
const ACCEPTS_PER_TURN: usize = 32;
/// How long not to accept after the process ran out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Bytes read from one connection per turn.
const READ: usize = 64 * 1024;

/// What happened on a connection.
pub(crate) enum TcpEvent<'a> {
    Packet(&'a Flow, &'a [u8]),
    /// Only of connections that had a packet.
    Ended(&'a Flow),
}

pub(crate) struct TcpConnections {
    listeners: Vec<TcpListener>,
    watch: Watch,
    connections: HashMap<usize, Connection>,
    flows: HashMap<Flow, usize>,
    origins: Origins,
    /// What the next turn looks at: each connection once, listeners perhaps more often.
    ready: Vec<Key>,
    /// Connections in the order they came, with the time by which they must be answered. May
    /// name some that are gone or answered.
    strangers: VecDeque<(Instant, usize)>,
    /// Connections with something to write.
    unwritten: Vec<usize>,
    /// The id given last; ids start at 1.
    last: usize,
    buffer: Box<[u8]>,
    paused_until: Option<Instant>,
    max_connections: usize,
    /// Of all connections.
    pub calls: Calls,
}

impl TcpConnections {
    /// `watch` will wait for all of it. The listeners must not block.
    pub fn new(listeners: Vec<StdTcpListener>, watch: Watch) -> io::Result<Self> {
        let mut listeners: Vec<_> = listeners.into_iter().map(TcpListener::from_std).collect();
        for (index, listener) in listeners.iter_mut().enumerate() {
            watch.for_reading(listener, Key::Listener(index))?;
        }
        let buffer = if listeners.is_empty() { 0 } else { READ };
        Ok(Self {
            listeners,
            watch,
            connections: HashMap::new(),
            flows: HashMap::new(),
            origins: Origins::default(),
            ready: Vec::new(),
            strangers: VecDeque::new(),
            unwritten: Vec::new(),
            last: 0,
            buffer: vec![0; buffer].into_boxed_slice(),
            paused_until: None,
            max_connections: MAX_CONNECTIONS,
            calls: Calls::default(),
        })
    }

    /// The kernel says that a listener or a connection is ready.
    pub fn set_ready(&mut self, key: Key, readiness: Readiness) {
        if let Key::Connection(id) = key {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            connection.set_ready(readiness);
            if std::mem::replace(&mut connection.listed, true) {
                return;
            }
        }
        self.ready.push(key);
    }

    /// Whether [`receive`](Self::receive) has something to do.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let stranger = self.strangers.front().map(|(deadline, _)| *deadline);
        [stranger, self.paused_until].into_iter().flatten().min()
    }

    /// Closes strangers whose time is over.
    pub fn handle_timeout(&mut self, now: Instant, mut each: impl FnMut(TcpEvent<'_>)) {
        while let Some(&(deadline, id)) = self.strangers.front() {
            if deadline > now && self.is_stranger(id) {
                break;
            }
            self.strangers.pop_front();
            if self.is_stranger(id) {
                self.remove(id, &mut each);
            }
        }
        if self.paused_until.is_some_and(|end| end <= now) {
            self.paused_until = None;
            self.ready.extend((0..self.listeners.len()).map(Key::Listener));
        }
    }

    /// Accepts, reads and writes whatever became ready, a bounded amount of each.
    pub fn receive(
        &mut self,
        now: Instant,
        table: &AddressTable,
        mut each: impl FnMut(TcpEvent<'_>),
    ) {
        if self.ready.is_empty() {
            return;
        }
        for key in std::mem::take(&mut self.ready) {
            match key {
                Key::Listener(index) => self.accept(now, index, table, &mut each),
                Key::Connection(id) => self.serve(id, &mut each),
                Key::Udp(_) | Key::Wake => {}
            }
        }
    }

    /// Queues one packet for the connection of `flow`.
    pub fn send(&mut self, flow: &Flow, packet: &[u8], counters: &ThreadCounters) {
        let id = self.flows.get(flow).copied().unwrap_or_default();
        let connection = self.connections.get_mut(&id);
        if connection.as_ref().is_some_and(|connection| !connection.answered) {
            self.origins.answered(flow.remote.ip(), id);
        }
        let Some(connection) = connection else {
            counters.discarded_on_send.add(1);
            return;
        };
        let lost = connection.queue(packet);
        counters.packets_sent.add(1);
        counters.bytes_sent.add(packet.len() as u64);
        // What waited was counted as sent when it came.
        counters.packets_sent.take_back(lost.packets as u64);
        counters.bytes_sent.take_back(lost.bytes as u64);
        counters.discarded_on_send.add(lost.packets as u64);
        if self.unwritten.last() != Some(&id) {
            self.unwritten.push(id);
        }
    }

    /// Writes what was queued.
    pub fn flush(&mut self) {
        for id in self.unwritten.drain(..) {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            // A failure shows when the connection is read next.
            let _ = connection.write(&self.calls);
        }
    }

    /// Closes the connection of `flow` after what was queued.
    pub fn end(&mut self, flow: &Flow) {
        let Some(id) = self.flows.get(flow).copied() else { return };
        if let Some(mut connection) = self.take(id) {
            let _ = connection.write(&self.calls);
        }
    }

    fn accept(
        &mut self,
        now: Instant,
        index: usize,
        table: &AddressTable,
        each: &mut impl FnMut(TcpEvent<'_>),
    ) {
        if self.paused_until.is_some() {
            return;
        }
        for _ in 0..ACCEPTS_PER_TURN {
            match self.listeners[index].accept() {
                Ok((stream, remote)) => self.add(now, index, stream, remote, table, each),
                Err(error) => match error.kind() {
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return,
                    _ => {
                        tracing::warn!(%error, "cannot accept TCP connections, pausing");
                        self.paused_until = Some(now + ACCEPT_PAUSE);
                        return;
                    }
                },
            }
        }
        self.ready.push(Key::Listener(index));
    }

    fn add(
        &mut self,
        now: Instant,
        listener: usize,
        mut stream: TcpStream,
        remote: SocketAddr,
        table: &AddressTable,
        each: &mut impl FnMut(TcpEvent<'_>),
    ) {
        let arrived = stream.local_addr().ok().map(|local| local.ip());
        let Some(local) = table.announced(listener, arrived) else { return };
        let flow = Flow { protocol: Protocol::Tcp, local, remote: without_flow_label(remote) };
        // Two bound addresses announced as one can make two connections look the same.
        if self.flows.contains_key(&flow) {
            return;
        }
        self.last += 1;
        let id = self.last;
        if !self.admit(remote, id, each) {
            return;
        }
        if self.connections.len() >= self.max_connections && !self.remove_oldest_stranger(each) {
            self.origins.left(remote.ip(), id);
            return;
        }
        if self.watch.for_both(&mut stream, Key::Connection(id)).is_err() {
            self.origins.left(remote.ip(), id);
            return;
        }
        let connection = Connection::new(stream, flow);
        self.connections.insert(id, connection);
        self.flows.insert(flow, id);
        if self.strangers.len() >= 2 * MAX_CONNECTIONS {
            let connections = &self.connections;
            self.strangers.retain(|(_, id)| connections.get(id).is_some_and(|c| !c.answered));
        }
        self.strangers.push_back((now + STRANGER_TIME, id));
    }

    /// Whether the origin of a new connection has room for it, or makes some.
    fn admit(
        &mut self,
        remote: SocketAddr,
        id: usize,
        each: &mut impl FnMut(TcpEvent<'_>),
    ) -> bool {
        match self.origins.admit(remote.ip(), id) {
            Admission::Admitted => true,
            Admission::InPlaceOf(oldest) => {
                self.remove(oldest, each);
                self.origins.admit(remote.ip(), id) == Admission::Admitted
            }
            Admission::Refused => false,
        }
    }

    fn serve(&mut self, id: usize, each: &mut impl FnMut(TcpEvent<'_>)) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.listed = false;
        let flow = connection.flow;
        let packet = |packet: &[u8]| each(TcpEvent::Packet(&flow, packet));
        let served = connection
            .write(&self.calls)
            .and_then(|()| connection.read(&mut self.buffer, &self.calls, packet));
        match served {
            Ok(()) if connection.is_readable() => {
                connection.listed = true;
                self.ready.push(Key::Connection(id));
            }
            Ok(()) => {}
            Err(Ended) => self.remove(id, each),
        }
    }

    fn is_stranger(&self, id: usize) -> bool {
        self.connections.get(&id).is_some_and(|connection| !connection.answered)
    }

    fn remove_oldest_stranger(&mut self, each: &mut impl FnMut(TcpEvent<'_>)) -> bool {
        while let Some((_, id)) = self.strangers.pop_front() {
            if self.is_stranger(id) {
                self.remove(id, each);
                return true;
            }
        }
        false
    }

    fn remove(&mut self, id: usize, each: &mut impl FnMut(TcpEvent<'_>)) {
        if let Some(connection) = self.take(id)
            && connection.delivered
        {
            each(TcpEvent::Ended(&connection.flow));
        }
    }

    /// Forgets a connection, which dropping it then closes.
    fn take(&mut self, id: usize) -> Option<Connection> {
        let connection = self.connections.remove(&id)?;
        self.flows.remove(&connection.flow);
        self.origins.left(connection.flow.remote.ip(), id);
        Some(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use crate::net::address_table::Bound;
    use crate::net::poller::Poller;

    const PATIENCE: Duration = Duration::from_secs(5);

    struct Fixture {
        tcp: TcpConnections,
        poller: Poller,
        table: AddressTable,
        address: SocketAddr,
        counters: ThreadCounters,
        now: Instant,
        /// Flows of the packets that came.
        packets: Vec<Flow>,
        ended: Vec<Flow>,
    }

    impl Fixture {
        fn new() -> Self {
            let listener = StdTcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap();
            let (ip, port) = (address.ip(), address.port());
            let announced = vec![address];
            let bound = Bound { ip, port, announced, mapped: false, own: Vec::new() };
            let poller = Poller::new().unwrap();
            Self {
                tcp: TcpConnections::new(vec![listener], poller.watch().unwrap()).unwrap(),
                poller,
                table: AddressTable::new(vec![bound]),
                address,
                counters: ThreadCounters::default(),
                now: Instant::now(),
                packets: Vec::new(),
                ended: Vec::new(),
            }
        }

        /// Waits until something is ready.
        fn wait(&mut self) {
            let Self { tcp, poller, .. } = self;
            if !tcp.is_ready() {
                poller.wait(Some(PATIENCE), |key, ready| tcp.set_ready(key, ready)).unwrap();
                assert!(tcp.is_ready(), "something in time");
            }
        }

        /// Takes what comes until `enough`.
        fn receive_until(&mut self, enough: impl Fn(&Self) -> bool) {
            while !enough(self) {
                self.wait();
                let (packets, ended) = (&mut self.packets, &mut self.ended);
                self.tcp.receive(self.now, &self.table, |event| match event {
                    TcpEvent::Packet(flow, _) => packets.push(*flow),
                    TcpEvent::Ended(flow) => ended.push(*flow),
                });
            }
        }

        /// A peer whose first packet has arrived.
        fn peer(&mut self) -> (TcpStream, Flow) {
            let mut peer = TcpStream::connect(self.address).unwrap();
            peer.set_read_timeout(Some(PATIENCE)).unwrap();
            peer.write_all(&[0, 1, 7]).unwrap();
            let known = self.packets.len();
            self.receive_until(|fixture| fixture.packets.len() > known);
            (peer, *self.packets.last().unwrap())
        }

        /// One more connects, and is closed at once.
        fn refuse_another(&mut self) {
            let mut refused = TcpStream::connect(self.address).unwrap();
            refused.set_read_timeout(Some(PATIENCE)).unwrap();
            self.wait();
            self.tcp.receive(self.now, &self.table, |_| ());
            assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
            let ended = &mut self.ended;
            self.tcp.handle_timeout(self.now, |event| match event {
                TcpEvent::Ended(flow) => ended.push(*flow),
                TcpEvent::Packet(..) => unreachable!("time brings no packets"),
            });
        }

        fn answer(&mut self, flow: &Flow) {
            self.tcp.send(flow, b"answer", &self.counters);
            self.tcp.flush();
        }
    }

    #[test]
    fn a_connection_nobody_answers_is_closed_and_an_answered_one_stays() {
        let mut fixture = Fixture::new();
        let (_friend, friend) = fixture.peer();
        let (_stranger, stranger) = fixture.peer();
        fixture.answer(&friend);
        fixture.pass(STRANGER_TIME - Duration::from_millis(1));
        assert_eq!(fixture.ended, []);
        assert_eq!(fixture.tcp.deadline(), Some(fixture.now + Duration::from_millis(1)));
        fixture.pass(Duration::from_millis(1));
        assert_eq!(fixture.ended, [stranger]);
        assert_eq!(fixture.tcp.deadline(), None);
        fixture.pass(10 * STRANGER_TIME);
        assert_eq!(fixture.ended, [stranger]);
    }

    #[test]
    fn when_full_a_newcomer_takes_the_place_of_the_oldest_stranger_but_of_no_friend() {
        let mut fixture = Fixture::new();
        fixture.tcp.max_connections = 2;
        let (_friend, friend) = fixture.peer();
        let (_stranger, stranger) = fixture.peer();
        fixture.answer(&friend);
        let (_newcomer, newcomer) = fixture.peer();
        assert_eq!(fixture.ended, [stranger]);
        fixture.answer(&newcomer);

        fixture.refuse_another();
        assert_eq!(fixture.ended, [stranger]);
    }

    #[test]
    fn of_an_address_with_many_strangers_the_oldest_gives_way_to_a_newcomer() {
        let mut fixture = Fixture::new();
        let mut strangers = Vec::new();
        for _ in 0..64 {
            strangers.push(fixture.peer());
        }
        fixture.answer(&strangers[0].1);
        let mut welcome = vec![fixture.peer()];
        assert_eq!(fixture.ended, [], "one of the 64 is no stranger any more");

        welcome.push(fixture.peer());
        assert_eq!(fixture.ended, [strangers[1].1], "the oldest that nobody answered");
        assert_eq!(strangers[1].0.read(&mut [0; 1]).unwrap(), 0, "it is closed");

        fixture.tcp.end(&strangers[2].1);
        welcome.push(fixture.peer());
        assert_eq!(fixture.ended.len(), 1, "there was room");
        fixture.pass(STRANGER_TIME);
        assert_eq!(fixture.ended.len(), 65, "all but the one answered, and the one ended here");
    }

    #[test]
    fn a_peer_that_does_not_read_loses_the_oldest_packets_and_gets_the_others_whole() {
        let mut fixture = Fixture::new();
        let (mut peer, flow) = fixture.peer();
        let total = 20_000u32;
        let mut packet = [0; 1_200];
        for number in 0..total {
            packet[..4].copy_from_slice(&number.to_be_bytes());
            fixture.tcp.send(&flow, &packet, &fixture.counters);
            if number % 50 == 0 {
                // Sees whether the stream can be written.
                let Fixture { tcp, poller, .. } = &mut fixture;
                let none = Some(Duration::ZERO);
                poller.wait(none, |key, ready| tcp.set_ready(key, ready)).unwrap();
                fixture.tcp.flush();
            }
        }
        fixture.tcp.flush();
        let discarded = fixture.counters.discarded_on_send.get();
        assert!(discarded > 0);
        assert_eq!(fixture.counters.packets_sent.get() + discarded, u64::from(total));

        let expected = fixture.counters.packets_sent.get();
        let reading = std::thread::spawn(move || {
            let mut last = None;
            for _ in 0..expected {
                let mut frame = [0; 1_202];
                peer.read_exact(&mut frame).unwrap();
                assert_eq!(frame[..2], 1_200u16.to_be_bytes());
                let number = u32::from_be_bytes(frame[2..6].try_into().unwrap());
                assert!(last < Some(number), "in order");
                last = Some(number);
            }
            assert_eq!(last, Some(total - 1), "the newest is not lost");
            peer.write_all(&[0, 1, 7]).unwrap();
        });
        let known = fixture.packets.len();
        fixture.receive_until(|fixture| fixture.packets.len() > known);
        reading.join().unwrap();
    }

    #[test]
    fn a_packet_for_a_connection_that_is_gone_is_counted() {
        let mut fixture = Fixture::new();
        let (_peer, flow) = fixture.peer();
        fixture.tcp.end(&flow);
        fixture.tcp.send(&flow, b"late", &fixture.counters);
        assert_eq!(fixture.counters.discarded_on_send.get(), 1);
    }
}
