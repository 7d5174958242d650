//! The thread of one server: its socket, those who call, and what JavaScript says of them.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::super::server::Left;
use super::peer::{ANSWER_TIME, End, GOODBYE_TIME, HostInput, Live, Peer, State};
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{Ended, Ids, IngestServerId, InputId, RequestId, ShardIndex};
use crate::control::ingest::IngestCommand;
use crate::control::mailbox::Mailbox;
use crate::engine::ingest::{InputError, Parts};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Inlet;
use crate::host::error::HostError;
use crate::host::media_threads::Outside;
use crate::ingest::srt::{Heard, Listener, OpenedKeys, Rejection, Request, destination};
use crate::net::openings::Openings;
use crate::net::origins::{Admission, Origins};

/// Callers of one server. What comes beyond them is not answered.
const MAX_PEERS: usize = 4_096;
/// Datagrams read in one turn, before what has to be sent is.
const DATAGRAMS_PER_TURN: usize = 256;
/// How long nobody is looked at again who has nothing to do at once.
const TICK: Duration = Duration::from_millis(5);
/// How often all are looked at, whatever they wait for.
const SWEEP: Duration = Duration::from_millis(250);
/// Longest datagram that is looked at whole.
const READ: usize = 2_048;
const EVENTS: usize = 16;
const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// What a server is made of.
pub(in crate::host::ingest) struct SrtServerParts {
    pub(in crate::host::ingest) id: IngestServerId,
    pub(in crate::host::ingest) socket: StdSocket,
    pub(in crate::host::ingest) max_inputs: usize,
    pub(in crate::host::ingest) mix_b_frames: bool,
    pub(in crate::host::ingest) latency: Duration,
    pub(in crate::host::ingest) silence: Duration,
    pub(in crate::host::ingest) passphrase: Option<Zeroizing<String>>,
    pub(in crate::host::ingest) ids: Arc<Ids>,
    pub(in crate::host::ingest) mailbox: Arc<Mailbox>,
    pub(in crate::host::ingest) outside: Outside<ShardMessage>,
    pub(in crate::host::ingest) shards: usize,
    pub(in crate::host::ingest) commands: mpsc::Receiver<IngestCommand>,
    pub(in crate::host::ingest) left: Arc<Mutex<Left>>,
}

/// See the module.
pub(in crate::host::ingest) struct SrtServer {
    parts: SrtServerParts,
    poll: Poll,
    socket: UdpSocket,
    listener: Listener,
    /// By the socket that they were given.
    peers: HashMap<u32, Peer>,
    /// By address and their own socket, which say which call it is.
    calls: HashMap<(SocketAddr, u32), u32>,
    /// Who publishes or asks to.
    inputs: HashMap<InputId, u32>,
    origins: Origins,
    /// Inputs there ever were: they take turns with the shards.
    made: usize,
    readable: bool,
    /// When somebody has to be looked at.
    due: Instant,
    openings: Openings,
    buffer: Box<[u8]>,
    /// Those whose datagrams were read in this turn.
    touched: Vec<u32>,
    refused: Refusals,
}

