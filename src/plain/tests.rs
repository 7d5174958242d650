//! Transports of plain RTP on fake time, with the far end made by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::codec::rtcp::{self, Packet};
use crate::control::command::TransportCommand;
use crate::control::event::Event;
use crate::control::flow::{Flow, Protocol};
use crate::control::ids::{OutgoingTrackId, ShardIndex};
use crate::control::rtp::{PortLease, RtpFormat, RtpKey, RtpKind, RtpMedia, RtpPort};
use crate::receiving::RtpHeader;
use crate::sending::{Delivery, Outlet, SendingEvent, Workspace};
use crate::sfu::SourcePacket;
use crate::sfu::testing::Source;
use crate::srtp::{Profile, RtpOpener, Sealer};

const KEY: [u8; 30] = [7; 30];

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn there(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], port))
}

fn port() -> RtpPort {
    RtpPort {
        sources: Vec::new(),
        address: [127, 0, 0, 1].into(),
        interface: None,
        port: 0,
        rtcp_mux: false,
        shared: false,
        rid: None,
        ssrc: None,
        remote: None,
        remote_rtcp: None,
        allowed: Vec::new(),
        send_key: None,
        receive_key: None,
    }
}

fn media(kind: RtpKind, pt: u8, encoding: &str) -> RtpMedia {
    RtpMedia {
        kind,
        send: false,
        receive: true,
        formats: vec![RtpFormat {
            payload_type: pt,
            encoding: encoding.into(),
            parameters: String::new(),
        }],
        feedback: false,
        reduced_size: false,
        send_ssrc: 100 + u32::from(pt),
        ports: vec![port()],
    }
}

fn sound() -> RtpMedia {
    media(RtpKind::Audio, 96, "opus/48000/2")
}

fn pictures() -> RtpMedia {
    RtpMedia { send_ssrc: 300, ..media(RtpKind::Video, 96, "VP8/90000") }
}

fn options(media: Vec<RtpMedia>) -> RtpOptions {
    let (cname, report_ssrc) = ("me".into(), 9);
    RtpOptions {
        media,
        comedia: false,
        cname,
        report_ssrc,
        silence: 5000,
        mix_b_frames: false,
        dump_file: None,
    }
}

struct Rig {
    session: Session,
    now: Instant,
    workspace: Workspace,
}

/// The ports are 5000, 5001 and 5002, 5003 and so on.
fn rig(options: RtpOptions) -> Rig {
    let now = Instant::now();
    let count: u16 = options.media.iter().map(|media| media.ports.len() as u16).sum();
    let lease = |port| Arc::new(PortLease { local: here(port) });
    let muxed = options.media.iter().flat_map(|media| &media.ports).all(|port| port.rtcp_mux);
    let ports = (0..count).map(|place| {
        let rtp = lease(5000 + 2 * place);
        let rtcp = if muxed { Arc::clone(&rtp) } else { lease(5001 + 2 * place) };
        BoundPort { rtp, rtcp, shared: false }
    });
    let ids = Arc::new(Ids::default());
    let id = TransportId::new(&ids, ShardIndex(0));
    let session = Session::new(now, id, Box::new(options), ports.collect(), &ids).unwrap();
    Rig { session, now, workspace: Workspace::default() }
}

fn rtp(ssrc: u32, pt: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, pt];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 960).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

#[derive(Default)]
struct Sent(Vec<(Flow, Vec<u8>)>);

impl Outlet for Sent {
    fn datagram(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let mut bytes = vec![0; capacity];
        if let Some(length) = write(&mut bytes) {
            bytes.truncate(length);
            self.0.push((*flow, bytes));
        }
    }
}

impl Rig {
    /// A datagram comes to a port. Gives whether it was taken for the far end's.
    fn receive(&mut self, port: u16, from: SocketAddr, bytes: &[u8]) -> bool {
        let flow = Flow { protocol: Protocol::Udp, local: here(port), remote: from };
        let before = self.session.accepted();
        self.session.handle_datagram(self.now, &flow, bytes, &mut self.workspace);
        self.session.accepted() != before
    }

    fn events(&mut self) -> Vec<PeerEvent> {
        std::iter::from_fn(|| self.session.next_event()).collect()
    }

    fn packets(&mut self) -> Vec<Arc<SourcePacket>> {
        let packets = self.events().into_iter().filter_map(|event| match event {
            PeerEvent::Packet { packet } => Some(packet),
            _ => None,
        });
        packets.collect()
    }

    /// Lets time pass in steps of 10 ms. Gives what was sent.
    fn run(&mut self, milliseconds: u64) -> Vec<(Flow, Vec<u8>)> {
        let mut sent = Vec::new();
        for _ in 0..milliseconds / 10 {
            self.now += Duration::from_millis(10);
            self.session.handle_timeout(self.now);
            self.session.end_turn(self.now);
            self.session.transmit(|flow, bytes| sent.push((*flow, bytes.to_vec())));
        }
        sent
    }

