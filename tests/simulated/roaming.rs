//! Peers whose address changes in the middle of a call, and strangers who would like to be them.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::room::{Room, is_rtcp, is_rtp};
use crate::support::{World, shard_address};
use medialoom::control::command::TransportCommand;
use medialoom::control::event::{Event, Reply, TransportState};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// What is far below a second, and above how often a viewer sends feedback.
const SHORT: Duration = Duration::from_millis(400);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// As browsers do, it says ten times a second what arrived.
fn viewer(now: Instant, address: SocketAddr) -> Client {
    let mut client = Client::new(now, address);
    client.rtc.direct_api().enable_twcc_feedback();
    client
}

fn connected(seed: u64, conditions: Conditions, viewers: usize) -> Room {
    let mut room = Room::new(seed, conditions, 0);
    for _ in 0..viewers {
        room.add_viewer_with(TransportOptions::default(), viewer);
    }
    room.connect();
    room.world.run(2 * SECOND);
    room
}

impl Room {
    fn viewer_address(&self, viewer: usize) -> SocketAddr {
        self.world.clients[self.viewers[viewer].client].address
    }

    /// While there is something that the viewer has yet to tell of, so that it does so from its new
    /// address.
    fn move_viewer(&mut self, viewer: usize, to: &str) {
        let client = self.viewers[viewer].client;
        let patience = self.world.now + SHORT;
        let mut told = usize::MAX;
        while self.world.clients[client].packets.len() <= told && self.world.now < patience {
            if self.says_something_within_a_millisecond() {
                told = self.world.clients[client].packets.len();
            }
        }
        self.world.clients[client].rebind(address(to));
    }

    /// Datagrams that somebody gets in this time.
    fn sent_in(&mut self, time: Duration, to: SocketAddr) -> u64 {
        let before = self.world.network.sent_to(to);
        self.world.run(time);
        self.world.network.sent_to(to) - before
    }

    fn says_something_within_a_millisecond(&mut self) -> bool {
        let said = Rc::new(Cell::new(false));
        let says = said.clone();
        self.world.network.drop = Some(Box::new(move |to, bytes| {
            says.set(says.get() || (to == shard_address(0) && is_rtcp(bytes)));
            false
        }));
        self.world.run(MILLISECOND);
        self.world.network.drop = None;
        said.get()
    }

    /// All RTCP to the shard is stopped on its way for a time, by somebody who keeps it.
    fn withhold_rtcp(&mut self, time: Duration) -> Vec<Vec<u8>> {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let into = kept.clone();
        self.world.network.drop = Some(Box::new(move |to, bytes| {
            let stopped = to == shard_address(0) && is_rtcp(bytes);
            if stopped {
                into.borrow_mut().push(bytes.to_vec());
            }
            stopped
        }));
        self.world.run(time);
        kept.take()
    }

    fn send_all(&mut self, from: SocketAddr, datagrams: &[Vec<u8>]) {
        // From behind whatever stops datagrams.
        let drop = self.world.network.drop.take();
        for bytes in datagrams {
            self.world.network.send(self.world.now, from, shard_address(0), bytes);
        }
        self.world.network.drop = drop;
    }

    fn nobody_left(&self) {
        let over = |event: &Event| matches!(event, Event::TransportClosed { .. });
        assert!(!self.world.events.iter().any(over));
    }
}

#[test]
fn media_follows_a_viewer_to_another_port_and_another_address() {
    // Who gets nothing says little: one feedback, and when that is lost a report within a second.
    let most = SECOND + SHORT;
    for (seed, conditions, most) in [(1, Conditions::GOOD, SHORT), (2, Conditions::BAD, most)] {
        let mut room = connected(seed, conditions, 1);
        for to in ["10.0.1.2:1111", "10.0.9.2:2222", "10.0.9.3:3333"] {
            let old = room.viewer_address(0);
            room.move_viewer(0, to);
            let moved = room.world.now;
            room.world.run(most);
            let to_old = room.sent_in(4 * SECOND, old);
            let gap = room.longest_gap(0, moved);
            println!("a viewer moves: {gap:?} without video");
            assert!(gap < most, "{gap:?} without video");
            assert_eq!(to_old, 0, "nothing goes where the viewer was");
        }
        let transport = room.viewers[0].transport;
        let stats = room.world.stats(transport);
        assert_eq!(stats["selectedCandidatePair"]["remoteAddress"], "10.0.9.3:3333");
        assert_eq!(stats["selectedCandidatePairChanges"], 4);
        room.nobody_left();
    }
}

