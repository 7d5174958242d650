//! Commands (RTMP 7.2).

use super::amf0::{Reader, Value};
use super::error::RtmpError;
use super::message::{Kind, Message};

/// A command, or its answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// Such as `connect`.
    pub name: String,
    /// What its answer repeats; 0 when none is wanted.
    pub transaction: f64,
    /// The command object and what follows.
    pub arguments: Vec<Value>,
}

impl Command {
    /// Of the payload of a message that holds one.
    ///
    /// # Errors
    /// `Command`.
    pub fn parse(kind: Kind, payload: &[u8]) -> Result<Self, RtmpError> {
        let mut values = Reader::new(amf0(kind, payload));
        let mut next = || values.read().map_err(|_| RtmpError::Command);
        let name = next()?.text().ok_or(RtmpError::Command)?.to_owned();
        // ffmpeg's server says nothing behind the name of onFCPublish.
        let transaction = next().ok().and_then(|value| value.number()).unwrap_or(0.0);
        let mut arguments = Vec::new();
        while !values.is_empty() {
            // What some encoders append that is no AMF 0 belongs to no command that is known.
            let Ok(value) = values.read() else { break };
            arguments.push(value);
        }
        Ok(Self { name, transaction, arguments })
    }

    /// As a message of a message stream.
    pub fn to_message(&self, stream: u32) -> Message {
        let mut payload = Vec::new();
        Value::Text(self.name.clone()).write(&mut payload);
        Value::Number(self.transaction).write(&mut payload);
        self.arguments.iter().for_each(|argument| argument.write(&mut payload));
        Message { kind: Kind::Command, stream, timestamp: 0, payload }
    }

    /// An argument, `Null` where there is none.
    pub fn argument(&self, index: usize) -> &Value {
        self.arguments.get(index).unwrap_or(&Value::Null)
    }
}

/// The AMF 0 in a message. One for AMF 3 begins with a byte that says that AMF 0 follows.
pub(super) fn amf0(kind: Kind, payload: &[u8]) -> &[u8] {
    match (kind, payload) {
        (Kind::CommandAmf3 | Kind::DataAmf3, [0, rest @ ..]) => rest,
        _ => payload,
    }
}
