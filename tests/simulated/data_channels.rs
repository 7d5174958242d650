//! Messages both ways, and from peer to peer without JavaScript.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use bytes::Bytes;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{CloseReason, Event};
use medialoom::control::ids::{ChannelId, TransportId};
use medialoom::control::options::{ChannelOptions, TransportOptions};
use str0m::config::DtlsVersion;

const SECOND: Duration = Duration::from_secs(1);

fn options(label: &str) -> Box<ChannelOptions> {
    Box::new(ChannelOptions {
        label: label.into(),
        protocol: "p".into(),
        ordered: true,
        max_retransmits: None,
        max_packet_life_time: None,
        negotiated: None,
    })
}

/// A peer with one channel that this side opened.
fn open(
    world: &mut World,
    shard: usize,
    options_: TransportOptions,
) -> (usize, TransportId, ChannelId) {
    open_to(world, shard, options_, Client::new)
}

fn open_to(
    world: &mut World,
    shard: usize,
    options_: TransportOptions,
    client: impl FnOnce(Instant, SocketAddr) -> Client,
) -> (usize, TransportId, ChannelId) {
    let client = world.add_client(client);
    let transport = world.create_transport(shard, options_);
    let id = world.channel_id(transport);
    world.command(transport, TransportCommand::CreateChannel { id, options: options("chat") });
    world.offer_from_transport(transport, client);
    world.run_until(10 * SECOND, "the channel opens", |world| {
        world.events.contains(&Event::ChannelOpen { id })
            && !world.clients[client].open_channels.is_empty()
    });
    (client, transport, id)
}

#[test]
fn messages_go_on_when_what_the_handshake_needed_was_given_back() {
    for version in [DtlsVersion::Dtls12, DtlsVersion::Dtls13, DtlsVersion::Auto] {
        let mut world = World::new(1, 1, Conditions::BAD);
        let browser =
            |now, address| Client::with(now, address, |config| config.set_dtls_version(version));
        let (client, transport, id) = open_to(&mut world, 0, Default::default(), browser);
        for n in 1..=4 {
            world.run(10 * SECOND);
            let data = Bytes::from(vec![n; 3000]);
            world.command(transport, TransportCommand::SendMessage { id, binary: true, data });
            let (handle, _) = world.clients[client].open_channels[0].clone();
            world.clients[client].write(handle, true, &[n; 3000]);
        }
        world.run(10 * SECOND);
        assert_eq!(world.clients[client].messages.len(), 4, "{version:?}");
        let came = |event: &&Event| matches!(event, Event::ChannelMessage { .. });
        assert_eq!(world.events.iter().filter(came).count(), 4, "{version:?}");
    }
}

#[test]
fn messages_go_both_ways() {
    let mut world = World::new(1, 1, Conditions::BAD);
    let (client, transport, id) = open(&mut world, 0, Default::default());
    for n in 0..50u8 {
        let data = Bytes::from(vec![n; 3000]);
        world.command(transport, TransportCommand::SendMessage { id, binary: true, data });
    }
    let (handle, label) = world.clients[client].open_channels[0].clone();
    assert_eq!(label, "chat");
    world.clients[client].write(handle, false, b"hello");
    world.run(10 * SECOND);
    let received = &world.clients[client].messages;
    assert_eq!(received.len(), 50);
    assert!(
        received.iter().enumerate().all(|(n, (_, binary, data))| *binary && data[0] == n as u8)
    );
    let data = Bytes::from_static(b"hello");
    assert!(world.events.contains(&Event::ChannelMessage { id, binary: false, data }));
    let amounts: Vec<usize> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ChannelBufferedAmount { amount, .. } => Some(*amount),
            _ => None,
        })
        .collect();
    assert_eq!(amounts.last(), Some(&0), "everything was acknowledged");
}