    /// An outgoing track, fed from a camera or microphone of a codec.
    fn outgoing(&mut self, id: u64, kind: Kind, codec: crate::codec::Codec) -> OutgoingTrackId {
        let id = OutgoingTrackId(id);
        let (stream, track) = ("rtp".into(), id.to_string());
        let command = TransportCommand::AddOutgoingTrack { id, kind, stream, track };
        self.session.handle_command(self.now, command);
        let description = crate::sending::testing::description(codec, &[500_000]);
        let source = Some((SourceId(77), Some(description)));
        let now = self.now;
        self.session.with_sending(|sending| sending.set_source(now, id, source));
        id
    }

    fn forward(
        &mut self,
        track: OutgoingTrackId,
        packets: Vec<SourcePacket>,
    ) -> Vec<(Flow, Vec<u8>)> {
        let packets: Vec<_> = packets
            .into_iter()
            .map(|packet| Arc::new(SourcePacket { track: SourceId(77), ..packet }))
            .collect();
        let deliveries: Vec<_> =
            (0..packets.len() as u32).map(|packet| Delivery { track, packet }).collect();
        let mut sent = Sent::default();
        self.session.forward(self.now, &deliveries, &packets, &mut self.workspace, &mut sent);
        sent.0
    }
}

fn kinds(datagram: &[u8]) -> Vec<&'static str> {
    let kind = |packet| match packet {
        Packet::SenderReport { .. } => "sr",
        Packet::ReceiverReport { .. } => "rr",
        Packet::SourceDescription => "sdes",
        Packet::Goodbye(_) => "bye",
        Packet::Pli { .. } => "pli",
        Packet::Nack { .. } => "nack",
        _ => "other",
    };
    rtcp::packets(datagram).map(kind).collect()
}

#[test]
fn tracks_are_told_of_at_once() {
    let mut rig = rig(options(vec![sound(), pictures()]));
    let tracks: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|event| match event {
            PeerEvent::Event(Event::IncomingTrack { info, .. }) => Some((info.kind, info.codecs)),
            _ => None,
        })
        .collect();
    use crate::codec::Codec;
    assert_eq!(tracks, [(Kind::Audio, vec![Codec::Opus]), (Kind::Video, vec![Codec::Vp8])]);
}

#[test]
fn the_first_packet_shows_where_the_far_end_is_and_nobody_else_is_heard() {
    let mut rig = rig(options(vec![sound()]));
    assert!(rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1])));
    assert!(!rig.receive(5000, there(40_002), &rtp(7, 96, 2, &[2])), "another port");
    let attacker = SocketAddr::from(([203, 0, 113, 1], 40_000));
    assert!(!rig.receive(5000, attacker, &rtp(7, 96, 2, &[2])));
    rig.now += Duration::from_secs(3600);
    assert!(!rig.receive(5000, attacker, &rtp(7, 96, 2, &[2])), "not even after an hour");
    let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
    assert!(!rig.receive(5001, attacker, &report));
    assert!(rig.receive(5001, there(40_001), &report));
    assert_eq!(rig.packets().len(), 1);
    let stats = rig.session.stats(rig.now);
    assert_eq!(stats.packets_refused, Some(4));
    assert_eq!(stats.rtp_ports.unwrap()[0].source.as_deref(), Some("192.0.2.7:40000"));
}

#[test]
fn a_forged_report_neither_moves_reports_nor_keeps_out_the_far_ends() {
    let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
    let mut rig = rig(options(vec![sound()]));
    rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1]));
    // With the address of the far end, but before it and from another port.
    assert!(rig.receive(5001, there(6666), &report));
    assert!(rig.receive(5001, there(40_001), &report), "where it is by the rules");
    assert!(!rig.receive(5001, there(6668), &report));
    let sent = rig.run(6000);
    assert!(!sent.is_empty() && sent.iter().all(|(flow, _)| flow.remote == there(40_001)));
    let attacker = SocketAddr::from(([203, 0, 113, 1], 40_001));
    assert!(!rig.receive(5001, attacker, &report));
    // A sender whose reports come through a NAT has them heard where they come from.
    let mut rig = self::rig(options(vec![sound()]));
    rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1]));
    assert!(rig.receive(5001, there(50_123), &report));
    assert!(!rig.receive(5001, there(50_124), &report));
    assert!(rig.run(6000).iter().all(|(flow, _)| flow.remote == there(50_123)));
}

