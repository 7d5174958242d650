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
/// Until reports, probes and the first pictures are through, and what setting up took is given back: with a
/// timer of the peer's, and those of one who is silent are far apart.
const SETTLED: Duration = Duration::from_secs(40);

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

/// One peer that sends sound and picture, and those who get them.
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

/// What one peer more holds. The first ones pay for what all share.
fn each(make: fn(usize) -> World, few: usize, many: usize) -> usize {
    (held::by_shards(make(many)) - held::by_shards(make(few))) / (many - few)
}

/// The limits are a few per cent above what it is, for what compilers may change.
fn holds_less_than(limit: usize, what: &str, bytes: usize) {
    println!("{what} holds {bytes} bytes");
    assert!(bytes < limit, "{what} holds {bytes} bytes, and no more than {limit} are wanted");
}

#[test]
fn a_silent_peer_holds_no_more_than_45_kb() {
    holds_less_than(45_000, "a silent peer", each(silent, 20, 40));
}

#[test]
fn a_viewer_holds_no_more_than_52_kb() {
    holds_less_than(52_000, "a viewer", each(watched, 20, 40));
}

/// A third of it is the last second of what it sends.
#[test]
fn a_member_of_a_meeting_of_eight_holds_no_more_than_230_kb() {
    holds_less_than(230_000, "a member", each(meeting, 0, 8));
}
