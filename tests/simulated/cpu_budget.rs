//! A peer that takes too much of a media thread waits behind the others, and is closed if it does
//! not give way. What datagrams take is told by the test; threads work on fake time.
//! Needs the feature `fault-injection`.
#![cfg(feature = "fault-injection")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::client::{Client, frame_number};
use crate::support::network::Conditions;
use crate::support::room::Room;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::{EngineError, ErrorCode};
use medialoom::control::event::{CloseReason, Event};
use medialoom::control::ids::TransportId;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A publisher and a viewer, and a third peer that sends 300 datagrams a second.
fn room(seed: u64) -> (Room, usize, TransportId) {
    let mut room = Room::new(seed, Conditions::GOOD, 1);
    let world = &mut room.world;
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.clients[client].sending[0].interval = 10 * MILLISECOND;
    room.connect();
    room.world.measure(0);
    room.world.run(3 * SECOND);
    (room, client, transport)
}

/// Frames that the viewer got between two moments, and how late each was against the earliest of
/// all, sorted.
fn frames(room: &Room, from: Instant, to: Instant) -> Vec<Duration> {
    let client = &room.world.clients[room.viewers[0].client];
    let mut arrivals = BTreeMap::<u64, Instant>::new();
    for packet in client.packets_of(MediaKind::Video) {
        arrivals.entry(frame_number(packet)).or_insert(packet.timestamp);
    }
    // Frame n was due n intervals after the first.
    let due = |frame: &u64| Duration::from_millis(33) * *frame as u32;
    let delay = |frame: &u64, at: &Instant| at.duration_since(room.world.start) - due(frame);
    let least = arrivals.iter().map(|(frame, at)| delay(frame, at)).min().expect("frames");
    let within = arrivals.iter().filter(|(_, at)| (from..to).contains(*at));
    let mut late: Vec<_> = within.map(|(frame, at)| delay(frame, at) - least).collect();
    late.sort_unstable();
    late
}

fn error_of(world: &World, transport: TransportId) -> Option<&EngineError> {
    world.events.iter().find_map(|event| match event {
        Event::TransportError { transport: of, error } if *of == transport => Some(error),
        _ => None,
    })
}

fn is_closed(world: &World, transport: TransportId) -> bool {
    let reason = CloseReason::Error;
    world.events.contains(&Event::TransportClosed { transport, reason })
}

fn waiting(world: &mut World) -> u64 {
    world.snapshot()["threads"][0]["transportsOverBudget"].as_u64().expect("a number")
}

/// The third peer needs half as much again as the thread has, in so many datagrams a second.
fn attack(seed: u64, datagrams: u32) {
    let (mut room, client, guilty) = room(seed);
    let sending = &mut room.world.clients[client].sending[0];
    sending.interval = SECOND * sending.packets_per_frame as u32 / datagrams;
    let start = room.world.now;
    room.world.run(5 * SECOND);
    let before = frames(&room, start, room.world.now);

    let attacked = room.world.now;
    room.world.burden(guilty, SECOND * 3 / 2 / datagrams);
    room.world.run(2 * SECOND);
    assert_eq!(waiting(&mut room.world), 1);
    assert!(!is_closed(&room.world, guilty), "not at once");
    room.world.run(3 * SECOND);
    let during = frames(&room, attacked, room.world.now);
    room.world.run(5 * SECOND);
    let after = frames(&room, attacked + 7 * SECOND, room.world.now);

    let error = error_of(&room.world, guilty).expect("an error");
    assert_eq!(error.code, ErrorCode::Limit);
    assert!(error.message.contains("RTP"), "{}", error.message);
    assert!(is_closed(&room.world, guilty));
    assert_eq!(waiting(&mut room.world), 0);
    let shed = |event: &Event| matches!(event, Event::Load { .. });
    assert!(!room.world.events.iter().any(shed), "nothing is given up for it");
    let neighbour = [room.publishing, room.viewers[0].transport];
    assert!(neighbour.iter().all(|id| error_of(&room.world, *id).is_none()));

    assert!(during.len() * 10 >= before.len() * 9, "{} frames, not {}", during.len(), before.len());
    // Without the attack it is what the network takes: 10 ms.
    let late = during[during.len() / 2];
    assert!(late <= 10 * MILLISECOND, "{late:?}");
    assert!(after.last().is_some_and(|late| *late <= 10 * MILLISECOND), "{:?}", after.last());
}

