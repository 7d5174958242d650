//! Descriptions, fragments and candidates in any order to a live session of a shard, with offers of
//! its own in between. The steps are parts of the text, each of which begins with what it is.

use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;

use super::world::{address, nothing_panicked, world};
use crate::support::bare_peer::{BareOptions, BarePeer};

/// Between two parts.
const SEPARATOR: &str = "\n--";
const MAX_PARTS: usize = 24;

pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut world = world(1);
    let peer = BarePeer::new(&mut world, 0, address(1), BareOptions::default(), &[]);
    let transport = peer.transport;
    for part in text.split(SEPARATOR).take(MAX_PARTS) {
        let (what, text) = part.split_once('\n').unwrap_or((part, ""));
        let text = text.to_owned();
        match what {
            "offer" => drop(world.accept_offer(transport, &text)),
            "answer" => drop(world.accept_answer(transport, &text)),
            "candidate" => drop(world.ask(transport, |request| TransportCommand::AddCandidate {
                request,
                candidate: text,
            })),
            "fragment" => drop(world.ask(transport, |request| TransportCommand::AcceptFragment {
                request,
                fragment: text,
            })),
            "restart" => drop(world.ask(transport, |request| TransportCommand::CreateOffer {
                request,
                ice_restart: true,
            })),
            "rollback" => {
                drop(world.ask(transport, |request| TransportCommand::Rollback { request }));
            }
            "track" => drop(world.add_outgoing(transport, Kind::Video, "stream")),
            "wait" => world.run(Duration::from_secs(1)),
            _ => drop(world.create_offer(transport)),
        }
    }
    world.run(Duration::from_millis(100));
    nothing_panicked(&world);
}
