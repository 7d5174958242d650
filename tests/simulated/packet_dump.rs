//! A transport's decrypted packets in a file.

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::Event;
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

/// The middle of every hand-made sound packet.
const SOUND: [u8; 16] = [0xfc; 16];

fn contains(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what).count()
}

#[test]
fn both_directions_are_in_the_clear() {
    let directory = std::env::temp_dir().join(format!("medialoom-dump-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str| directory.join(name);
    let dumped =
        |name: &str| TransportOptions { dump_file: Some(file(name)), ..Default::default() };
    {
        let mut world = World::new(1, 1, Conditions::GOOD);
        let publisher = world.add_client(Client::new);
        let publishing = world.create_transport(0, dumped("in.pcapng"));
        world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
        world.offer_from_client(publisher, publishing);
        let source = world.tracks_of(publishing)[0].id;
        let viewer = world.add_client(Client::new);
        let viewing = world.create_transport(0, dumped("out.pcapng"));
        let id = world.add_outgoing(viewing, Kind::Audio, "s");
        world.command(viewing, TransportCommand::Attach { id, source });
        world.offer_from_transport(viewing, viewer);
        world.run(Duration::from_secs(8));
        for transport in [publishing, viewing] {
            world.ask(transport, |request| TransportCommand::Close { request }).unwrap();
        }
    }
    // Written by a thread of its own.
    for name in ["in.pcapng", "out.pcapng"] {
        let complete = || {
            let bytes = std::fs::read(file(name)).unwrap_or_default();
            // A sender report begins with version 2 and type 200; the cname follows in SDES.
            let reports = contains(&bytes, &[200, 0, 6]);
            contains(&bytes, &SOUND) > 1000 && reports > 0
        };
        let found = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            complete()
        });
        assert!(found, "{name}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_harms_nothing() {
    let mut world = World::new(1, 2, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let dump_file = Some("/nowhere/at/all.pcapng".into());
    let transport = world.create_transport(0, TransportOptions { dump_file, ..Default::default() });
    let error = world.events.iter().find_map(|event| match event {
        Event::TransportError { error, .. } => Some(error.code),
        _ => None,
    });
    assert_eq!(error, Some(ErrorCode::Io));
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(Duration::from_secs(5), "it connects", |w| w.clients[client].connected);
}