#[test]
fn garbage_is_nobodys() {
    let mut rig = rig(options(vec![sound(), pictures()]));
    let mut chance = 1u32;
    for length in 0..3000usize {
        let bytes: Vec<u8> = (0..length % 200)
            .map(|_| {
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (chance >> 24) as u8
            })
            .collect();
        rig.receive(5000 + (length % 4) as u16, there(9), &bytes);
    }
    rig.run(100);
    assert!(!rig.receive(5000, there(1), &[]));
    // Most of it is no RTP with this payload type; what is, is all there is to tell.
    let accepted = rig.session.accepted();
    assert!(accepted < 30, "{accepted}");
}

#[test]
fn sound_and_pictures_may_have_one_payload_type_on_two_ports() {
    let mut rig = rig(options(vec![sound(), pictures()]));
    rig.events();
    let keyframe = [0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0];
    for sequence in 1..4 {
        assert!(rig.receive(5000, there(40_000), &rtp(7, 96, sequence, &[1])));
        assert!(rig.receive(5002, there(40_002), &rtp(8, 96, sequence, &keyframe)));
    }
    let codecs: Vec<_> = rig.packets().iter().map(|packet| packet.codec.name()).collect();
    assert_eq!(codecs, ["opus", "vp8", "opus", "vp8", "opus", "vp8"]);
}

#[test]
fn two_lines_may_share_a_port_and_are_told_apart_by_payload_type() {
    let pictures = RtpMedia { send_ssrc: 300, ..media(RtpKind::Video, 98, "VP8/90000") };
    let options = options(vec![sound(), pictures]);
    let lease = Arc::new(PortLease { local: here(5000) });
    let bound = BoundPort { rtp: lease.clone(), rtcp: lease, shared: false };
    let (now, ids) = (Instant::now(), Arc::new(Ids::default()));
    let id = TransportId::new(&ids, ShardIndex(0));
    let ports = vec![bound.clone(), bound];
    let session = Session::new(now, id, Box::new(options), ports, &ids).unwrap();
    let mut rig = Rig { session, now, workspace: Workspace::default() };
    assert!(rig.receive(5000, there(4), &rtp(7, 96, 1, &[1])));
    assert!(rig.receive(5000, there(4), &rtp(8, 98, 1, &[0x10, 1])));
    assert!(!rig.receive(5000, there(4), &rtp(8, 97, 2, &[0x10, 1])), "a type of neither");
    let codecs: Vec<_> = rig.packets().iter().map(|packet| packet.codec.name()).collect();
    assert_eq!(codecs, ["opus", "vp8"]);
}

#[test]
fn each_port_is_reported_on_where_its_rtcp_goes() {
    let mut rig = rig(options(vec![sound(), pictures()]));
    rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1]));
    rig.receive(5002, there(50_000), &rtp(8, 96, 1, &[0x10, 1]));
    let sent = rig.run(6000);
    for (local, remote, ssrc) in [(5001, 40_001, 7), (5003, 50_001, 8)] {
        let flow = Flow { protocol: Protocol::Udp, local: here(local), remote: there(remote) };
        let to_it: Vec<_> = sent.iter().filter(|(to, _)| *to == flow).collect();
        assert!(!to_it.is_empty(), "{local}");
        for (_, compound) in to_it {
            assert_eq!(kinds(compound)[0], "rr");
            let Some(Packet::ReceiverReport { reports, .. }) = rtcp::packets(compound).next()
            else {
                panic!("a report");
            };
            assert!(reports.map(|block| block.ssrc).eq([ssrc]));
        }
    }
    assert!(sent.iter().all(|(flow, _)| [5001, 5003].contains(&flow.local.port())));
}

#[test]
fn rtcp_on_the_same_port_goes_back_to_it() {
    let sound = RtpMedia { ports: vec![RtpPort { rtcp_mux: true, ..port() }], ..sound() };
    let mut rig = rig(options(vec![sound]));
    rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1]));
    let sent = rig.run(6000);
    assert!(!sent.is_empty());
    assert!(sent.iter().all(|(flow, _)| *flow
        == Flow { protocol: Protocol::Udp, local: here(5000), remote: there(40_000) }));
}

#[test]
fn keyframes_are_asked_for_where_the_far_end_takes_that_and_nowhere_else() {
    for feedback in [false, true] {
        let pictures = RtpMedia { feedback, ..pictures() };
        let mut rig = rig(options(vec![pictures]));
        rig.receive(5000, there(40_000), &rtp(8, 96, 1, &[0x10, 1]));
        let track = rig.session.media[0].incoming.unwrap();
        let now = rig.now;
        assert_eq!(rig.session.describe(track).unwrap().keyframes_on_request, feedback);
        rig.session.request_keyframe(
            now,
            track,
            crate::sfu::EncodingIndex(0),
            crate::sfu::Need::Start,
        );
        rig.receive(5000, there(40_000), &rtp(8, 96, 4, &[0x00, 1]));
        let sent = rig.run(300);
        let all: Vec<_> = sent.iter().flat_map(|(_, compound)| kinds(compound)).collect();
        assert_eq!(all.contains(&"pli"), feedback, "{all:?}");
        assert_eq!(all.contains(&"nack"), feedback, "{all:?}");
    }
}

