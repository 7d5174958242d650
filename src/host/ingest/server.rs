//! The thread of one server: its socket, the connections on it, and what JavaScript says of them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener as StdListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::ServerConfig;
use tokio::sync::mpsc;

use super::connection::{Connection, HostInput, State, Turn};
use super::door::Door;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{Ended, Ids, IngestServerId, InputId, RequestId, ShardIndex};
use crate::control::ingest::IngestCommand;
use crate::control::mailbox::Mailbox;
use crate::engine::ingest::{InputError, Parts};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Inlet;
use crate::host::error::HostError;
use crate::host::media_threads::Outside;
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
const EVENTS: usize = 1_024;
const LISTENER: Token = Token(0);
const WAKE: Token = Token(1);
/// The first connection.
const FIRST: usize = 2;

/// What others leave for the thread, beside commands.
#[derive(Default)]
pub(super) struct Left {
    /// Media threads that ended.
    pub(super) ended: Vec<Ended>,
    /// The endpoint closes.
    pub(super) stop: bool,
}

/// What a server is made of.
pub(super) struct ServerParts {
    pub(super) id: IngestServerId,
    pub(super) listener: StdListener,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) max_inputs: usize,
    pub(super) mix_b_frames: bool,
    pub(super) silence: Duration,
    pub(super) ids: Arc<Ids>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) outside: Outside<ShardMessage>,
    pub(super) shards: usize,
    pub(super) commands: mpsc::Receiver<IngestCommand>,
    pub(super) left: Arc<Mutex<Left>>,
}

/// See the module.
pub(super) struct IngestServer {
    parts: ServerParts,
    poll: Poll,
    door: Door,
    connections: HashMap<usize, Connection>,
    /// Who publishes or asks to, by connection.
    inputs: HashMap<InputId, usize>,
    /// Connections with something to do.
    ready: VecDeque<usize>,
    last: usize,
    /// Inputs there ever were: they take turns with the shards.
    made: usize,
    swept: Instant,
    buffer: Box<[u8]>,
}

