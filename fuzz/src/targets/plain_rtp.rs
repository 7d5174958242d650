//! Datagrams at the ports of a transport of plain RTP, without keys and with, from wherever and in
//! whatever order; time in between. Nothing panics, no packet comes out twice under one number, and
//! none is larger than what a path takes.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use medialoom::control::flow::{Flow, Protocol};
use medialoom::control::ids::{Ids, ShardIndex, TransportId};
use medialoom::control::rtp::{
    BoundPort, PortLease, RtpFormat, RtpKey, RtpKind, RtpMedia, RtpOptions, RtpPort,
};
use medialoom::peer::PeerEvent;
use medialoom::plain::Session;
use medialoom::sending::Workspace;

/// Payload types of the lines, in their order.
const FORMATS: [(RtpKind, u8, &str, &str); 5] = [
    (RtpKind::Audio, 97, "opus/48000/2", ""),
    (RtpKind::Video, 96, "H264/90000", "packetization-mode=1;sprop-parameter-sets=Z0LAHw==,aM4="),
    (RtpKind::Video, 98, "H265/90000", ""),
    (RtpKind::Video, 99, "VP9/90000", ""),
    (RtpKind::Video, 100, "AV1/90000", ""),
];

fn port(key: bool) -> RtpPort {
    let key = key.then(|| RtpKey { suite: "AEAD_AES_128_GCM".into(), key: "07".repeat(28) });
    RtpPort {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        interface: None,
        sources: Vec::new(),
        port: 0,
        rtcp_mux: false,
        shared: false,
        rid: None,
        ssrc: None,
        remote: None,
        remote_rtcp: None,
        allowed: Vec::new(),
        send_key: key.clone(),
        receive_key: key,
    }
}

fn here(number: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000 + number)
}

fn session(now: Instant, flags: u8) -> Session {
    let line =
        |(place, (kind, pt, encoding, parameters)): (usize, &(RtpKind, u8, &str, &str))| RtpMedia {
            kind: *kind,
            send: false,
            receive: true,
            formats: vec![RtpFormat {
                payload_type: *pt,
                encoding: (*encoding).into(),
                parameters: (*parameters).into(),
            }],
            feedback: flags & 1 != 0,
            reduced_size: false,
            send_ssrc: 1000 + place as u32,
            // The last line has keys.
            ports: vec![port(place == 4)],
        };
    let options = RtpOptions {
        media: FORMATS.iter().enumerate().map(line).collect(),
        comedia: flags & 2 != 0,
        cname: "engine".into(),
        report_ssrc: u32::MAX,
        silence: 1000,
        mix_b_frames: flags & 4 != 0,
        dump_file: None,
    };
    let lease = |number| Arc::new(PortLease { local: here(number) });
    let ports = (0..5).map(|place| BoundPort {
        rtp: lease(2 * place),
        rtcp: lease(2 * place + 1),
        shared: false,
    });
    let ids = Arc::new(Ids::default());
    let id = TransportId::new(&ids, ShardIndex(0));
    Session::new(now, id, Box::new(options), ports.collect(), &ids).expect("the options are right")
}

pub fn run(input: &[u8]) {
    let Some((flags, mut rest)) = input.split_first() else { return };
    let mut now = Instant::now();
    let mut session = session(now, *flags);
    let mut workspace = Workspace::default();
    let mut seen = HashSet::new();
    while let Some((&[kind, from, number, length], after)) = rest.split_first_chunk::<4>() {
        // Some are as long as a frame of Ethernet takes.
        let wanted = usize::from(length);
        let (body, after) = after.split_at(wanted.min(after.len()));
        rest = after;
        let place = kind >> 3 & 7;
        let datagram = match kind & 7 {
            0 => {
                now += Duration::from_millis(wanted as u64);
                session.handle_timeout(now);
                Vec::new()
            }
            1 => body.to_vec(),
            2 => {
                [&[0x80 | number & 0x1f, 200 + from % 8, 0, (body.len() / 4) as u8], body].concat()
            }
            _ => {
                let pt = FORMATS[usize::from(place) % FORMATS.len()].1;
                let header =
                    [0x80, pt | kind & 0x80, 0, number, 0, 0, number / 2, 0, 0, 0, 0, from];
                let filling = vec![0x41; if kind & 0x40 == 0 { 0 } else { 1300 }];
                [&header[..], body, &filling].concat()
            }
        };
        let rtcp = u16::from(kind & 7 == 2);
        let flow = Flow {
            protocol: Protocol::Udp,
            local: here(2 * u16::from(place % 5) + rtcp),
            remote: SocketAddr::from(([192, 0, 2, 1], 4000 + u16::from(from % 4))),
        };
        session.handle_datagram(now, &flow, &datagram, &mut workspace);
        session.end_turn(now);
        while let Some(event) = session.next_event() {
            if let PeerEvent::Packet { packet } = event {
                let named = (packet.track, packet.encoding, packet.ssrc, packet.sequence);
                assert!(seen.insert(named), "a number comes once");
            }
        }
        session.transmit(|flow, bytes| {
            assert!(bytes.len() <= 1_300 && flow.remote.port() > 0);
        });
    }
    session.stats(now);
}
