//! Encoders as this crate knows them, and peers that no encoder is.

use super::amf0::Value;
use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn command(name: &str, transaction: f64, arguments: Vec<Value>) -> Command {
    Command { name: name.into(), transaction, arguments }
}

/// An encoder up to its publish, as ffmpeg and OBS have it.
fn publisher(key: &str) -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.extend([7; 2 * 1536]);
    let writer = ChunkWriter::default();
    let app = Value::Object(vec![("app".into(), text("live/")), ("capsEx".into(), Value::Null)]);
    for (stream, command) in [
        (0, command("connect", 1.0, vec![app])),
        (0, command("releaseStream", 2.0, vec![Value::Null, text(key)])),
        (0, command("FCPublish", 3.0, vec![Value::Null, text(key)])),
        (0, command("createStream", 4.0, vec![Value::Null])),
        (1, command("publish", 5.0, vec![Value::Null, text(key), text("live")])),
    ] {
        writer.write(3, &command.to_message(stream), &mut bytes);
    }
    bytes
}

fn media(kind: Kind, timestamp: u32, payload: Vec<u8>) -> Message {
    Message { kind, stream: 1, timestamp, payload }
}

/// A server that has accepted a publisher, its answers taken.
fn publishing() -> Server {
    let mut server = Server::default();
    let event = server.receive(&mut publisher("secret").as_slice()).unwrap();
    let publish = Publish { app: "live".into(), key: "secret".into() };
    assert_eq!(event, Some(ServerEvent::Publish(publish)));
    server.accept();
    server.take_output();
    server
}

/// The commands among what a server said, behind its handshake.
fn answers(output: &[u8]) -> Vec<(u32, Command)> {
    let mut input = output;
    let mut reader = ChunkReader::default();
    let mut commands = Vec::new();
    while let Some(message) = reader.read(&mut input).unwrap() {
        match message.kind {
            Kind::SetChunkSize => reader.set_chunk_size(4096).unwrap(),
            Kind::Command => {
                let command = Command::parse(message.kind, &message.payload).unwrap();
                commands.push((message.stream, command));
            }
            _ => {}
        }
    }
    commands
}

fn code(command: &Command) -> &str {
    command.argument(1).get("code").and_then(Value::text).unwrap_or("")
}

#[test]
fn an_encoder_publishes_and_each_answer_is_on_the_stream_it_is_about() {
    let mut server = Server::default();
    let bytes = publisher("secret");
    // In pieces as networks make them.
    let mut events = Vec::new();
    for piece in bytes.chunks(7) {
        events.extend(server.receive(&mut { piece }).unwrap());
    }
    assert_eq!(events.len(), 1);
    assert!(server.is_asking() && !server.is_publishing());
    server.accept();
    let output = server.take_output();
    assert_eq!(output[0], 3, "S0");
    assert_eq!(output[1537..3073], [7; 1536], "S2 echoes C1");
    let answers = answers(&output[3073..]);
    let names: Vec<_> = answers.iter().map(|(_, command)| command.name.as_str()).collect();
    let expected = ["_result", "_result", "_result", "onFCPublish", "_result", "onStatus"];
    assert_eq!(names, expected);
    assert_eq!(code(&answers[0].1), "NetConnection.Connect.Success");
    let list = answers[0].1.argument(1).get("fourCcList");
    assert!(matches!(list, Some(Value::Array(codes)) if codes.contains(&text("hvc1"))));
    assert_eq!((answers[4].0, answers[4].1.argument(1)), (0, &Value::Number(1.0)));
    assert_eq!((answers[5].0, code(&answers[5].1)), (1, "NetStream.Publish.Start"));
}

#[test]
fn a_wrong_key_is_told_to_who_connects() {
    let mut server = Server::default();
    server.receive(&mut publisher("wrong").as_slice()).unwrap();
    server.reject("NetStream.Publish.BadName", "not with this key");
    let output = server.take_output();
    let answers = answers(&output[3073..]);
    let (stream, refusal) = answers.last().unwrap();
    assert_eq!((*stream, code(refusal)), (1, "NetStream.Publish.BadName"));
    let description = refusal.argument(1).get("description");
    assert_eq!(description, Some(&text("not with this key")));
    let mut media_bytes = Vec::new();
    let frame = media(Kind::Audio, 0, vec![1]);
    ChunkWriter::default().write(4, &frame, &mut media_bytes);
    assert_eq!(server.receive(&mut media_bytes.as_slice()), Ok(None), "nothing is heard any more");
}

