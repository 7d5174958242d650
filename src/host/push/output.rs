//! One output on its thread: its connections, one after the other where they are made again.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use tokio::sync::mpsc;

use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{OutputId, RequestId};
use crate::control::ingest::OutputCommand;
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::push::{Push, PushError};
use crate::host::error::HostError;
use crate::host::media_threads::Outside;
use crate::host::tls::{Channel, Trust};

/// How often packets are looked for: who leaves them wakes nobody.
const LOOK: Duration = Duration::from_millis(10);
/// How long a server has to connect and to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long the last words have to get through.
const GOODBYE_TIME: Duration = Duration::from_secs(2);
/// Before the first attempt to connect again; twice as long before each that follows, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const READ: usize = 16 * 1024;
/// Bytes of a server that are taken before it is written to again.
const READ_AT_ONCE: usize = 256 * 1024;
const SOCKET: Token = Token(0);
pub(super) const WAKE: Token = Token(1);

/// What an output is made of.
pub(super) struct OutputParts {
    pub(super) id: OutputId,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) push: Push<Outside<ShardMessage>>,
    pub(super) commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for the server.
    pub(super) opening: RequestId,
    pub(super) address: SocketAddr,
    /// RTMPS, and whom to believe.
    pub(super) trust: Option<Trust>,
    /// How long a connection that was lost is made again.
    pub(super) reconnect: Duration,
}

/// See the module.
pub(super) struct Output {
    id: OutputId,
    mailbox: Arc<Mailbox>,
    push: Push<Outside<ShardMessage>>,
    commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for the server; nobody once it has taken the stream.
    opening: Option<RequestId>,
    address: SocketAddr,
    trust: Option<Trust>,
    reconnect: Duration,
    /// When the connection was lost that is made again.
    lost: Option<Instant>,
    pause: Duration,
    /// When the server took the stream last.
    taken: Option<Instant>,
    unsent: VecDeque<u8>,
    /// Who waits for the end.
    closing: Vec<RequestId>,
}

/// Why it ends.
enum End {
    Closed,
    Failed(PushError),
}

/// One connection to the server.
struct Line {
    channel: Channel<TcpStream>,
    /// Until then nothing is written.
    connected: bool,
    /// The server has to take the stream before.
    deadline: Instant,
}

impl Output {
    pub(super) fn new(parts: OutputParts) -> Self {
        Self {
            id: parts.id,
            mailbox: parts.mailbox,
            push: parts.push,
            commands: parts.commands,
            opening: Some(parts.opening),
            address: parts.address,
            trust: parts.trust,
            reconnect: parts.reconnect,
            lost: None,
            pause: FIRST_PAUSE,
            taken: None,
            unsent: VecDeque::new(),
            closing: Vec::new(),
        }
    }

    pub(super) fn run(mut self, mut poll: Poll) {
        let ran = catch_unwind(AssertUnwindSafe(|| self.push(&mut poll)));
        let end = ran.unwrap_or(End::Failed(PushError::Failed));
        // However it ended, its tracks are to know that nobody takes them.
        let _ = self.push.finish();
        self.end(end);
    }

    /// Pushes until it is closed, or a connection is lost for good.
    fn push(&mut self, poll: &mut Poll) -> End {
        loop {
            let error = match self.connect(poll) {
                End::Closed => return End::Closed,
                End::Failed(error) => error,
            };
            if !self.may_connect_again(&error) {
                return End::Failed(error);
            }
            if self.lost.is_none() {
                let now = Instant::now();
                let since = |taken: Instant| now.saturating_duration_since(taken);
                // A server that takes a stream and drops it at once is not asked every second.
                if self.taken.is_some_and(|taken| since(taken) >= LONGEST_PAUSE) {
                    self.pause = FIRST_PAUSE;
                }
                self.lost = Some(now);
                let (output, error) = (self.id, error.into());
                self.mailbox.post(Event::OutputDisconnected { output, error });
            }
            self.unsent.clear();
            self.push.begin_anew();
            if let Some(end) = self.wait(poll) {
                return end;
            }
        }
    }

    /// Whether another connection may end better.
    fn may_connect_again(&self, error: &PushError) -> bool {
        let since = self.lost.map_or(Duration::ZERO, |lost| lost.elapsed());
        self.opening.is_none() && error.may_pass() && since + self.pause <= self.reconnect
    }

