//! The first seconds of a viewer: nothing that is forwarded waits for an estimate of a link that
//! carries it.

use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::client::{Client, Source, SourcePacket};
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use str0m::media::{Direction, MediaKind, Rid};
use str0m::rtp::ExtensionValues;

const SECOND: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_nanos(33_333_333);
const PACKET: usize = 1_100;
/// A keyframe, as a multiple of the others.
const KEYFRAME: usize = 5;

/// One VP8 encoding, each packet with the moment it was sent at.
struct Camera {
    frame_bytes: usize,
    start: Instant,
    next: Instant,
    frame: u64,
    sequence: u64,
    keyframe: bool,
}

impl Camera {
    fn new(start: Instant, bitrate: usize) -> Self {
        let frame_bytes = bitrate / 8 / 30;
        Self { frame_bytes, start, next: start, frame: 0, sequence: 0, keyframe: true }
    }

    /// RFC 7741 4.2, with a 15-bit picture id, and what RFC 6386 9.1 begins a frame with.
    fn payload(&self, first: bool, size: usize, now: Instant) -> Vec<u8> {
        let picture = (self.frame & 0x7fff) as u16 | 0x8000;
        let mut payload = vec![0x80 | u8::from(first) << 4, 0x80];
        payload.extend(picture.to_be_bytes());
        if first {
            payload.extend([if self.keyframe { 0x10 } else { 0x11 }, 0, 0]);
            if self.keyframe {
                payload.extend([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
            }
        }
        payload.resize(size.max(40), 0);
        payload.extend(((now - self.start).as_micros() as u64).to_be_bytes());
        payload
    }
}

impl Source for Camera {
    fn next(&self) -> Instant {
        self.next
    }

    fn packets(&mut self, now: Instant) -> Vec<SourcePacket> {
        if now < self.next {
            return Vec::new();
        }
        let bytes = self.frame_bytes * if self.keyframe { KEYFRAME } else { 1 };
        let count = bytes.div_ceil(PACKET);
        let packets = (0..count).map(|index| {
            self.sequence += 1;
            SourcePacket {
                rid: None,
                sequence: self.sequence,
                timestamp: (self.frame * 3_000) as u32,
                marker: index + 1 == count,
                payload: self.payload(index == 0, bytes / count, now),
                extensions: ExtensionValues::default(),
            }
        });
        let packets = packets.collect();
        self.keyframe = false;
        self.frame += 1;
        self.next += FRAME;
        packets
    }

    fn request_keyframe(&mut self, _: Option<Rid>) {
        self.keyframe = true;
    }

    fn start(&mut self, now: Instant) {
        self.next = now;
    }
}

/// How late the packets of a viewer's first five seconds were, in milliseconds, in the order of
/// their arrival.
fn lateness(bitrate: usize) -> Vec<f64> {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let only_vp8 =
        |now, address| Client::with(now, address, |config| config.clear_codecs().enable_vp8(true));
    let publisher = world.add_client(only_vp8);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let mid = world.clients[publisher].sending[0].mid;
    let start = world.start;
    world.clients[publisher].send_from(mid, Box::new(Camera::new(start, bitrate)));
    let source = world.tracks_of(publishing)[0].id;
    world.run_until(30 * SECOND, "the publisher connects", |world| {
        world.clients[publisher].connected
    });
    world.run(2 * SECOND);

    let viewer = world.add_client(only_vp8);
    let transport = world.create_transport(0, Default::default());
    let id = world.add_outgoing(transport, Kind::Video, "forwarded");
    world.command(transport, TransportCommand::Attach { id, source });
    world.offer_from_transport(transport, viewer);
    world.run_until(30 * SECOND, "the viewer connects", |world| world.clients[viewer].connected);
    world.run(5 * SECOND);

    let took = |packet: &str0m::rtp::RtpPacket| {
        let end = packet.payload.len();
        let sent = u64::from_be_bytes(packet.payload[end - 8..].try_into().unwrap());
        (packet.timestamp - start).as_secs_f64() * 1e3 - sent as f64 / 1e3
    };
    let packets = &world.clients[viewer].packets;
    // Probes repeat what came before.
    let mut known = std::collections::HashSet::new();
    let fresh = packets.iter().filter(|packet| known.insert(*packet.seq_no));
    let took: Vec<f64> = fresh.filter(|p| p.payload.len() > 8).map(took).collect();
    let least = took.iter().copied().fold(f64::MAX, f64::min);
    took.into_iter().map(|took| took - least).collect()
}

#[test]
fn a_viewer_of_one_encoding_is_never_behind_on_a_link_that_carries_it() {
    for bitrate in [300_000, 1_500_000, 4_000_000, 10_000_000] {
        let late = lateness(bitrate);
        let expected = 4.0 * bitrate as f64 / 8.0 / PACKET as f64;
        assert!(late.len() as f64 > expected, "{bitrate}: {} packets", late.len());
        let worst = late.iter().copied().fold(0.0, f64::max);
        assert!(worst <= 50.0, "{bitrate} bit/s: {worst} ms behind");
    }
}