#[test]
fn with_keys_only_what_is_authentic_shows_where_the_far_end_is() {
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = |suite: &str| Some(RtpKey { suite: suite.into(), key: hex.clone() });
    for (suite, profile) in [
        ("AES_CM_128_HMAC_SHA1_80", Profile::Aes128CmSha1_80),
        ("AES_CM_128_HMAC_SHA1_32", Profile::Aes128CmSha1_32),
    ] {
        let ports = vec![RtpPort { receive_key: key(suite), send_key: key(suite), ..port() }];
        let mut rig = rig(options(vec![RtpMedia { ports, ..sound() }]));
        let material = KeyingMaterial::of_one_side(profile, &KEY).unwrap();
        let mut sealer = Sealer::new(&material, true).unwrap();
        let seal = |sequence: u16| {
            let plain = rtp(7, 96, sequence, &[1, 2, 3]);
            let mut out = plain[..12].to_vec();
            out.resize(100, 0);
            let index = u64::from(sequence);
            let length = sealer.seal_rtp(&mut out, 12, 7, index, &[], &plain[12..], 0).unwrap();
            out.truncate(length);
            out
        };
        assert!(!rig.receive(5000, there(1), &rtp(7, 96, 1, &[1])), "in the clear");
        assert!(!rig.receive(5000, there(1), &[&seal(1)[..14], &[0; 12]].concat()), "forged");
        assert!(rig.receive(5000, there(2), &seal(1)));
        assert!(!rig.receive(5000, there(2), &seal(1)), "replayed");
        assert_eq!(rig.packets()[0].payload[..], [1, 2, 3]);
        let mut report = vec![0x80, 200, 0, 6, 0, 0, 0, 7];
        report.resize(28, 0);
        report.resize(64, 0);
        let length = sealer.seal_rtcp(&mut report, 28).unwrap();
        assert!(rig.receive(5001, there(3), &report[..length]));
        let sent = rig.run(6000);
        assert!(!sent.is_empty() && sent.iter().all(|(_, bytes)| bytes[8..] != [0u8; 0][..]));
        let mut opener = crate::srtp::RtcpOpener::new(&material, false).unwrap();
        let mut plain = Vec::new();
        assert!(sent.iter().all(|(_, bytes)| opener.open(bytes, &mut plain)), "sealed as well");
    }
}

#[test]
fn who_may_move_is_followed_and_told_of() {
    let mut rig = rig(RtpOptions { comedia: true, ..options(vec![sound()]) });
    rig.receive(5000, there(40_000), &rtp(7, 96, 1, &[1]));
    assert!(!rig.receive(5000, there(50_000), &rtp(7, 96, 2, &[1])), "while the other is heard");
    rig.run(2100);
    assert!(rig.receive(5000, there(50_000), &rtp(7, 96, 2, &[1])));
    let remotes: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|event| match event {
            PeerEvent::Event(Event::RtpRemote { remote, .. }) => Some(remote),
            _ => None,
        })
        .collect();
    assert_eq!(remotes, [there(40_000), there(50_000)]);
}

#[test]
fn each_port_of_simulcast_is_an_encoding_by_its_name() {
    let named = |rid: &str| RtpPort { rid: Some(rid.into()), ..port() };
    let ports = vec![named("low"), named("high")];
    let mut rig = rig(options(vec![RtpMedia { ports, ..pictures() }]));
    rig.events();
    for sequence in 1..3 {
        rig.receive(5002, there(2), &rtp(22, 96, sequence, &[0x10, 1]));
        rig.receive(5000, there(1), &rtp(11, 96, sequence, &[0x10, 1]));
    }
    let mut names: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|event| match event {
            PeerEvent::Event(Event::Encoding { encoding, .. }) => {
                Some((encoding.rid?, encoding.ssrc))
            }
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, [("high".to_owned(), 22), ("low".to_owned(), 11)]);
}