#[test]
fn what_a_publisher_sends_goes_on_when_it_moves() {
    for (seed, conditions) in [(3, Conditions::GOOD), (4, Conditions::BAD)] {
        let mut room = connected(seed, conditions, 1);
        for to in ["10.0.1.1:1111", "10.0.9.1:2222"] {
            let moved = room.world.now;
            room.world.clients[room.publisher].rebind(address(to));
            room.world.run(4 * SECOND);
            let gap = room.longest_gap(0, moved);
            println!("a publisher moves: {gap:?} without video");
            assert!(gap < SHORT, "{gap:?} without video");
        }
        // What was sent until it was found is asked for and comes again.
        let frames = room.video_frames(0);
        let missing = (frames[0]..frames[frames.len() - 1]).filter(|n| !frames.contains(n)).count();
        println!("{missing} frames never came");
        assert!(missing <= frames.len() / 100, "{missing} frames");
    }
}

#[test]
fn a_viewer_that_reports_once_a_second_is_found_by_its_next_report() {
    let mut room = Room::new(13, Conditions::GOOD, 1);
    room.connect();
    room.world.run(2 * SECOND);
    let moved = room.world.now;
    room.move_viewer(0, "10.0.9.2:2222");
    room.world.run(2 * SECOND);
    let gap = room.longest_gap(0, moved);
    assert!(gap < SECOND + SECOND / 10, "{gap:?} without video");
}

#[test]
fn of_two_behind_one_nat_the_one_that_moves_is_followed() {
    let mut room = Room::new(5, Conditions::GOOD, 0);
    for port in [1000, 2000] {
        room.add_viewer_with(TransportOptions::default(), |now, _| {
            viewer(now, address(&format!("10.0.5.1:{port}")))
        });
    }
    room.connect();
    room.world.run(2 * SECOND);
    let moved = room.world.now;
    room.move_viewer(1, "10.0.5.1:3000");
    room.world.run(3 * SECOND);
    for viewer in 0..2 {
        let gap = room.longest_gap(viewer, moved);
        assert!(gap < SHORT, "viewer {viewer}: {gap:?} without video");
    }
    assert_eq!(room.viewer_address(0), address("10.0.5.1:1000"));
    assert!(room.sent_in(SECOND, address("10.0.5.1:1000")) > 100, "the other one stays");
    assert_eq!(room.sent_in(SECOND, address("10.0.5.1:2000")), 0);
}

#[test]
fn everybody_moves_at_once() {
    let mut room = connected(6, Conditions::GOOD, 30);
    let moved = room.world.now;
    for viewer in 0..30 {
        room.move_viewer(viewer, &format!("10.0.8.1:{}", 1000 + viewer));
    }
    room.world.run(3 * SECOND);
    for viewer in 0..30 {
        let gap = room.longest_gap(viewer, moved);
        assert!(gap < SHORT, "viewer {viewer}: {gap:?} without video");
    }
}

#[test]
fn messages_follow_a_peer_that_moves() {
    let mut room = Room::new(7, Conditions::GOOD, 0);
    room.add_viewer_with(TransportOptions::default(), |now, address| {
        let mut client = viewer(now, address);
        client.open_channel("chat");
        client
    });
    let (client, transport) = (room.viewers[0].client, room.viewers[0].transport);
    room.connect();
    room.world.offer_from_client(client, transport);
    room.world.run(2 * SECOND);
    let channel = room.world.events.iter().find_map(|event| match event {
        Event::ChannelAnnounced { id, .. } => Some(*id),
        _ => None,
    });
    let id = channel.expect("the channel is open");
    room.move_viewer(0, "10.0.9.2:2222");
    room.world.run(SHORT);
    let data = bytes::Bytes::from_static(b"are you there?");
    room.world.command(transport, TransportCommand::SendMessage { id, binary: false, data });
    room.world.run(SHORT);
    let messages = &room.world.clients[client].messages;
    assert!(messages.iter().any(|(_, _, data)| data == b"are you there?"));
}