#[test]
fn a_peer_whose_datagrams_take_long_waits_and_is_closed_and_its_neighbour_sees_on() {
    attack(1, 300);
}

#[test]
fn a_peer_whose_datagrams_take_very_long_waits_and_is_closed_and_its_neighbour_sees_on() {
    attack(5, 30);
}

#[test]
fn a_peer_that_gives_way_waits_for_a_while_and_stays() {
    let (mut room, client, costly) = room(2);
    room.world.burden(costly, 5 * MILLISECOND);
    room.world.run(2 * SECOND);
    assert_eq!(waiting(&mut room.world), 1);
    room.world.clients[client].sending[0].interval = SECOND;
    room.world.run(12 * SECOND);
    assert_eq!(waiting(&mut room.world), 0);
    assert!(error_of(&room.world, costly).is_none() && !room.world.clients[client].closed);
}

#[test]
fn a_publisher_of_4k_video_is_left_alone_on_a_busy_thread() {
    let mut room = Room::new(3, Conditions::GOOD, 1);
    // 6,000 packets a second: 60 Mbit/s, were they of the usual size.
    room.world.clients[room.publisher].sending[1].packets_per_frame = 198;
    room.connect();
    for transport in [room.publishing, room.viewers[0].transport] {
        room.world.burden(transport, Duration::from_micros(15));
    }
    for _ in 0..20 {
        room.world.run(SECOND / 10);
        room.world.tell_load(0, 1.0);
        assert_eq!(waiting(&mut room.world), 0);
    }
    assert!(error_of(&room.world, room.publishing).is_none());
    let received = room.world.stats(room.publishing)["packetsReceived"].as_u64();
    assert!(received.is_none_or(|received| received > 10_000), "{received:?}");
}

#[test]
fn a_meeting_of_fifty_is_left_alone_on_a_busy_thread_from_its_beginning() {
    let mut world = World::new(1, 6, Conditions::GOOD);
    world.tell_load(0, 1.0);
    let mut tracks = Vec::new();
    for _ in 0..50 {
        let client = world.add_client(Client::new);
        let transport = world.create_transport(0, Default::default());
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        world.offer_from_client(client, transport);
        world.burden(transport, Duration::from_micros(15));
        tracks.extend(world.tracks_of(transport).first().map(|track| (transport, track.id)));
    }
    // Everybody hears the next two.
    for (member, (transport, _)) in tracks.iter().enumerate() {
        for (_, source) in tracks.iter().cycle().skip(member + 1).take(2) {
            let id = world.add_outgoing(*transport, Kind::Audio, "heard");
            world.command(*transport, TransportCommand::Attach { id, source: *source });
        }
        world.offer_from_transport(*transport, member);
    }
    for _ in 0..15 {
        world.run(SECOND / 10);
        world.tell_load(0, 1.0);
        assert_eq!(waiting(&mut world), 0);
    }
    assert!(world.clients.iter().all(|client| client.packets.len() > 50));
    let fault = |event: &Event| matches!(event, Event::TransportError { .. });
    assert!(!world.events.iter().any(fault));
}

#[test]
fn a_transport_that_closes_while_it_waits_leaves_nothing() {
    let (mut room, _, costly) = room(4);
    room.world.burden(costly, 5 * MILLISECOND);
    room.world.run(2 * SECOND);
    assert_eq!(waiting(&mut room.world), 1);
    let reply = room.world.ask(costly, |request| TransportCommand::Close { request });
    assert!(reply.is_ok());
    assert_eq!(waiting(&mut room.world), 0);
    room.world.run(SECOND);
}
