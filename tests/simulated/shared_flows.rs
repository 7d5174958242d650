//! Several transports between the same two addresses, and strangers who check from an address that is
//! somebody else's.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::{World, shard_address};
use bytes::Bytes;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::{CloseReason, Event, TransportState};
use medialoom::control::ids::{ChannelId, RequestId, SourceId, TransportId};
use medialoom::control::options::{ChannelOptions, DtlsVersions, TransportOptions};
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// A client that publishes pictures to a shard.
struct Publisher {
    client: usize,
    transport: TransportId,
    track: SourceId,
}

fn publisher(world: &mut World, shard: usize) -> Publisher {
    let client = world.add_client(Client::new);
    let transport = world.create_transport(shard, Default::default());
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    world.run(SECOND);
    Publisher { client, transport, track: world.tracks_of(transport)[0].id }
}

/// Two transports that are connected to each other. The first sends pictures and opened a channel.
#[derive(Clone, Copy)]
struct Pair {
    sender: TransportId,
    receiver: TransportId,
    channel: ChannelId,
}

/// Begins to connect a transport of one shard, which sends a track, to one of another shard.
fn connect(
    world: &mut World,
    from: &Publisher,
    to: usize,
    sender: TransportOptions,
    receiver: TransportOptions,
) -> Pair {
    let sender = world.create_transport(from.transport.shard().index(), sender);
    let receiver = world.create_transport(to, receiver);
    let id = world.add_outgoing(sender, Kind::Video, "stream");
    world.command(sender, TransportCommand::Attach { id, source: from.track });
    let channel = world.channel_id(sender);
    let options = ChannelOptions {
        label: "chat".into(),
        protocol: String::new(),
        ordered: true,
        max_retransmits: None,
        max_packet_life_time: None,
        negotiated: None,
    };
    let options = Box::new(options);
    world.command(sender, TransportCommand::CreateChannel { id: channel, options });
    let offer = world.create_offer(sender).unwrap();
    let answer = world.accept_offer(receiver, &offer).unwrap();
    world.accept_answer(sender, &answer).unwrap();
    Pair { sender, receiver, channel }
}

fn is_connected(world: &World, transport: TransportId) -> bool {
    let state = world.events.iter().rev().find_map(|event| match event {
        Event::TransportState { transport: of, state } if *of == transport => Some(*state),
        _ => None,
    });
    state == Some(TransportState::Connected)
}

fn packets_received(world: &mut World, transport: TransportId) -> u64 {
    let stats = world.stats(transport);
    let packets = &stats["incomingTracks"][0]["encodings"][0]["packetsReceived"];
    packets.as_u64().unwrap_or_default()
}

/// Everybody gets pictures, and the message that is for him and no other.
fn all_is_well(world: &mut World, pairs: &[Pair]) {
    let before: Vec<_> = pairs.iter().map(|p| packets_received(world, p.receiver)).collect();
    world.events.retain(|event| !matches!(event, Event::ChannelMessage { .. }));
    for (index, pair) in pairs.iter().enumerate() {
        let data = Bytes::from(vec![index as u8; 3000]);
        let command = TransportCommand::SendMessage { id: pair.channel, binary: true, data };
        world.command(pair.sender, command);
    }
    world.run(2 * SECOND);
    for (index, (pair, before)) in pairs.iter().zip(before).enumerate() {
        let packets = packets_received(world, pair.receiver) - before;
        // 30 frames of three packets a second.
        assert!(packets > 170, "pair {index} got {packets} packets in two seconds");
    }
    let mut messages: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ChannelMessage { data, .. } => Some((data.len(), data[0])),
            _ => None,
        })
        .collect();
    messages.sort_unstable();
    let expected: Vec<_> = (0..pairs.len()).map(|index| (3000, index as u8)).collect();
    assert_eq!(messages, expected);
}

#[test]
fn transports_between_the_same_two_endpoints_all_get_their_media_and_messages() {
    let full = TransportOptions { ice_lite: false, ..Default::default() };
    let lite = TransportOptions::default();
    for (seed, conditions) in [(1, Conditions::GOOD), (2, Conditions::BAD)] {
        let mut world = World::new(2, seed, conditions);
        let publishers = [publisher(&mut world, 0), publisher(&mut world, 1)];
        // At once, in both directions, and both sides make the checks of some.
        let pairs: Vec<Pair> = (0..8)
            .map(|n| {
                let (mut sender, mut receiver) = (full.clone(), lite.clone());
                if n % 4 >= 2 {
                    std::mem::swap(&mut sender, &mut receiver);
                }
                sender.dtls = [DtlsVersions::Dtls12, DtlsVersions::Auto][n / 4];
                connect(&mut world, &publishers[n % 2], 1 - n % 2, sender, receiver)
            })
            .collect();
        world.run_until(15 * SECOND, "all connect", |world| {
            let mut both = pairs.iter().flat_map(|pair| [pair.sender, pair.receiver]);
            both.all(|transport| is_connected(world, transport))
        });
        world.run(3 * SECOND);
        if conditions.loss == 0.0 {
            all_is_well(&mut world, &pairs);
        } else {
            for pair in &pairs {
                assert!(packets_received(&mut world, pair.receiver) > 100);
            }
        }

        // The first ends, another comes, and the rest goes on.
        let request = RequestId(1_000);
        world.command(pairs[0].sender, TransportCommand::Close { request });
        let another = connect(&mut world, &publishers[0], 1, full.clone(), lite.clone());
        world.run_until(15 * SECOND, "one more connects", |world| {
            is_connected(world, another.sender) && is_connected(world, another.receiver)
        });
        world.run(3 * SECOND);
        if conditions.loss == 0.0 {
            all_is_well(&mut world, &[&pairs[1..], &[another]].concat());
        }
        let closed = |event: &&Event| matches!(event, Event::TransportClosed { .. });
        // The goodbye may be lost, and then the silence tells.
        world.run_until(40 * SECOND, "the other side of the first pair ends", |world| {
            world.events.iter().filter(closed).count() >= 2
        });
        assert_eq!(world.events.iter().filter(closed).count(), 2, "the first pair alone");
    }
}