#[test]
fn messages_that_are_mixed_come_out_whole() {
    let mut server = publishing();
    // A picture of 300 bytes in chunks of 128 with sound between its chunks (5.3.1.1).
    let mut video = Vec::new();
    ChunkWriter::default().write(6, &media(Kind::Video, 40, vec![9; 300]), &mut video);
    let mut audio = Vec::new();
    ChunkWriter::default().write(4, &media(Kind::Audio, 41, vec![8; 20]), &mut audio);
    let (first, rest) = video.split_at(12 + 128);
    let mixed = [first, &audio, rest].concat();
    let mut input = mixed.as_slice();
    let sound = ServerEvent::Audio { timestamp: 41, tag: vec![8; 20] };
    assert_eq!(server.receive(&mut input), Ok(Some(sound)));
    let picture = ServerEvent::Video { timestamp: 40, tag: vec![9; 300] };
    assert_eq!(server.receive(&mut input), Ok(Some(picture)));
    assert!(input.is_empty());
}

#[test]
fn timestamps_beyond_24_bits_come_with_and_without_repetition() {
    for timestamp in [0xff_fffe, 0xff_ffff, 0x1234_5678, u32::MAX] {
        let mut bytes = Vec::new();
        ChunkWriter::default().write(6, &media(Kind::Video, timestamp, vec![9; 300]), &mut bytes);
        // Encoders that do not know 5.3.1.3 have no timestamp in the chunks that continue.
        let mut bare = bytes.clone();
        if timestamp >= 0xff_ffff {
            let header = 12 + 4;
            bare.drain(header + 128 + 1..header + 128 + 5);
            let second = header + 128 + 1 + 128;
            bare.drain(second + 1..second + 5);
            assert_eq!(bare.len(), header + 300 + 2);
        }
        for bytes in [bytes, bare] {
            for piece in 1..40 {
                let mut server = publishing();
                let events: Vec<_> = bytes
                    .chunks(piece)
                    .filter_map(|piece| server.receive(&mut { piece }).unwrap())
                    .collect();
                let expected = ServerEvent::Video { timestamp, tag: vec![9; 300] };
                assert_eq!(events, [expected], "{timestamp:x} in pieces of {piece}");
            }
        }
    }
}

#[test]
fn short_headers_count_on_from_the_one_before() {
    let mut server = publishing();
    let mut bytes = Vec::new();
    ChunkWriter::default().write(4, &media(Kind::Audio, 1000, vec![1, 1]), &mut bytes);
    bytes.extend([0x44, 0, 0, 20, 0, 0, 1, 8, 5]); // type 1: 20 ms later, one byte
    bytes.extend([0x84, 0, 0, 21, 6]); // type 2
    bytes.extend([0xc4, 7]); // type 3: as much later
    let mut input = bytes.as_slice();
    let mut times = Vec::new();
    while let Some(ServerEvent::Audio { timestamp, tag }) = server.receive(&mut input).unwrap() {
        times.push((timestamp, tag[0]));
    }
    assert_eq!(times, [(1000, 1), (1020, 5), (1041, 6), (1062, 7)]);
}

#[test]
fn what_comes_is_acknowledged_and_pings_are_answered() {
    let mut server = publishing();
    let window = Message {
        kind: Kind::WindowAcknowledgementSize,
        stream: 0,
        timestamp: 0,
        payload: 20_000u32.to_be_bytes().to_vec(),
    };
    let ping =
        Message { kind: Kind::UserControl, payload: vec![0, 6, 1, 2, 3, 4], ..window.clone() };
    let mut bytes = Vec::new();
    ChunkWriter::default().write(2, &window, &mut bytes);
    ChunkWriter::default().write(2, &ping, &mut bytes);
    assert_eq!(server.receive(&mut bytes.as_slice()), Ok(None));
    let output = server.take_output();
    assert!(output.ends_with(&[0, 7, 1, 2, 3, 4]), "{output:?}");
    let mut frames = Vec::new();
    for _ in 0..30 {
        ChunkWriter::default().write(6, &media(Kind::Video, 0, vec![9; 1000]), &mut frames);
    }
    let mut input = frames.as_slice();
    let mut pictures = 0;
    while server.receive(&mut input).unwrap().is_some() {
        pictures += 1;
    }
    assert_eq!(pictures, 30);
    let acknowledgement = server.take_output();
    assert_eq!(acknowledgement[7], Kind::Acknowledgement.id());
    assert_eq!(acknowledgement.len(), 16, "once");
}

