//! The side that encoders publish to: commands, acknowledgements, and messages of the one stream that
//! a connection may publish.

use std::ops::Range;

use super::amf0::{Reader, Value};
use super::chunk_reader::ChunkReader;
use super::chunk_writer::ChunkWriter;
use super::command::{Command, amf0};
use super::error::RtmpError;
use super::handshake::Handshake;
use super::message::{Kind, Message};

/// Message streams that a connection may create.
const MAX_STREAMS: u32 = 16;
/// Bytes after which each side wants to hear how many came (5.4.4).
const WINDOW: u32 = 2_500_000;
/// A smaller window would have us answer every packet.
const MIN_WINDOW: u32 = 16 * 1024;
/// Longest name of an application and of a stream that is told of.
const MAX_NAME: usize = 1_024;
/// Properties of onMetaData that are told of.
const MAX_PROPERTIES: usize = 64;
/// Chunk streams: of control messages (5.4), answers, and what concerns a stream.
const CONTROL: u8 = 2;
const ANSWERS: u8 = 3;
const STATUS: u8 = 5;
/// Codecs beyond FLV's own that are taken (Enhanced RTMP).
const FOUR_CCS: [&str; 7] = ["av01", "vp09", "vp08", "hvc1", "avc1", "Opus", "mp4a"];
/// User control events (7.1.7).
const STREAM_BEGIN: u16 = 0;
const PING_REQUEST: u16 = 6;
const PING_RESPONSE: u16 = 7;

/// Who wants to publish what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publish {
    /// The application: what stands behind the host in the URL.
    pub app: String,
    /// The name of the stream, which is what encoders call the key.
    pub key: String,
}

/// What came, of what the owner has to know.
#[derive(Clone, PartialEq, Debug)]
pub enum ServerEvent {
    /// Nothing more is read until [`Server::accept`] or [`Server::reject`].
    Publish(Publish),
    /// onMetaData: names and texts, numbers and booleans, 64 at most.
    Metadata(Vec<(String, Value)>),
    /// FLV tags without their headers, and their timestamps in milliseconds, which wrap.
    Audio {
        timestamp: u32,
        tag: Vec<u8>,
    },
    Video {
        timestamp: u32,
        tag: Vec<u8>,
    },
    /// The publisher is done.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before connect.
    New,
    Connected,
    /// Somebody is asked whether this message stream may publish.
    Asked(u32),
    Publishing(u32),
    Over,
}

/// One connection, from its first byte. What it has to say is in [`take_output`](Self::take_output).
pub struct Server {
    handshake: Option<Handshake>,
    reader: ChunkReader,
    writer: ChunkWriter,
    out: Vec<u8>,
    state: State,
    app: String,
    streams: u32,
    /// An aggregate of which not every tag was told, and where the rest is.
    aggregate: Option<(Message, Range<usize>, u32)>,
    window: u32,
    /// Bytes that came, which wrap, and how many of them the peer heard of.
    received: u32,
    acknowledged: u32,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            handshake: Some(Handshake::default()),
            reader: ChunkReader::default(),
            writer: ChunkWriter::default(),
            out: Vec::new(),
            state: State::New,
            app: String::new(),
            streams: 0,
            aggregate: None,
            window: WINDOW,
            received: 0,
            acknowledged: 0,
        }
    }
}