#[test]
fn an_endpoint_connects_to_itself() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    let publisher = publisher(&mut world, 0);
    let full = TransportOptions { ice_lite: false, ..Default::default() };
    let pairs =
        [(); 2].map(|()| connect(&mut world, &publisher, 0, full.clone(), Default::default()));
    world.run(3 * SECOND);
    all_is_well(&mut world, &pairs);
}

/// A publisher, and a check of somebody with a transport of his own.
fn attack(seed: u64) -> (World, Publisher, Vec<u8>) {
    let mut world = World::new(1, seed, Conditions::GOOD);
    let victim = publisher(&mut world, 0);
    let attacker = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[attacker].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.network.recorded.insert(shard_address(0), Vec::new());
    let offer = world.clients[attacker].create_offer();
    let answer = world.accept_offer(transport, &offer).unwrap();
    world.clients[attacker].accept_answer(&answer);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[attacker].connected);
    let ufrag = answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap();
    let user_name = format!("{ufrag}:");
    let sent = world.network.recorded.remove(&shard_address(0)).unwrap();
    let is_check = |bytes: &&Vec<u8>| {
        bytes.starts_with(&[0, 1]) && bytes[24..].starts_with(user_name.as_bytes())
    };
    let check = sent.iter().find(is_check).expect("a check of the attacker").clone();
    (world, victim, check)
}

#[test]
fn checks_with_ones_own_credentials_take_no_address_from_a_peer_that_is_heard_there() {
    let (mut world, victim, check) = attack(4);
    let address = world.clients[victim.client].address;
    for _ in 0..20 {
        world.replay(0, address, &check);
        world.run(SECOND / 2);
    }
    let before = packets_received(&mut world, victim.transport);
    world.run(2 * SECOND);
    let packets = packets_received(&mut world, victim.transport) - before;
    assert!(packets > 170, "{packets} packets of its pictures in two seconds");
    assert!(is_connected(&world, victim.transport));
}

#[test]
fn whoever_gets_the_address_of_a_peer_that_is_gone_connects_at_once() {
    let mut world = World::new(1, 5, Conditions::GOOD);
    let gone = publisher(&mut world, 0);
    let address = world.clients[gone.client].address;
    // It does not say goodbye, and the NAT gives its address to somebody else.
    world.clients[gone.client].rebind("10.9.9.9:9".parse().unwrap());
    world.network.unplugged.push("10.9.9.9:9".parse().unwrap());
    let client = world.add_client(|now, _| Client::new(now, address));
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.clients[client].open_channel("chat");
    world.offer_from_client(client, transport);
    world.run_until(2 * SECOND, "it connects", |world| world.clients[client].connected);
    world.run(2 * SECOND);
    assert!(packets_received(&mut world, transport) > 120);
    assert!(!world.clients[client].open_channels.is_empty());
    world.run(31 * SECOND);
    let closed = Event::TransportClosed { transport: gone.transport, reason: CloseReason::Timeout };
    assert!(world.events.contains(&closed), "who is gone is given up meanwhile");
    let before = packets_received(&mut world, transport);
    world.run(2 * SECOND);
    assert!(packets_received(&mut world, transport) - before > 170);
}

#[test]
fn somebody_who_makes_up_streams_at_a_shared_address_costs_nobody_else_pictures() {
    let (mut world, victim, check) = attack(6);
    let address = world.clients[victim.client].address;
    let before = packets_received(&mut world, victim.transport);
    world.replay(0, address, &check);
    for number in 0..20_000u32 {
        let mut packet = vec![0x80, 96, 0, 1, 0, 0, 0, 0];
        packet.extend(number.wrapping_mul(2_654_435_761).to_be_bytes());
        packet.extend([7; 60]);
        world.replay(0, address, &packet);
        if number % 100 == 0 {
            world.run(SECOND / 100);
        }
    }
    let packets = packets_received(&mut world, victim.transport) - before;
    assert!(packets > 170, "{packets} packets of its pictures in two seconds");
}
