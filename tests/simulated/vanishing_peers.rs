//! Peers that go without a word, and peers that never come.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::{World, shard_address};
use medialoom::control::event::{CloseReason, Event, TransportState};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

fn reason(world: &World) -> Option<CloseReason> {
    world.events.iter().find_map(|event| match event {
        Event::TransportClosed { reason, .. } => Some(*reason),
        _ => None,
    })
}

/// A client that publishes sound, connected. It does all checks of an ICE-lite transport, and half
/// of them otherwise.
fn connected(seed: u64, options: TransportOptions) -> (World, usize) {
    let mut world = World::new(1, seed, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, options);
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    (world, client)
}

fn states(world: &World) -> Vec<TransportState> {
    let state = |event: &Event| match event {
        Event::TransportState { state, .. } => Some(*state),
        _ => None,
    };
    world.events.iter().filter_map(state).collect()
}

#[test]
fn a_peer_that_vanished_is_closed_when_its_consent_is_as_old_as_the_options_say() {
    for ice_lite in [true, false] {
        for timeout in [5, 30] {
            let disconnect_timeout = timeout * SECOND;
            let options = TransportOptions { ice_lite, disconnect_timeout, ..Default::default() };
            let (mut world, client) = connected(1, options);
            world.run(3 * SECOND);
            let address = world.clients[client].address;
            world.network.unplugged.push(address);
            world.run(disconnect_timeout - SECOND / 2);
            assert_eq!(reason(&world), None, "{timeout} s have not passed");
            world.run(SECOND);
            assert_eq!(reason(&world), Some(CloseReason::Timeout), "{timeout} s have passed");
            use TransportState as S;
            assert_eq!(states(&world), [S::Connecting, S::Connected, S::Disconnected, S::Closed]);
        }
    }
}

#[test]
fn a_silent_peer_is_disconnected_within_seconds_and_connected_again_when_it_is_back() {
    for ice_lite in [true, false] {
        let options = TransportOptions { ice_lite, ..Default::default() };
        let (mut world, client) = connected(2, options);
        let address = world.clients[client].address;
        world.network.unplugged.push(address);
        use TransportState as S;
        world.run_until(8 * SECOND, "it is told", |world| {
            states(world).last() == Some(&S::Disconnected)
        });
        world.network.unplugged.clear();
        world.run_until(5 * SECOND, "it is back", |world| {
            states(world).last() == Some(&S::Connected)
        });
        world.run(60 * SECOND);
        assert_eq!(reason(&world), None);
        assert_eq!(states(&world), [S::Connecting, S::Connected, S::Disconnected, S::Connected]);
    }
}

#[test]
fn what_anybody_can_send_is_no_consent() {
    let options = TransportOptions { disconnect_timeout: 10 * SECOND, ..Default::default() };
    let (mut world, client) = connected(3, options);
    let address = world.clients[client].address;
    world.network.recorded.insert(shard_address(0), Vec::new());
    world.run(3 * SECOND);
    let heard = world.network.recorded.remove(&shard_address(0)).unwrap();
    assert!(heard.len() > 100);
    world.network.unplugged.push(address);
    // Everything it sent comes again, media, reports and checks, with one bit changed: where STUN has
    // its integrity and media its tag.
    for mut datagram in heard.into_iter().cycle().take(2000) {
        let place = datagram.len() - 12;
        datagram[place] ^= 1;
        world.replay(0, address, &datagram);
        world.run(SECOND / 100);
    }
    assert_eq!(reason(&world), Some(CloseReason::Timeout));
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
