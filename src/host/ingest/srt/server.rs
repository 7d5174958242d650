//! A server that encoders push to by SRT: its socket, and those who call.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Poll, Token};
use zeroize::Zeroizing;

use super::peer::{ANSWER_TIME, GOODBYE_TIME, Live, Peer, State};
use crate::control::event::CloseReason;
use crate::control::ids::InputId;
use crate::control::ingest::SrtServerOptions;
use crate::engine::ingest::InputError;
use crate::host::ingest::desk::{Desk, HostInput};
use crate::host::ingest::service::{Answer, End, Protocol, SOCKET};
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

const FAILED: End = (CloseReason::Error, Some(InputError::Failed));

/// See the module.
pub(in crate::host::ingest) struct SrtServer {
    desk: Desk,
    socket: UdpSocket,
    listener: Listener,
    passphrase: Option<Zeroizing<String>>,
    latency: Duration,
    max_inputs: usize,
    /// By the socket that they were given.
    peers: HashMap<u32, Peer>,
    /// By address and their own socket, which say which call it is.
    calls: HashMap<(SocketAddr, u32), u32>,
    /// Who publishes or asks to.
    inputs: HashMap<InputId, u32>,
    origins: Origins,
    readable: bool,
    /// When somebody has to be looked at.
    due: Instant,
    openings: Openings,
    buffer: Box<[u8]>,
    /// Those whose datagrams were read in this turn.
    touched: Vec<u32>,
}

impl SrtServer {
    /// Errors: when the socket cannot be waited for, or the system has no randomness.
    pub(in crate::host::ingest) fn new(
        poll: &Poll,
        desk: Desk,
        socket: StdSocket,
        options: &SrtServerOptions,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let mut socket = UdpSocket::from_std(socket);
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let now = Instant::now();
        let listener =
            Listener::new(now).ok_or_else(|| io::Error::other("the system has no randomness"))?;
        Ok(Self {
            desk,
            socket,
            listener,
            passphrase: options.passphrase.clone().map(Zeroizing::new),
            latency: Duration::from_millis(options.latency.into()),
            max_inputs: options.max_inputs,
            peers: HashMap::new(),
            calls: HashMap::new(),
            inputs: HashMap::new(),
            origins: Origins::default(),
            readable: true,
            due: now,
            openings: Openings::new(now),
            buffer: vec![0; READ].into_boxed_slice(),
            touched: Vec::new(),
        })
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
            Ok(Err(end)) => self.remove(to, end),
            Err(_) => self.remove(to, FAILED),
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
            return self.desk.refuse(now, "too many callers");
        }
        if !self.openings.admit(now, remote.ip()) {
            // He asks again in a moment.
            return;
        }
        let keys = match request.open(self.passphrase.as_deref().map(String::as_str)) {
            Ok(keys) => keys,
            Err(reason) => {
                self.send(remote, &request.refuse(reason));
                return self.desk.refuse(now, "a passphrase was not right");
            }
        };
        if self.inputs.len() >= self.max_inputs {
            self.send(remote, &request.refuse(Rejection::BACKLOG));
            return self.desk.refuse(now, "too many publishers");
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
                return self.desk.refuse(now, "too many of one address");
            }
        }
        let input = self.desk.new_id();
        let key = request.stream_id().to_owned();
        let state = State::Asking(input, Box::new((request, keys)));
        let peer = Peer { remote, socket: place.1, deadline: now + ANSWER_TIME, state };
        self.peers.insert(id, peer);
        self.calls.insert(place, id);
        self.inputs.insert(input, id);
        self.due = self.due.min(now + SWEEP);
        self.desk.ask(input, String::new(), key, remote);
    }

    /// Forgets somebody who was refused. Whether he was.
    fn leave(&mut self, id: u32) -> bool {
        let refused =
            self.peers.get(&id).is_some_and(|peer| matches!(peer.state, State::Leaving(_)));
        if refused {
            self.remove(id, (CloseReason::Closed, None));
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
            Ok(Err(end)) => self.remove(id, end),
            Err(_) => self.remove(id, FAILED),
        }
    }

    fn sweep(&mut self, now: Instant) {
        self.due = now + SWEEP;
        let over = |peer: &Peer| peer.deadline <= now;
        let (late, live): (Vec<_>, Vec<_>) =
            self.peers.iter().map(|(id, peer)| (*id, over(peer))).partition(|(_, over)| *over);
        for (id, _) in late {
            self.remove(id, (CloseReason::Timeout, None));
        }
        for (id, _) in live {
            self.serve(now, id);
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
        let (connection, answer) = request.accept(now, id, self.latency, keys);
        let made = self.desk.open(now, input);
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
        self.desk.refuse(now, "a publisher was not authorized");
    }

    /// Somebody is over, by himself or by us; he is told.
    fn remove(&mut self, id: u32, (reason, error): End) {
        let Some(mut peer) = self.peers.remove(&id) else { return };
        self.calls.remove(&(peer.remote, peer.socket));
        self.origins.left(peer.remote.ip(), id as usize);
        if let Some(input) = peer.input_id() {
            self.inputs.remove(&input);
        }
        match &mut peer.state {
            State::Live(live) => {
                if reason != CloseReason::Remote {
                    self.send(peer.remote, &live.shutdown(Instant::now()));
                }
                live.input.close(reason, error);
            }
            State::Asking(input, asked) => {
                self.desk.withdraw(*input);
                self.send(peer.remote, &asked.0.refuse(Rejection::CLOSED));
            }
            State::Leaving(_) => {}
        }
    }
}

impl Protocol for SrtServer {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn timeout(&self, now: Instant) -> Option<Duration> {
        if self.readable {
            return Some(Duration::ZERO);
        }
        (!self.peers.is_empty()).then(|| self.due.saturating_duration_since(now))
    }

    fn wake(&mut self, _: Token) {
        self.readable = true;
    }

    fn turn(&mut self, now: Instant) -> ControlFlow<()> {
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
        ControlFlow::Continue(())
    }

    fn answer(&mut self, now: Instant, input: InputId, answer: Answer) {
        match answer {
            Answer::Accepted => self.accept(now, input),
            Answer::Refused(_) => self.reject(now, input, Rejection::FORBIDDEN),
            Answer::Rejected(code) => {
                self.reject(now, input, Rejection::new(code).unwrap_or(Rejection::FORBIDDEN));
            }
        }
    }

    fn input_mut(&mut self, input: InputId) -> Option<&mut HostInput> {
        match &mut self.peers.get_mut(self.inputs.get(&input)?)?.state {
            State::Live(live) => Some(live.told_input()),
            _ => None,
        }
    }

    fn inputs(&self) -> Vec<InputId> {
        self.inputs.keys().copied().collect()
    }

    fn dismiss(&mut self, now: Instant, input: InputId, end: End) {
        if let Some(id) = self.inputs.get(&input).copied() {
            self.remove(id, end);
        }
        self.due = self.due.min(now + TICK);
    }

    fn end(&mut self, end: End) {
        let all: Vec<u32> = self.peers.keys().copied().collect();
        for id in all {
            self.remove(id, end);
        }
    }
}