/// Refused callers since the log last told of them.
#[derive(Default)]
struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl SrtServer {
    /// Ready to run; what gets it to look comes with it. Errors: when the system has no poller or no
    /// randomness.
    pub(in crate::host::ingest) fn new(parts: SrtServerParts) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let socket = parts.socket.try_clone()?;
        socket.set_nonblocking(true)?;
        let mut socket = UdpSocket::from_std(socket);
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let now = Instant::now();
        let listener =
            Listener::new(now).ok_or_else(|| io::Error::other("the system has no randomness"))?;
        let server = Self {
            parts,
            poll,
            socket,
            listener,
            peers: HashMap::new(),
            calls: HashMap::new(),
            inputs: HashMap::new(),
            origins: Origins::default(),
            made: 0,
            readable: true,
            due: now,
            openings: Openings::new(now),
            buffer: vec![0; READ].into_boxed_slice(),
            touched: Vec::new(),
            refused: Refusals::default(),
        };
        Ok((server, waker))
    }

    /// Runs until it is closed.
    pub(in crate::host::ingest) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            let timeout = if self.readable {
                Some(Duration::ZERO)
            } else {
                (!self.peers.is_empty()).then(|| self.due.saturating_duration_since(now))
            };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return self.fail(HostError::IngestThread(error));
                }
                _ => {}
            }
            self.readable |= events.iter().any(|event| event.token() == SOCKET);
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
        if self.readable {
            self.read(now);
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            self.serve(now, id);
        }
        if self.due <= now {
            self.sweep(now);
        }
        None
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..DATAGRAMS_PER_TURN {
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = self.socket.recv_from(&mut buffer);
            match read {
                // What is as long as the buffer may have been longer.
                Ok((length, remote)) if length < READ => {
                    self.datagram(now, remote, buffer.get(..length).unwrap_or(&[]));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                }
                // Somebody who is gone was answered.
                Err(_) => {}
            }
            self.buffer = buffer;
            if !self.readable {
                return;
            }
        }
    }

    fn datagram(&mut self, now: Instant, remote: SocketAddr, datagram: &[u8]) {
        let Some(to) = destination(datagram) else { return };
        if to == 0 {
            match self.listener.hear(now, remote, datagram) {
                Heard::Answer(answer) => self.send(remote, &answer),
                Heard::Call(request) => self.call(now, *request),
                Heard::Nothing => {}
            }
            return;
        }
        let Some(peer) = self.peers.get_mut(&to).filter(|peer| peer.remote == remote) else {
            return;
        };
        let State::Live(live) = &mut peer.state else { return };
        // What somebody sends ends him and nobody else.
        let taken = catch_unwind(AssertUnwindSafe(|| live.receive(now, datagram)));
        match taken {
            Ok(Ok(())) => {
                self.touched.push(to);
            }
            Ok(Err((reason, error))) => self.end(to, reason, error),
            Err(_) => self.end(to, CloseReason::Error, Some(InputError::Failed)),
        }
    }

    /// Somebody calls who is where he says.
    fn call(&mut self, now: Instant, request: Request) {
        let remote = request.remote();
        let place = (remote, request.socket());
        if let Some(peer) = self.calls.get(&place).and_then(|id| self.peers.get(id)) {
            if let Some(answer) = peer.repeat() {
                self.send(remote, answer);
            }
            return;
        }
        if self.peers.len() >= MAX_PEERS {
            return self.refused(now, "too many callers");
        }
        if !self.openings.admit(now, remote.ip()) {
            // He asks again in a moment.
            return;
        }
        let keys = match request.open(self.parts.passphrase.as_deref().map(String::as_str)) {
            Ok(keys) => keys,
            Err(reason) => {
                self.send(remote, &request.refuse(reason));
                return self.refused(now, "a passphrase was not right");
            }
        };
        if self.inputs.len() >= self.parts.max_inputs {
            self.send(remote, &request.refuse(Rejection::BACKLOG));
            return self.refused(now, "too many publishers");
        }
        let Some(id) = self.free_socket() else { return };
        match self.origins.admit(remote.ip(), id as usize) {
            Admission::Admitted => {}
            Admission::InPlaceOf(oldest) if self.leave(oldest as u32) => {
                // What he had is the newcomer's.
                let _ = self.origins.admit(remote.ip(), id as usize);
            }
            // Who is asked about is answered soon.
            Admission::InPlaceOf(_) | Admission::Refused => {
                self.send(remote, &request.refuse(Rejection::BACKLOG));
                return self.refused(now, "too many of one address");
            }
        }
        let shard = ShardIndex((self.made % self.parts.shards) as u8);
        self.made += 1;
        let input = InputId::new(&self.parts.ids, shard);
        let key = request.stream_id().to_owned();
        let state = State::Asking(input, Box::new((request, keys)));
        let peer = Peer { remote, socket: place.1, deadline: now + ANSWER_TIME, state };
        self.peers.insert(id, peer);
        self.calls.insert(place, id);
        self.inputs.insert(input, id);
        self.due = self.due.min(now + SWEEP);
        let (server, app) = (self.parts.id, String::new());
        self.parts.mailbox.post(Event::InputAsks { server, input, app, key, remote });
    }

    /// Forgets somebody who was refused. Whether he was.
    fn leave(&mut self, id: u32) -> bool {
        let refused =
            self.peers.get(&id).is_some_and(|peer| matches!(peer.state, State::Leaving(_)));
        if refused {
            self.end(id, CloseReason::Closed, None);
        }
        refused
    }

    /// A number that nobody has and nobody can guess.
    fn free_socket(&self) -> Option<u32> {
        std::iter::repeat_with(|| {
            let mut random = [0; 4];
            aws_lc_rs::rand::fill(&mut random).ok()?;
            Some(u32::from_be_bytes(random) >> 1)
        })
        .map_while(|id| id)
        .find(|id| *id != 0 && !self.peers.contains_key(id))
    }

    fn send(&self, remote: SocketAddr, datagram: &[u8]) {
        // One that is not sent is one that was lost.
        let _ = self.socket.send_to(datagram, remote);
    }

    /// Works off what somebody has to do.
    fn serve(&mut self, now: Instant, id: u32) {
        let Self { peers, socket, .. } = self;
        let Some(peer) = peers.get_mut(&id) else { return };
        let remote = peer.remote;
        let State::Live(live) = &mut peer.state else { return };
        let send = |datagram: &[u8]| drop(socket.send_to(datagram, remote));
        let ran = catch_unwind(AssertUnwindSafe(|| live.run(now, send)));
        match ran {
            Ok(Ok(due)) => {
                let next = live.deadline(now).max(now + TICK);
                if due {
                    peer.deadline = Live::idle_deadline(now);
                }
                self.due = self.due.min(next);
            }
            Ok(Err((reason, error))) => self.end(id, reason, error),
            Err(_) => self.end(id, CloseReason::Error, Some(InputError::Failed)),
        }
    }

    fn sweep(&mut self, now: Instant) {
        self.due = now + SWEEP;
        let over = |peer: &Peer| peer.deadline <= now;
        let (late, live): (Vec<_>, Vec<_>) =
            self.peers.iter().map(|(id, peer)| (*id, over(peer))).partition(|(_, over)| *over);
        for (id, _) in late {
            self.end(id, CloseReason::Timeout, None);
        }
        for (id, _) in live {
            self.serve(now, id);
        }
    }

    fn command(&mut self, now: Instant, command: IngestCommand) {
        use IngestCommand as C;
        match command {
            C::Answer { input, accepted: true, .. } => self.accept(now, input),
            C::Answer { input, .. } => self.reject(now, input, Rejection::FORBIDDEN),
            C::Reject { input, code } => {
                self.reject(now, input, Rejection::new(code).unwrap_or(Rejection::FORBIDDEN));
            }
            C::ListenLevels { input, track, listen } => {
                if let Some(live) = self.live(input) {
                    live.input.listen_levels(track, listen);
                }
            }
            C::InputStats { input, request } => match self.live(input) {
                Some(live) => {
                    live.tell_link();
                    live.input.answer_stats(request);
                }
                None => {
                    let result = Err(HostError::InputClosed.into());
                    self.parts.mailbox.post(Event::Reply { request, result });
                }
            },
            C::CloseInput { input } => {
                if let Some(id) = self.inputs.get(&input).copied() {
                    self.end(id, CloseReason::Closed, None);
                }
            }
            C::Close { .. } => {}
        }
    }

    fn live(&mut self, input: InputId) -> Option<&mut Live> {
        match &mut self.peers.get_mut(self.inputs.get(&input)?)?.state {
            State::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Takes what somebody asked with, if he still asks.
    fn asked(&mut self, input: InputId) -> Option<(u32, Box<(Request, OpenedKeys)>)> {
        let id = *self.inputs.get(&input)?;
        let peer = self.peers.get_mut(&id)?;
        let state = std::mem::replace(&mut peer.state, State::Leaving(Vec::new()));
        match state {
            State::Asking(_, asked) => Some((id, asked)),
            state => {
                peer.state = state;
                None
            }
        }
    }

    fn accept(&mut self, now: Instant, input: InputId) {
        let Some((id, asked)) = self.asked(input) else { return };
        let (request, keys) = *asked;
        let remote = request.remote();
        let (connection, answer) = request.accept(now, id, self.parts.latency, keys);
        // Packets are for those who take tracks; shards leave notes here, which are looked at with
        // whatever comes next.
        let (inlet, _) = Inlet::new(|| {});
        let made = HostInput::new(
            now,
            Parts {
                id: input,
                ids: Arc::clone(&self.parts.ids),
                mailbox: Arc::clone(&self.parts.mailbox),
                shards: self.parts.outside.clone(),
                inlet,
                silence: self.parts.silence,
                mix_b_frames: self.parts.mix_b_frames,
            },
        );
        self.send(remote, &answer);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.state = State::Live(Box::new(Live::new(input, made, connection, answer)));
            peer.deadline = Live::idle_deadline(now);
        }
        self.origins.answered(remote.ip(), id as usize);
        self.due = self.due.min(now + TICK);
    }

    fn reject(&mut self, now: Instant, input: InputId, reason: Rejection) {
        let Some((id, asked)) = self.asked(input) else { return };
        let answer = asked.0.refuse(reason);
        self.inputs.remove(&input);
        self.send(asked.0.remote(), &answer);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.state = State::Leaving(answer);
            peer.deadline = now + GOODBYE_TIME;
        }
        self.refused(now, "a publisher was not authorized");
    }

    fn thread_ended(&mut self, now: Instant, ended: Ended) {
        let lost: Vec<_> =
            self.inputs.iter().filter(|(input, _)| input.ended_with(ended)).collect();
        let lost: Vec<u32> = lost.into_iter().map(|(_, id)| *id).collect();
        for id in lost {
            self.end(id, CloseReason::Error, Some(InputError::ThreadFailed(ended.shard)));
        }
        self.due = self.due.min(now + TICK);
    }

    /// Somebody is over, by himself or by us; he is told.
    fn end(&mut self, id: u32, reason: CloseReason, error: Option<InputError>) {
        let Some(mut peer) = self.peers.remove(&id) else { return };
        self.calls.remove(&(peer.remote, peer.socket));
        self.origins.left(peer.remote.ip(), id as usize);
        if let Some(input) = peer.input_id() {
            self.inputs.remove(&input);
        }
        let (server, mailbox) = (self.parts.id, &self.parts.mailbox);
        match &mut peer.state {
            State::Live(live) => {
                if reason != CloseReason::Remote {
                    self.send(peer.remote, &live.shutdown(Instant::now()));
                }
                live.input.close(reason, error);
            }
            State::Asking(input, asked) => {
                mailbox.post(Event::InputWithdrawn { server, input: *input });
                self.send(peer.remote, &asked.0.refuse(Rejection::CLOSED));
            }
            State::Leaving(_) => {}
        }
    }

    /// One record a second and a count, whoever comes.
    fn refused(&mut self, now: Instant, why: &'static str) {
        let Refusals { count, told } = &mut self.refused;
        *count += 1;
        if told.is_none_or(|told| now.saturating_duration_since(told) >= Duration::from_secs(1)) {
            tracing::info!(refused = *count, why, "callers of an SRT server were refused");
            (*count, *told) = (0, Some(now));
        }
    }

    /// The end: who publishes is told, and what listens is let go of.
    fn close(self, requests: Vec<RequestId>) {
        let mailbox = Arc::clone(&self.parts.mailbox);
        self.end_all((CloseReason::Parent, None));
        for request in requests {
            mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }

    fn fail(self, error: HostError) {
        let (server, mailbox) = (self.parts.id, Arc::clone(&self.parts.mailbox));
        self.end_all((CloseReason::Error, Some(InputError::Failed)));
        mailbox.post(Event::IngestServerFailed { server, error: error.into() });
    }

    fn end_all(mut self, (reason, error): End) {
        let all: Vec<u32> = self.peers.keys().copied().collect();
        for id in all {
            self.end(id, reason, error);
        }
        self.parts.commands.close();
        while let Ok(command) = self.parts.commands.try_recv() {
            let (request, result) = match command {
                IngestCommand::Close { request } => (request, Ok(Reply::Done)),
                IngestCommand::InputStats { request, .. } => {
                    (request, Err(HostError::InputClosed.into()))
                }
                _ => continue,
            };
            self.parts.mailbox.post(Event::Reply { request, result });
        }
    }
}