#[test]
fn a_channel_relays_another_without_javascript_across_threads() {
    let mut world = World::new(2, 2, Conditions::GOOD);
    let (sender, _, source) = open(&mut world, 0, Default::default());
    let (receiver, to, id) = open(&mut world, 1, Default::default());
    world.attach_channel(to, id, source);
    let handle = world.clients[sender].open_channels[0].0;
    world.clients[sender].write(handle, true, b"past you");
    world.run(SECOND);
    assert_eq!(texts(&world, receiver), ["past you"]);
    world.command(to, TransportCommand::DetachChannel { id });
    world.clients[sender].write(handle, true, b"again");
    world.run(SECOND);
    assert_eq!(texts(&world, receiver), ["past you"]);
}

#[test]
fn a_message_is_relayed_that_came_right_after_attaching_while_the_other_thread_was_busy() {
    let mut world = World::new(2, 7, Conditions::GOOD);
    let (sender, _, source) = open(&mut world, 0, Default::default());
    let (receiver, to, id) = open(&mut world, 1, Default::default());
    let handle = world.clients[sender].open_channels[0].0;
    world.pause(1);
    world.attach_channel(to, id, source);
    world.clients[sender].write(handle, false, b"no race");
    world.run(SECOND);
    world.resume(1);
    world.run(SECOND);
    assert_eq!(texts(&world, receiver), ["no race"]);
}

#[test]
fn a_channel_that_is_attached_again_at_once_misses_nothing_and_hears_nothing_twice() {
    let mut world = World::new(2, 8, Conditions::GOOD);
    let (sender, _, source) = open(&mut world, 0, Default::default());
    let (other, _, another) = open(&mut world, 0, Default::default());
    let (receiver, to, id) = open(&mut world, 1, Default::default());
    let handle = world.clients[sender].open_channels[0].0;
    let others = world.clients[other].open_channels[0].0;
    world.attach_channel(to, id, source);
    world.pause(1);
    world.attach_channel(to, id, another);
    world.command(to, TransportCommand::DetachChannel { id });
    world.attach_channel(to, id, source);
    world.clients[sender].write(handle, false, b"one");
    world.run(SECOND);
    world.resume(1);
    world.clients[sender].write(handle, false, b"two");
    world.clients[other].write(others, false, b"not attached any more");
    world.run(SECOND);
    assert_eq!(texts(&world, receiver), ["one", "two"]);
    world.command(to, TransportCommand::DetachChannel { id });
    world.clients[sender].write(handle, false, b"three");
    world.run(SECOND);
    assert_eq!(texts(&world, receiver), ["one", "two"]);
}

fn texts(world: &World, client: usize) -> Vec<&str> {
    let messages = world.clients[client].messages.iter();
    messages.map(|(_, _, data)| std::str::from_utf8(data).unwrap()).collect()
}

#[test]
fn a_channel_that_does_not_repeat_loses_messages_and_goes_on() {
    let mut world = World::new(1, 9, Conditions::BAD);
    let (client, transport, _) = open(&mut world, 0, Default::default());
    let id = world.channel_id(transport);
    let options = ChannelOptions { ordered: false, max_retransmits: Some(0), ..*options("game") };
    world.command(transport, TransportCommand::CreateChannel { id, options: Box::new(options) });
    world.run_until(10 * SECOND, "the channel opens", |world| {
        world.clients[client].open_channels.iter().any(|(_, label)| label == "game")
    });
    for n in 0..500u16 {
        let data = Bytes::copy_from_slice(&n.to_be_bytes());
        world.command(transport, TransportCommand::SendMessage { id, binary: true, data });
        world.run(Duration::from_millis(10));
    }
    world.run(10 * SECOND);
    // One datagram in twenty is lost.
    let arrived = world.clients[client].messages.len();
    assert!((400..500).contains(&arrived), "{arrived} messages");
    let last = world.clients[client].messages.iter().map(|(_, _, data)| data.clone()).max();
    assert!(last > Some(480u16.to_be_bytes().to_vec()), "{last:?}");
}