#[test]
fn what_was_there_before_leads_nowhere() {
    let mut room = connected(8, Conditions::GOOD, 1);
    room.world.network.recorded.insert(shard_address(0), Vec::new());
    room.world.run(2 * SECOND);
    let heard = room.world.network.recorded.remove(&shard_address(0)).unwrap();
    let heard: Vec<_> = heard.into_iter().filter(|bytes| is_rtcp(bytes) || is_rtp(bytes)).collect();
    assert!(heard.iter().any(|bytes| is_rtcp(bytes)));
    // Nobody is heard for a moment, so that everybody may have moved.
    room.world.network.drop = Some(Box::new(|to, _| to == shard_address(0)));
    room.world.run(SHORT);
    room.world.network.drop = None;
    let thief = address("10.0.66.6:666");
    room.send_all(thief, &heard);
    assert_eq!(room.sent_in(3 * SECOND, thief), 0);
    room.nobody_left();
}

#[test]
fn an_address_that_no_check_comes_from_is_given_up() {
    let mut room = connected(9, Conditions::GOOD, 1);
    let (viewer, thief) = (room.viewer_address(0), address("10.0.66.6:666"));
    // Somebody on the way keeps what the viewer sends, and sends it on from elsewhere.
    let kept = room.withhold_rtcp(SECOND);
    room.world.network.drop = None;
    room.world.network.unplugged.push(viewer);
    room.world.run(SHORT);
    room.send_all(thief, &kept);
    assert!(room.sent_in(9 * SECOND, thief) > 300, "it could have stopped it as well");
    room.world.run(2 * SECOND);
    assert_eq!(room.sent_in(5 * SECOND, thief), 0, "ten seconds are over");
    room.world.network.unplugged.clear();
    room.world.run(5 * SECOND);
    assert!(room.sent_in(SECOND, viewer) > 50, "the viewer is where it was");
    let gap = room.longest_gap(0, room.world.now - SECOND);
    assert!(gap < SHORT, "{gap:?} without video");
}

#[test]
fn a_check_from_where_the_peer_was_ends_it_and_three_times_are_enough() {
    let mut room = connected(10, Conditions::GOOD, 1);
    let (viewer, thief) = (room.viewer_address(0), address("10.0.66.6:666"));
    let mut followed = Vec::new();
    for _ in 0..6 {
        let kept = room.withhold_rtcp(SECOND);
        let before = room.world.network.sent_to(thief);
        room.send_all(thief, &kept);
        // The viewer's checks come through all the time, only its RTCP does not.
        room.world.run(9 * SECOND);
        followed.push(room.world.network.sent_to(thief) - before);
        assert_eq!(room.sent_in(SECOND, thief), 0, "it is over before its time");
        assert!(room.sent_in(SECOND, viewer) > 50, "media goes to the viewer");
    }
    println!("datagrams to somebody else: {followed:?}");
    assert!(followed[..3].iter().all(|datagrams| *datagrams > 0), "{followed:?}");
    assert_eq!(followed[3..], [0; 3]);
    room.nobody_left();
}

#[test]
fn whoever_only_claims_to_be_a_peer_gets_nothing() {
    let mut room = connected(11, Conditions::GOOD, 1);
    let mut kept = room.withhold_rtcp(SECOND);
    room.world.network.drop = Some(Box::new(|to, _| to == shard_address(0)));
    room.world.run(SHORT);
    room.world.network.drop = None;
    // The right names and numbers, and one bit that is not.
    for bytes in &mut kept {
        bytes[9] ^= 1;
    }
    let before = room.world.snapshot()["threads"][0]["packetsUnmatched"].as_u64().unwrap();
    let mut strangers = 0;
    for round in 0..200u16 {
        let stranger = SocketAddr::from(([10, 0, 66, 6], 1000 + round));
        room.send_all(stranger, &kept);
        strangers += kept.len() as u64;
    }
    room.world.run(SECOND);
    for round in 0..200u16 {
        assert_eq!(room.world.network.sent_to(([10, 0, 66, 6], 1000 + round).into()), 0);
    }
    let after = room.world.snapshot()["threads"][0]["packetsUnmatched"].as_u64().unwrap();
    assert_eq!(after - before, strangers);
    let since = room.world.now;
    room.world.run(2 * SECOND);
    assert!(room.longest_gap(0, since) < SHORT);
}

#[test]
fn a_peer_that_moves_twice_before_its_check_is_followed_twice() {
    let mut room = connected(12, Conditions::GOOD, 1);
    let moved = room.world.now;
    room.move_viewer(0, "10.0.9.1:1111");
    room.world.run(SHORT);
    room.move_viewer(0, "10.0.9.2:2222");
    room.world.run(20 * SECOND);
    let gap = room.longest_gap(0, moved);
    assert!(gap < SHORT, "{gap:?} without video");
    assert_eq!(room.sent_in(SECOND, address("10.0.9.1:1111")), 0);
}

