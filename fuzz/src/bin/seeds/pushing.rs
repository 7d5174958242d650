//! What encoders push: RTMP behind its handshake and FLV tags; SRT from its conclusion on, and transport
//! streams.

use std::time::{Duration, Instant};

use medialoom::ingest::rtmp::amf0::Value;
use medialoom::ingest::rtmp::{ChunkWriter, Command, Kind, Message};

use medialoom::ingest::srt::{Caller, CallerOptions, Heard, KeyLength, Listener};

use super::keep;

/// avcC with the parameter sets of 320x240, and an IDR slice behind its length.
const AVC: &[u8] = &[
    1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 9, 0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 1,
    0, 4, 0x68, 0xce, 0x3c, 0x80,
];
const IDR: &[u8] = &[0, 0, 0, 4, 0x65, 0x88, 0x84, 9];

fn tags() -> Vec<(&'static str, Vec<(Kind, Vec<u8>)>)> {
    let video = |header: &[u8], body: &[u8]| (Kind::Video, [header, body].concat());
    let audio = |header: &[u8], body: &[u8]| (Kind::Audio, [header, body].concat());
    // hvcC: 21 bytes, four of length, one array with one short unit.
    let hvcc = [&[1; 21][..], &[0xff, 1, 33, 0, 1, 0, 3, 0x42, 1, 9]].concat();
    vec![
        (
            "avc-aac",
            vec![
                video(&[0x17, 0, 0, 0, 0], AVC),
                audio(&[0xaf, 0], &[0x12, 0x10]),
                video(&[0x17, 1, 0, 0, 66], IDR),
                audio(&[0xaf, 1], &[0x21, 0x10, 5]),
                video(&[0x27, 1, 0xff, 0xff, 0xe0], &[0, 0, 0, 2, 0x41, 9]),
            ],
        ),
        (
            "enhanced",
            vec![
                video(b"\x90hvc1", &hvcc),
                video(b"\x91hvc1\0\0\0", &[0, 0, 0, 3, 0x26, 1, 9]),
                video(b"\xa3hvc1", &[0, 0, 0, 3, 0x02, 1, 9]),
                video(b"\x90av01", &[0x81, 0, 0, 0, 0x0a, 1, 5]),
                video(b"\x91av01", &[0x32, 2, 0x10, 7]),
                video(b"\x91vp09", &[0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30]),
                audio(b"\x90Opus", b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0"),
                audio(b"\x91Opus", &[0x78, 1, 2]),
                audio(b"\x97\x03\0\0\0\x01\x01Opus", &[0x78, 1, 2]),
            ],
        ),
        (
            "refused",
            vec![
                video(b"\x96", b"\x00hvc1\0"),
                video(&[0x1c, 0, 0, 0, 0], &hvcc),
                video(&[0x12], &[1, 2]),
                audio(&[0x2f], &[1, 2]),
            ],
        ),
    ]
}

/// An encoder from its connect on.
fn session(tags: &[(Kind, Vec<u8>)]) -> Vec<u8> {
    let writer = ChunkWriter::default();
    let text = |text: &str| Value::Text(text.to_owned());
    let app = Value::Object(vec![("app".to_owned(), text("live"))]);
    let mut bytes = vec![13];
    for (stream, name, arguments) in [
        (0, "connect", vec![app]),
        (0, "releaseStream", vec![Value::Null, text("key")]),
        (0, "createStream", vec![Value::Null]),
        (1, "publish", vec![Value::Null, text("key"), text("live")]),
    ] {
        let command = Command { name: name.to_owned(), transaction: 1.0, arguments };
        writer.write(3, &command.to_message(stream), &mut bytes);
    }
    let mut payload = Vec::new();
    text("@setDataFrame").write(&mut payload);
    text("onMetaData").write(&mut payload);
    Value::Object(vec![("width".to_owned(), Value::Number(320.0))]).write(&mut payload);
    writer.write(4, &Message { kind: Kind::Data, stream: 1, timestamp: 0, payload }, &mut bytes);
    for (index, (kind, payload)) in tags.iter().enumerate() {
        let timestamp = 0xff_ff00 + 100 * index as u32;
        let message = Message { kind: *kind, stream: 1, timestamp, payload: payload.clone() };
        writer.write(if *kind == Kind::Audio { 4 } else { 6 }, &message, &mut bytes);
    }
    bytes
}

/// A caller who is let in, what he sends, and what he is answered, each behind its length.
fn call(passphrase: Option<&str>) -> Option<Vec<u8>> {
    let now = Instant::now();
    let remote = "192.0.2.1:4000".parse().ok()?;
    let options = CallerOptions {
        stream_id: "#!::r=live/key,m=publish".to_owned(),
        passphrase: passphrase.map(|text| (text.to_owned().into(), KeyLength::Aes128)),
        latency: Duration::from_millis(120),
    };
    let mut caller = Caller::new(now, remote, options)?;
    let listener = Listener::new(now)?;
    let Heard::Answer(answer) = listener.hear(now, remote, &caller.transmit(now)?) else {
        return None;
    };
    caller.receive(now, &answer).ok()?;
    let conclusion = caller.transmit(now)?;
    let Heard::Call(request) = listener.hear(now, remote, &conclusion) else { return None };
    let keys = request.open(passphrase).ok()?;
    let (mut listening, answer) = request.accept(now, 77, Duration::from_millis(120), keys);
    let mut calling = caller.receive(now, &answer).ok()??;
    let mut datagrams = vec![conclusion];
    for index in 0..4u8 {
        calling.send(now, &[0x47, index, 7, 7]);
        let mut sent = Vec::new();
        calling.transmit(now, |datagram| sent.push(datagram.to_vec())).ok()?;
        for datagram in sent {
            // The third is lost.
            if index != 2 {
                listening.receive(now, &datagram).ok()?;
                datagrams.push(datagram);
            }
        }
    }
    let later = now + Duration::from_millis(100);
    listening.transmit(later, |datagram| datagrams.push(datagram.to_vec())).ok()?;
    datagrams.push(calling.shutdown(later));
    let rows = datagrams
        .iter()
        .flat_map(|datagram| [&(datagram.len() as u16).to_be_bytes()[..], datagram].concat());
    Some(rows.collect())
}

/// A command as encoders send it, and values of every kind.
fn amf() -> [(&'static str, Vec<u8>); 2] {
    let text = |text: &str| Value::Text(text.to_owned());
    let object = Value::Object(vec![("app".to_owned(), text("live"))]);
    let connect =
        Command { name: "connect".to_owned(), transaction: 1.0, arguments: vec![object.clone()] };
    let values = [Value::Number(1.5), Value::Boolean(true), Value::Null, object];
    let mut bytes = Vec::new();
    Value::Array(values.to_vec()).write(&mut bytes);
    // An ECMA array, a date and a long text, which nothing here writes.
    bytes.extend_from_slice(b"\x08\0\0\0\x01\0\x01a\x0b\0\0\0\0\0\0\0\0\0\0\0\0\x09");
    bytes.extend_from_slice(b"\x0c\0\0\0\x02hi");
    [("connect", connect.to_message(0).payload), ("values", bytes)]
}

pub fn write() -> std::io::Result<()> {
    for (name, values) in amf() {
        keep("amf", name, &values)?;
    }
    for (name, passphrase) in [("clear", None), ("encrypted", Some("a passphrase of ours"))] {
        keep("srt", name, &call(passphrase).unwrap_or_default())?;
    }
    for (name, stream) in [
        ("h264-aac", &include_bytes!("../../../../src/ingest/ts/testing/h264-aac.ts")[..]),
        ("aac-latm", include_bytes!("../../../../src/ingest/ts/testing/aac-latm.ts")),
        ("h265-opus", include_bytes!("../../../../src/ingest/ts/testing/h265-opus.ts")),
    ] {
        keep("transport_stream", name, &[&[47][..], stream].concat())?;
    }
    for (name, tags) in tags() {
        keep("rtmp", name, &session(&tags))?;
        let rows = tags.iter().flat_map(|(kind, tag)| {
            let [high, low] = (tag.len() as u16).to_be_bytes();
            [&[u8::from(*kind == Kind::Video), high, low][..], tag].concat()
        });
        keep("flv", name, &rows.collect::<Vec<u8>>())?;
    }
    Ok(())
}
