//! One input that is fetched: a socket that calls somebody who sends by SRT, on a thread of its own.

use std::io;
use std::net::UdpSocket as StdSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;

use super::super::server::Left;
use super::peer::{End, HostInput, Live};
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{Ids, InputId, RequestId};
use crate::control::ingest::IngestCommand;
use crate::control::mailbox::Mailbox;
use crate::engine::ingest::{InputError, Parts};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Inlet;
use crate::host::error::HostError;
use crate::host::media_threads::Outside;
use crate::ingest::srt::{Caller, CallerOptions, Connection, SrtError, destination};

/// How long somebody has to answer who is called.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(5);
/// How often it is looked at, whatever it waits for.
const SWEEP: Duration = Duration::from_millis(100);
/// Datagrams read in one turn, before what has to be sent is.
const DATAGRAMS_PER_TURN: usize = 256;
/// Longest datagram that is looked at whole.
const READ: usize = 2_048;
const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// What it is made of.
pub(in crate::host::ingest) struct SrtPullParts {
    pub(in crate::host::ingest) input: InputId,
    /// Who waits for it to be there.
    pub(in crate::host::ingest) opening: RequestId,
    /// Connected to who is called.
    pub(in crate::host::ingest) socket: StdSocket,
    pub(in crate::host::ingest) silence: Duration,
    pub(in crate::host::ingest) mix_b_frames: bool,
    pub(in crate::host::ingest) ids: Arc<Ids>,
    pub(in crate::host::ingest) mailbox: Arc<Mailbox>,
    pub(in crate::host::ingest) outside: Outside<ShardMessage>,
    pub(in crate::host::ingest) commands: mpsc::Receiver<IngestCommand>,
    pub(in crate::host::ingest) left: Arc<Mutex<Left>>,
}

/// See the module.
pub(in crate::host::ingest) struct SrtPull {
    parts: SrtPullParts,
    poll: Poll,
    socket: UdpSocket,
    /// What datagrams for this end are sent to. Who forges the other end's address does not know it.
    own: u32,
    state: State,
    /// When the call is given up, and then when who says nothing is gone.
    deadline: Instant,
    buffer: Box<[u8]>,
    closing: Vec<RequestId>,
}

enum State {
    Calling(Box<Caller>),
    Live(Box<Live>),
}

impl SrtPull {
    /// Ready to run; what gets it to look comes with it. Errors: when the system has no poller or no
    /// randomness.
    pub(in crate::host::ingest) fn new(
        parts: SrtPullParts,
        options: CallerOptions,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let socket = parts.socket.try_clone()?;
        socket.set_nonblocking(true)?;
        let remote = socket.peer_addr()?;
        let mut socket = UdpSocket::from_std(socket);
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let now = Instant::now();
        let caller = Caller::new(now, remote, options)
            .ok_or_else(|| io::Error::other("the system has no randomness"))?;
        let pull = Self {
            parts,
            poll,
            socket,
            own: caller.socket(),
            state: State::Calling(Box::new(caller)),
            deadline: now + ANSWER_TIME,
            buffer: vec![0; READ].into_boxed_slice(),
            closing: Vec::new(),
        };
        Ok((pull, waker))
    }