#[test]
fn what_an_encoder_says_of_itself_is_told_flat_and_bounded() {
    let mut server = publishing();
    let mut payload = Vec::new();
    text("@setDataFrame").write(&mut payload);
    text("onMetaData").write(&mut payload);
    let mut properties = vec![
        ("width".to_owned(), Value::Number(1280.0)),
        ("nested".to_owned(), Value::Object(vec![])),
        ("encoder".to_owned(), text(&"x".repeat(1000))),
    ];
    properties.extend((0..200).map(|number| (format!("p{number}"), Value::Boolean(true))));
    Value::Object(properties).write(&mut payload);
    let mut bytes = Vec::new();
    ChunkWriter::default().write(4, &media(Kind::Data, 0, payload), &mut bytes);
    let Ok(Some(ServerEvent::Metadata(metadata))) = server.receive(&mut bytes.as_slice()) else {
        panic!("no metadata")
    };
    assert_eq!(metadata.len(), 64);
    assert_eq!(metadata[0], ("width".to_owned(), Value::Number(1280.0)));
    assert_eq!(metadata[1].1.text().map(str::len), Some(256));
}

#[test]
fn tags_of_an_aggregate_come_one_by_one() {
    let mut server = publishing();
    let tag = |kind: u8, time: u8, byte: u8| {
        [&[kind, 0, 0, 1, 0, 0, time, 0, 0, 0, 0, byte][..], &[0, 0, 0, 12]].concat()
    };
    let payload = [tag(9, 10, 1), tag(8, 30, 2), vec![8, 0, 0xff]].concat();
    let mut bytes = Vec::new();
    ChunkWriter::default().write(6, &media(Kind::Aggregate, 500, payload), &mut bytes);
    let mut input = bytes.as_slice();
    let video = ServerEvent::Video { timestamp: 500, tag: vec![1] };
    assert_eq!(server.receive(&mut input), Ok(Some(video)));
    let audio = ServerEvent::Audio { timestamp: 520, tag: vec![2] };
    assert_eq!(server.receive(&mut input), Ok(Some(audio)));
    assert_eq!(server.receive(&mut input), Ok(None));
}

#[test]
fn an_encoder_that_is_done_says_so() {
    for (stream, last) in [
        (0, command("FCUnpublish", 6.0, vec![Value::Null, text("secret")])),
        (0, command("deleteStream", 7.0, vec![Value::Null, Value::Number(1.0)])),
        (1, command("closeStream", 0.0, vec![Value::Null])),
    ] {
        let mut server = publishing();
        let mut bytes = Vec::new();
        ChunkWriter::default().write(3, &last.to_message(stream), &mut bytes);
        assert_eq!(server.receive(&mut bytes.as_slice()), Ok(Some(ServerEvent::End)));
        let output = server.take_output();
        assert!(answers_contain(&output, "NetStream.Unpublish.Success"), "{}", last.name);
    }
}

fn answers_contain(output: &[u8], code: &str) -> bool {
    output.windows(code.len()).any(|window| window == code.as_bytes())
}

/// The chunks of a message up to somewhere in the middle of it.
fn begun(chunk_stream: u8, length: u32, bytes: usize) -> Vec<u8> {
    let [_, a, b, c] = length.to_be_bytes();
    let mut chunk = vec![chunk_stream, 0, 0, 0, a, b, c, 9, 1, 0, 0, 0];
    chunk.extend(vec![0; bytes.min(128)]);
    chunk
}

#[test]
fn messages_that_do_not_end_are_bounded_in_number_and_size() {
    let mut server = publishing();
    for stream in 4..8 {
        assert_eq!(server.receive(&mut begun(stream, 1000, 128).as_slice()), Ok(None));
    }
    let fifth = server.receive(&mut begun(8, 1000, 128).as_slice());
    assert_eq!(fifth, Err(RtmpError::Messages));

    let size = 10_000_001;
    let large = publishing().receive(&mut begun(4, size, 0).as_slice());
    assert_eq!(large, Err(RtmpError::Size(size as usize)));

    // A stranger has room for commands alone.
    let mut server = Server::default();
    let mut bytes = vec![3];
    bytes.extend([7; 2 * 1536]);
    bytes.extend(begun(3, 70_000, 0));
    assert_eq!(server.receive(&mut bytes.as_slice()), Err(RtmpError::Size(70_000)));
}

