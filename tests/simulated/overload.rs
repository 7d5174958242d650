//! A media thread near its limit takes no new transports and gives up layers, and says so. How busy
//! it is is told by the test.

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::Event;
use medialoom::control::ids::ShardIndex;
use medialoom::control::layers::LayerReason;
use medialoom::engine::load::Refusal;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// Lets time pass on a thread that is so busy.
fn run(world: &mut World, shard: usize, seconds: u32, busy: f32) {
    for _ in 0..seconds * 10 {
        world.run(SECOND / 10);
        world.tell_load(shard, busy);
    }
}

/// What was told of a thread: whether it is overloaded, and the share of the layers.
fn told(world: &World, of: u8) -> Vec<(bool, f64)> {
    let told = world.events.iter().filter_map(|event| match event {
        Event::Load { thread, overloaded, layers, .. } if *thread == of => {
            Some((*overloaded, *layers))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn new_transports_go_elsewhere_while_a_thread_is_overloaded() {
    let mut world = World::new(2, 1, Conditions::GOOD);
    run(&mut world, 0, 3, 0.95);
    assert_eq!(told(&world, 0), [(true, 0.6)]);
    assert!(told(&world, 1).is_empty());
    let thread = &world.snapshot()["threads"][0];
    assert_eq!(thread["overloaded"], true);
    assert!(thread["load"].as_f64().is_some_and(|load| (load - 0.95).abs() < 0.01));
    for _ in 0..3 {
        assert_eq!(world.load.admit(100), Ok(ShardIndex(1)));
    }
    run(&mut world, 1, 3, 0.95);
    assert_eq!(world.load.admit(100), Err(Refusal::Overload));

    run(&mut world, 0, 4, 0.2);
    assert_eq!(told(&world, 0), [(true, 0.6), (false, 1.0)]);
    assert_eq!(world.load.admit(100), Ok(ShardIndex(0)));
}

#[test]
fn viewers_get_fewer_layers_while_a_thread_is_overloaded_and_keep_their_picture() {
    let mut world = World::new(1, 2, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &["low", "high"]);
    world.offer_from_client(publisher, publishing);
    world.clients[publisher].sending[0].interval = SECOND / 10;
    world.clients[publisher].sending[1].interval = SECOND / 40;
    let source = world.tracks_of(publishing)[0].id;
    let viewer = world.add_client(Client::new);
    let viewing = world.create_transport(0, Default::default());
    let id = world.add_outgoing(viewing, Kind::Video, "s");
    world.command(viewing, TransportCommand::Attach { id, source });
    world.offer_from_transport(viewing, viewer);
    world.run(8 * SECOND);

    let forwarded = |world: &World| {
        let layers = world.events.iter().filter_map(|event| match event {
            Event::TransponderLayer { id: of, layer: Some(layer), reason } if *of == id => {
                Some((layer.rid.clone(), *reason))
            }
            _ => None,
        });
        let (rid, reason) = layers.last().expect("a layer");
        (rid.expect("simulcast"), reason)
    };
    let high = ("high".to_owned(), LayerReason::Best);
    assert_eq!(forwarded(&world), high);
    run(&mut world, 0, 9, 0.95);
    assert_eq!(forwarded(&world), ("low".to_owned(), LayerReason::Load));
    let before = world.clients[viewer].packets.len();
    run(&mut world, 0, 5, 0.95);
    assert!(world.clients[viewer].packets.len() > before + 100, "there is a picture");
    run(&mut world, 0, 30, 0.2);
    assert_eq!(forwarded(&world), high);
    assert_eq!(told(&world, 0).last(), Some(&(false, 1.0)));
}

#[test]
fn a_thread_with_nothing_to_do_notices_that_it_is_not_busy() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    run(&mut world, 0, 3, 0.95);
    assert_eq!(told(&world, 0), [(true, 0.6)]);
    world.measure(0);
    world.run(20 * SECOND);
    assert_eq!(told(&world, 0).last(), Some(&(false, 1.0)));
}