    /// Runs until it is over.
    pub(in crate::host::ingest) fn run(mut self) {
        let mut events = Events::with_capacity(16);
        let end = loop {
            let now = Instant::now();
            let timeout = match &self.state {
                State::Calling(_) => SWEEP,
                State::Live(live) => {
                    live.deadline(now).saturating_duration_since(now).clamp(TICK, SWEEP)
                }
            };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                break (CloseReason::Error, Some(InputError::Failed));
            }
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(Instant::now())));
            match turn {
                Ok(Ok(())) => {}
                Ok(Err(end)) => break end,
                Err(_) => break (CloseReason::Error, Some(InputError::Failed)),
            }
        };
        self.end(end);
    }

    fn turn(&mut self, now: Instant) -> Result<(), End> {
        let (ended, stop) = {
            let mut left = self.parts.left.lock().unwrap_or_else(PoisonError::into_inner);
            (std::mem::take(&mut left.ended), left.stop)
        };
        if let Some(ended) = ended.into_iter().find(|ended| self.parts.input.ended_with(*ended)) {
            return Err((CloseReason::Error, Some(InputError::ThreadFailed(ended.shard))));
        }
        if stop {
            return Err((CloseReason::Parent, None));
        }
        while let Ok(command) = self.parts.commands.try_recv() {
            self.command(command)?;
        }
        self.read(now)?;
        if now >= self.deadline {
            let error = matches!(self.state, State::Calling(_))
                .then_some(InputError::Srt(SrtError::Timeout));
            return Err((CloseReason::Timeout, error));
        }
        let socket = &self.socket;
        // One that is not sent is one that was lost.
        let send = |datagram: &[u8]| drop(socket.send(datagram));
        match &mut self.state {
            State::Calling(caller) => {
                if let Some(datagram) = caller.transmit(now) {
                    send(&datagram);
                }
            }
            State::Live(live) => {
                if live.run(now, send)? {
                    self.deadline = Live::idle_deadline(now);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, now: Instant) -> Result<(), End> {
        for _ in 0..DATAGRAMS_PER_TURN {
            let length = match self.socket.recv(&mut self.buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Nothing, or nobody there yet: silence says so in time.
                Err(_) => return Ok(()),
            };
            // What is as long as the buffer may have been longer.
            let Some(datagram) = self.buffer.get(..length).filter(|_| length < READ) else {
                continue;
            };
            if destination(datagram) != Some(self.own) {
                continue;
            }
            match &mut self.state {
                State::Calling(caller) => {
                    let made = caller
                        .receive(now, datagram)
                        .map_err(|error| (CloseReason::Error, Some(InputError::Srt(error))))?;
                    if let Some(connection) = made {
                        self.begin(now, connection);
                    }
                }
                State::Live(live) => live.receive(now, datagram)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, now: Instant, connection: Connection) {
        let (inlet, _) = Inlet::new(|| {});
        let input = HostInput::new(
            now,
            Parts {
                id: self.parts.input,
                ids: Arc::clone(&self.parts.ids),
                mailbox: Arc::clone(&self.parts.mailbox),
                shards: self.parts.outside.clone(),
                inlet,
                silence: self.parts.silence,
                mix_b_frames: self.parts.mix_b_frames,
            },
        );
        let live = Live::new(self.parts.input, input, connection, Vec::new());
        self.state = State::Live(Box::new(live));
        self.deadline = Live::idle_deadline(now);
        let request = self.parts.opening;
        self.parts.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
    }

    fn command(&mut self, command: IngestCommand) -> Result<(), End> {
        use IngestCommand as C;
        match (command, &mut self.state) {
            (C::ListenLevels { track, listen, .. }, State::Live(live)) => {
                live.input.listen_levels(track, listen);
            }
            (C::InputStats { request, .. }, State::Live(live)) => {
                live.tell_link();
                live.input.answer_stats(request);
            }
            (C::InputStats { request, .. }, State::Calling(_)) => {
                let result = Err(HostError::InputClosed.into());
                self.parts.mailbox.post(Event::Reply { request, result });
            }
            (C::CloseInput { .. }, _) => return Err((CloseReason::Closed, None)),
            (C::Close { request }, _) => {
                self.closing.push(request);
                return Err((CloseReason::Closed, None));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(mut self, (reason, error): End) {
        let mailbox = Arc::clone(&self.parts.mailbox);
        match &mut self.state {
            State::Calling(_) => {
                let error = error.map_or_else(|| HostError::InputClosed.into(), EngineError::from);
                let request = self.parts.opening;
                mailbox.post(Event::Reply { request, result: Err(error) });
            }
            State::Live(live) => {
                if reason != CloseReason::Remote {
                    let _ = self.socket.send(&live.shutdown(Instant::now()));
                }
                live.input.close(reason, error);
            }
        }
        self.parts.commands.close();
        while let Ok(command) = self.parts.commands.try_recv() {
            match command {
                IngestCommand::Close { request } => self.closing.push(request),
                IngestCommand::InputStats { request, .. } => {
                    let result = Err(HostError::InputClosed.into());
                    mailbox.post(Event::Reply { request, result });
                }
                _ => {}
            }
        }
        for request in self.closing {
            mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }
}
