//! The side that publishes to a server.

use super::amf0::Value;
use super::chunk_reader::ChunkReader;
use super::chunk_writer::ChunkWriter;
use super::command::Command;
use super::error::RtmpError;
use super::handshake::SIZE;
use super::message::{Kind, Message};

const VERSION: u8 = 3;
/// Bytes after which the server hears how many came (5.4.4).
const WINDOW: u32 = 2_500_000;
/// Longest reason of a server that is told of.
const MAX_REASON: usize = 256;
/// Chunk streams, as librtmp has them.
const CONTROL: u8 = 2;
const COMMANDS: u8 = 3;
const AUDIO: u8 = 4;
const VIDEO: u8 = 6;
/// The message stream that a server makes first.
const FIRST_STREAM: u32 = 1;
/// User control events (7.1.7).
const PING_REQUEST: u16 = 6;
const PING_RESPONSE: u16 = 7;
/// Transactions of the calls that are waited for.
const CONNECT: f64 = 1.0;
const CREATE_STREAM: f64 = 4.0;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientEvent {
    /// Sound and pictures may be sent.
    Ready,
    /// The server does not want it, and why.
    Refused(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// S0, S1 and S2 are on their way: so many bytes came.
    Handshake(usize),
    Connecting,
    Creating,
    Asking(u32),
    Publishing(u32),
    Over,
}

/// One connection, from its first byte. What it has to say is in [`take_output`](Self::take_output).
pub struct Client {
    app: String,
    key: String,
    url: String,
    state: State,
    /// S0 and S1, which C2 echoes.
    greeting: Vec<u8>,
    reader: ChunkReader,
    writer: ChunkWriter,
    out: Vec<u8>,
    received: u32,
    acknowledged: u32,
}

impl Client {
    /// Publishes `key` to an application. `url` is that of the application (tcUrl).
    pub fn new(url: &str, app: &str, key: &str) -> Self {
        let mut out = vec![VERSION];
        // Time and zero; nobody looks at the rest.
        out.extend_from_slice(&[0; 8]);
        out.extend((8..SIZE).map(|at| (at as u8).wrapping_mul(59) ^ 0x33));
        Self {
            app: app.to_owned(),
            key: key.to_owned(),
            url: url.to_owned(),
            state: State::Handshake(0),
            greeting: Vec::new(),
            reader: ChunkReader::default(),
            writer: ChunkWriter::default(),
            out,
            received: 0,
            acknowledged: 0,
        }
    }

    /// Whether sound and pictures may be sent.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Publishing(_))
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Takes bytes off `input` until there is something to tell, or nothing is left.
    ///
    /// # Errors
    /// As [`RtmpError`] says: the connection is to be closed.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<ClientEvent>, RtmpError> {
        self.received = self.received.wrapping_add(input.len() as u32);
        if let State::Handshake(came) = self.state {
            let more = (1 + 2 * SIZE - came).min(input.len());
            let (now, rest) = input.split_at(more);
            *input = rest;
            let missing = (1 + SIZE).saturating_sub(self.greeting.len());
            self.greeting.extend_from_slice(&now[..now.len().min(missing)]);
            if let Some(&version) = self.greeting.first().filter(|first| **first != VERSION) {
                return Err(RtmpError::Version(version));
            }
            if came + more < 1 + 2 * SIZE {
                self.state = State::Handshake(came + more);
                return Ok(None);
            }
            self.out.extend(self.greeting.drain(..).skip(1));
            self.connect();
        }
        while let Some(message) = self.reader.read(input)? {
            let event = self.take_message(&message)?;
            if event.is_some() {
                return Ok(event);
            }
        }
        if self.received.wrapping_sub(self.acknowledged) >= WINDOW {
            self.acknowledged = self.received;
            self.control(Kind::Acknowledgement, self.received.to_be_bytes().to_vec());
        }
        Ok(None)
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        let text = |text: &str| Value::Text(text.to_owned());
        let object = Value::Object(vec![
            ("app".to_owned(), text(&self.app)),
            ("type".to_owned(), text("nonprivate")),
            ("flashVer".to_owned(), text("FMLE/3.0 (compatible; medialoom)")),
            ("tcUrl".to_owned(), text(&self.url)),
            ("fourCcList".to_owned(), Value::Array(vec![text("Opus")])),
        ]);
        self.call(0, "connect", CONNECT, vec![object]);
    }

    fn take_message(&mut self, message: &Message) -> Result<Option<ClientEvent>, RtmpError> {
        let number = || {
            let bytes = message.payload.first_chunk().ok_or(RtmpError::Control)?;
            Ok::<_, RtmpError>(u32::from_be_bytes(*bytes))
        };
        match message.kind {
            Kind::SetChunkSize => self.reader.set_chunk_size(number()?)?,
            Kind::Abort => self.reader.abort(number()?),
            Kind::UserControl => {
                if let Some((&event, time)) = message.payload.split_first_chunk()
                    && u16::from_be_bytes(event) == PING_REQUEST
                {
                    let time = time.get(..4).unwrap_or(&[0; 4]);
                    let answer = [&PING_RESPONSE.to_be_bytes()[..], time].concat();
                    self.control(Kind::UserControl, answer);
                }
            }
            Kind::Command | Kind::CommandAmf3 => {
                let command = Command::parse(message.kind, &message.payload)?;
                return Ok(self.take_command(&command));
            }
            _ => {}
        }
        Ok(None)
    }

    fn take_command(&mut self, command: &Command) -> Option<ClientEvent> {
        let info = command.argument(1);
        let text = |name: &str| info.get(name).and_then(Value::text).unwrap_or("");
        let failed = text("level") == "error";
        match (command.name.as_str(), self.state) {
            ("_result", State::Connecting) if command.transaction == CONNECT => self.create(),
            ("_result", State::Creating) if command.transaction == CREATE_STREAM => {
                let stream = info.number().map_or(FIRST_STREAM, |number| number as u32);
                self.state = State::Asking(stream);
                let (key, live) = (Value::Text(self.key.clone()), Value::Text("live".to_owned()));
                self.call(stream, "publish", 5.0, vec![Value::Null, key, live]);
            }
            ("onStatus", State::Asking(stream)) if text("code") == "NetStream.Publish.Start" => {
                self.state = State::Publishing(stream);
                return Some(ClientEvent::Ready);
            }
            ("_error", State::Connecting | State::Creating) | ("onStatus", _)
                if failed || command.name == "_error" =>
            {
                self.state = State::Over;
                let said = format!("{}: {}", text("code"), text("description"));
                return Some(ClientEvent::Refused(said.chars().take(MAX_REASON).collect()));
            }
            _ => {}
        }
        None
    }

    fn create(&mut self) {
        self.state = State::Creating;
        let size = self.writer.enlarge().to_vec();
        // It holds for what comes behind it.
        let smaller = ChunkWriter::default();
        let message = Message { kind: Kind::SetChunkSize, stream: 0, timestamp: 0, payload: size };
        smaller.write(CONTROL, &message, &mut self.out);
        let key = || vec![Value::Null, Value::Text(self.key.clone())];
        let (release, publish) = (key(), key());
        self.call(0, "releaseStream", 2.0, release);
        self.call(0, "FCPublish", 3.0, publish);
        self.call(0, "createStream", CREATE_STREAM, vec![Value::Null]);
    }

    /// Sends an FLV tag of sound or pictures without its header, with its time in milliseconds.
    /// Before [`ClientEvent::Ready`] it is left out.
    pub fn send(&mut self, kind: Kind, timestamp: u32, payload: Vec<u8>) {
        let State::Publishing(stream) = self.state else { return };
        let chunk_stream = if kind == Kind::Audio { AUDIO } else { VIDEO };
        let message = Message { kind, stream, timestamp, payload };
        self.writer.write(chunk_stream, &message, &mut self.out);
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        let State::Publishing(stream) = self.state else { return };
        self.state = State::Over;
        self.call(0, "FCUnpublish", 6.0, vec![Value::Null, Value::Text(self.key.clone())]);
        self.call(0, "deleteStream", 7.0, vec![Value::Null, Value::Number(stream.into())]);
    }

    fn call(&mut self, stream: u32, name: &str, transaction: f64, arguments: Vec<Value>) {
        let command = Command { name: name.to_owned(), transaction, arguments };
        self.writer.write(COMMANDS, &command.to_message(stream), &mut self.out);
    }

    fn control(&mut self, kind: Kind, payload: Vec<u8>) {
        let message = Message { kind, stream: 0, timestamp: 0, payload };
        self.writer.write(CONTROL, &message, &mut self.out);
    }
}