impl IngestServer {
    /// Ready to run; what gets it to look comes with it. Errors: when the system has no poller.
    pub(super) fn new(parts: ServerParts) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::from_std(parts.listener.try_clone()?);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let server = Self {
            parts,
            poll,
            door: Door::new(listener),
            connections: HashMap::new(),
            inputs: HashMap::new(),
            ready: VecDeque::new(),
            last: FIRST,
            made: 0,
            swept: Instant::now(),
            buffer: vec![0; READ].into_boxed_slice(),
        };
        Ok((server, waker))
    }

    /// Runs until it is closed.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let busy = !self.ready.is_empty() || self.door.is_busy();
            let idle = self.connections.is_empty() && self.door.is_idle();
            let timeout = if busy { Some(Duration::ZERO) } else { (!idle).then_some(SWEEP) };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return self.fail(HostError::IngestThread(error));
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.door.knock(),
                    WAKE => {}
                    Token(id) => self.list(id),
                }
            }
            let now = Instant::now();
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(now)));
            match turn {
                Ok(None) => {}
                Ok(Some(requests)) => return self.close(requests),
                Err(_) => return self.fail(HostError::IngestFailed),
            }
        }
    }

    /// One turn of everything that has something to do. Gives who waits for the end, when it is there.
    fn turn(&mut self, now: Instant) -> Option<Vec<RequestId>> {
        let left = {
            let mut left = self.parts.left.lock().unwrap_or_else(PoisonError::into_inner);
            Left { ended: std::mem::take(&mut left.ended), stop: left.stop }
        };
        for ended in left.ended {
            self.thread_ended(now, ended);
        }
        if left.stop {
            return Some(Vec::new());
        }
        while let Ok(command) = self.parts.commands.try_recv() {
            if let IngestCommand::Close { request } = command {
                return Some(vec![request]);
            }
            self.command(now, command);
        }
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
        None
    }

    fn list(&mut self, id: usize) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !std::mem::replace(&mut connection.listed, true)
        {
            self.ready.push_back(id);
        }
    }

    fn admit(&mut self, now: Instant, socket: TcpStream, remote: std::net::SocketAddr) {
        if self.connections.len() >= MAX_CONNECTIONS {
            let connections = &self.connections;
            let is_stranger = |id| connections.get(&id).is_some_and(Connection::is_stranger);
            let Some(oldest) = self.door.oldest_stranger(is_stranger) else { return };
            self.remove(oldest);
        }
        self.last += 1;
        let id = self.last;
        let ip = remote.ip();
        match self.door.admit(now, ip, id) {
            Admission::Admitted => {}
            Admission::InPlaceOf(stranger) => {
                self.remove(stranger);
                if self.door.admit(now, ip, id) != Admission::Admitted {
                    return;
                }
            }
            Admission::Refused => return,
        }
        let connection = Connection::new(now, socket, remote, self.parts.tls.as_ref());
        let Ok(mut connection) = connection else { return self.door.left(ip, id) };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(connection.socket(), Token(id), interest).is_err() {
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
        let full = self.inputs.len() >= self.parts.max_inputs;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if full {
            connection.reject(now, "NetStream.Publish.Denied", "too many publishers");
            return;
        }
        let shard = ShardIndex((self.made % self.parts.shards) as u8);
        self.made += 1;
        let input = InputId::new(&self.parts.ids, shard);
        connection.state = State::Asking(input);
        let (server, remote) = (self.parts.id, connection.remote);
        let Publish { app, key } = publish;
        self.inputs.insert(input, id);
        self.parts.mailbox.post(Event::InputAsks { server, input, app, key, remote });
    }

    fn command(&mut self, now: Instant, command: IngestCommand) {
        use IngestCommand as C;
        match command {
            C::Answer { input, accepted, reason } => self.answer(now, input, accepted, &reason),
            C::ListenLevels { input, track, listen } => {
                if let Some(input) = self.input_mut(input) {
                    input.listen_levels(track, listen);
                }
            }
            C::InputStats { input, request } => match self.input_mut(input) {
                Some(input) => input.answer_stats(request),
                None => {
                    let result = Err(HostError::InputClosed.into());
                    self.parts.mailbox.post(Event::Reply { request, result });
                }
            },
            C::CloseInput { input } => {
                if let Some(id) = self.inputs.get(&input).copied() {
                    self.dismiss(now, id, CloseReason::Closed, None);
                }
            }
            C::Close { .. } | C::Reject { .. } => {}
        }
    }

    fn input_mut(&mut self, input: InputId) -> Option<&mut HostInput> {
        let connection = self.connections.get_mut(self.inputs.get(&input)?)?;
        match &mut connection.state {
            State::Live(_, input) => Some(input),
            _ => None,
        }
    }

    fn answer(&mut self, now: Instant, input: InputId, accepted: bool, reason: &str) {
        let Some(&id) = self.inputs.get(&input) else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !matches!(connection.state, State::Asking(_)) {
            return;
        }
        if !accepted {
            self.inputs.remove(&input);
            connection.reject(now, "NetStream.Publish.BadName", reason);
            return self.door.refuse(now, "a publisher was not authorized");
        }
        // Packets are for those who take tracks; shards leave notes here, which are looked at with
        // whatever comes next.
        let (inlet, _) = Inlet::new(|| {});
        connection.accept(
            now,
            input,
            HostInput::new(
                now,
                Parts {
                    id: input,
                    ids: Arc::clone(&self.parts.ids),
                    mailbox: Arc::clone(&self.parts.mailbox),
                    shards: self.parts.outside.clone(),
                    inlet,
                    mix_b_frames: self.parts.mix_b_frames,
                    silence: self.parts.silence,
                },
            ),
        );
        self.door.answered(connection.remote.ip(), id);
        self.list(id);
    }

    fn thread_ended(&mut self, now: Instant, ended: Ended) {
        let lost: Vec<_> =
            self.inputs.iter().filter(|(input, _)| input.ended_with(ended)).collect();
        let lost: Vec<usize> = lost.into_iter().map(|(_, id)| *id).collect();
        for id in lost {
            self.dismiss(now, id, CloseReason::Error, Some(InputError::ThreadFailed(ended.shard)));
        }
    }

    /// Ends a publisher from this side: it is told.
    fn dismiss(&mut self, now: Instant, id: usize, reason: CloseReason, error: Option<InputError>) {
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
                self.door.refuse(now, "no RTMP");
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
            _ => {
                let server = self.parts.id;
                self.parts.mailbox.post(Event::InputWithdrawn { server, input });
            }
        }
    }

    fn remove(&mut self, id: usize) {
        self.end_input(id, CloseReason::Closed, None);
        let Some(mut connection) = self.connections.remove(&id) else { return };
        let _ = self.poll.registry().deregister(connection.socket());
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

    /// The end: who publishes is told, and what listens is let go of.
    fn close(self, requests: Vec<RequestId>) {
        let mailbox = Arc::clone(&self.parts.mailbox);
        self.end_all(CloseReason::Parent, None);
        for request in requests {
            mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }

    fn fail(self, error: HostError) {
        let (server, mailbox) = (self.parts.id, Arc::clone(&self.parts.mailbox));
        self.end_all(CloseReason::Error, Some(InputError::Failed));
        mailbox.post(Event::IngestServerFailed { server, error: error.into() });
    }

    fn end_all(mut self, reason: CloseReason, error: Option<InputError>) {
        let now = Instant::now();
        for connection in self.connections.values_mut() {
            connection.reject(now, "NetStream.Publish.Denied", "the server closes");
        }
        let all: Vec<usize> = self.connections.keys().copied().collect();
        for id in all {
            self.end_input(id, reason, error);
            self.remove(id);
        }
        self.parts.commands.close();
        while let Ok(command) = self.parts.commands.try_recv() {
            let (IngestCommand::InputStats { request, .. } | IngestCommand::Close { request }) =
                command
            else {
                continue;
            };
            let result = match command {
                IngestCommand::Close { .. } => Ok(Reply::Done),
                _ => Err(HostError::InputClosed.into()),
            };
            self.parts.mailbox.post(Event::Reply { request, result });
        }
    }
}
