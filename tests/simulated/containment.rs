//! A panic while handling one peer closes that peer and nobody else.
//! Needs the feature `fault-injection`.
#![cfg(feature = "fault-injection")]

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{CloseReason, Event};
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_panic_closes_one_peer_with_an_error_and_the_others_go_on() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].id;
    let mut viewers = Vec::new();
    for _ in 0..2 {
        let client = world.add_client(Client::new);
        let transport = world.create_transport(0, Default::default());
        let id = world.add_outgoing(transport, Kind::Video, "s");
        world.command(transport, TransportCommand::Attach { id, source });
        world.offer_from_transport(transport, client);
        viewers.push((client, transport, id));
    }
    world.run(3 * SECOND);
    let (_, unlucky, track) = viewers[0];
    let (lucky, ..) = viewers[1];

    let before = world.clients[lucky].packets.len();
    world.command(unlucky, TransportCommand::Panic);
    world.run(3 * SECOND);

    let error = world.events.iter().find_map(|event| match event {
        Event::TransportError { transport, error } if *transport == unlucky => Some(error.code),
        _ => None,
    });
    assert_eq!(error, Some(ErrorCode::Internal));
    assert!(
        world
            .events
            .contains(&Event::OutgoingTrackClosed { id: track, reason: CloseReason::Parent })
    );
    let closed: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::TransportClosed { transport, reason } => Some((*transport, *reason)),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [(unlucky, CloseReason::Error)]);
    assert!(world.clients[lucky].packets.len() > before + 200, "the other viewer sees on");
    let error = world.create_offer(unlucky).unwrap_err();
    assert_eq!(error.code, ErrorCode::Closed);
}

#[test]
fn a_publisher_that_panics_closes_its_tracks_for_the_viewers() {
    let mut world = World::new(2, 2, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].id;
    let viewer = world.add_client(Client::new);
    let viewing = world.create_transport(1, Default::default());
    let id = world.add_outgoing(viewing, Kind::Audio, "s");
    world.command(viewing, TransportCommand::Attach { id, source });
    world.offer_from_transport(viewing, viewer);
    world.run(2 * SECOND);
    world.command(publishing, TransportCommand::Panic);
    world.run(SECOND);
    let closed = Event::IncomingTrackClosed { id: source, reason: CloseReason::Parent };
    assert!(world.events.contains(&closed));
    assert!(!world.clients[viewer].closed);
}