#[test]
fn keys_of_a_telephone_are_told_and_sent() {
    let mut sound = RtpMedia { send: true, ..media(RtpKind::Audio, 0, "PCMU/8000") };
    sound.formats.push(RtpFormat {
        payload_type: 101,
        encoding: "telephone-event/8000".into(),
        parameters: "0-16".into(),
    });
    let mut rig = rig(options(vec![sound]));
    rig.receive(5000, there(4), &rtp(7, 0, 1, &[0xff; 160]));
    for (sequence, end) in [(2, 0), (3, 0x80), (4, 0x80), (5, 0x80)] {
        let mut packet = rtp(7, 101, sequence, &[5, end | 10, 3, 0x20]);
        packet[4..8].copy_from_slice(&160u32.to_be_bytes());
        rig.receive(5000, there(4), &packet);
    }
    let keys: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|event| match event {
            PeerEvent::Event(Event::TelephoneEvent { key, duration, .. }) => Some((key, duration)),
            _ => None,
        })
        .collect();
    assert_eq!(keys, [(Some('5'), Duration::from_millis(100))]);

    let track = rig.outgoing(1, Kind::Audio, crate::codec::Codec::Pcmu);
    let press = crate::control::command::KeyPress {
        event: 9,
        duration: Duration::from_millis(40),
        volume: 10,
    };
    let request = crate::control::ids::RequestId(1);
    let command = TransportCommand::PressKey { request, id: track, key: press };
    rig.session.handle_command(rig.now, command);
    let sent = rig.forward(track, Vec::new());
    assert_eq!(sent.len(), 1);
    let header = RtpHeader::parse(&sent[0].1).unwrap();
    assert_eq!((header.pt, header.ssrc, sent[0].1[12]), (101, 100, 9));
    assert_eq!(sent[0].0.remote, there(4));
}

#[test]
fn what_is_sent_begins_at_a_keyframe_and_goes_where_it_was_told() {
    let ports = vec![RtpPort { remote: Some(there(6000)), ..port() }];
    let pictures = RtpMedia { send: true, receive: false, feedback: true, ports, ..pictures() };
    let mut rig = rig(options(vec![pictures]));
    assert!(rig.events().iter().any(|event| matches!(
        event,
        PeerEvent::Event(Event::TransportState { state: TransportState::Connected, .. })
    )));
    let track = rig.outgoing(1, Kind::Video, crate::codec::Codec::Vp8);
    let mut camera = Source::new(crate::codec::Codec::Vp8);
    assert_eq!(rig.forward(track, camera.frame(false, 2)).len(), 0, "nothing to begin with");
    assert!(
        rig.events()
            .iter()
            .any(|event| matches!(event, PeerEvent::Sending(SendingEvent::StartWanted { .. })))
    );
    let sent = rig.forward(track, camera.frame(true, 2));
    assert_eq!(sent.len(), 2);
    for (flow, bytes) in &sent {
        assert_eq!((flow.local, flow.remote), (here(5000), there(6000)));
        let header = RtpHeader::parse(bytes).unwrap();
        assert_eq!((header.pt, header.ssrc, header.length), (96, 300, 12), "no extensions");
    }
    let reports = rig.run(1500);
    let first = reports.first().expect("a sender report");
    assert_eq!((first.0.local, first.0.remote), (here(5001), there(6001)));
    assert_eq!(kinds(&first.1), ["sr", "sdes"]);
    rig.events();
    let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 1, 44];
    assert!(rig.receive(5001, there(6001), &pli));
    assert!(
        rig.events()
            .iter()
            .any(|event| matches!(event, PeerEvent::Sending(SendingEvent::KeyframeWanted { .. })))
    );
}

#[test]
fn what_is_sent_with_keys_opens_with_them() {
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = Some(RtpKey { suite: "AES_CM_128_HMAC_SHA1_80".into(), key: hex });
    let ports = vec![RtpPort { remote: Some(there(6000)), send_key: key, ..port() }];
    let mut rig = rig(options(vec![RtpMedia { send: true, receive: false, ports, ..pictures() }]));
    let track = rig.outgoing(1, Kind::Video, crate::codec::Codec::Vp8);
    let sent = rig.forward(track, Source::new(crate::codec::Codec::Vp8).frame(true, 3));
    assert_eq!(sent.len(), 3);
    let material = KeyingMaterial::of_one_side(Profile::Aes128CmSha1_80, &KEY).unwrap();
    let opener = RtpOpener::new(&material, false).unwrap();
    for (_, bytes) in sent {
        let header = RtpHeader::parse(&bytes).unwrap();
        let index = u64::from(header.sequence);
        assert!(opener.open(&bytes, header.length, header.ssrc, index, &mut Vec::new()));
    }
}

#[test]
fn it_says_goodbye_on_every_port() {
    let sound = RtpMedia { send: true, ..sound() };
    let mut rig = rig(options(vec![sound, pictures()]));
    rig.receive(5000, there(4000), &rtp(7, 96, 1, &[1]));
    rig.receive(5002, there(5000), &rtp(8, 96, 1, &[0x10, 1]));
    rig.outgoing(1, Kind::Audio, crate::codec::Codec::Opus);
    rig.session.close(rig.now, CloseReason::Closed);
    let mut sent = Vec::new();
    rig.session.transmit(|flow, bytes| sent.push((flow.local.port(), kinds(bytes))));
    for port in [5001, 5003] {
        assert!(sent.iter().any(|(at, kinds)| *at == port && kinds.contains(&"bye")), "{port}");
    }
    let closed = rig
        .events()
        .iter()
        .filter(|event| {
            matches!(event, PeerEvent::IncomingTrackClosed { .. })
                || matches!(event, PeerEvent::Sending(SendingEvent::TrackClosed { .. }))
        })
        .count();
    assert_eq!(closed, 3);
}

