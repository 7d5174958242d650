//! Connections to servers that tracks are pushed to by RTMP, each on a thread of its own: what waits for
//! a link waits there.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;

use super::error::HostError;
use super::media_threads::Outside;
use super::srt_push::{self, SrtOutput, SrtOutputParts};
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{Ended, IdMap, Ids, OutputId, RequestId, ShardIndex};
use crate::control::ingest::{OutputCommand, RtmpOutputOptions, SrtOutputOptions};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::push::{Parts, Push, PushError, StreamPush};
use crate::engine::tap::Inlet;

/// Outputs of one endpoint.
const MAX_OUTPUTS: usize = 64;
/// Commands that may wait for one.
const MAX_COMMANDS: usize = 64;
/// How often packets are looked for: who leaves them wakes nobody.
const LOOK: Duration = Duration::from_millis(10);
/// How long a server has to connect and to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long the last words have to get through.
const GOODBYE_TIME: Duration = Duration::from_secs(2);
const READ: usize = 16 * 1024;
const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

pub(super) struct Outputs {
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    known: Arc<KnownOutputs>,
}

/// The outputs there are.
#[derive(Default)]
pub(super) struct KnownOutputs(Mutex<IdMap<OutputId, Handle>>);

struct Handle {
    commands: mpsc::Sender<OutputCommand>,
    inlet: Arc<Inlet>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Outputs {
    pub(super) fn new(
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        known: Arc<KnownOutputs>,
    ) -> Self {
        Self { ids, mailbox, outside, known }
    }

    /// The reply to `opening` says whether the server takes it.
    pub(super) fn create(
        &self,
        opening: RequestId,
        options: &RtmpOutputOptions,
    ) -> Result<OutputId, EngineError> {
        let mut known = self.known.lock();
        known.retain(|_, handle| !handle.commands.is_closed());
        if known.len() >= MAX_OUTPUTS {
            return Err(HostError::OutputLimit(MAX_OUTPUTS).into());
        }
        let id = OutputId::new(&self.ids, ShardIndex(0));
        let poll = Poll::new().map_err(HostError::IngestThread)?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(HostError::IngestThread)?;
        let waker = Arc::new(waker);
        let (inlet, packets) = Inlet::new({
            let waker = Arc::clone(&waker);
            move || {
                // It fails when the poller is gone, and the thread with it.
                let _ = waker.wake();
            }
        });
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let shards = self.outside.clone();
        let parts = Parts { id, shards, inlet: Arc::clone(&inlet), packets };
        let output = Output {
            id,
            mailbox: Arc::clone(&self.mailbox),
            push: Push::new(parts, options),
            commands,
            opening: Some(opening),
            unsent: VecDeque::new(),
            closing: Vec::new(),
        };
        let address = options.address;
        let thread = std::thread::Builder::new()
            .name("medialoom-push".to_owned())
            .spawn(move || output.run(poll, address))
            .map_err(HostError::IngestThread)?;
        known.insert(id, Handle { commands: sender, inlet, waker, thread: Some(thread) });
        Ok(id)
    }

    /// Sends by SRT. The reply to `opening` says whether the other end takes it; where it is listened,
    /// that it is. Gives the port.
    pub(super) fn create_srt(
        &self,
        opening: RequestId,
        options: &SrtOutputOptions,
    ) -> Result<(OutputId, u16), EngineError> {
        let mut known = self.known.lock();
        known.retain(|_, handle| !handle.commands.is_closed());
        if known.len() >= MAX_OUTPUTS {
            return Err(HostError::OutputLimit(MAX_OUTPUTS).into());
        }
        let bound = srt_push::bind(options)
            .and_then(|socket| socket.local_addr().map(|address| (socket, address.port())));
        let (socket, port) = bound.map_err(|error| {
            if options.listen {
                HostError::Listen { address: options.address, error }.into()
            } else {
                EngineError::from(PushError::Connection(error))
            }
        })?;
        let id = OutputId::new(&self.ids, ShardIndex(0));
        let poll = Poll::new().map_err(HostError::IngestThread)?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(HostError::IngestThread)?;
        let waker = Arc::new(waker);
        let (inlet, packets) = Inlet::new({
            let waker = Arc::clone(&waker);
            move || {
                // It fails when the poller is gone, and the thread with it.
                let _ = waker.wake();
            }
        });
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let shards = self.outside.clone();
        let parts = Parts { id, shards, inlet: Arc::clone(&inlet), packets };
        let parts = SrtOutputParts {
            id,
            mailbox: Arc::clone(&self.mailbox),
            push: StreamPush::new(parts, options.audio, options.video),
            commands,
            opening,
            socket,
        };
        let output = SrtOutput::new(parts, options).map_err(HostError::IngestThread)?;
        let thread = std::thread::Builder::new()
            .name("medialoom-srt".to_owned())
            .spawn(move || output.run(poll))
            .map_err(HostError::IngestThread)?;
        known.insert(id, Handle { commands: sender, inlet, waker, thread: Some(thread) });
        Ok((id, port))
    }

    pub(super) fn command(
        &self,
        output: OutputId,
        command: OutputCommand,
    ) -> Result<(), EngineError> {
        let known = self.known.lock();
        let handle = known.get(&output).ok_or(HostError::OutputClosed)?;
        handle.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                HostError::CallsWaitForServer { calls: MAX_COMMANDS }
            }
            mpsc::error::TrySendError::Closed(_) => HostError::OutputClosed,
        })?;
        let _ = handle.waker.wake();
        Ok(())
    }

    /// Ends all of them and waits for their threads.
    pub(super) fn shutdown(&self) {
        let handles: Vec<Handle> = self.known.lock().drain().map(|(_, handle)| handle).collect();
        let mut threads = Vec::new();
        for Handle { commands, waker, thread, .. } in handles {
            // A closed channel is the end.
            drop(commands);
            let _ = waker.wake();
            threads.push((thread, waker));
        }
        for (thread, _waker) in threads {
            if let Some(thread) = thread {
                // A panic was reported where it happened.
                let _ = thread.join();
            }
        }
    }
}

