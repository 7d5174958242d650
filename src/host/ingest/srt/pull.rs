//! One input that is fetched: a socket that calls somebody who sends by SRT, and calls again where that
//! ends.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Poll, Token};

use super::peer::Live;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{InputId, RequestId};
use crate::control::rtsp::RtspState;
use crate::engine::ingest::InputError;
use crate::host::backoff::Backoff;
use crate::host::error::HostError;
use crate::host::ingest::desk::{Desk, HostInput};
use crate::host::ingest::service::{Answer, End, Protocol, SOCKET};
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

/// See the module.
pub(in crate::host::ingest) struct SrtPull {
    desk: Desk,
    id: InputId,
    socket: UdpSocket,
    remote: SocketAddr,
    options: CallerOptions,
    /// `None`: what ends is over.
    backoff: Option<Backoff>,
    /// Who waits for the first connection.
    opening: Option<RequestId>,
    phase: Phase,
    /// From the first connection on.
    live: Option<Box<Live>>,
    buffer: Box<[u8]>,
}

enum Phase {
    Calling {
        caller: Box<Caller>,
        until: Instant,
    },
    /// Datagrams for this end are sent to `own`, which nobody knows who forges the other end's address. Who
    /// sends nothing of his stream is gone `until` then.
    Connected {
        own: u32,
        until: Instant,
    },
    Waiting {
        until: Instant,
    },
    Over,
}

impl SrtPull {
    /// Errors: when the socket cannot be waited for, or the system has no randomness.
    pub(in crate::host::ingest) fn new(
        poll: &Poll,
        desk: Desk,
        (id, opening): (InputId, RequestId),
        socket: StdSocket,
        options: CallerOptions,
        backoff: Option<Backoff>,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let remote = socket.peer_addr()?;
        let mut socket = UdpSocket::from_std(socket);
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let phase = calling(Instant::now(), remote, &options)
            .ok_or_else(|| io::Error::other("the system has no randomness"))?;
        Ok(Self {
            desk,
            id,
            socket,
            remote,
            options,
            backoff,
            opening: Some(opening),
            phase,
            live: None,
            buffer: vec![0; READ].into_boxed_slice(),
        })
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
            match (&mut self.phase, &mut self.live) {
                (Phase::Calling { caller, .. }, _) => {
                    let made = caller
                        .receive(now, datagram)
                        .map_err(|error| (CloseReason::Error, Some(InputError::Srt(error))))?;
                    let own = caller.socket();
                    if let Some(connection) = made {
                        self.connected(now, own, connection);
                    }
                }
                (Phase::Connected { own, .. }, Some(live))
                    if destination(datagram) == Some(*own) =>
                {
                    live.receive(now, datagram)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn connected(&mut self, now: Instant, own: u32, connection: Connection) {
        self.phase = Phase::Connected { own, until: Live::idle_deadline(now) };
        match &mut self.live {
            Some(live) => {
                live.go_on(connection);
                self.tell(RtspState::Connected, None, None);
            }
            None => {
                let input = self.desk.open(now, self.id);
                self.live = Some(Box::new(Live::new(self.id, input, connection, Vec::new())));
            }
        }
        if let Some(request) = self.opening.take() {
            self.desk.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
        }
    }

    fn tell(&self, state: RtspState, error: Option<EngineError>, delay: Option<u64>) {
        self.desk.mailbox.post(Event::InputState { input: self.id, state, error, delay });
    }

    /// Does what is due. Errors: why the connection is over, or there is none.
    fn run(&mut self, now: Instant) -> Result<(), End> {
        self.read(now)?;
        let Self { phase, live, socket, backoff, .. } = self;
        // One that is not sent is one that was lost.
        let send = |datagram: &[u8]| drop(socket.send(datagram));
        match (phase, live) {
            (Phase::Connected { until, .. }, Some(live)) => {
                if live.run(now, send)? {
                    *until = Live::idle_deadline(now);
                    backoff.iter_mut().for_each(Backoff::reset);
                }
                if now >= *until {
                    return Err((CloseReason::Timeout, None));
                }
            }
            (Phase::Calling { caller, until }, live) => {
                if now >= *until {
                    return Err((CloseReason::Timeout, Some(InputError::Srt(SrtError::Timeout))));
                }
                if let Some(datagram) = caller.transmit(now) {
                    send(&datagram);
                }
                live.iter_mut().for_each(|live| live.input.look(now));
            }
            (Phase::Waiting { until }, live) => {
                let due = now >= *until;
                live.iter_mut().for_each(|live| live.input.look(now));
                if due {
                    let lacking = (CloseReason::Error, Some(InputError::Failed));
                    self.phase = calling(now, self.remote, &self.options).ok_or(lacking)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A connection is over, or there is none. Whether it is tried again.
    fn lost(&mut self, now: Instant, (reason, error): End) -> bool {
        let Some(backoff) = self.backoff.as_mut().filter(|_| self.live.is_some()) else {
            return false;
        };
        let (delay, wait) = backoff.fail();
        let why = error.unwrap_or(InputError::Srt(match reason {
            CloseReason::Remote => SrtError::Shutdown,
            _ => SrtError::Timeout,
        }));
        if matches!(self.phase, Phase::Connected { .. }) {
            self.say_goodbye(now, reason);
        }
        self.phase = Phase::Waiting { until: now + wait };
        self.tell(RtspState::Reconnecting, Some(why.into()), Some(delay));
        true
    }

    fn say_goodbye(&self, now: Instant, reason: CloseReason) {
        if let Some(live) = self.live.as_ref().filter(|_| reason != CloseReason::Remote) {
            let _ = self.socket.send(&live.shutdown(now));
        }
    }
}

/// A new call. `None` when the system gives no randomness.
fn calling(now: Instant, remote: SocketAddr, options: &CallerOptions) -> Option<Phase> {
    let caller = Box::new(Caller::new(now, remote, options.clone())?);
    Some(Phase::Calling { caller, until: now + ANSWER_TIME })
}

impl Protocol for SrtPull {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn timeout(&self, now: Instant) -> Option<Duration> {
        let due = match (&self.phase, &self.live) {
            (Phase::Connected { .. }, Some(live)) => live.deadline(now),
            (Phase::Waiting { until }, _) => *until,
            _ => now + SWEEP,
        };
        Some(due.saturating_duration_since(now).clamp(TICK, SWEEP))
    }

    fn wake(&mut self, _: Token) {}

    fn turn(&mut self, now: Instant) -> ControlFlow<()> {
        if let Err(end) = self.run(now)
            && !self.lost(now, end)
        {
            self.end(end);
        }
        match self.phase {
            Phase::Over => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn answer(&mut self, _: Instant, _: InputId, _: Answer) {}

    fn input_mut(&mut self, _: InputId) -> Option<&mut HostInput> {
        self.live.as_mut().map(|live| live.told_input())
    }

    fn inputs(&self) -> Vec<InputId> {
        vec![self.id]
    }

    fn dismiss(&mut self, _: Instant, _: InputId, end: End) {
        self.end(end);
    }

    fn end(&mut self, (reason, error): End) {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        if matches!(phase, Phase::Connected { .. }) {
            self.say_goodbye(Instant::now(), reason);
        }
        match (self.opening.take(), self.live.take()) {
            (Some(request), _) => {
                let error = error.map_or_else(|| HostError::InputClosed.into(), EngineError::from);
                self.desk.mailbox.post(Event::Reply { request, result: Err(error) });
            }
            (None, Some(mut live)) => live.input.close(reason, error),
            (None, None) => {}
        }
    }
}