#[test]
fn a_channel_the_peer_opens_is_announced() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].open_channel("theirs");
    world.offer_from_client(client, transport);
    world.run(5 * SECOND);
    let announced = world.events.iter().any(|event| {
        matches!(event, Event::ChannelAnnounced { options, .. } if options.label == "theirs")
    });
    assert!(announced);
}

#[test]
fn a_message_over_the_limit_closes_its_channel_only() {
    let mut world = World::new(1, 4, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let limited = TransportOptions { max_message_size: 1000, ..Default::default() };
    let transport = world.create_transport(0, limited);
    world.clients[client].open_channel("greedy");
    let offer = world.clients[client].create_offer();
    let answer = world.accept_offer(transport, &offer).unwrap();
    assert!(answer.contains("a=max-message-size:1000"), "{answer}");
    // A peer that does not keep to what it was told.
    world.clients[client].accept_answer(&answer.replace("size:1000", "size:100000"));
    world.run(5 * SECOND);
    let handle = world.clients[client].open_channels[0].0;
    world.clients[client].write(handle, true, &[0; 2000]);
    world.run(2 * SECOND);
    let heard = world.events.iter().any(|event| matches!(event, Event::ChannelMessage { .. }));
    assert!(!heard);
    let error = world.events.iter().find_map(|event| match event {
        Event::ChannelError { error, .. } => Some(error.code),
        _ => None,
    });
    assert_eq!(error, Some(ErrorCode::MessageTooLarge));
    assert!(!world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
}

#[test]
fn closing_a_channel_is_told_to_both_sides() {
    let mut world = World::new(1, 5, Conditions::GOOD);
    let (client, transport, id) = open(&mut world, 0, Default::default());
    world.command(transport, TransportCommand::CloseChannel { id });
    world.run(SECOND);
    assert!(world.events.contains(&Event::ChannelClosed { id, reason: CloseReason::Closed }));
    assert_eq!(world.clients[client].closed_channels.len(), 1);
}

#[test]
fn what_was_sent_before_closing_arrives_even_on_a_channel_that_was_not_open_yet() {
    let mut world = World::new(1, 6, Conditions::GOOD);
    let (client, transport, _) = open(&mut world, 0, Default::default());
    let id = world.channel_id(transport);
    world.command(transport, TransportCommand::CreateChannel { id, options: options("brief") });
    let data = Bytes::from_static(b"last words");
    world.command(transport, TransportCommand::SendMessage { id, binary: false, data });
    world.command(transport, TransportCommand::CloseChannel { id });
    world.run(2 * SECOND);
    let heard: Vec<&[u8]> =
        world.clients[client].messages.iter().map(|(_, _, data)| &data[..]).collect();
    assert_eq!(heard, [b"last words"]);
    assert!(world.events.contains(&Event::ChannelClosed { id, reason: CloseReason::Closed }));
}

/// Offers as much as the association takes, in messages of 16 kB.
fn pour(world: &mut World, client: usize, handle: str0m::channel::ChannelId) -> usize {
    let message = vec![7; 16_000];
    let mut sent = 0;
    while world.clients[client].try_write(handle, true, &message) {
        sent += 1;
    }
    sent
}

#[test]
fn a_peer_that_sends_faster_than_javascript_takes_is_held_back_and_loses_nothing() {
    let mut world = World::new(1, 11, Conditions::GOOD);
    let (client, _, id) = open(&mut world, 0, Default::default());
    let handle = world.clients[client].open_channels[0].0;
    world.javascript_busy = true;
    let (mut sent, mut rounds) = (0, Vec::new());
    for _ in 0..900 {
        let poured = pour(&mut world, client, handle);
        sent += poured;
        rounds.push(poured);
        world.run(Duration::from_millis(20));
    }
    // What still goes are probes of the closed window (RFC 9260 6.1).
    let late: usize = rounds[600..].iter().sum();
    assert!(late * 10 < sent, "the sender stops: {late} of {sent}");
    assert!(sent * 16_000 > 4 << 20, "not before there is a lot: {sent}");
    assert!(sent * 16_000 < 16 << 20, "before the channel would have to close: {sent}");

    world.javascript_busy = false;
    let heard = |world: &World| {
        let message = |event: &&Event| matches!(event, Event::ChannelMessage { .. });
        world.events.iter().filter(message).count()
    };
    // It goes on at once, which no timer of its own would make it do.
    world.run(Duration::from_millis(400));
    let more = pour(&mut world, client, handle);
    assert!(more > 0);
    world.run_until(10 * SECOND, "everything comes", |world| heard(world) == sent + more);
    let closed = Event::ChannelClosed { id, reason: CloseReason::Error };
    assert!(!world.events.contains(&closed));
}

#[test]
fn thousands_of_tiny_messages_wait_in_turn_for_a_peer_and_all_arrive() {
    let mut world = World::new(1, 12, Conditions::GOOD);
    let (client, transport, id) = open(&mut world, 0, Default::default());
    for n in 0..10_000_u32 {
        let data = Bytes::copy_from_slice(&n.to_be_bytes());
        world.command(transport, TransportCommand::SendMessage { id, binary: true, data });
    }
    world.run_until(30 * SECOND, "all arrive", |world| {
        world.clients[client].messages.len() == 10_000
    });
    let numbers = world.clients[client].messages.iter().map(|(_, _, data)| data[..].to_vec());
    assert!(numbers.eq((0..10_000_u32).map(|n| n.to_be_bytes().to_vec())));
}

/// The timers of the association wait for nothing else, however idle the peer is.
#[test]
fn a_message_that_was_lost_comes_again_after_a_second() {
    for phase in 0..10 {
        let mut world = World::new(1, 10, Conditions::GOOD);
        let (client, transport, id) = open(&mut world, 0, Default::default());
        world.run(5 * SECOND + phase * Duration::from_millis(100));
        for sent in 1..=3 {
            world.network.conditions.loss = 1.0;
            let data = Bytes::from_static(b"lost");
            world.command(transport, TransportCommand::SendMessage { id, binary: true, data });
            world.run(Duration::from_millis(50));
            world.network.conditions.loss = 0.0;
            // RFC 9260 16 lets no retransmission timer be shorter than a second; acknowledgements
            // may take a fifth.
            world.run_until(Duration::from_millis(1_250), "the message comes", |world| {
                world.clients[client].messages.len() == sent
            });
        }
    }
}

#[test]
fn an_id_that_another_channel_has_is_refused_and_the_transport_goes_on() {
    let mut world = World::new(1, 6, Conditions::GOOD);
    let (_, transport, first) = open(&mut world, 0, Default::default());
    // The first one took one of these; the other is free once.
    let ids = [0, 1, 0, 1].map(|stream| {
        let id = world.channel_id(transport);
        let mut options = options("agreed");
        options.negotiated = Some(stream);
        world.command(transport, TransportCommand::CreateChannel { id, options });
        id
    });
    world.run(SECOND);
    let refused = |id: &&ChannelId| {
        let closed = Event::ChannelClosed { id: **id, reason: CloseReason::Error };
        world.events.contains(&closed)
    };
    assert_eq!(ids.iter().filter(refused).count(), 3);
    let errors: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ChannelError { error, .. } => Some(error.code),
            _ => None,
        })
        .collect();
    assert_eq!(errors, [ErrorCode::InvalidState; 3]);
    let goes_on = |event: &Event| {
        !matches!(event, Event::TransportClosed { .. } | Event::TransportError { .. })
            && *event != (Event::ChannelClosed { id: first, reason: CloseReason::Error })
    };
    assert!(world.events.iter().all(goes_on));
}
