//! One connection of an encoder: bytes of its socket through the protocol into its input.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use rustls::{Connection as TlsConnection, ServerConfig, ServerConnection};

use crate::codec::Kind;
use crate::control::event::CloseReason;
use crate::control::ids::InputId;
use crate::engine::ingest::InputError;
use crate::host::ingest::desk::HostInput;
use crate::host::tls::Channel;
use crate::ingest::flv::Demuxer;
use crate::ingest::rtmp::amf0::Value;
use crate::ingest::rtmp::{Publish, Server, ServerEvent};

/// How long a stranger has to say what he wants to publish.
const STRANGER_TIME: Duration = Duration::from_secs(10);
/// How long the application has to say whether he may.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A publisher that sends nothing for so long is gone.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How long the last words have to get through.
const GOODBYE_TIME: Duration = Duration::from_secs(2);
/// Bytes read in one turn, so that one connection does not hold up the others.
const TURN: usize = 256 * 1024;
/// Answers that the peer does not take.
const MAX_UNSENT: usize = 256 * 1024;

/// See the module.
pub(super) struct Connection {
    channel: Channel<TcpStream>,
    pub(super) remote: SocketAddr,
    server: Server,
    demuxer: Demuxer,
    /// What came and waits for the answer of the application.
    unread: Vec<u8>,
    unsent: Vec<u8>,
    pub(super) deadline: Instant,
    pub(super) state: State,
    /// Listed for the next turn.
    pub(super) listed: bool,
}

/// Where a connection stands.
pub(super) enum State {
    Stranger,
    Asking(InputId),
    Live(InputId, Box<HostInput>),
    /// Only its last words are still sent.
    Leaving,
}

/// What a turn of a connection comes to.
pub(super) enum Turn {
    /// It waits for its socket.
    Idle,
    /// There is more to read.
    More,
    /// It wants to publish.
    Asks(Publish),
    /// Its stream is over, and it closes the connection itself.
    Ended,
    /// It is over.
    Over(CloseReason, Option<InputError>),
}

impl Connection {
    pub(super) fn new(
        now: Instant,
        socket: TcpStream,
        remote: SocketAddr,
        tls: Option<&Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        // Answers are small and waited for.
        socket.set_nodelay(true)?;
        let tls = tls.map(|config| ServerConnection::new(Arc::clone(config))).transpose();
        let tls = tls.map_err(io::Error::other)?.map(TlsConnection::from);
        Ok(Self {
            channel: Channel::new(socket, tls),
            remote,
            server: Server::default(),
            demuxer: Demuxer::default(),
            unread: Vec::new(),
            unsent: Vec::new(),
            deadline: now + STRANGER_TIME,
            state: State::Stranger,
            listed: false,
        })
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.channel.socket()
    }

    /// The input that it is, or asks to be.
    pub(super) fn input_id(&self) -> Option<InputId> {
        match self.state {
            State::Asking(id) | State::Live(id, _) => Some(id),
            State::Stranger | State::Leaving => None,
        }
    }

    /// Whether it may give way to another one: nobody was asked about it yet, or it is over.
    pub(super) fn is_stranger(&self) -> bool {
        matches!(self.state, State::Stranger | State::Leaving)
    }

    /// Reads, and writes what that leads to.
    pub(super) fn run(&mut self, now: Instant, buffer: &mut [u8]) -> Turn {
        if let State::Live(_, input) = &mut self.state {
            input.look(now);
        }
        let turn = self.read(now, buffer);
        self.unsent.append(&mut self.server.take_output());
        if let Err(error) = self.write() {
            return Turn::Over(reason_of(&error), None);
        }
        if self.unsent.len() > MAX_UNSENT {
            return Turn::Over(CloseReason::Limit, None);
        }
        turn
    }

    fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Turn {
        if !self.unread.is_empty() && !self.server.is_asking() {
            let unread = std::mem::take(&mut self.unread);
            if let Some(turn) = self.take(now, &unread) {
                return turn;
            }
        }
        let mut left = TURN;
        while left > 0 {
            if self.server.is_asking() {
                return Turn::Idle;
            }
            let read = match self.channel.read(buffer) {
                Ok(0) => return Turn::Over(CloseReason::Remote, None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Idle,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Turn::Over(reason_of(&error), None),
            };
            left = left.saturating_sub(read);
            match self.state {
                // What it still sends has to be taken, or its last words are lost with a reset.
                State::Leaving => continue,
                State::Live(..) => self.deadline = now + IDLE_TIME,
                _ => {}
            }
            if let Some(turn) = self.take(now, &buffer[..read]) {
                return turn;
            }
        }
        Turn::More
    }

    /// Hands bytes to the protocol. Gives a turn that they end.
    fn take(&mut self, now: Instant, bytes: &[u8]) -> Option<Turn> {
        let mut rest = bytes;
        loop {
            match self.server.receive(&mut rest) {
                Ok(None) => {
                    if self.server.is_asking() {
                        self.unread.extend_from_slice(rest);
                    }
                    return None;
                }
                Ok(Some(ServerEvent::Publish(publish))) => {
                    self.unread.extend_from_slice(rest);
                    self.deadline = now + ANSWER_TIME;
                    return Some(Turn::Asks(publish));
                }
                Ok(Some(ServerEvent::End)) => return Some(Turn::Ended),
                Ok(Some(event)) => self.hand_in(now, event),
                Err(error) => {
                    return Some(Turn::Over(CloseReason::Error, Some(InputError::Rtmp(error))));
                }
            }
        }
    }

    fn hand_in(&mut self, now: Instant, event: ServerEvent) {
        let Self { state: State::Live(_, input), demuxer, .. } = self else { return };
        match event {
            ServerEvent::Video { timestamp, tag } => match demuxer.video(&tag) {
                Ok(Some(frame)) => input.video(now, timestamp, &frame),
                Ok(None) => {}
                Err(error) => input.lost(Kind::Video, error.into()),
            },
            ServerEvent::Audio { timestamp, tag } => match demuxer.audio(&tag) {
                Ok(Some(sound)) => input.sound(now, timestamp, &sound),
                Ok(None) => {}
                Err(error) => input.lost(Kind::Audio, error.into()),
            },
            ServerEvent::Metadata(properties) => input.describe(json(properties)),
            ServerEvent::Publish(_) | ServerEvent::End => {}
        }
    }

    /// Lets it begin.
    pub(super) fn accept(&mut self, now: Instant, id: InputId, input: HostInput) {
        self.server.accept();
        self.state = State::Live(id, Box::new(input));
        self.deadline = now + IDLE_TIME;
    }

    /// Tells it that it may not, or not any more.
    pub(super) fn reject(&mut self, now: Instant, code: &str, reason: &str) {
        self.server.reject(code, reason);
        self.unsent.append(&mut self.server.take_output());
        self.leave(now);
    }

    /// Its stream is over. GStreamer takes it for a failure when it is not the one who closes.
    pub(super) fn linger(&mut self, now: Instant) {
        self.deadline = now + GOODBYE_TIME;
        self.state = State::Leaving;
    }

    /// Sends its last words, which takes a moment at most. Gives the input that it was.
    pub(super) fn leave(&mut self, now: Instant) -> Option<(InputId, Box<HostInput>)> {
        self.unread = Vec::new();
        self.deadline = now + GOODBYE_TIME;
        let _ = self.write();
        self.channel.finish();
        let _ = self.socket().shutdown(Shutdown::Write);
        match std::mem::replace(&mut self.state, State::Leaving) {
            State::Live(id, input) => Some((id, input)),
            _ => None,
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut written = 0;
        let result = loop {
            let rest = self.unsent.get(written..).unwrap_or(&[]);
            if rest.is_empty() {
                break self.channel.flush();
            }
            match self.channel.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.unsent.drain(..written);
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }
}

fn reason_of(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => CloseReason::Remote,
        _ => CloseReason::Error,
    }
}

/// What an encoder says of itself, as an object of JSON.
fn json(properties: Vec<(String, Value)>) -> String {
    let value = |value: Value| match value {
        Value::Number(number) => number.into(),
        Value::Boolean(value) => value.into(),
        Value::Text(text) => text.into(),
        _ => serde_json::Value::Null,
    };
    let object: serde_json::Map<_, _> =
        properties.into_iter().map(|(name, property)| (name, value(property))).collect();
    serde_json::Value::Object(object).to_string()
}