impl KnownOutputs {
    /// A shard lost all it had: tracks that are pushed from there.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().values() {
            handle.inlet.thread_ended(ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdMap<OutputId, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One output on its thread.
struct Output {
    id: OutputId,
    mailbox: Arc<Mailbox>,
    push: Push<Outside<ShardMessage>>,
    commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for the server.
    opening: Option<RequestId>,
    unsent: VecDeque<u8>,
    /// Who waits for the end.
    closing: Vec<RequestId>,
}

/// Why it ends.
enum End {
    Closed,
    Failed(PushError),
}

impl Output {
    fn run(mut self, mut poll: Poll, address: std::net::SocketAddr) {
        let ran = catch_unwind(AssertUnwindSafe(|| self.connect(&mut poll, address)));
        let end = ran.unwrap_or(End::Failed(PushError::Failed));
        self.end(end);
    }

    fn connect(&mut self, poll: &mut Poll, address: std::net::SocketAddr) -> End {
        let mut socket = match TcpStream::connect(address) {
            Ok(socket) => socket,
            Err(error) => return End::Failed(PushError::Connection(error)),
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = poll.registry().register(&mut socket, SOCKET, interest) {
            return End::Failed(PushError::Connection(error));
        }
        let end = self.drive(poll, &mut socket);
        self.unsent.extend(self.push.finish());
        let last = Instant::now() + GOODBYE_TIME;
        // A server that failed hears nothing more.
        while matches!(end, End::Closed) && !self.unsent.is_empty() && Instant::now() < last {
            if self.write(&mut socket).is_err() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        end
    }

    fn drive(&mut self, poll: &mut Poll, socket: &mut TcpStream) -> End {
        let mut events = Events::with_capacity(16);
        let deadline = Instant::now() + ANSWER_TIME;
        let mut buffer = [0; READ];
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
            if self.opening.is_some() && now >= deadline {
                return End::Failed(PushError::Timeout);
            }
            if let Err(error) = self.turn(now, socket, &mut buffer) {
                return End::Failed(error);
            }
        }
    }

    fn turn(
        &mut self,
        now: Instant,
        socket: &mut TcpStream,
        buffer: &mut [u8],
    ) -> Result<(), PushError> {
        loop {
            match socket.read(buffer) {
                Ok(0) => return Err(PushError::Ended),
                Ok(read) => {
                    if self.push.receive(&buffer[..read])?
                        && let Some(request) = self.opening.take()
                    {
                        self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
                    }
                }
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(PushError::Connection(error)),
            }
        }
        self.unsent.extend(self.push.run(now, self.unsent.len())?);
        self.write(socket).map_err(PushError::Connection)
    }

    fn write(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let (first, _) = self.unsent.as_slices();
            match socket.write(first) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
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

/// Nothing is there yet, or there is no connection yet.
fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected
    )
}
