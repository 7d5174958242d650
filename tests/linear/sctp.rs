//! SCTP of a peer that obeys nobody (RFC 9260), through its DTLS association into a whole session.

use std::time::Duration;

use super::dtls_peer::{Setup, World};
use super::measure::is_linear;

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const RECONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;
const FIRST: u32 = 1000;
const ROOM: usize = 1100;

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend((value.len() as u16 + 4).to_be_bytes());
    chunk.extend(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn data(flags: u8, tsn: u32, stream: u16, number: u16, payload: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(number.to_be_bytes());
    value.extend(53_u32.to_be_bytes());
    value.extend(payload);
    chunk(DATA, flags, &value)
}

/// RFC 9260 appendix A.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1)))
    })
}

fn packet(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x13, 0x88, 0x13, 0x88];
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(chunks);
    let sum = crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}

/// An association, and the tag that the session wants to see.
fn associated() -> (World, u32) {
    let mut world = World::new(Duration::from_micros(10), Setup::Active);
    world.peer.offers_data = true;
    world.negotiate("0");
    let mut tag = 0;
    let mut init = vec![0, 0, 0, 1];
    init.extend(0x0010_0000_u32.to_be_bytes());
    init.extend([0xff; 4]);
    init.extend(FIRST.to_be_bytes());
    // FORWARD-TSN (RFC 3758 3.1), and both extensions (RFC 5061 4.2.7).
    init.extend([0xc0, 0, 0, 4, 0x80, 8, 0, 6, RECONFIG, FORWARD_TSN, 0, 0]);
    world.run(Duration::from_millis(100));
    assert!(world.peer.connected);
    let begins = packet(0, &chunk(INIT, 0, &init));
    world.peer.say(&begins);
    for _ in 0..6 {
        world.run(Duration::from_millis(10));
        for came in std::mem::take(&mut world.peer.data) {
            let value = &came[16..];
            let theirs = || u32::from_be_bytes(value[..4].try_into().unwrap());
            let answer = match came[12] {
                INIT => {
                    tag = theirs();
                    let mut ack = init.clone();
                    // State cookie (RFC 9260 3.3.3.1).
                    ack.extend([0, 7, 0, 8, 1, 2, 3, 4]);
                    chunk(INIT_ACK, 0, &ack)
                }
                INIT_ACK => {
                    tag = theirs();
                    let mut rest = &value[16..];
                    while rest[..2] != [0, 7] {
                        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                        rest = &rest[length.next_multiple_of(4)..];
                    }
                    let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                    chunk(COOKIE_ECHO, 0, &rest[4..length])
                }
                COOKIE_ECHO => chunk(COOKIE_ACK, 0, &[]),
                _ => continue,
            };
            let answer = packet(tag, &answer);
            world.peer.say(&answer);
        }
    }
    assert_ne!(tag, 0);
    (world, tag)
}

/// What chunks cost, as many to a packet as have room. They may end the association.
fn taken(what: &str, chunks: impl Fn(usize) -> Vec<Vec<u8>>) {
    is_linear(
        what,
        |times| {
            let (world, tag) = associated();
            let mut packets = Vec::new();
            let mut bundle = Vec::new();
            for chunk in chunks(times) {
                if bundle.len() + chunk.len() > ROOM {
                    packets.push(packet(tag, &std::mem::take(&mut bundle)));
                }
                bundle.extend(chunk);
            }
            packets.push(packet(tag, &bundle));
            (world, packets)
        },
        |(world, packets)| {
            for packet in packets.iter() {
                world.peer.say(packet);
                world.run(Duration::from_micros(50));
            }
        },
    );
}

const CHUNKS: usize = 4000;

#[test]
fn chunks_of_data() {
    let numbers = |times: usize| 0..(times * CHUNKS) as u32;
    taken("messages", |times| {
        numbers(times).map(|n| data(3, FIRST + n, 1, n as u16, &[1])).collect()
    });
    taken("chunks behind a missing one", |times| {
        numbers(times).map(|n| data(3, FIRST + 1 + n, 1, n as u16, &[1])).collect()
    });
    taken("chunks with gaps", |times| {
        numbers(times).map(|n| data(3, FIRST + 2 * n, 1, n as u16, &[1])).collect()
    });
    taken("a message in pieces of a byte", |times| {
        numbers(times).map(|n| data(2 * u8::from(n == 0), FIRST + n, 1, 0, &[1])).collect()
    });
    taken("pieces without a beginning", |times| {
        numbers(times).map(|n| data(0, FIRST + n, 1, 0, &[1])).collect()
    });
    taken("unordered pieces", |times| {
        numbers(times).map(|n| data(4, FIRST + n, 1, 0, &[1])).collect()
    });
    taken("messages of which the first is missing", |times| {
        numbers(times).map(|n| data(3, FIRST + n, 1, n as u16 + 1, &[1])).collect()
    });
    taken("the same again", |times| numbers(times).map(|_| data(3, FIRST, 1, 0, &[1])).collect());
    taken("streams", |times| {
        numbers(times / 4 + 1).map(|n| data(3, FIRST + n, n as u16, 0, &[1])).collect()
    });
}

#[test]
fn chunks_that_control() {
    const CONTROL: usize = 1000;
    let forward = |tsn: u32, streams: std::ops::Range<u16>| {
        let mut value = tsn.to_be_bytes().to_vec();
        for stream in streams {
            value.extend(stream.to_be_bytes());
            value.extend([0, 7]);
        }
        chunk(FORWARD_TSN, 0, &value)
    };
    let numbers = |times: usize| 0..(times * CONTROL) as u32;
    taken("FORWARD-TSN", |times| numbers(times).map(|n| forward(FIRST + n, 0..2)).collect());
    taken("FORWARD-TSN of many streams", |times| {
        numbers(times).map(|n| forward(FIRST + n, 0..200)).collect()
    });
    taken("heartbeats", |times| {
        numbers(times).map(|_| chunk(HEARTBEAT, 0, &[0, 1, 0, 8, 1, 2, 3, 4])).collect()
    });
    taken("SACK", |times| {
        let mut value = vec![0; 8];
        value.extend([0, 100, 0, 0]);
        value.extend([0, 1, 0xff, 0xff].repeat(100));
        numbers(times).map(|_| chunk(SACK, 0, &value)).collect()
    });
    taken("resets", |times| {
        let reset = |n: u32| {
            let mut value = vec![0, 13, 0, 16];
            value.extend(n.to_be_bytes());
            value.extend([0; 4]);
            value.extend((FIRST - 1).to_be_bytes());
            chunk(RECONFIG, 0, &value)
        };
        numbers(times).map(reset).collect()
    });
    taken("resets ahead, and data behind them", |times| {
        let mut value = vec![0, 13, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0];
        value.extend((FIRST + 1).to_be_bytes());
        let reset = chunk(RECONFIG, 0, &value);
        let behind = |n| data(2 * u8::from(n == 0), FIRST + 3 + n, 1, 0, &[1; 100]);
        std::iter::once(reset).chain(numbers(times).map(behind)).collect()
    });
    taken("cookies again", |times| numbers(times).map(|_| chunk(COOKIE_ACK, 0, &[])).collect());
}
