//! What encoders push, what cameras answer, and what players of HLS ask for.

use std::time::{Duration, Instant};

use medialoom::ingest::flv;
use medialoom::ingest::rtmp::amf0::{self, Value};
use medialoom::ingest::rtmp::{self, Kind, Message};
use medialoom::ingest::rtsp::{Client, Description, Event, Url};
use medialoom::ingest::srt::{Caller, CallerOptions, Connection, Heard, Listener};
use medialoom::ingest::ts;
use medialoom::{codec, hls};

use super::measure::{is_linear, reads_linearly};

/// The smaller of the two sizes.
const SIZE: usize = 16_000;

/// Makes an input of so many times the smaller size.
type Make = Box<dyn Fn(usize) -> Vec<u8>>;

fn filled(start: &[u8], unit: &[u8], times: usize) -> Vec<u8> {
    let mut bytes = start.to_vec();
    while bytes.len() + unit.len() <= SIZE * times {
        bytes.extend(unit);
    }
    bytes
}

/// An encoder that may publish, and `messages` of it after that.
fn pushed(messages: impl Fn(&rtmp::ChunkWriter, &mut Vec<u8>)) -> Vec<u8> {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut bytes = vec![3];
    bytes.extend([7; 2 * 1536]);
    let writer = rtmp::ChunkWriter::default();
    let app = Value::Object(vec![("app".into(), text("live"))]);
    for (stream, name, arguments) in [
        (0, "connect", vec![app]),
        (0, "createStream", vec![Value::Null]),
        (1, "publish", vec![Value::Null, text("key"), text("live")]),
    ] {
        let command = rtmp::Command { name: name.into(), transaction: 1.0, arguments };
        writer.write(3, &command.to_message(stream), &mut bytes);
    }
    messages(&writer, &mut bytes);
    bytes
}

