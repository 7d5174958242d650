//! A server that encoders push to by RTMP: its socket, and the connections on it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Poll, Registry, Token};
use rustls::ServerConfig;

use super::connection::{Connection, State, Turn};
use super::door::Door;
use crate::control::event::CloseReason;
use crate::control::ids::InputId;
use crate::engine::ingest::InputError;
use crate::host::ingest::desk::{Desk, HostInput};
use crate::host::ingest::service::{Answer, End, Protocol, SOCKET, WAKE};
use crate::ingest::rtmp::Publish;
use crate::net::origins::Admission;

/// Connections of one server. A new one then takes the place of the oldest stranger.
const MAX_CONNECTIONS: usize = 4_096;
/// Connections accepted in one turn.
const ACCEPTS_PER_TURN: usize = 64;
/// How often connections are looked at whose time may be over, or whose backlog may have room.
const SWEEP: Duration = Duration::from_millis(250);
/// Bytes read by one call.
const READ: usize = 64 * 1024;
/// The first connection.
const FIRST: usize = WAKE.0 + 1;

/// See the module.
pub(in crate::host::ingest) struct RtmpServer {
    desk: Desk,
    registry: Registry,
    tls: Option<Arc<ServerConfig>>,
    max_inputs: usize,
    door: Door,
    connections: HashMap<usize, Connection>,
    /// Who publishes or asks to, by connection.
    inputs: HashMap<InputId, usize>,
    /// Connections with something to do.
    ready: VecDeque<usize>,
    last: usize,
    swept: Instant,
    buffer: Box<[u8]>,
}

impl RtmpServer {
    /// Errors: when the socket cannot be waited for.
    pub(in crate::host::ingest) fn new(
        poll: &Poll,
        desk: Desk,
        listener: StdListener,
        tls: Option<Arc<ServerConfig>>,
        max_inputs: usize,
    ) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(listener);
        let registry = poll.registry().try_clone()?;
        registry.register(&mut listener, SOCKET, Interest::READABLE)?;
        Ok(Self {
            desk,
            registry,
            tls,
            max_inputs,
            door: Door::new(listener),
            connections: HashMap::new(),
            inputs: HashMap::new(),
            ready: VecDeque::new(),
            last: FIRST,
            swept: Instant::now(),
            buffer: vec![0; READ].into_boxed_slice(),
        })
    }

    fn list(&mut self, id: usize) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !std::mem::replace(&mut connection.listed, true)
        {
            self.ready.push_back(id);
        }
    }

    fn admit(&mut self, now: Instant, socket: TcpStream, remote: SocketAddr) {
        if self.connections.len() >= MAX_CONNECTIONS {
            let connections = &self.connections;
            let is_stranger = |id| connections.get(&id).is_some_and(Connection::is_stranger);
            let Some(oldest) = self.door.oldest_stranger(is_stranger) else { return };
            self.remove(oldest);
        }
        self.last += 1;
        let id = self.last;
        let ip = remote.ip();
        match self.admission(now, ip, id) {
            Admission::Admitted => {}
            Admission::InPlaceOf(stranger) => {
                self.remove(stranger);
                if self.admission(now, ip, id) != Admission::Admitted {
                    return;
                }
            }
            Admission::Refused => return,
        }
        let connection = Connection::new(now, socket, remote, self.tls.as_ref());
        let Ok(mut connection) = connection else { return self.door.left(ip, id) };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.registry.register(connection.socket(), Token(id), interest).is_err() {
            return self.door.left(ip, id);
        }
        self.connections.insert(id, connection);
        self.list(id);
    }

    fn serve(&mut self, now: Instant, id: usize) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.listed = false;
        let buffer = &mut self.buffer;
        // What a stranger sends ends him and nobody else.
        let turn = catch_unwind(AssertUnwindSafe(|| connection.run(now, buffer)));
        match turn {
            Ok(Turn::Idle) => {}
            Ok(Turn::More) => self.list(id),
            Ok(Turn::Asks(publish)) => self.ask(now, id, publish),
            Ok(Turn::Ended) => {
                self.end_input(id, CloseReason::Remote, None);
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.linger(now);
                }
                // It may have closed already.
                self.list(id);
            }
            Ok(Turn::Over(reason, error)) => self.end(now, id, reason, error),
            Err(_) => self.end(now, id, CloseReason::Error, Some(InputError::Failed)),
        }
    }

    fn ask(&mut self, now: Instant, id: usize, publish: Publish) {
        let full = self.inputs.len() >= self.max_inputs;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if full {
            connection.reject(now, "NetStream.Publish.Denied", "too many publishers");
            return;
        }
        let input = self.desk.new_id();
        connection.state = State::Asking(input);
        let remote = connection.remote;
        let Publish { app, key } = publish;
        self.inputs.insert(input, id);
        self.desk.ask(input, app, key, remote);
    }

    /// Ends a publisher from this side: it is told.
    fn send_away(&mut self, now: Instant, id: usize, (reason, error): End) {
        if let Some(connection) = self.connections.get_mut(&id)
            && let State::Live(..) = connection.state
        {
            self.end_input(id, reason, error);
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.reject(now, "NetStream.Publish.Denied", "the stream was ended");
            }
            return;
        }
        self.end(now, id, reason, error);
    }

    /// A connection is over, by its peer or because of it.
    fn end(&mut self, now: Instant, id: usize, reason: CloseReason, error: Option<InputError>) {
        self.end_input(id, reason, error);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.state {
            State::Leaving => self.remove(id),
            _ if error.is_some() => {
                let text = error.map_or_else(String::new, |error| error.to_string());
                connection.reject(now, "NetConnection.Call.Failed", &text);
                self.desk.refuse(now, "no RTMP");
            }
            _ => self.remove(id),
        }
    }

    /// The input of a connection is over, if it has one.
    fn end_input(&mut self, id: usize, reason: CloseReason, error: Option<InputError>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(input) = connection.input_id() else { return };
        self.inputs.remove(&input);
        match &mut connection.state {
            State::Live(_, live) => live.close(reason, error),
            _ => self.desk.withdraw(input),
        }
    }

    fn remove(&mut self, id: usize) {
        self.end_input(id, CloseReason::Closed, None);
        let Some(mut connection) = self.connections.remove(&id) else { return };
        let _ = self.registry.deregister(connection.socket());
        self.door.left(connection.remote.ip(), id);
    }

    fn sweep(&mut self, now: Instant) {
        let late = |connection: &Connection| connection.deadline <= now;
        let over: Vec<usize> =
            self.connections.iter().filter(|(_, c)| late(c)).map(|(id, _)| *id).collect();
        for id in over {
            self.end_input(id, CloseReason::Timeout, None);
            self.remove(id);
        }
        for connection in self.connections.values_mut() {
            if let State::Live(_, input) = &mut connection.state {
                input.look(now);
            }
        }
        let connections = &self.connections;
        self.door.retain_strangers(|id| {
            let known = connections.get(&id);
            known.is_some_and(|known| !matches!(known.state, State::Live(..)))
        });
    }

    fn admission(&mut self, now: Instant, ip: IpAddr, id: usize) -> Admission {
        let admission = self.door.admit(ip, id);
        match admission {
            Admission::Admitted => {}
            Admission::InPlaceOf(_) => self.desk.refuse(now, "too many strangers of one address"),
            Admission::Refused => self.desk.refuse(now, "too many of one address"),
        }
        admission
    }
}

