//! What the targets share that drive a whole shard.

use std::net::SocketAddr;

use medialoom::control::error::ErrorCode;
use medialoom::control::event::Event;
use medialoom::control::ids::TransportId;

use crate::support::World;
use crate::support::network::Conditions;

/// Where a peer of a target is.
pub fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5000))
}

pub fn world(shards: usize) -> World {
    World::new(shards, 1, Conditions::GOOD)
}

/// A session that panics is closed with this error and takes nobody along: to a target it is a
/// failure all the same.
pub fn nothing_panicked(world: &World) {
    for event in &world.events {
        if let Event::TransportError { transport, error } = event {
            assert_ne!(error.code, ErrorCode::Internal, "{transport}: {error}");
        }
    }
}

pub fn is_closed(world: &World, transport: TransportId) -> bool {
    let of = |event: &Event| matches!(event, Event::TransportClosed { transport: t, .. } if *t == transport);
    world.events.iter().any(of)
}
