//! Peers of the kinds that most are, connected and past their first seconds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use medialoom::control::command::TransportCommand;
use str0m::config::DtlsVersion;
use str0m::media::{Direction, MediaKind};

use super::held;
use super::support::World;
use super::support::client::Client;
use super::support::network::Conditions;
use super::support::room::Room;

/// As browsers connect, which is by DTLS 1.3.
fn browser(now: Instant, address: SocketAddr) -> Client {
    Client::with(now, address, |config| config.set_dtls_version(DtlsVersion::Auto))
}

const SECOND: Duration = Duration::from_secs(1);
/// Until reports, probes and the first pictures are through.
const SETTLED: Duration = Duration::from_secs(15);

/// Peers that offered sound and picture and send none.
fn silent(count: usize) -> World {
    let mut world = World::new(1, 1, Conditions::GOOD);
    for _ in 0..count {
        let client = world.add_client(browser);
        let transport = world.create_transport(0, Default::default());
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
        world.offer_from_client(client, transport);
        world.clients[client].sending.iter_mut().for_each(|sending| sending.paused = true);
    }
    connect(&mut world);
    world
}

fn connect(world: &mut World) {
    world.run_until(30 * SECOND, "everyone connects", |world| {
        world.clients.iter().all(|client| client.connected)
    });
    world.run(SETTLED);
}

fn watched(viewers: usize) -> World {
    let mut room = Room::new(1, Conditions::GOOD, 0);
    for _ in 0..viewers {
        room.add_viewer_with(Default::default(), browser);
    }
    room.connect();
    room.world.run(SETTLED);
    room.world
}

/// Everyone sends sound and picture to everyone else.
fn meeting(members: usize) -> World {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let mut transports = Vec::new();
    for _ in 0..members {
        let client = world.add_client(browser);
        let transport = world.create_transport(0, Default::default());
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
        world.offer_from_client(client, transport);
        transports.push(transport);
    }
    for (client, to) in transports.iter().enumerate() {
        for from in transports.iter().filter(|from| *from != to) {
            for track in world.tracks_of(*from) {
                let id = world.add_outgoing(*to, track.kind, "forwarded");
                world.command(*to, TransportCommand::Attach { id, source: track.id });
            }
        }
        world.offer_from_transport(*to, client);
    }
    connect(&mut world);
    world
}

fn each(make: fn(usize) -> World, few: usize, many: usize) -> usize {
    (held::by_shards(make(many)) - held::by_shards(make(few))) / (many - few)
}

#[test]
fn a_silent_peer() {
    let bytes = each(silent, 20, 60);
    println!("silent peer: {bytes}");
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn a_viewer() {
    let bytes = each(watched, 20, 60);
    println!("viewer: {bytes}");
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn a_member_of_a_meeting_of_eight() {
    let bytes = each(meeting, 0, 8);
    println!("member: {bytes}");
    assert!(bytes < 1_000_000, "{bytes} bytes");
}