#[test]
fn what_is_no_rtmp_is_refused_by_its_first_byte() {
    let greeting = |bytes: &[u8]| Server::default().receive(&mut { bytes });
    assert_eq!(greeting(b"GET / HTTP/1.1"), Err(RtmpError::Version(b'G')));
    assert_eq!(greeting(&[22, 3, 1]), Err(RtmpError::Version(22)));
    assert_eq!(greeting(&[6]), Err(RtmpError::Version(6)));
    assert_eq!(greeting(&[3; 1000]), Ok(None));
}

#[test]
fn nothing_is_published_before_connect_or_twice() {
    let mut bytes = vec![3];
    bytes.extend([7; 2 * 1536]);
    let publish = command("publish", 1.0, vec![Value::Null, text("key")]);
    ChunkWriter::default().write(3, &publish.to_message(1), &mut bytes);
    let early = Server::default().receive(&mut bytes.as_slice());
    assert_eq!(early, Err(RtmpError::Order));
    let mut again = Vec::new();
    ChunkWriter::default().write(3, &publish.to_message(1), &mut again);
    assert_eq!(publishing().receive(&mut again.as_slice()), Err(RtmpError::Order));
}

#[test]
fn whatever_is_changed_in_what_an_encoder_sends_nothing_panics_or_grows() {
    let mut bytes = publisher("secret");
    let honest = bytes.len();
    for number in 0..20u32 {
        let kind = if number % 2 == 0 { Kind::Audio } else { Kind::Video };
        let message = media(kind, number << 20, vec![number as u8; 200]);
        ChunkWriter::default().write(4 + (number % 2) as u8, &message, &mut bytes);
    }
    let mut seed = 1u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize
    };
    let mut published = 0;
    for round in 0..3_000 {
        let mut changed = bytes.clone();
        let from = if round % 2 == 0 { 3073 } else { honest };
        for _ in 0..1 + random() % 6 {
            let at = from + random() % (changed.len() - from);
            changed[at] = random() as u8;
        }
        let mut server = Server::default();
        let mut input = changed.as_slice();
        let mut told = 0;
        loop {
            match server.receive(&mut input) {
                Ok(Some(ServerEvent::Publish(_))) => {
                    published += 1;
                    server.accept();
                }
                Ok(Some(_)) => told += 1,
                Ok(None) | Err(_) => break,
            }
        }
        assert!(told <= bytes.len() / 10, "{told} events");
        assert!(server.take_output().len() < 64 * 1024);
    }
    assert!(published > 1_000);
}

/// What a client and a server say to each other until both are silent.
fn talk(client: &mut Client, server: &mut Server) -> (Vec<ClientEvent>, Vec<ServerEvent>) {
    let (mut told, mut heard) = (Vec::new(), Vec::new());
    loop {
        let (from_client, from_server) = (client.take_output(), server.take_output());
        if from_client.is_empty() && from_server.is_empty() {
            return (told, heard);
        }
        let mut input = from_client.as_slice();
        while let Some(event) = server.receive(&mut input).unwrap() {
            heard.push(event);
        }
        let mut input = from_server.as_slice();
        while let Some(event) = client.receive(&mut input).unwrap() {
            told.push(event);
        }
    }
}

#[test]
fn a_client_publishes_to_a_server_and_is_told_where_it_may_not() {
    for accepted in [true, false] {
        let mut client = Client::new("rtmp://127.0.0.1/live", "live", "secret");
        let mut server = Server::default();
        let (told, heard) = talk(&mut client, &mut server);
        let publish = Publish { app: "live".into(), key: "secret".into() };
        assert_eq!((told, heard), (vec![], vec![ServerEvent::Publish(publish)]));
        if !accepted {
            server.reject("NetStream.Publish.BadName", "no");
            let (told, _) = talk(&mut client, &mut server);
            let reason = "NetStream.Publish.BadName: no".to_owned();
            assert_eq!(told, [ClientEvent::Refused(reason)]);
            continue;
        }
        server.accept();
        assert_eq!(talk(&mut client, &mut server).0, [ClientEvent::Ready]);
        client.send(Kind::Video, 40, vec![9; 10_000]);
        client.send(Kind::Audio, 0x0123_4567, vec![8; 10]);
        let video = ServerEvent::Video { timestamp: 40, tag: vec![9; 10_000] };
        let audio = ServerEvent::Audio { timestamp: 0x0123_4567, tag: vec![8; 10] };
        assert_eq!(talk(&mut client, &mut server).1, [video, audio]);
        client.finish();
        assert_eq!(talk(&mut client, &mut server).1, [ServerEvent::End]);
    }
}
