//! One output on its thread, whatever it speaks: what it is asked, its connections, one after the other
//! where they are made again, and its end.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token};
use tokio::sync::mpsc;

use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{OutputId, RequestId};
use crate::control::ingest::{OutputCommand, OutputStats};
use crate::control::mailbox::Mailbox;
use crate::engine::push::PushError;
use crate::host::error::HostError;

/// How often packets are looked for: who leaves them wakes nobody.
const LOOK: Duration = Duration::from_millis(10);
/// How long the last words have to get through.
const GOODBYE_TIME: Duration = Duration::from_secs(2);
/// Before the first attempt to connect again; twice as long before each that follows, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What a carrier waits for.
pub(super) const SOCKET: Token = Token(0);
pub(super) const WAKE: Token = Token(1);

/// The protocol of an output, over one connection after the other.
pub(super) trait Carrier {
    /// How long the other end has to take the stream.
    const ANSWER_TIME: Duration;

    /// Begins a connection, whose socket is waited for as [`SOCKET`].
    fn connect(&mut self, now: Instant, registry: &Registry) -> Result<(), PushError>;

    /// Reads, pushes and writes. Gives whether the other end takes the stream from now on.
    fn turn(&mut self, now: Instant) -> Result<bool, PushError>;

    /// The connection is lost: what follows is for another one.
    fn disconnect(&mut self, registry: &Registry);

    /// Between two connections: nothing is taken, and shards are to hear of it.
    fn idle(&mut self, now: Instant) -> Result<(), PushError>;

    /// Leaves the tracks, with the last words where there is a connection. Whether some wait yet.
    fn finish(&mut self, now: Instant) -> bool;

    fn stats(&self) -> OutputStats;
}

/// What an output is made of, beside its carrier.
pub(super) struct OutputParts {
    pub(super) id: OutputId,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for the other end.
    pub(super) opening: RequestId,
    /// How long a connection that was lost is made again.
    pub(super) reconnect: Duration,
}

/// See the module.
pub(super) struct Output<C> {
    id: OutputId,
    mailbox: Arc<Mailbox>,
    carrier: C,
    commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for the other end; nobody once it has taken the stream.
    opening: Option<RequestId>,
    reconnect: Duration,
    /// When the connection was lost that is made again.
    lost: Option<Instant>,
    pause: Duration,
    /// When the other end took the stream last.
    taken: Option<Instant>,
    /// Who waits for the end.
    closing: Vec<RequestId>,
}

/// Why it ends.
enum End {
    Closed,
    Failed(PushError),
}

impl<C: Carrier> Output<C> {
    pub(super) fn new(parts: OutputParts, carrier: C) -> Self {
        Self {
            id: parts.id,
            mailbox: parts.mailbox,
            carrier,
            commands: parts.commands,
            opening: Some(parts.opening),
            reconnect: parts.reconnect,
            lost: None,
            pause: FIRST_PAUSE,
            taken: None,
            closing: Vec::new(),
        }
    }

    /// Runs until it is closed or fails.
    pub(super) fn run(mut self, mut poll: Poll) {
        let ran = catch_unwind(AssertUnwindSafe(|| self.push(&mut poll)));
        let end = ran.unwrap_or(End::Failed(PushError::Failed));
        // However it ended, its tracks are to know that nobody takes them.
        let last = Instant::now() + GOODBYE_TIME;
        while self.carrier.finish(Instant::now()) && Instant::now() < last {
            std::thread::sleep(LOOK);
        }
        self.end(end);
    }

    /// Pushes until it is closed, or a connection is lost for good.
    fn push(&mut self, poll: &mut Poll) -> End {
        loop {
            let error = match self.drive(poll) {
                End::Closed => return End::Closed,
                End::Failed(error) => error,
            };
            self.carrier.disconnect(poll.registry());
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
            if let Err(error) = self.carrier.idle(now) {
                return Some(End::Failed(error));
            }
            if let Err(error) = poll.poll(&mut events, Some(until - now))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Some(End::Failed(PushError::Connection(error)));
            }
        }
    }

    /// One connection, from its beginning to its end.
    fn drive(&mut self, poll: &mut Poll) -> End {
        let began = Instant::now();
        if let Err(error) = self.carrier.connect(began, poll.registry()) {
            return End::Failed(error);
        }
        let mut events = Events::with_capacity(16);
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
            if !ready && now >= began + C::ANSWER_TIME {
                return End::Failed(PushError::Timeout);
            }
            match self.carrier.turn(now) {
                Ok(false) => {}
                Ok(true) => {
                    ready = true;
                    self.taken(now);
                }
                Err(error) => return End::Failed(error),
            }
        }
    }

    /// The other end takes the stream.
    fn taken(&mut self, now: Instant) {
        if let Some(request) = self.opening.take() {
            self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        } else if self.lost.take().is_some() {
            self.mailbox.post(Event::OutputReconnected { output: self.id });
        }
        self.taken = Some(now);
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
        // Numbers always make JSON.
        let reply = serde_json::to_string(&self.carrier.stats()).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }

    fn end(mut self, end: End) {
        let (reason, error) = match end {
            End::Closed => (CloseReason::Closed, None),
            End::Failed(error) if error.is_goodbye() && self.opening.is_none() => {
                (CloseReason::Remote, None)
            }
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
