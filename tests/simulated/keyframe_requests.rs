//! What receivers ask of a sender, on its way there (RFC 4585 6.3.1, RFC 5104 4.3.1).

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::TransportId;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// One camera and viewers of it, the last ones on another thread. Everybody has the picture.
fn audience(viewers: usize) -> (World, usize, Vec<(usize, TransportId)>) {
    let mut world = World::new(2, 1, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].id;
    let viewers = (0..viewers)
        .map(|index| {
            let client = world.add_client(Client::new);
            let transport = world.create_transport(usize::from(index > 0), Default::default());
            let id = world.add_outgoing(transport, Kind::Video, "s");
            world.command(transport, TransportCommand::Attach { id, source });
            world.offer_from_transport(transport, client);
            (client, transport)
        })
        .collect();
    world.run(4 * SECOND);
    (world, publisher, viewers)
}

fn ask(world: &mut World, viewer: usize, kind: KeyframeRequestKind) {
    let client = &mut world.clients[viewer];
    let mid = client.packets.last().expect("a picture").header.ext_vals.mid.expect("its MID");
    client.request_keyframe(mid, kind);
}

#[test]
fn a_receivers_request_of_either_kind_reaches_the_sender() {
    let (mut world, publisher, viewers) = audience(2);
    for (viewer, _) in viewers {
        for kind in [KeyframeRequestKind::Pli, KeyframeRequestKind::Fir] {
            let before = world.clients[publisher].keyframe_requests.len();
            ask(&mut world, viewer, kind);
            world.run(SECOND);
            let after = world.clients[publisher].keyframe_requests.len();
            assert_eq!(after, before + 1, "{kind:?} of {viewer}");
        }
    }
    let stats = world.snapshot();
    for transport in stats["transports"].as_array().unwrap() {
        for track in transport["outgoingTracks"].as_array().unwrap() {
            assert_eq!(track["pliCount"].as_u64(), Some(1), "{track}");
            assert_eq!(track["firCount"].as_u64(), Some(1), "{track}");
        }
    }
}

#[test]
fn however_many_ask_at_once_the_sender_is_asked_once_in_half_a_second() {
    let (mut world, publisher, viewers) = audience(4);
    let before = world.clients[publisher].keyframe_requests.len();
    for _ in 0..20 {
        for (viewer, _) in &viewers {
            ask(&mut world, *viewer, KeyframeRequestKind::Pli);
        }
        world.run(SECOND / 10);
    }
    let asked = world.clients[publisher].keyframe_requests.len() - before;
    assert!((2..=5).contains(&asked), "{asked} requests in two seconds");
}
