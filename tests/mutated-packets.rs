//! Mutated packets of each protocol into a live session, as its peer would send them: with the right
//! keys, passwords and sums. The session goes on or is closed for a reason, and its neighbours notice
//! nothing.
//!
//! `MEDIALOOM_MUTATED_PACKETS` is how many of each protocol, `MEDIALOOM_SEED` which.

mod support;

use std::env;
use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::Event;
use medialoom::control::ids::SourceId;
use medialoom::receiving::RtpHeader;
use support::bare_peer::{
    AUDIO_SSRC, BareOptions, BarePeer, RTX_SSRC, UFRAG, VIDEO_SSRC, recorded_handshake,
};
use support::bare_rtcp::compounds;
use support::bare_rtp::header;
use support::bare_sctp::{self, BareSctp, DCEP, FORWARD_TSN, RECONFIG, SACK, STRING, chunk, data};
use support::client_address;
use support::mutation::Mutation;
use support::network::Conditions;
use support::room::Room;
use support::stun::Check;

/// So many of each protocol, unless told otherwise.
const PACKETS: usize = 10_000;
/// Between two steps of time, which is two seconds for every 10,000.
const AT_ONCE: usize = 100;
const STEP: Duration = Duration::from_millis(20);

fn number(variable: &str, otherwise: usize) -> usize {
    env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A publisher and a viewer, and a peer of another kind between them, who publishes as well and is
/// sent what the publisher sends.
struct Scene {
    room: Room,
    tracks: Vec<(Kind, SourceId)>,
    peer: BarePeer,
    /// So many came and went, and this one.
    peers: usize,
    /// Its STUN that was answered.
    answers: usize,
    mutation: Mutation,
}

impl Scene {
    fn new() -> Self {
        let mut room = Room::new(1, Conditions::GOOD, 1);
        room.connect();
        let world = &mut room.world;
        let tracks: Vec<_> =
            world.tracks_of(room.publishing).iter().map(|track| (track.kind, track.id)).collect();
        let peer =
            BarePeer::connected(world, 0, client_address(100), BareOptions::default(), &tracks);
        let mutation = Mutation::new(number("MEDIALOOM_SEED", 1) as u64);
        Self { room, tracks, peer, peers: 1, answers: 0, mutation }
    }

    /// Whether the peer's session ended, for a reason of its own.
    fn is_closed(&mut self) -> bool {
        let id = self.peer.transport;
        for event in &self.room.world.events {
            match event {
                Event::TransportError { error, .. } if error.code == ErrorCode::Internal => {
                    panic!("{error}")
                }
                Event::TransportClosed { transport, .. } if *transport == id => return true,
                _ => {}
            }
        }
        self.room.world.events.clear();
        false
    }

    /// Another one like it takes its place.
    fn replace(&mut self) {
        self.peers += 1;
        let address = client_address(100 + self.peers % 4);
        let world = &mut self.room.world;
        world.network.recorded.remove(&self.peer.address);
        self.peer = BarePeer::connected(world, 0, address, BareOptions::default(), &self.tracks);
    }

    /// Sends so many packets, `send` one, while the neighbours go on. `again` follows when the peer
    /// is another one.
    fn attack(&mut self, mut send: impl FnMut(&mut Self), mut again: impl FnMut(&mut Self)) {
        let packets = number("MEDIALOOM_MUTATED_PACKETS", PACKETS);
        let world = &self.room.world;
        let (began, seen) = (world.now, self.room.video_frames(0).len());
        for packet in 1..=packets {
            send(self);
            if packet % AT_ONCE == 0 {
                let world = &mut self.room.world;
                world.run(STEP);
                self.peer.exchange(world, |_, datagram| vec![datagram]);
                self.answers += self.peer.stun.drain(..).len();
                self.peer.data.clear();
                // Its consent ends without (RFC 7675 5.1).
                if packet % (AT_ONCE * 100) == 0 {
                    self.peer.check(world);
                }
            }
            if packet % 10 == 0 && self.is_closed() {
                self.replace();
                again(self);
            }
        }
        let world = &mut self.room.world;
        world.run(Duration::from_millis(500));
        if !self.is_closed() {
            let world = &mut self.room.world;
            self.peer.exchange(world, |_, datagram| vec![datagram]);
            self.peer.stun.clear();
            self.peer.check(world);
            self.peer.exchange(world, |_, datagram| vec![datagram]);
            assert!(!self.peer.stun.is_empty(), "a session that was not closed lives");
        }
        // Three packets of each of 30 frames a second.
        let elapsed = (self.room.world.now - began).as_secs_f64();
        let frames = (self.room.video_frames(0).len() - seen) as f64 / 3.0;
        let expected = elapsed * 30.0;
        assert!(frames > 0.9 * expected, "{frames} of {expected} frames at the neighbour");
        eprintln!(
            "{packets} packets, {} sessions, {frames:.0} of {expected:.0} frames",
            self.peers
        );
    }
}

#[test]
fn mutated_stun() {
    let mut scene = Scene::new();
    let good = vec![
        [&[0, 0x24, 0, 4, 0x6e, 0xff, 0xff, 0xff, 0x80, 0x2a, 0, 8][..], &[1; 8]].concat(),
        [&[0, 0x20, 0, 8, 0, 1][..], &[1; 6]].concat(),
        [&[0, 9, 0, 4, 0, 0, 4, 87][..]].concat(),
        [&[0x80, 0x22, 0, 8][..], b"software"].concat(),
        [&[0, 6, 0, 9][..], b"abcd:peer", &[0; 3]].concat(),
    ];
    let kinds = [0x0001, 0x0001, 0x0001, 0x0011, 0x0101, 0x0111, 0x0003, 0x3fff];
    let send = |scene: &mut Scene| {
        let Scene { mutation, peer, room, .. } = scene;
        let kind = kinds[mutation.below(kinds.len())];
        let (ufrag, password) = peer.credentials();
        let user_name = format!("{ufrag}:{UFRAG}");
        let check = Check::new([mutation.below(256) as u8; 12]).kind(kind);
        let check = check.user_name(&user_name).bytes(&mutation.of(&good));
        let mut message =
            if mutation.chance(5) { check.unsigned() } else { check.finish(password) };
        if mutation.chance(4) {
            message = mutation.of(&[message]);
        }
        let from = if mutation.chance(10) { client_address(200) } else { peer.address };
        room.world.replay(0, from, &message);
    };
    scene.attack(send, |_| ());
    assert!(scene.answers > 0, "some of it was authentic");
}

#[test]
fn mutated_dtls() {
    let mut scene = Scene::new();
    let good = recorded_handshake();
    let send = |scene: &mut Scene| {
        let datagram = scene.mutation.of(&good);
        scene.peer.send(&mut scene.room.world, &datagram);
    };
    scene.attack(send, |_| ());
    // Some handshakes, of which every third datagram is changed; they take longer than packets.
    for _ in 0..number("MEDIALOOM_MUTATED_PACKETS", PACKETS).div_ceil(1000).min(100) {
        let Scene { room, mutation, .. } = &mut scene;
        let options = BareOptions { active: mutation.chance(2), ..BareOptions::default() };
        let mut peer = BarePeer::new(&mut room.world, 0, client_address(201), options, &[]);
        peer.check(&mut room.world);
        for _ in 0..4 {
            while peer.exchange(&mut room.world, |_, datagram| {
                let changed = mutation.chance(3);
                vec![if changed { mutation.of(&[datagram]) } else { datagram }]
            }) {}
            room.world.run(Duration::from_secs(1));
        }
        scene.is_closed();
    }
    // An honest one comes through after all of them.
    scene.replace();
}

#[test]
fn mutated_sctp() {
    let mut scene = Scene::new();
    let open = bare_sctp::open(0, 0, b"label", b"protocol");
    let Scene { room, peer, .. } = &mut scene;
    let mut association = BareSctp::associate(&mut room.world, peer);
    let again = std::cell::Cell::new(false);
    let send = |scene: &mut Scene| {
        let Scene { mutation, peer, room, .. } = scene;
        if again.take() {
            association = BareSctp::associate(&mut room.world, peer);
        }
        let tsn = association.tsn;
        if mutation.chance(3) {
            association.tsn = tsn.wrapping_add(1);
        }
        let stream = mutation.below(8) as u16;
        let reset = [0, 13, 0, 18, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 5, 0, stream as u8];
        let good = vec![
            data(3, tsn, stream, 0, DCEP, &open),
            data(3, tsn, stream, 0, STRING, b"a message of some bytes"),
            data(2, tsn, stream, 0, STRING, &[7; 300]),
            chunk(SACK, 0, &[0, 0, 0, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 4]),
            chunk(4, 0, &[0, 1, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]),
            chunk(FORWARD_TSN, 0, &[&tsn.to_be_bytes()[..], &[0, 1, 0, 0]].concat()),
            chunk(RECONFIG, 0, &reset),
            chunk(9, 0, &[0, 3, 0, 8, 0, 0, 0, 1]),
        ];
        let chunks = mutation.of(&good);
        let mut packet = association.packet(&chunks);
        if mutation.chance(10) {
            packet = mutation.of(&[packet]);
        }
        peer.send_data(&mut room.world, &packet);
    };
    scene.attack(send, |_| again.set(true));
    assert!(scene.peers > 1, "some of it ended associations");
}

#[test]
fn mutated_rtp() {
    let mut scene = Scene::new();
    let ssrcs = [AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC, 7, 8, 9];
    let types = [111, 63, 110, 96, 97, 98, 45];
    let mut sequence = 0_u64;
    let send = |scene: &mut Scene| {
        let Scene { mutation, peer, room, .. } = scene;
        sequence += mutation.below(3) as u64;
        let pt = types[mutation.below(types.len())];
        let elements = [0x40, b'1', 0xa0, b'q', 0x31, 0, 7, 0x12, 1, 2, 3, 0x80, 1];
        let one_byte = !mutation.chance(3);
        let ssrc = ssrcs[mutation.below(ssrcs.len())];
        let mut packet = header(ssrc, pt, sequence as u16, one_byte, &elements, false);
        packet.extend([0x90, 0xe0, 0x80, sequence as u8, 1, 0x20, 0x10, 0, 0, 0x9d, 1, 0x2a, 64]);
        packet.resize(packet.len() + mutation.below(200), 1);
        let packet = mutation.of(&[packet]);
        match RtpHeader::parse(&packet) {
            // What does not parse cannot be sealed.
            None => peer.send(&mut room.world, &packet),
            Some(parsed) => {
                let (header, payload) = packet.split_at(parsed.length);
                let index = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
                let index = index | sequence & !0xffff;
                peer.send_rtp(&mut room.world, header, index, payload);
            }
        }
    };
    scene.attack(send, |_| ());
    let stats = scene.room.world.stats(scene.peer.transport);
    let tracks = stats["incomingTracks"].as_array().into_iter().flatten();
    let encodings = tracks.filter_map(|track| track["encodings"].as_array()).flatten();
    let received: u64 = encodings.filter_map(|e| e["packetsReceived"].as_u64()).sum();
    assert!(received > 0, "some of it was authentic");
}

#[test]
fn mutated_rtcp() {
    let mut scene = Scene::new();
    let good: Vec<_> = compounds().into_iter().map(|(_, compound)| compound).collect();
    let send = |scene: &mut Scene| {
        let Scene { mutation, peer, room, .. } = scene;
        let mut compound = mutation.of(&good);
        // Half of what is about a stream is about one that it is sent.
        let sent = peer.sent_ssrcs();
        if let Some(media) = compound.get_mut(8..12)
            && mutation.chance(2)
        {
            media.copy_from_slice(&sent[mutation.below(sent.len())].to_be_bytes());
        }
        peer.send_rtcp(&mut room.world, &compound);
    };
    scene.attack(send, |_| ());
}

#[test]
fn garbage() {
    let mut scene = Scene::new();
    let send = |scene: &mut Scene| {
        let Scene { mutation, peer, room, .. } = scene;
        let length = mutation.below(200);
        let mut bytes = mutation.bytes(length);
        // STUN, DTLS, RTP and RTCP are told by their first bytes (RFC 7983).
        if let [first, second, ..] = &mut bytes[..] {
            *first = [0, 1, 20, 22, 23, 64, 0x80, 0x90, *first][mutation.below(9)];
            *second = [96, 111, 200, 201, 205, 206, 0xfe, *second][mutation.below(8)];
        }
        let from = if mutation.chance(2) { client_address(202) } else { peer.address };
        room.world.replay(0, from, &bytes);
    };
    scene.attack(send, |_| ());
}
