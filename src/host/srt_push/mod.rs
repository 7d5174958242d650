//! What is sent by SRT to whoever takes it, each output on a thread of its own: it calls somebody, or
//! whoever calls it watches.

mod watchers;

use std::io;
use std::net::UdpSocket as StdSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::error::HostError;
use super::media_threads::Outside;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{OutputId, RequestId};
use crate::control::ingest::{OutputCommand, SrtOutputOptions};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::push::{PushError, StreamPush};
use crate::ingest::srt::{Caller, CallerOptions, KeyLength, SrtError};
use crate::net::udp::enlarge_buffers;
use watchers::{Door, Watchers};

/// How often packets are looked for: who leaves them wakes nobody.
const LOOK: Duration = Duration::from_millis(10);
/// How long somebody has to answer who is called.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Datagrams read in one turn, before what has to be sent is.
const DATAGRAMS_PER_TURN: usize = 256;
/// Longest datagram that is looked at whole.
const READ: usize = 2_048;
const SOCKET: Token = Token(0);

/// What an output is made of.
pub(super) struct SrtOutputParts {
    pub(super) id: OutputId,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) push: StreamPush<Outside<ShardMessage>>,
    pub(super) commands: mpsc::Receiver<OutputCommand>,
    /// Who waits for it to be there.
    pub(super) opening: RequestId,
    pub(super) socket: StdSocket,
}

/// One output on its thread.
pub(super) struct SrtOutput {
    id: OutputId,
    mailbox: Arc<Mailbox>,
    push: StreamPush<Outside<ShardMessage>>,
    commands: mpsc::Receiver<OutputCommand>,
    opening: Option<RequestId>,
    socket: UdpSocket,
    /// Until somebody who is called answers.
    caller: Option<Caller>,
    watchers: Watchers,
    /// Who waits for the end.
    closing: Vec<RequestId>,
    buffer: Box<[u8]>,
}

/// Why it ends.
enum End {
    Closed,
    Failed(PushError),
}

/// The socket of an output. Errors: it cannot be had, or not of this address.
pub(super) fn bind(options: &SrtOutputOptions) -> io::Result<StdSocket> {
    let any: std::net::IpAddr = if options.address.is_ipv6() {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    };
    let socket = StdSocket::bind(if options.listen { options.address } else { (any, 0).into() })?;
    if !options.listen {
        socket.connect(options.address)?;
    }
    enlarge_buffers(&socket);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl SrtOutput {
    /// Ready to run. Errors: when the system gives no randomness.
    pub(super) fn new(parts: SrtOutputParts, options: &SrtOutputOptions) -> io::Result<Self> {
        let now = Instant::now();
        let lacking = || io::Error::other("the system has no randomness");
        let latency = Duration::from_millis(options.latency.into());
        let passphrase = options.passphrase.clone().map(Zeroizing::new);
        let (mut caller, mut door) = (None, None);
        if options.listen {
            let stream_id = options.stream_id.clone();
            let max = options.max_watchers;
            let made = Door::new(now, passphrase, stream_id, latency, max);
            door = Some(made.ok_or_else(lacking)?);
        } else {
            let length =
                if options.key_length == 32 { KeyLength::Aes256 } else { KeyLength::Aes128 };
            let options = CallerOptions {
                stream_id: options.stream_id.clone(),
                passphrase: passphrase.map(|passphrase| (passphrase, length)),
                latency,
            };
            let remote = parts.socket.peer_addr()?;
            caller = Some(Caller::new(now, remote, options).ok_or_else(lacking)?);
        }
        Ok(Self {
            id: parts.id,
            mailbox: parts.mailbox,
            push: parts.push,
            commands: parts.commands,
            opening: Some(parts.opening),
            socket: UdpSocket::from_std(parts.socket),
            caller,
            watchers: Watchers::new(door),
            closing: Vec::new(),
            buffer: vec![0; READ].into_boxed_slice(),
        })
    }

    /// Runs until it is closed or fails.
    pub(super) fn run(mut self, mut poll: Poll) {
        let ran = catch_unwind(AssertUnwindSafe(|| self.drive(&mut poll)));
        let end = ran.unwrap_or(End::Failed(PushError::Failed));
        self.push.finish();
        self.watchers.shutdown(Instant::now(), &self.socket);
        self.end(end);
    }

    fn drive(&mut self, poll: &mut Poll) -> End {
        if let Err(error) = poll.registry().register(&mut self.socket, SOCKET, Interest::READABLE) {
            return End::Failed(PushError::Connection(error));
        }
        let mut events = Events::with_capacity(16);
        let deadline = Instant::now() + ANSWER_TIME;
        if self.caller.is_none() {
            self.opened();
        }
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
            if self.caller.is_some() && now >= deadline {
                return End::Failed(PushError::Timeout);
            }
            if let Err(error) = self.turn(now) {
                return End::Failed(error);
            }
        }
    }

    fn turn(&mut self, now: Instant) -> Result<(), PushError> {
        self.read(now)?;
        if let Some(datagram) = self.caller.as_mut().and_then(|caller| caller.transmit(now)) {
            let _ = self.socket.send(&datagram);
        }
        let Self { push, watchers, socket, .. } = self;
        if watchers.take_new() {
            push.begin(now);
        }
        push.run(now, !watchers.is_empty(), |payload| watchers.send(now, &payload));
        watchers.transmit(now, socket).map_err(PushError::Srt)
    }

    fn read(&mut self, now: Instant) -> Result<(), PushError> {
        for _ in 0..DATAGRAMS_PER_TURN {
            match self.socket.recv_from(&mut self.buffer) {
                // What is as long as the buffer may have been longer.
                Ok((length, remote)) if length < READ => {
                    let datagram = self.buffer.get(..length).unwrap_or(&[]);
                    let Some(caller) = &mut self.caller else {
                        let Self { watchers, socket, .. } = self;
                        watchers.receive(now, remote, datagram, socket).map_err(PushError::Srt)?;
                        continue;
                    };
                    let socket = caller.socket();
                    if let Some(made) = caller.receive(now, datagram).map_err(PushError::Srt)? {
                        self.watchers.called(socket, remote, made);
                        self.caller = None;
                        self.opened();
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // What ICMP says, which anybody may write: of one who is not there yet or not any more,
                // silence tells in time.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn opened(&mut self) {
        if let Some(request) = self.opening.take() {
            self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
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
        stats.link = Some(self.watchers.stats());
        // Numbers always make JSON.
        let reply = serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }

    fn end(mut self, end: End) {
        let (reason, error) = match end {
            End::Closed => (CloseReason::Closed, None),
            End::Failed(PushError::Srt(SrtError::Shutdown)) if self.opening.is_none() => {
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