impl Protocol for RtmpServer {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn timeout(&self, _: Instant) -> Option<Duration> {
        let busy = !self.ready.is_empty() || self.door.is_busy();
        let idle = self.connections.is_empty() && self.door.is_idle();
        if busy { Some(Duration::ZERO) } else { (!idle).then_some(SWEEP) }
    }

    fn wake(&mut self, token: Token) {
        match token {
            SOCKET => self.door.knock(),
            Token(id) => self.list(id),
        }
    }

    fn turn(&mut self, now: Instant) -> ControlFlow<()> {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some((socket, remote)) = self.door.accept(now) else { break };
            self.admit(now, socket, remote);
        }
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else { break };
            self.serve(now, id);
        }
        if now.saturating_duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.sweep(now);
        }
        ControlFlow::Continue(())
    }

    fn answer(&mut self, now: Instant, input: InputId, answer: Answer) {
        let Some(&id) = self.inputs.get(&input) else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !matches!(connection.state, State::Asking(_)) {
            return;
        }
        let reason = match answer {
            Answer::Accepted => {
                connection.accept(now, input, self.desk.open(now, input));
                self.door.answered(connection.remote.ip(), id);
                return self.list(id);
            }
            Answer::Refused(reason) => reason,
            Answer::Rejected(code) => code.to_string(),
        };
        self.inputs.remove(&input);
        connection.reject(now, "NetStream.Publish.BadName", &reason);
        self.desk.refuse(now, "a publisher was not authorized");
    }

    fn input_mut(&mut self, input: InputId) -> Option<&mut HostInput> {
        let connection = self.connections.get_mut(self.inputs.get(&input)?)?;
        match &mut connection.state {
            State::Live(_, input) => Some(input),
            _ => None,
        }
    }

    fn inputs(&self) -> Vec<InputId> {
        self.inputs.keys().copied().collect()
    }

    fn dismiss(&mut self, now: Instant, input: InputId, end: End) {
        if let Some(id) = self.inputs.get(&input).copied() {
            self.send_away(now, id, end);
        }
    }

    fn end(&mut self, (reason, error): End) {
        let now = Instant::now();
        for connection in self.connections.values_mut() {
            connection.reject(now, "NetStream.Publish.Denied", "the server closes");
        }
        let all: Vec<usize> = self.connections.keys().copied().collect();
        for id in all {
            self.end_input(id, reason, error);
            self.remove(id);
        }
    }
}