    /// Waits before the next attempt. Gives the end, if it comes meanwhile.
    fn wait(&mut self, poll: &mut Poll) -> Option<End> {
        let until = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let mut events = Events::with_capacity(16);
        loop {
            let now = Instant::now();
            if self.take_commands() {
                return Some(End::Closed);
            }
            if now >= until {
                return None;
            }
            // What waits for it is nobody's, and shards are to hear that it takes nothing.
            match self.push.run(now, 0) {
                Ok(greeting) => self.unsent.extend(greeting),
                Err(error) => return Some(End::Failed(error)),
            }
            let left = (until - now).min(ANSWER_TIME);
            if let Err(error) = poll.poll(&mut events, Some(left))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Some(End::Failed(PushError::Connection(error)));
            }
        }
    }

    fn connect(&mut self, poll: &mut Poll) -> End {
        let mut line = match self.open(poll) {
            Ok(line) => line,
            Err(error) => return End::Failed(PushError::Connection(error)),
        };
        let end = self.drive(poll, &mut line);
        if matches!(end, End::Closed) {
            self.unsent.extend(self.push.finish());
            let last = Instant::now() + GOODBYE_TIME;
            while !self.unsent.is_empty() && Instant::now() < last {
                if self.write(&mut line).is_err() {
                    break;
                }
                std::thread::sleep(LOOK);
            }
            line.channel.finish();
        }
        let _ = poll.registry().deregister(line.channel.socket());
        end
    }

    fn open(&self, poll: &Poll) -> io::Result<Line> {
        let mut socket = TcpStream::connect(self.address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, SOCKET, interest)?;
        let tls = self.trust.as_ref().map(Trust::connection).transpose()?;
        Ok(Line {
            channel: Channel::new(socket, tls),
            connected: false,
            deadline: Instant::now() + ANSWER_TIME,
        })
    }

    fn drive(&mut self, poll: &mut Poll, line: &mut Line) -> End {
        let mut events = Events::with_capacity(16);
        let mut buffer = [0; READ];
        let mut ready = false;
        loop {
            match poll.poll(&mut events, Some(LOOK)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return End::Failed(PushError::Connection(error));
                }
                _ => {}
            }
            let now = Instant::now();
            if self.take_commands() {
                return End::Closed;
            }
            if !ready && now >= line.deadline {
                return End::Failed(PushError::Timeout);
            }
            match self.turn(now, line, &mut buffer) {
                Ok(taken) => ready |= taken,
                Err(error) => return End::Failed(error),
            }
        }
    }

    /// Gives whether the server takes the stream from now on.
    fn turn(
        &mut self,
        now: Instant,
        line: &mut Line,
        buffer: &mut [u8],
    ) -> Result<bool, PushError> {
        let mut ready = false;
        if !line.is_connected().map_err(PushError::Connection)? {
            return Ok(false);
        }
        // What it says is answered before it says more.
        let mut left = READ_AT_ONCE;
        while left > 0 {
            match line.channel.read(buffer) {
                Ok(0) => return Err(PushError::Ended),
                Ok(read) => {
                    left = left.saturating_sub(read);
                    if self.push.receive(&buffer[..read])? {
                        ready = true;
                        self.taken();
                    }
                }
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(PushError::Connection(error)),
            }
        }
        self.unsent.extend(self.push.run(now, self.unsent.len())?);
        self.write(line).map_err(PushError::Connection)?;
        Ok(ready)
    }

    /// The server takes the stream.
    fn taken(&mut self) {
        if let Some(request) = self.opening.take() {
            self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        } else if self.lost.take().is_some() {
            self.mailbox.post(Event::OutputReconnected { output: self.id });
        }
        self.taken = Some(Instant::now());
    }

    fn write(&mut self, line: &mut Line) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let (first, _) = self.unsent.as_slices();
            match line.channel.write(first) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        match line.channel.flush() {
            Err(error) if !is_later(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether it is to end.
    fn take_commands(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(OutputCommand::Stats { request }) => self.answer_stats(request),
                Ok(OutputCommand::Close { request }) => {
                    self.closing.push(request);
                    return true;
                }
                Err(mpsc::error::TryRecvError::Empty) => return false,
                Err(mpsc::error::TryRecvError::Disconnected) => return true,
            }
        }
    }

    fn answer_stats(&self, request: RequestId) {
        let mut stats = self.push.stats().clone();
        stats.bytes_waiting = self.unsent.len() as u64;
        // Numbers always make JSON.
        let reply = serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }

    fn end(mut self, end: End) {
        let (reason, error) = match end {
            End::Closed => (CloseReason::Closed, None),
            End::Failed(error) => (CloseReason::Error, Some(EngineError::from(error))),
        };
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                OutputCommand::Stats { request } => self.answer_stats(request),
                OutputCommand::Close { request } => self.closing.push(request),
            }
        }
        match self.opening.take() {
            // Nobody knows of it yet but who asked for it.
            Some(request) => {
                let error = error.unwrap_or_else(|| HostError::OutputClosed.into());
                self.mailbox.post(Event::Reply { request, result: Err(error) });
            }
            None => self.mailbox.post(Event::OutputClosed { output: self.id, reason, error }),
        }
        for request in self.closing {
            self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }
}

impl Line {
    /// Whether there is a connection. Errors: why there will be none.
    fn is_connected(&mut self) -> io::Result<bool> {
        if !self.connected {
            if let Some(error) = self.channel.socket().take_error()? {
                return Err(error);
            }
            match self.channel.socket().peer_addr() {
                Ok(_) => self.connected = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.connected)
    }
}

/// Nothing is there yet, or there is no room.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