impl Server {
    /// Whether [`accept`](Self::accept) or [`reject`](Self::reject) has to come before it goes on.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asked(_))
    }

    /// Whether a publisher was accepted and has not ended.
    pub fn is_publishing(&self) -> bool {
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
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<ServerEvent>, RtmpError> {
        let before = input.len();
        let event = self.advance(input);
        self.received = self.received.wrapping_add((before - input.len()) as u32);
        if self.handshake.is_none() {
            self.acknowledge();
        }
        event
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<ServerEvent>, RtmpError> {
        if let Some(handshake) = &mut self.handshake {
            if !handshake.read(input, &mut self.out)? {
                return Ok(None);
            }
            self.handshake = None;
        }
        loop {
            if matches!(self.state, State::Asked(_) | State::Over) {
                return Ok(None);
            }
            if let Some(event) = self.next_of_aggregate() {
                return Ok(Some(event));
            }
            let Some(message) = self.reader.read(input)? else { return Ok(None) };
            if let Some(event) = self.take_message(message)? {
                return Ok(Some(event));
            }
        }
    }

    fn acknowledge(&mut self) {
        if self.received.wrapping_sub(self.acknowledged) >= self.window {
            self.acknowledged = self.received;
            self.control(Kind::Acknowledgement, &self.received.to_be_bytes());
        }
    }

    fn take_message(&mut self, message: Message) -> Result<Option<ServerEvent>, RtmpError> {
        let Message { kind, stream, timestamp, .. } = message;
        let publishes = self.state == State::Publishing(stream);
        let number = || {
            let bytes = message.payload.first_chunk().ok_or(RtmpError::Control)?;
            Ok::<_, RtmpError>(u32::from_be_bytes(*bytes))
        };
        match kind {
            Kind::SetChunkSize => self.reader.set_chunk_size(number()?)?,
            Kind::Abort => self.reader.abort(number()?),
            Kind::WindowAcknowledgementSize => self.window = number()?.max(MIN_WINDOW),
            Kind::UserControl => self.user_control(&message.payload),
            Kind::Command | Kind::CommandAmf3 => {
                return self.take_command(stream, Command::parse(kind, &message.payload)?);
            }
            Kind::Data | Kind::DataAmf3 if publishes => {
                let metadata = metadata(amf0(kind, &message.payload));
                return Ok(metadata.map(ServerEvent::Metadata));
            }
            Kind::Audio if publishes => {
                return Ok(Some(ServerEvent::Audio { timestamp, tag: message.payload }));
            }
            Kind::Video if publishes => {
                return Ok(Some(ServerEvent::Video { timestamp, tag: message.payload }));
            }
            Kind::Aggregate if publishes => self.begin_aggregate(message),
            // Of streams that nobody publishes, and what only players send.
            _ => {}
        }
        Ok(None)
    }

    fn user_control(&mut self, payload: &[u8]) {
        if let Some((&event, rest)) = payload.split_first_chunk()
            && u16::from_be_bytes(event) == PING_REQUEST
            && let Some(time) = rest.first_chunk::<4>()
        {
            self.user_event(PING_RESPONSE, *time);
        }
    }

    fn take_command(
        &mut self,
        stream: u32,
        command: Command,
    ) -> Result<Option<ServerEvent>, RtmpError> {
        if self.state == State::New && command.name != "connect" {
            return Err(RtmpError::Order);
        }
        match command.name.as_str() {
            "connect" => self.connect(&command)?,
            "createStream" => {
                if self.streams >= MAX_STREAMS {
                    return Err(RtmpError::Order);
                }
                self.streams += 1;
                let id = Value::Number(self.streams.into());
                self.answer("_result", command.transaction, vec![Value::Null, id]);
            }
            "releaseStream" | "_checkbw" => {
                self.acknowledge_call(&command);
            }
            "FCPublish" => {
                self.acknowledge_call(&command);
                let info = status("status", "NetStream.Publish.Start", "");
                self.answer("onFCPublish", 0.0, vec![Value::Null, info]);
            }
            "publish" => return self.publish(stream, &command),
            "play" | "play2" => {
                let text = "streams are not played by RTMP here";
                self.tell(stream, "error", "NetStream.Play.Failed", text);
            }
            "FCUnpublish" => {
                self.acknowledge_call(&command);
                let info = status("status", "NetStream.Unpublish.Success", "");
                self.answer("onFCUnpublish", 0.0, vec![Value::Null, info]);
                return Ok(self.end());
            }
            "closeStream" => return Ok(self.end_of(stream)),
            "deleteStream" => {
                let deleted = command.argument(1).number().unwrap_or(0.0);
                return Ok(self.end_of(deleted as u32));
            }
            // Calls that no encoder waits for.
            _ => {}
        }
        Ok(None)
    }

    fn connect(&mut self, command: &Command) -> Result<(), RtmpError> {
        if self.state != State::New {
            return Err(RtmpError::Order);
        }
        let object = command.argument(0);
        let app = object.get("app").and_then(Value::text).unwrap_or("");
        self.app = app.trim_matches('/').chars().take(MAX_NAME).collect();
        self.state = State::Connected;
        self.control(Kind::WindowAcknowledgementSize, &WINDOW.to_be_bytes());
        // Its last byte: 2, dynamic (5.4.5).
        let mut bandwidth = WINDOW.to_be_bytes().to_vec();
        bandwidth.push(2);
        self.control(Kind::SetPeerBandwidth, &bandwidth);
        let size = ChunkWriter::default().enlarge();
        self.control(Kind::SetChunkSize, &size);
        self.writer.enlarge();
        let encoding = object.get("objectEncoding").cloned().unwrap_or(Value::Number(0.0));
        let properties = Value::Object(vec![
            ("fmsVer".into(), Value::Text("FMS/3,5,3,888".into())),
            ("capabilities".into(), Value::Number(31.0)),
        ]);
        let mut info =
            vec_of(status("status", "NetConnection.Connect.Success", "connection succeeded"));
        info.push(("objectEncoding".into(), encoding));
        let enhanced = ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"];
        if enhanced.iter().any(|name| object.get(name).is_some()) {
            let list = FOUR_CCS.iter().map(|name| Value::Text((*name).into())).collect();
            info.push(("fourCcList".into(), Value::Array(list)));
        }
        self.answer("_result", command.transaction, vec![properties, Value::Object(info)]);
        Ok(())
    }

    fn publish(
        &mut self,
        stream: u32,
        command: &Command,
    ) -> Result<Option<ServerEvent>, RtmpError> {
        let key = command.argument(1).text().unwrap_or("");
        if self.state != State::Connected || stream == 0 || stream > self.streams {
            return Err(RtmpError::Order);
        }
        let key = key.chars().take(MAX_NAME).collect();
        self.state = State::Asked(stream);
        Ok(Some(ServerEvent::Publish(Publish { app: self.app.clone(), key })))
    }

    /// Lets the publisher that asked begin. Without one it does nothing.
    pub fn accept(&mut self) {
        let State::Asked(stream) = self.state else { return };
        self.state = State::Publishing(stream);
        self.reader.allow_media();
        let [a, b, c, d] = stream.to_be_bytes();
        self.user_event(STREAM_BEGIN, [a, b, c, d]);
        self.tell(stream, "status", "NetStream.Publish.Start", "publishing");
    }

    /// Tells the publisher that it may not, or not any more, and why. The connection is to be closed
    /// when that was sent.
    pub fn reject(&mut self, code: &str, reason: &str) {
        let (State::Asked(stream) | State::Publishing(stream)) = self.state else { return };
        self.state = State::Over;
        self.tell(stream, "error", code, reason);
    }

    fn end_of(&mut self, stream: u32) -> Option<ServerEvent> {
        (self.state == State::Publishing(stream)).then(|| self.end()).flatten()
    }

    fn end(&mut self) -> Option<ServerEvent> {
        let State::Publishing(stream) = self.state else { return None };
        self.tell(stream, "status", "NetStream.Unpublish.Success", "unpublished");
        self.state = State::Over;
        Some(ServerEvent::End)
    }

    fn begin_aggregate(&mut self, message: Message) {
        // Tags keep their distances; the first has the time of the message (7.1.6).
        let first = tag_header(&message.payload).map_or(0, |(_, _, timestamp)| timestamp);
        let shift = message.timestamp.wrapping_sub(first);
        let range = 0..message.payload.len();
        self.aggregate = Some((message, range, shift));
    }

    fn next_of_aggregate(&mut self) -> Option<ServerEvent> {
        /// Before a tag, and behind it.
        const HEADER: usize = 11;
        const TRAILER: usize = 4;
        loop {
            let (message, range, shift) = self.aggregate.as_mut()?;
            let rest = message.payload.get(range.clone())?;
            let Some((kind, size, timestamp)) = tag_header(rest) else {
                self.aggregate = None;
                return None;
            };
            let Some(tag) = rest.get(HEADER..HEADER + size) else {
                self.aggregate = None;
                return None;
            };
            let (tag, timestamp) = (tag.to_vec(), timestamp.wrapping_add(*shift));
            range.start = (range.start + HEADER + size + TRAILER).min(range.end);
            match Kind::from_id(kind) {
                Kind::Audio => return Some(ServerEvent::Audio { timestamp, tag }),
                Kind::Video => return Some(ServerEvent::Video { timestamp, tag }),
                _ => {}
            }
        }
    }

    /// An onStatus, on the stream that it is about: GStreamer looks for it there.
    fn tell(&mut self, stream: u32, level: &str, code: &str, text: &str) {
        let arguments = vec![Value::Null, status(level, code, text)];
        let command = Command { name: "onStatus".into(), transaction: 0.0, arguments };
        self.writer.write(STATUS, &command.to_message(stream), &mut self.out);
    }

    /// Answers a call whose result is nothing. Who wants no answer calls with 0 (7.2.1).
    fn acknowledge_call(&mut self, command: &Command) {
        if command.transaction != 0.0 {
            self.answer("_result", command.transaction, vec![Value::Null, Value::Null]);
        }
    }

    fn answer(&mut self, name: &str, transaction: f64, arguments: Vec<Value>) {
        let command = Command { name: name.into(), transaction, arguments };
        self.writer.write(ANSWERS, &command.to_message(0), &mut self.out);
    }

    fn control(&mut self, kind: Kind, payload: &[u8]) {
        let message = Message { kind, stream: 0, timestamp: 0, payload: payload.to_vec() };
        self.writer.write(CONTROL, &message, &mut self.out);
    }

    fn user_event(&mut self, event: u16, value: [u8; 4]) {
        let payload = [&event.to_be_bytes()[..], &value].concat();
        self.control(Kind::UserControl, &payload);
    }
}

fn status(level: &str, code: &str, text: &str) -> Value {
    let text_of = |text: &str| Value::Text(text.to_owned());
    Value::Object(vec![
        ("level".into(), text_of(level)),
        ("code".into(), text_of(code)),
        ("description".into(), text_of(text)),
    ])
}

fn vec_of(value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(properties) => properties,
        _ => Vec::new(),
    }
}

/// Type, size and timestamp of an FLV tag (FLV E.4.1).
fn tag_header(bytes: &[u8]) -> Option<(u8, usize, u32)> {
    let header = bytes.first_chunk::<11>()?;
    let size = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
    let timestamp = u32::from_be_bytes([header[7], header[4], header[5], header[6]]);
    Some((header[0] & 0x1f, size, timestamp))
}

/// What onMetaData says, flat.
fn metadata(data: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut values = Reader::new(data);
    let mut name = values.read().ok()?;
    if name.text() == Some("@setDataFrame") {
        name = values.read().ok()?;
    }
    if name.text() != Some("onMetaData") {
        return None;
    }
    let flat = |value: &Value| !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null);
    let short = |(name, value): (String, Value)| {
        let cut = |text: String| text.chars().take(256).collect::<String>();
        let value = match value {
            Value::Text(text) => Value::Text(cut(text)),
            other => other,
        };
        (cut(name), value)
    };
    let all = vec_of(values.read().ok()?);
    Some(all.into_iter().filter(|(_, v)| flat(v)).take(MAX_PROPERTIES).map(short).collect())
}