#[test]
fn a_far_end_that_falls_silent_is_told_of_until_it_is_heard_again() {
    let mut rig = rig(options(vec![sound()]));
    let states = |rig: &mut Rig| -> Vec<TransportState> {
        let state = |event| match event {
            PeerEvent::Event(Event::TransportState { state, .. }) => Some(state),
            _ => None,
        };
        rig.events().into_iter().filter_map(state).collect()
    };
    rig.receive(5000, there(4000), &rtp(7, 96, 1, &[1]));
    assert_eq!(states(&mut rig), [TransportState::Connected]);
    rig.run(5100);
    assert_eq!(states(&mut rig), [TransportState::Disconnected]);
    rig.receive(5000, there(4000), &rtp(7, 96, 2, &[1]));
    assert_eq!(states(&mut rig), [TransportState::Connected]);
    let goodbye = [0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 1, 0, 0, 0, 7];
    assert!(rig.receive(5001, there(4001), &goodbye));
    assert_eq!(states(&mut rig).last(), Some(&TransportState::Disconnected), "at once");
    rig.receive(5000, there(4000), &rtp(9, 96, 1, &[1]));
    assert_eq!(states(&mut rig), [TransportState::Connected], "somebody else on the same port");
}

#[test]
fn a_report_that_comes_before_the_first_packet_puts_it_on_the_clock() {
    let mut rig = rig(options(vec![sound()]));
    // Captured a second before it came.
    let mut report = vec![0x80, 200, 0, 6, 0, 0, 0, 7];
    report.extend((1u64 << 32 | 0x1000).to_be_bytes());
    report.extend((960u32 + 48_000).to_be_bytes());
    report.resize(28, 0);
    assert!(!rig.receive(5001, there(4001), &report), "nobody is known yet");
    rig.receive(5000, there(4000), &rtp(7, 96, 1, &[1]));
    rig.now += Duration::from_millis(20);
    rig.receive(5000, there(4000), &rtp(7, 96, 2, &[1]));
    let packets = rig.packets();
    let behind = packets[1].arrival.saturating_duration_since(packets[1].captured);
    assert!(behind > Duration::from_millis(900), "{behind:?}");
}

