//! Peers that go without a word, and peers that never come.

mod support;

use std::time::Duration;

use medialoom::control::event::{CloseReason, Event, TransportState};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};
use support::World;
use support::client::Client;
use support::network::Conditions;

const SECOND: Duration = Duration::from_secs(1);

fn reason(world: &World) -> Option<CloseReason> {
    world.events.iter().find_map(|event| match event {
        Event::TransportClosed { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_peer_that_vanished_is_closed_for_it() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    let address = world.clients[client].address;
    world.network.unplugged.push(address);
    world.run(90 * SECOND);
    assert_eq!(reason(&world), Some(CloseReason::Timeout));
    let states: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::TransportState { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    use TransportState as S;
    assert_eq!(states, [S::Connecting, S::Connected, S::Disconnected, S::Closed]);
}

#[test]
fn a_peer_that_comes_back_in_time_stays() {
    let mut world = World::new(1, 2, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    let address = world.clients[client].address;
    world.network.unplugged.push(address);
    world.run(8 * SECOND);
    world.network.unplugged.clear();
    world.run(60 * SECOND);
    assert_eq!(reason(&world), None);
}

#[test]
fn a_peer_that_never_comes_is_given_up() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    let options = TransportOptions { connect_timeout: Some(5 * SECOND), ..Default::default() };
    world.create_transport(0, options);
    world.run(4 * SECOND);
    assert_eq!(reason(&world), None);
    world.run(2 * SECOND);
    assert_eq!(reason(&world), Some(CloseReason::ConnectTimeout));
}
