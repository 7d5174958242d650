//! What peers do with a whole shard, step by step.

use medialoom_fuzz::support::bare_peer::recorded_handshake;
use medialoom_fuzz::support::bare_rtcp::compounds;
use medialoom_fuzz::support::bare_sctp::{DCEP, FORWARD_TSN, RECONFIG, STRING};
use medialoom_fuzz::targets::steps::Step;
use medialoom_fuzz::targets::{dtls, two_sessions::INSIDE};

use super::keep;

fn step(kind: u8, detail: u8, number: u16, body: &[u8]) -> Step<'_> {
    Step { kind, detail, number, body }
}

/// The bytes before the steps, and the steps.
fn input(before: &[u8], steps: &[Step<'_>]) -> Vec<u8> {
    let mut out = before.to_vec();
    for Step { kind, detail, number, body } in steps {
        out.extend([*kind, *detail]);
        out.extend(number.to_be_bytes());
        out.extend((body.len() as u16).to_be_bytes());
        out.extend(*body);
    }
    out
}

pub fn write() -> std::io::Result<()> {
    stun()?;
    handshakes()?;
    sctp()?;
    receiving()?;
    plain_rtp()?;
    session()?;
    two_sessions()
}

fn stun() -> std::io::Result<()> {
    const PRIORITY: u16 = 0x0024;
    const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    let address = [0, 1, 0x32, 0x9a, 0xe1, 0xba, 0xa6, 0x43];
    let hello = &recorded_handshake()[0];
    let checks = [
        step(6, 0x40, 0x8022, b"some software"),
        step(4, 0x40, PRIORITY, &[0x6e, 0xff, 0xff, 0xff]),
        step(0, 0, 900, &[]),
        step(6 | 2 << 3, 0xc0, 0x8022, b"roaming"),
        step(2, 0x02, 0x8022, b"an indication"),
        step(3, 0, 0, hello),
        step(1, 0, 0, &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]),
    ];
    keep("stun", "checks", &input(&[0], &checks))?;
    let answers = [
        step(6, 0x40, 0x8022, b"some software"),
        step(0, 0, 100, &[]),
        step(5, 0x14, XOR_MAPPED_ADDRESS, &address),
        step(0, 0, 100, &[]),
        // Role conflict (RFC 8445 7.2.5.1).
        step(5, 0x16, 0x0009, &[0, 0, 4, 87]),
        step(0, 0, 1900, &[]),
    ];
    keep("stun", "answers", &input(&[1], &answers))
}

fn handshakes() -> std::io::Result<()> {
    let flights = recorded_handshake();
    for version in 0..6 {
        keep("dtls", &format!("honest-{version}"), &[version])?;
    }
    let changes = [
        step(1, 0, 0, &[]),
        step(3, 0, 0, &[0, 60, 1]),
        step(7, 0, 0, &[]),
        step(4, 0, 0, &flights[0]),
        step(2, 0, 40, &[]),
        step(9, 0, 0, &[]),
        step(0, 0, 0, &[]),
        step(8, 0, 13, &[2, 0, 0, 20]),
    ];
    keep("dtls", "changes-12", &input(&[0], &changes))?;
    keep("dtls", "changes-13", &input(&[2], &changes))?;
    let inside = [
        step(dtls::INSIDE | 2, 0, 0, &[]),
        step(dtls::INSIDE | 2, 0, 0, &[]),
        step(dtls::INSIDE, 0, 0, &[0, 20, 1]),
        step(dtls::INSIDE | 1, 0, 12, &[0, 0, 9, 0xff]),
    ];
    for version in 0..4 {
        keep("dtls", &format!("inside-{version}"), &input(&[version], &inside))?;
    }
    let last = flights.last().map_or(&[][..], |flight| flight);
    let strange = [step(5, 0, 0, last), step(6, 0, 0, &flights[0]), step(5, 0, 0, &flights[1])];
    keep("dtls", "of-another-handshake", &input(&[0], &strange))
}

fn sctp() -> std::io::Result<()> {
    let reset = [0, 13, 0, 18, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 5, 0, 0];
    let channels = [
        step(6, 0, 0, b"labelproto"),
        step(7, 0, 0, &[]),
        step(5, 0x10, 0, b"a message"),
        step(5, 0x12, 0x0300, b"ahead"),
        step(8, 0, 100, &[]),
        step(9, 0, 0, &[]),
        step(10, 0, 300, &[]),
        step(8, 1, 0, &[0, 2, 0, 4]),
        step(0, 0, 300, &[]),
        step(3, RECONFIG, 0, &reset),
        step(3, FORWARD_TSN, 0, &[0, 0, 0x10, 9, 0, 0, 0, 1]),
        step(11, 0, 0, &[]),
        step(7, 0, 0, &[]),
    ];
    keep("sctp", "channels", &input(&[0], &channels))?;
    keep("sctp", "channels-of-a-server", &input(&[1], &channels))?;
    let without = [
        step(3, 1, 0, &[0, 0, 0, 1, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9]),
        step(3, 6, 0, &[]),
        step(1, 0, 0, b"not a packet of SCTP"),
        step(3, 10, 0, b"not a cookie"),
    ];
    keep("sctp", "without-an-association", &input(&[2], &without))?;
    let kinds = [step(4, 0, 0, &[2]), step(4, 0x10, 1, b"x"), step(4, 0x14, 0x22, b"begin")];
    assert_eq!((DCEP, STRING), (50, 51));
    keep("sctp", "pieces", &input(&[0], &kinds))
}

