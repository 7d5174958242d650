//! Datagrams from strangers, and peers that are not who the SDP says.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::{World, shard_address};
use medialoom::control::event::{Event, TransportState};
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_wrong_fingerprint_ends_the_peer_before_any_media_or_data() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[client].open_channel("data");
    let offer = world.clients[client].create_offer();
    let line = offer.lines().find(|line| line.starts_with("a=fingerprint")).unwrap();
    let (start, end) = line.split_at(line.len() - 2);
    let other = if end == "00" { "01" } else { "00" };
    let forged = offer.replace(line, &format!("{start}{other}"));
    let answer = world.accept_offer(transport, &forged).unwrap();
    world.clients[client].accept_answer(&answer);
    world.run(10 * SECOND);
    let connected = Event::TransportState { transport, state: TransportState::Connected };
    assert!(!world.events.contains(&connected));
    assert!(world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
    assert!(
        !world.events.iter().any(|event| {
            matches!(event, Event::Encoding { .. } | Event::ChannelAnnounced { .. })
        })
    );
}

#[test]
fn dtls_from_an_address_ice_did_not_validate_is_not_heard() {
    let mut world = World::new(1, 2, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    // The start of a DTLS 1.2 handshake record, from nowhere.
    let stranger = "10.9.9.9:9".parse().unwrap();
    let record = [22u8, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40].map(u8::from);
    for _ in 0..100 {
        world.network.send(world.now, stranger, shard_address(0), &record);
    }
    world.run_until(5 * SECOND, "the real peer connects", |w| w.clients[client].connected);
    assert!(world.network.sent_to(stranger) == 0, "a stranger gets no answer");
}

#[test]
fn garbage_does_not_disturb_a_call() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |w| w.clients[client].connected);
    // As if the peer's own address sent it: nobody can stop that.
    let address = world.clients[client].address;
    for round in 0..2000u32 {
        let length = (round * 7 % 200) as usize;
        let mut bytes: Vec<u8> =
            (0..length).map(|i| (round.wrapping_mul(2_654_435_761) >> (i % 24)) as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first = [0, 1, 20, 22, 23, 63, 128, 144, 191, 255][round as usize % 10];
        }
        world.network.send(world.now, address, shard_address(0), &bytes);
    }
    world.run(5 * SECOND);
    assert!(!world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
}
