//! The first seconds of a viewer: nothing that is forwarded waits for an estimate of a link that
//! carries it.

use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use str0m::media::{Direction, MediaKind};

use crate::support::World;
use crate::support::camera::{Camera, PACKET, sent};
use crate::support::client::Client;
use crate::support::network::Conditions;

const SECOND: Duration = Duration::from_secs(1);

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
        let sent = sent(packet)?.as_secs_f64();
        Some(((packet.timestamp - start).as_secs_f64() - sent) * 1e3)
    };
    let packets = &world.clients[viewer].packets;
    // Probes repeat what came before.
    let mut known = std::collections::HashSet::new();
    let fresh = packets.iter().filter(|packet| known.insert(*packet.seq_no));
    let took: Vec<f64> = fresh.filter_map(took).collect();
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