/// Longest time without video, from an ICE restart to some seconds later.
fn restart(room: &mut Room, by: Side, client: usize, viewing: bool) -> Duration {
    let transport = if viewing { room.viewers[0].transport } else { room.publishing };
    let began = room.world.now;
    let world = &mut room.world;
    match by {
        Side::Client => {
            let offer = world.clients[client].restart_ice();
            let answer = world.accept_offer(transport, &offer).unwrap();
            // Signaling takes its time.
            world.run(100 * MILLISECOND);
            world.clients[client].accept_answer(&answer);
        }
        Side::Engine => {
            let create = |request| TransportCommand::CreateOffer { request, ice_restart: true };
            let Ok(Reply::Sdp(offer)) = world.ask(transport, create) else { panic!("an offer") };
            world.run(100 * MILLISECOND);
            let answer = world.clients[client].accept_offer(&offer);
            world.run(100 * MILLISECOND);
            world.accept_answer(transport, &answer).unwrap();
        }
    }
    world.run(8 * SECOND);
    room.longest_gap(0, began)
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Engine,
}

fn room_with(ice_lite: bool, seed: u64, conditions: Conditions) -> Room {
    let options = || TransportOptions { ice_lite, ..Default::default() };
    let mut world = World::new(1, seed, conditions);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, options());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let mut room = Room { world, publisher, publishing, viewers: Vec::new() };
    room.add_viewer_with(options(), viewer);
    room.connect();
    room.world.run(2 * SECOND);
    room
}

#[test]
fn media_goes_on_through_an_ice_restart() {
    for ice_lite in [true, false] {
        for (seed, conditions) in [(20, Conditions::GOOD), (21, Conditions::BAD)] {
            for by in [Side::Client, Side::Engine] {
                let mut room = room_with(ice_lite, seed, conditions);
                for viewing in [true, false] {
                    let client = if viewing { room.viewers[0].client } else { room.publisher };
                    let gap = restart(&mut room, by, client, viewing);
                    println!("lite {ice_lite}, by {by:?}, viewer {viewing}: {gap:?} without video");
                    assert!(gap < SHORT, "lite {ice_lite}, {by:?}, viewer {viewing}: {gap:?}");
                }
                room.nobody_left();
            }
        }
    }
}

#[test]
fn media_goes_on_while_a_restart_has_no_candidate_that_fits() {
    let mut room = connected(23, Conditions::GOOD, 1);
    let (client, transport) = (room.viewers[0].client, room.viewers[0].transport);
    let began = room.world.now;
    let offer = room.world.clients[client].restart_ice();
    // One of another family, as the first that is trickled may be.
    let address = room.viewer_address(0);
    let (ip, port) = (address.ip(), address.port());
    let other = offer.replace(&format!("{ip} {port}"), &format!("fd00::1 {port}"));
    assert_ne!(offer, other);
    let answer = room.world.accept_offer(transport, &other).unwrap();
    // Signaling takes its time.
    room.world.run(2 * SECOND);
    room.world.clients[client].accept_answer(&answer);
    room.world.run(5 * SECOND);
    let gap = room.longest_gap(0, began);
    println!("{gap:?} without video");
    assert!(gap < SHORT, "{gap:?} without video");
    let states = room.world.events.iter().filter(|event| {
        let state = TransportState::Disconnected;
        **event == Event::TransportState { transport, state }
    });
    assert_eq!(states.count(), 0, "it was heard all the time, though no pair was valid");
}

#[test]
fn media_goes_on_when_a_peer_moves_and_restarts_ice_for_it() {
    for ice_lite in [true, false] {
        for viewing in [true, false] {
            let mut room = room_with(ice_lite, 22, Conditions::GOOD);
            let client = if viewing { room.viewers[0].client } else { room.publisher };
            let moved = room.world.now;
            room.world.clients[client].rebind(address("10.0.9.9:999"));
            room.world.run(200 * MILLISECOND);
            restart(&mut room, Side::Client, client, viewing);
            let gap = room.longest_gap(0, moved);
            println!("lite {ice_lite}, viewer {viewing}: {gap:?} without video");
            assert!(gap < SHORT, "lite {ice_lite}, viewer {viewing}: {gap:?}");
            let since = room.world.now;
            room.world.run(10 * SECOND);
            assert!(room.longest_gap(0, since) < SHORT, "and it stays so");
            room.nobody_left();
        }
    }
}