fn publishes(mut pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> usize {
    let mut server = rtmp::Server::default();
    let mut events = 0;
    pieces.all(|piece| {
        let mut piece = piece.as_ref();
        loop {
            match server.receive(&mut piece) {
                Ok(Some(rtmp::ServerEvent::Publish(_))) => server.accept(),
                Ok(Some(_)) => events += 1,
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    });
    events
}

#[test]
fn what_encoders_push_by_rtmp() {
    let media = |kind, length: usize, count: usize| {
        move |times| {
            pushed(|writer, out| {
                for timestamp in 0..(count * times) as u32 {
                    let payload = vec![0x17; length];
                    writer.write(6, &Message { kind, stream: 1, timestamp, payload }, out);
                }
            })
        }
    };
    let nothing = |times| pushed(|_, out| *out = filled(out, &[0xc3], times));
    let beginnings = |times| {
        // Each chunk begins a message again, on one stream after the other.
        pushed(|_, out| {
            for n in 0..500 * times {
                let stream = 3 + (n % 4) as u8;
                out.extend([stream, 0, 0, 0, 0, 0x40, 0, 9, 1, 0, 0, 0]);
                out.extend([0; 128]);
            }
        })
    };
    let commands = |name: &'static str| {
        move |times| {
            pushed(|writer, out| {
                for _ in 0..300 * times {
                    let arguments = vec![Value::Null, Value::Text("key".into())];
                    let command = rtmp::Command { name: name.into(), transaction: 2.0, arguments };
                    writer.write(3, &command.to_message(1), out);
                }
            })
        }
    };
    let cases: [(&str, Make); 7] = [
        ("RTMP, one long message", Box::new(move |times| media(Kind::Video, SIZE * times, 1)(1))),
        ("RTMP, short messages", Box::new(media(Kind::Audio, 3, 1000))),
        ("RTMP, empty messages", Box::new(media(Kind::Audio, 0, 1000))),
        ("RTMP, chunks of nothing", Box::new(nothing)),
        ("RTMP, messages begun anew", Box::new(beginnings)),
        ("RTMP, commands", Box::new(commands("releaseStream"))),
        ("RTMP, commands that nobody knows", Box::new(commands("what"))),
    ];
    for (what, make) in cases {
        reads_linearly(what, &make, |bytes| publishes(std::iter::once(bytes)));
        reads_linearly(what, &make, |bytes| publishes(bytes.chunks(7)));
    }
}

#[test]
fn values_of_amf() {
    let name = |n: usize| format!("{n:06}");
    let cases: [(&str, Make); 5] = [
        ("AMF, numbers", Box::new(|times| filled(&[], &[0; 9], times))),
        ("AMF, texts", Box::new(|times| filled(&[], &[2, 0, 3, b'a', b'b', b'c'], times))),
        ("AMF, a long text", Box::new(|times| filled(&[12, 0, 0, 0xff, 0xff], b"x", times))),
        ("AMF, objects in objects", Box::new(|times| filled(&[], &[3, 0, 1, b'a'], times))),
        (
            "AMF, properties",
            Box::new(move |times| {
                let properties = (0..1000 * times).map(|n| (name(n), Value::Null)).collect();
                let mut out = Vec::new();
                Value::Object(properties).write(&mut out);
                out
            }),
        ),
    ];
    for (what, make) in cases {
        reads_linearly(what, &make, |bytes| {
            let mut reader = amf0::Reader::new(bytes);
            while !reader.is_empty() && reader.read().is_ok() {}
        });
    }
}

#[test]
fn tags_of_flv() {
    let units: [(&str, &[u8], &[u8]); 4] = [
        ("FLV, tiny units of H.264", &[0x17, 1, 0, 0, 0], &[0, 0, 0, 1, 0x65]),
        ("FLV, empty units of H.264", &[0x17, 1, 0, 0, 0], &[0, 0, 0, 0]),
        ("FLV, parameter sets", &[0x17, 0, 0, 0, 0, 1, 66, 0, 31, 0xff, 0xff], &[0, 1, 0x67]),
        ("FLV, H.265 of the newer form", &[0x91, b'h', b'v', b'c', b'1', 0, 0, 0], &[0, 0, 0, 1]),
    ];
    for (what, start, unit) in units {
        reads_linearly(
            what,
            |times| filled(start, unit, times),
            |tag| {
                let mut demuxer = flv::Demuxer::default();
                // Units are taken apart once their length is known.
                let _ = demuxer.video(&[0x17, 0, 0, 0, 0, 1, 66, 0, 31, 0xff, 0xe0, 0]);
                demuxer.video(tag).map(|frame| frame.map(|frame| frame.data.len())).ok()
            },
        );
    }
}

/// A packet of a transport stream with an adaptation field as long as it takes.
fn packet(pid: u16, counter: usize, begins: bool, payload: &[u8]) -> Vec<u8> {
    let [high, low] = pid.to_be_bytes();
    let mut packet = vec![0x47, high | u8::from(begins) << 6, low, 0x30 | (counter % 16) as u8];
    let stuffing = ts::PACKET - 5 - payload.len();
    packet.push(stuffing as u8);
    packet.extend(std::iter::once(0).chain(std::iter::repeat(0xff)).take(stuffing));
    packet.extend(payload);
    packet
}

#[test]
fn transport_streams() {
    let mut tables = Vec::new();
    let mut muxer = ts::Muxer::new(Some(codec::Codec::H264), true);
    muxer.tables(&mut tables);
    let program = tables.clone();
    let of_program = move |packets: Vec<u8>| [program.clone(), packets].concat();
    // The muxer's pictures come first, and its sound after them.
    let pids = [0x100, 0x101];
    let pieces = |payload: &'static [u8], begins: bool| {
        let of_program = of_program.clone();
        move |times: usize| {
            let all =
                (0..300 * times).flat_map(|n| pids.map(|pid| packet(pid, n, begins, payload)));
            of_program(all.flatten().collect())
        }
    };
    let start = &[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 0, 1, 0x65];
    let cases: [(&str, Make); 7] = [
        ("TS, noise", Box::new(|times| filled(&[], &[0x46, 0x48], times))),
        ("TS, bytes that may begin a packet", Box::new(|times| filled(&[], &[0x47], times))),
        ("TS, tables", Box::new(move |times| tables.repeat(50 * times))),
        ("TS, pieces of a byte", Box::new(pieces(&[0xff], false))),
        ("TS, pieces of zeros", Box::new(pieces(&[0; 100], false))),
        ("TS, beginnings", Box::new(pieces(start, true))),
        ("TS, empty beginnings", Box::new(pieces(&[], true))),
    ];
    for (what, make) in cases {
        let read = |bytes: &[u8], length: usize| {
            let (mut demuxer, mut units) = (ts::Demuxer::default(), 0);
            bytes.chunks(length).for_each(|piece| demuxer.push(piece, |_| units += 1));
            units
        };
        reads_linearly(what, &make, |bytes| read(bytes, bytes.len()));
        reads_linearly(what, &make, |bytes| read(bytes, 11));
    }
}

#[test]
fn what_cameras_answer() {
    let describe = |body: String| {
        let length = body.len();
        format!(
            "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE\r\n\r\n\
             RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    };
    let lines = move |unit: &'static str| {
        move |times: usize| {
            let head = "v=0\r\nm=video 0 RTP/AVP 96\r\n";
            describe(head.to_owned() + &unit.repeat(SIZE * times / unit.len() / 2))
        }
    };
    let cases: [(&str, Make); 9] = [
        ("RTSP, packets", Box::new(|times| filled(&[], &[b'$', 0, 0, 4, 0x80, 96, 0, 1], times))),
        ("RTSP, empty packets", Box::new(|times| filled(&[], &[b'$', 0, 0, 0], times))),
        ("RTSP, blank lines", Box::new(|times| filled(&[], b"\r\n", times))),
        (
            "RTSP, a head without an end",
            // As long as heads may be.
            Box::new(|times| {
                [b"RTSP/1.0 200 OK".as_slice(), &b"\r\na".repeat(1_300 * times)].concat()
            }),
        ),
        (
            "RTSP, requests of the server",
            Box::new(|times| filled(&[], b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n", times)),
        ),
        (
            "RTSP, answers that nobody waits for",
            Box::new(|times| filled(&[], b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n", times)),
        ),
        ("RTSP, lines of formats", Box::new(lines("a=rtpmap:96 H264/90000\r\n"))),
        ("RTSP, lines of parameters", Box::new(lines("a=fmtp:96 a=b;c=d\r\n"))),
        ("RTSP, m-lines", Box::new(lines("m=audio 0 RTP/AVP 97\r\na=control:x\r\n"))),
    ];
    for (what, make) in cases {
        let read = |bytes: &[u8], length: usize| {
            let now = Instant::now();
            let (url, _) = Url::parse("rtsp://camera/live").unwrap();
            let mut client = Client::new(now, url, None, [7; 8], Duration::from_secs(10));
            client.take_output();
            let mut events = 0;
            for piece in bytes.chunks(length) {
                client.feed(piece);
                while let Ok(Some(event)) = client.next(now) {
                    events += usize::from(!matches!(event, Event::Ended));
                }
            }
            events
        };
        reads_linearly(what, &make, |bytes| read(bytes, bytes.len()));
        reads_linearly(what, &make, |bytes| read(bytes, 11));
        reads_linearly(what, &make, |bytes| {
            Description::parse(&String::from_utf8_lossy(bytes)).map(|found| found.media.len())
        });
    }
}

/// A connection by SRT, and what the other end's packets begin with: their first number.
fn called(now: Instant) -> (Connection, u32) {
    const COOKIE: usize = 16 + 28;
    let listener = Listener::new(now).unwrap();
    let remote = "192.0.2.1:4000".parse().unwrap();
    let options =
        CallerOptions { stream_id: String::new(), passphrase: None, latency: Duration::ZERO };
    let mut caller = Caller::new(now, remote, options).unwrap();
    let induction = caller.transmit(now).unwrap();
    let Heard::Answer(answer) = listener.hear(now, remote, &induction) else { panic!("no answer") };
    assert!(answer.len() > COOKIE);
    let _ = caller.receive(now, &answer);
    let conclusion = caller.transmit(now).unwrap();
    let first = u32::from_be_bytes(*conclusion[24..].first_chunk().unwrap());
    let Heard::Call(request) = listener.hear(now, remote, &conclusion) else { panic!("no call") };
    let keys = request.open(None).unwrap();
    (request.accept(now, 77, Duration::from_millis(120), keys).0, first)
}

#[test]
fn what_encoders_push_by_srt() {
    const PACKETS: usize = 500;
    let data = |first: u32, number: u32| {
        let sequence = first.wrapping_add(number) & 0x7fff_ffff;
        let mut packet = sequence.to_be_bytes().to_vec();
        packet.extend([0xc0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 77]);
        packet.extend([0x47; 188]);
        packet
    };
    let control = |kind: u16, body: &[u8]| {
        let mut packet = (kind | 0x8000).to_be_bytes().to_vec();
        packet.extend([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 77]);
        packet.extend(body);
        packet
    };
    type Packets<'a> = Box<dyn Fn(u32, u32) -> Vec<u8> + 'a>;
    let cases: [(&str, Packets<'_>); 7] = [
        ("SRT, packets in order", Box::new(data)),
        ("SRT, every other one", Box::new(|first, n| data(first, 2 * n))),
        ("SRT, the last one first", Box::new(|first, n| data(first, 4000 - n))),
        ("SRT, one again and again", Box::new(|first, _| data(first, 5))),
        (
            "SRT, reports of losses",
            Box::new(|first, _| {
                let words = (0..360).map(|n| first.wrapping_add(n * 2) & 0x7fff_ffff);
                control(3, &words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>())
            }),
        ),
        ("SRT, acknowledgements", Box::new(|first, n| control(2, &(first + n).to_be_bytes()))),
        (
            "SRT, what will not come",
            Box::new(|first, n| {
                control(7, &[first.to_be_bytes(), (first + n).to_be_bytes()].concat())
            }),
        ),
    ];
    for (what, make) in cases {
        let start = Instant::now();
        is_linear(
            what,
            |times| {
                let (mut connection, first) = called(start);
                for _ in 0..PACKETS {
                    connection.send(start, &[0x47; 188]);
                }
                let packets: Vec<_> =
                    (0..(PACKETS * times) as u32).map(|n| make(first, n)).collect();
                (connection, packets)
            },
            |(connection, packets)| {
                let mut now = start;
                for packet in packets {
                    now += Duration::from_micros(100);
                    let _ = connection.receive(now, packet);
                    while connection.poll(now).is_some() {}
                    let _ = connection.transmit(now, |_| {});
                }
            },
        );
    }
}

#[test]
fn requests_for_hls() {
    for unit in ["a", "/", "-", ".mp4", "s1-", "_HLS_msn=1&", "&", "="] {
        let make = |times| filled(b"v0/", unit.as_bytes(), times);
        let read = |text: &[u8]| {
            let text = std::str::from_utf8(text).unwrap();
            let name = hls::Request::parse(text, "", "tag").is_ok();
            (name, hls::Request::parse("v0/live.m3u8", text, "tag").is_ok())
        };
        reads_linearly("a name and a query of HLS", make, read);
    }
}