#[test]
fn a_sender_that_counts_anew_is_followed_after_two_packets() {
    let mut rig = rig(options(vec![sound()]));
    for sequence in [30_000, 30_001, 30_002] {
        rig.receive(5000, there(4000), &rtp(7, 96, sequence, &[1]));
    }
    for sequence in 10_000..10_005 {
        rig.receive(5000, there(4000), &rtp(7, 96, sequence, &[2]));
    }
    let packets = rig.packets();
    assert_eq!(packets.len(), 3 + 4, "the first of the new ones may have been an old one");
    assert!(packets.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    let lost = rig.session.stats(rig.now).incoming_tracks[0].encodings[0].packets_lost;
    assert_eq!(lost, 0);
}

#[test]
fn a_source_that_changes_with_every_packet_is_taken_twice_a_second() {
    let mut rig = rig(options(vec![sound()]));
    let mut taken = 0;
    for n in 0..1000u32 {
        rig.receive(5000, there(4000), &rtp(n + 1, 96, 1, &[1]));
        taken += rig.packets().len();
        rig.now += Duration::from_millis(1);
    }
    assert!((1..=3).contains(&taken), "{taken}");
}

#[test]
fn what_is_said_anew_holds_from_then_on_and_tracks_go_on() {
    let both = |remote, receive| {
        let ports = vec![RtpPort { remote, ..port() }];
        RtpMedia { send: true, receive, ports, ..sound() }
    };
    let mut rig = rig(options(vec![both(None, true)]));
    let track = rig.outgoing(1, Kind::Audio, crate::codec::Codec::Opus);
    let mut microphone = Source::new(crate::codec::Codec::Opus);
    assert_eq!(rig.forward(track, vec![microphone.packet()]).len(), 0, "nobody to send to");
    let update = |rig: &mut Rig, media| {
        let request = crate::control::ids::RequestId(1);
        let options = Box::new(options(vec![media]));
        rig.session.handle_command(rig.now, TransportCommand::UpdateRtp { request, options });
        rig.events()
    };
    let mut other = both(Some(there(6000)), true);
    other.formats[0].payload_type = 111;
    update(&mut rig, other);
    let sent = rig.forward(track, vec![microphone.packet()]);
    assert_eq!((sent[0].0.remote, sent[0].1[1] & 0x7f), (there(6000), 111));
    assert_eq!(RtpHeader::parse(&sent[0].1).unwrap().ssrc, 196, "the same as before");
    assert!(rig.receive(5000, there(6000), &rtp(7, 111, 1, &[1])));
    assert!(!rig.receive(5000, there(6000), &rtp(7, 96, 2, &[1])), "what it was before");
    let muted = |events: &[PeerEvent]| {
        events.iter().find_map(|event| match event {
            PeerEvent::Event(Event::IncomingTrackMuted { muted, .. }) => Some(*muted),
            _ => None,
        })
    };
    assert_eq!(muted(&update(&mut rig, both(Some(there(6000)), false))), Some(true), "on hold");
    assert_eq!(muted(&update(&mut rig, both(Some(there(7000)), true))), Some(false));
    assert!(!rig.receive(5000, SocketAddr::from(([9, 9, 9, 9], 7)), &rtp(7, 96, 3, &[1])));
    let refused = update(&mut rig, pictures());
    assert!(
        refused
            .iter()
            .any(|event| matches!(event, PeerEvent::Event(Event::Reply { result: Err(_), .. })))
    );
}

#[test]
fn sound_and_pictures_are_in_step_however_their_packets_travel() {
    let mut rig = rig(options(vec![sound(), pictures()]));
    let report = |ssrc: u32, rtp: u32| {
        let mut report = vec![0x80, 200, 0, 6];
        report.extend(ssrc.to_be_bytes());
        report.extend((10u64 << 32).to_be_bytes());
        report.extend(rtp.to_be_bytes());
        report.resize(28, 0);
        report
    };
    // Both were captured at one moment; the sound comes 800 ms later than the pictures.
    rig.receive(5002, there(2), &rtp(8, 96, 10, &[0x10, 1]));
    rig.receive(5003, there(3), &report(8, 9600));
    rig.now += Duration::from_millis(800);
    rig.receive(5000, there(4), &rtp(7, 96, 10, &[1]));
    rig.receive(5001, there(5), &report(7, 9600));
    rig.packets();
    rig.receive(5000, there(4), &rtp(7, 96, 10 + 50, &[1]));
    rig.receive(5002, there(2), &rtp(8, 96, 10 + 94, &[0x10, 1]));
    let captured: Vec<Instant> = rig.packets().iter().map(|packet| packet.captured).collect();
    // 50 packets of sound are a second at 48 kHz, 94 of pictures at 90 kHz 1.003.
    let apart = captured[1].saturating_duration_since(captured[0]);
    assert!(apart < Duration::from_millis(40), "{apart:?}");
}

#[test]
fn options_that_cannot_be_are_refused_with_their_place() {
    use crate::control::error::EngineError;
    let field =
        |options: RtpOptions| EngineError::from(Setup::new(&options).unwrap_err()).field.unwrap();
    assert_eq!(field(options(Vec::new())), "options.media");
    let wrong = media(RtpKind::Video, 96, "opus/48000/2");
    assert_eq!(field(options(vec![sound(), wrong])), "options.media[1].formats[0]");
    let keyed = |suite: &str, key: &str| {
        let key = Some(RtpKey { suite: suite.into(), key: key.into() });
        options(vec![RtpMedia { ports: vec![RtpPort { receive_key: key, ..port() }], ..sound() }])
    };
    assert_eq!(field(keyed("AES_CM_128_HMAC_SHA1_80", "ab")), "options.media[0].ports[0].srtp");
    assert_eq!(field(keyed("NULL", &"ab".repeat(30))), "options.media[0].ports[0].srtp");
    assert_eq!(
        field(keyed("AES_CM_128_HMAC_SHA1_80", &"äb".repeat(30))),
        "options.media[0].ports[0].srtp"
    );
    let none = RtpMedia { ports: Vec::new(), ..sound() };
    assert_eq!(field(options(vec![none])), "options.media[0].ports");
    let same = || RtpPort { rid: Some("a".into()), ..port() };
    let twice = RtpMedia { ports: vec![same(), same()], ..pictures() };
    assert_eq!(field(options(vec![twice])), "options.media[0].ports[1].rid");
}

fn h264() -> RtpMedia {
    media(RtpKind::Video, 96, "H264/90000")
}

impl Rig {
    /// A packet of H264 with a moment in units of 40 ms. Gives what goes on, and what is told.
    fn picture(&mut self, ssrc: u32, sequence: u16, moment: u32, nal: u8) -> (usize, Vec<String>) {
        let mut packet = rtp(ssrc, 96 | 0x80, sequence, &[nal, 0x88, 0x84, 9]);
        packet[4..8].copy_from_slice(&(moment * 3600).to_be_bytes());
        self.receive(5000, there(7000), &packet);
        self.session.end_turn(self.now);
        let (mut passed, mut told) = (0, Vec::new());
        while let Some(event) = self.session.next_event() {
            match event {
                PeerEvent::Packet { .. } => passed += 1,
                PeerEvent::Event(Event::RtpWarning { error, .. }) => {
                    told.push(error.code.name().to_owned());
                }
                _ => {}
            }
        }
        (passed, told)
    }
}

#[test]
fn pictures_with_b_frames_are_told_of_once_and_go_no_further() {
    let mut rig = rig(options(vec![h264()]));
    let passed = [(1, 0, 0x65), (2, 3, 0x41)];
    for (sequence, moment, nal) in passed {
        assert_eq!(rig.picture(7, sequence, moment, nal), (1, vec![]));
    }
    assert_eq!(rig.picture(7, 3, 1, 0x01), (0, vec!["ERR_B_FRAMES".to_owned()]));
    for (sequence, moment) in [(4, 2), (5, 6), (6, 4), (7, 5)] {
        assert_eq!(rig.picture(7, sequence, moment, 0x01), (0, vec![]));
    }
    // Another encoder, that makes none.
    rig.now += Duration::from_secs(1);
    assert_eq!(rig.picture(8, 100, 50, 0x65), (1, vec![]));
    assert_eq!(rig.picture(8, 101, 51, 0x41), (1, vec![]));
}

#[test]
fn a_sender_that_is_asked_anew_may_begin_at_an_earlier_time() {
    let mut rig = rig(options(vec![h264()]));
    assert_eq!(rig.picture(7, 1, 40, 0x65), (1, vec![]));
    rig.session.update(rig.now, options(vec![h264()])).unwrap();
    assert_eq!(rig.picture(7, 2, 5, 0x65), (1, vec![]));
    assert_eq!(rig.picture(7, 3, 6, 0x41), (1, vec![]));
}

#[test]
fn mixers_get_h264_with_b_frames_in_the_order_of_decoding_where_that_is_asked_for() {
    let mut rig = rig(RtpOptions { mix_b_frames: true, ..options(vec![h264()]) });
    let announced = std::iter::from_fn(|| rig.session.next_event()).find_map(|event| match event {
        PeerEvent::Event(Event::IncomingTrack { info, .. }) => Some(info.reordered),
        _ => None,
    });
    assert_eq!(announced, Some(true));
    for (sequence, moment) in [(1, 0), (2, 3), (3, 1), (4, 2), (5, 6)] {
        assert_eq!(rig.picture(7, sequence, moment, 0x41), (1, vec![]), "{sequence}");
    }
}

#[test]
fn h265_with_b_frames_is_refused_to_mixers_too_as_none_decodes_it() {
    let h265 = media(RtpKind::Video, 96, "H265/90000");
    let mut rig = rig(RtpOptions { mix_b_frames: true, ..options(vec![h265]) });
    rig.picture(7, 1, 3, 0x26);
    assert_eq!(rig.picture(7, 2, 1, 0x02), (0, vec!["ERR_B_FRAMES".to_owned()]));
}

#[test]
fn numbers_go_on_and_new_parameter_sets_count_where_a_description_changes() {
    const KEYFRAME: [u8; 3] = [0x65, 0x88, 0x84];
    let described = |sets: &str| {
        let mut line = h264();
        line.formats[0].parameters = format!("packetization-mode=1;sprop-parameter-sets={sets}");
        options(vec![line])
    };
    let mut rig = rig(described("Z0LADdoFB+hA,aM48gA=="));
    let mut came: Vec<Arc<SourcePacket>> = Vec::new();
    let mut send = |rig: &mut Rig, sequence: u16| {
        rig.receive(5000, there(7000), &rtp(7, 96 | 0x80, sequence, &KEYFRAME));
        rig.session.end_turn(rig.now);
        while let Some(event) = rig.session.next_event() {
            if let PeerEvent::Packet { packet } = event {
                came.push(packet);
            }
        }
    };
    send(&mut rig, 1);
    send(&mut rig, 2);
    rig.session.update(rig.now, described("Z0LAFdoCgL/l,aM48gA==")).unwrap();
    send(&mut rig, 3);
    let first = came[0].sequence;
    let numbers: Vec<u64> = came.iter().map(|packet| packet.sequence - first).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "two for each, without a gap and none twice");
    let sets: Vec<&[u8]> = came.iter().step_by(2).map(|packet| &packet.payload[..]).collect();
    assert_eq!(sets[0], sets[1]);
    assert_ne!(sets[1], sets[2], "those of the description that holds now");
}
