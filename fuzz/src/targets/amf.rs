//! A message of AMF 0: a command, and whatever values it has. Fails when a value that is written again
//! reads differently, or becomes many times as long.

use medialoom::ingest::rtmp::amf0::{Reader, Value};
use medialoom::ingest::rtmp::{Command, Kind};

/// Texts of a value are cut off beyond it.
const MAX_TEXT: usize = 4_096;

fn values(bytes: &[u8]) -> Vec<Value> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(|| reader.read().ok()).collect()
}

fn written(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| value.write(&mut bytes));
    bytes
}

pub fn run(input: &[u8]) {
    let bytes = written(&values(input));
    // A byte that is no UTF-8 becomes three, and one of null or false at the end of an object a few more.
    assert!(bytes.len() <= 4 * input.len(), "{} of {} bytes", bytes.len(), input.len());
    // Numbers that are none differ from themselves, so that what is written is compared.
    let again = written(&values(&bytes));
    assert!(again == bytes || bytes.len() > MAX_TEXT, "it reads as what it was");
    for kind in [Kind::Command, Kind::CommandAmf3] {
        if let Ok(command) = Command::parse(kind, input) {
            assert!(Command::parse(Kind::Command, &command.to_message(0).payload).is_ok());
        }
    }
}