fn receiving() -> std::io::Result<()> {
    // Kind, SSRC, payload type, sequence number, length, and the body, of which half a quarter is
    // extensions.
    let packet = |kind: u8, ssrc: u8, pt: u8, number: u8, body: &[u8]| {
        [&[kind, ssrc, pt, 3, number, body.len() as u8][..], body].concat()
    };
    let mid = [0x40, b'1', 0xa0, b'q', 0x10, 1, 0, 0];
    let body = [&mid[..], &[0; 56]].concat();
    let mut all = Vec::new();
    (0..3).for_each(|number| all.extend(packet(4, 7, 0, number, &body)));
    all.extend(packet(0, 0, 0, 0, &[0; 50]));
    all.extend(packet(4, 7, 0, 6, &body));
    for (_, compound) in compounds() {
        all.extend(packet(1, 0, 0, 0, &compound));
    }
    all.extend(packet(2, 0, 1, 0, &[]));
    keep("receiving", "packets", &all)
}

fn plain_rtp() -> std::io::Result<()> {
    // Kind with the line, a large body and the marker; sender, number, length and the body.
    let datagram = |kind: u8, from: u8, number: u8, body: &[u8]| {
        [&[kind, from, number, body.len() as u8][..], body].concat()
    };
    const MEDIA: u8 = 3;
    const LARGE: u8 = 0x40;
    const LAST: u8 = 0x80;
    let line = |place: u8| MEDIA | place << 3;
    let all = [
        // With feedback.
        vec![1],
        datagram(line(0), 1, 1, &[1, 2]),
        datagram(line(1), 2, 1, &[0x67, 0x42, 0xc0, 0x1f, 0xda]),
        datagram(line(1), 2, 2, &[0x68, 0xce, 0x3c, 0x80]),
        datagram(line(1) | LARGE | LAST, 2, 3, &[0x65, 0x88]),
        datagram(line(1) | LARGE | LAST, 2, 5, &[0x41, 0x9a]),
        datagram(0, 0, 0, &[b'x'; 60]),
        datagram(line(1) | LARGE | LAST, 2, 4, &[0x41, 0x9a]),
        datagram(line(1), 2, 6, &[0x78, 0, 2, 0x67, 1]),
        datagram(line(2) | LARGE, 3, 1, &[0x26, 1]),
        datagram(line(2), 3, 2, &[0x40, 1, 0x0c]),
        datagram(line(3) | LARGE | LAST, 3, 1, &[0x8a, 7, 0x18]),
        datagram(line(4) | LARGE, 3, 1, &[0x10]),
        datagram(2 | 1 << 3, 0, 0, &[&[0, 0, 0, 2][..], &[0; 20]].concat()),
        datagram(1, 0, 0, &[0x80, 0x60]),
        datagram(0, 0, 0, &[b'x'; 250]),
    ];
    keep("plain_rtp", "packets", &all.concat())
}

fn session() -> std::io::Result<()> {
    let mid = [0x40, b'1', 0xa0, b'q', 0x30, 0, 7, 0];
    let named = [&mid[..], &[0x90, 0x80], &[1; 86]].concat();
    let reports = compounds();
    let mut steps = vec![step(4, 0, 0, &[]), step(0, 0, 20, &[]), step(4, 0, 0, &[])];
    // VP8 of the first encoding, sound, sound in RED.
    steps.push(step(6, 3 << 5 | 3 << 2, 500, &named));
    steps.push(step(6, 0, 700, &named[8..]));
    steps.push(step(6, 1 << 2, 701, &named[8..]));
    steps.push(step(6, 2 << 5 | 4 << 2, 9, &named[8..]));
    for (_, compound) in &reports {
        steps.push(step(1, 0, 0, compound));
        steps.push(step(2, 3, 0, compound));
    }
    (0..12).for_each(|command| steps.push(step(5, command, 0x110, &[])));
    steps.push(step(0, 0, 1500, &[]));
    steps.push(step(3, 0, 0, &[0x80, 96, 0, 1]));
    keep("session", "all", &input(&[], &steps))?;
    let picture = [step(4, 0, 0, &[]), step(0, 0, 33, &[])];
    let pictures: Vec<_> = (0..10).flat_map(|_| picture).collect();
    keep("session", "pictures", &input(&[], &pictures))
}

fn two_sessions() -> std::io::Result<()> {
    let wire = [
        step(7, 0, 0, &[]),
        step(1, 0, 0, &[]),
        step(0, 0, 0, &[]),
        step(3, 0, 0, &[0, 30, 4]),
        step(5, 0, 0, &[]),
        step(2, 0, 60, &[]),
        step(6, 0, 0, &[]),
        step(4, 0, 0, &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    keep("two_sessions", "wire", &input(&[], &wire.repeat(4)))?;
    let inside = [
        step(INSIDE, 0, 0, &[0, 1, 0x80]),
        step(INSIDE | 1, 0, 3, &[]),
        step(INSIDE | 2, 0, 0, &[0x90, 0xe0, 0x80, 1, 2, 3]),
        step(INSIDE | 3, 0, 0, &[]),
    ];
    keep("two_sessions", "inside", &input(&[], &inside.repeat(4)))
}
