//! Offers and answers, any number of times and from both ends.

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{CloseReason, Event, Reply};
use medialoom::control::ids::TransportId;
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

fn world() -> (World, usize, TransportId) {
    world_with(TransportOptions::default())
}

fn world_with(options: TransportOptions) -> (World, usize, TransportId) {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let client = world.add_client(Client::new);
    let transport = world.create_transport(0, options);
    (world, client, transport)
}

fn needed(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, Event::NegotiationNeeded { .. })).count()
}

fn m_lines(sdp: &str) -> usize {
    sdp.lines().filter(|line| line.starts_with("m=")).count()
}

#[test]
fn several_tracks_added_together_ask_for_negotiation_once() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    for _ in 0..3 {
        world.add_outgoing(transport, Kind::Video, "s");
    }
    assert_eq!(needed(&world), 1);
    world.offer_from_transport(transport, client);
    world.run(SECOND);
    assert_eq!(needed(&world), 1);
}

#[test]
fn outgoing_tracks_take_the_lines_an_offer_would_receive_on() {
    let (mut world, client, transport) = world();
    let id = world.add_outgoing(transport, Kind::Video, "mine");
    world.clients[client].want(MediaKind::Audio, Direction::RecvOnly, &[]);
    world.clients[client].want(MediaKind::Video, Direction::RecvOnly, &[]);
    let offer = world.clients[client].create_offer();
    let answer = world.accept_offer(transport, &offer).unwrap();
    let sections: Vec<&str> = answer.split("m=").skip(1).collect();
    assert!(sections[0].contains("a=inactive"), "nothing to send on the audio line: {answer}");
    assert!(sections[1].contains("a=sendonly"), "{answer}");
    assert!(sections[1].contains(&format!("a=msid:mine track-{id}")), "{answer}");
    world.clients[client].accept_answer(&answer);
    let negotiated = Event::OutgoingTrackNegotiated { id, mid: mid_of(sections[1]) };
    assert!(world.events.contains(&negotiated));
}

fn mid_of(section: &str) -> String {
    section.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap().to_owned()
}

#[test]
fn a_track_can_be_removed_and_its_line_is_used_again() {
    let (mut world, client, transport) = world();
    let first = world.add_outgoing(transport, Kind::Video, "first");
    world.offer_from_transport(transport, client);
    world.run(SECOND);
    for round in 0..5 {
        let last = world
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::OutgoingTrackNegotiated { id, .. } => Some(*id),
                _ => None,
            })
            .unwrap_or(first);
        world.command(transport, TransportCommand::RemoveOutgoingTrack { id: last });
        world.offer_from_transport(transport, client);
        let next = world.add_outgoing(transport, Kind::Video, "next");
        let offer = world.create_offer(transport).unwrap();
        assert_eq!(m_lines(&offer), 1, "round {round}: {offer}");
        assert!(offer.contains(&format!("a=msid:next track-{next}")), "{offer}");
        let answer = world.clients[client].accept_offer(&offer);
        world.accept_answer(transport, &answer).unwrap();
    }
}

#[test]
fn a_used_line_gets_new_ssrcs_because_packet_indices_start_again() {
    let (mut world, client, transport) = world();
    let ssrcs = |sdp: &str| -> Vec<String> {
        let line = |line: &str| line.strip_prefix("a=ssrc:")?.split(' ').next().map(str::to_owned);
        sdp.lines().filter_map(line).collect()
    };
    let id = world.add_outgoing(transport, Kind::Video, "first");
    let offer = world.create_offer(transport).unwrap();
    let before = ssrcs(&offer);
    let answer = world.clients[client].accept_offer(&offer);
    world.accept_answer(transport, &answer).unwrap();
    world.command(transport, TransportCommand::RemoveOutgoingTrack { id });
    world.add_outgoing(transport, Kind::Video, "second");
    let after = ssrcs(&world.create_offer(transport).unwrap());
    assert!(!before.is_empty() && !after.is_empty());
    assert!(after.iter().all(|ssrc| !before.contains(ssrc)), "{before:?} {after:?}");
}

#[test]
fn a_polite_side_gives_way_and_asks_again() {
    let (mut world, client, transport) = world();
    world.add_outgoing(transport, Kind::Audio, "s");
    world.create_offer(transport).unwrap();
    let before = needed(&world);
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    assert_eq!(needed(&world), before + 1, "its own wishes still stand");
    world.offer_from_transport(transport, client);
    world.run(2 * SECOND);
    assert!(world.clients[client].connected);
}

#[test]
fn an_impolite_side_refuses_and_goes_on_with_its_own_offer() {
    let (mut world, client, transport) =
        world_with(TransportOptions { polite: false, ..Default::default() });
    world.add_outgoing(transport, Kind::Audio, "s");
    let own = world.create_offer(transport).unwrap();
    let mut other = Client::new(world.now, "10.0.9.9:1".parse().unwrap());
    other.want(MediaKind::Video, Direction::SendOnly, &[]);
    let crossing = other.create_offer();
    assert_eq!(world.accept_offer(transport, &crossing).unwrap_err().code, ErrorCode::Glare);
    let answer = world.clients[client].accept_offer(&own);
    world.accept_answer(transport, &answer).unwrap();
}

#[test]
fn an_offer_that_is_rolled_back_can_be_made_again() {
    let (mut world, client, transport) = world();
    let id = world.add_outgoing(transport, Kind::Audio, "s");
    world.offer_from_transport(transport, client);
    world.command(transport, TransportCommand::RemoveOutgoingTrack { id });
    let first = world.create_offer(transport).unwrap();
    assert!(first.contains("a=inactive"));
    world.ask(transport, |request| TransportCommand::Rollback { request }).unwrap();
    let again = world.create_offer(transport).unwrap();
    assert!(again.contains("a=inactive"), "{again}");
    let refused = world.ask(transport, |request| TransportCommand::Rollback { request });
    assert!(refused.is_ok());
    let refused = world.ask(transport, |request| TransportCommand::Rollback { request });
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidState);
}

#[test]
fn direction_changes_mute_and_unmute_the_track() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Video, Direction::SendRecv, &[]);
    world.offer_from_client(client, transport);
    let track = world.tracks_of(transport)[0].clone();
    for (direction, muted) in [(Direction::Inactive, true), (Direction::SendOnly, false)] {
        let mid = track.mid.as_str().into();
        let offer = world.clients[client].change_direction(mid, direction);
        let answer = world.accept_offer(transport, &offer).unwrap();
        world.clients[client].accept_answer(&answer);
        assert!(world.events.contains(&Event::IncomingTrackMuted { id: track.id, muted }));
    }
    assert_eq!(world.tracks_of(transport).len(), 1, "it stayed the same track");
}

#[test]
fn a_line_that_stops_sending_and_names_no_stream_lost_its_track() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Video, Direction::SendRecv, &[]);
    world.offer_from_client(client, transport);
    let track = world.tracks_of(transport)[0].clone();
    let offer =
        world.clients[client].change_direction(track.mid.as_str().into(), Direction::RecvOnly);
    let unnamed: String =
        offer.lines().filter(|l| !l.contains("msid:")).map(|l| format!("{l}\r\n")).collect();
    let answer = world.accept_offer(transport, &unnamed).unwrap();
    world.clients[client].accept_answer(&answer);
    let closed = Event::IncomingTrackClosed { id: track.id, reason: CloseReason::Remote };
    assert!(world.events.contains(&closed));
}

#[test]
fn closing_an_incoming_track_tells_the_peer() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    let id = world.tracks_of(transport)[0].id;
    world.command(transport, TransportCommand::RemoveIncomingTrack { id });
    assert!(world.events.contains(&Event::IncomingTrackClosed { id, reason: CloseReason::Closed }));
    let offer = world.create_offer(transport).unwrap();
    assert!(offer.contains("a=inactive"), "{offer}");
}

#[test]
fn ice_can_be_restarted_from_this_side() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    let restart = |request| TransportCommand::CreateOffer { request, ice_restart: true };
    let Ok(Reply::Sdp(offer)) = world.ask(transport, restart) else {
        panic!("an offer");
    };
    let answer = world.clients[client].accept_offer(&offer);
    world.accept_answer(transport, &answer).unwrap();
    world.run(60 * SECOND);
    assert!(!world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
}

#[test]
fn bad_descriptions_are_refused_and_harm_nothing() {
    let (mut world, client, transport) = world();
    for sdp in ["", "nonsense", "v=0\r\n", "v=0\r\nm=audio\r\n", &"a=x\r\n".repeat(300_000)] {
        let error = world.accept_offer(transport, sdp).unwrap_err();
        assert_eq!(error.code, ErrorCode::Sdp, "{error}");
        assert!(error.message.len() < 1000 && error.line.is_none_or(|line| line.len() <= 800));
    }
    assert_eq!(world.accept_answer(transport, "v=0").unwrap_err().code, ErrorCode::InvalidState);
    assert_eq!(world.create_offer(transport).unwrap_err().code, ErrorCode::InvalidState);
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
}

#[test]
fn an_offer_that_lacks_a_fingerprint_is_refused() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    let offer = world.clients[client].create_offer();
    let without: String =
        offer.lines().filter(|l| !l.contains("fingerprint")).map(|l| format!("{l}\r\n")).collect();
    assert_eq!(world.accept_offer(transport, &without).unwrap_err().code, ErrorCode::Sdp);
}

#[test]
fn a_fragment_brings_candidates_or_restarts_ice() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    let offer = world.clients[client].create_offer();
    let answer = world.accept_offer(transport, &offer).unwrap();
    world.clients[client].accept_answer(&answer);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    let mut send = |fragment: String| {
        world.ask(transport, |request| TransportCommand::AcceptFragment { request, fragment })
    };
    let field = |name: &str| offer.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let (ufrag, pwd) = (field("a=ice-ufrag:"), field("a=ice-pwd:"));
    let candidate = "a=candidate:1 1 UDP 2130706431 10.0.1.77 5000 typ host";

    let trickle = format!("{ufrag}\r\n{pwd}\r\n{candidate}\r\na=end-of-candidates\r\n");
    assert_eq!(send(trickle), Ok(Reply::None));
    let restart = "a=ice-ufrag:anew\r\na=ice-pwd:0123456789012345678901\r\n";
    let Ok(Reply::Sdp(reply)) = send(restart.into()) else { panic!("a fragment in return") };
    let old = answer.lines().find(|line| line.starts_with("a=ice-ufrag:")).unwrap();
    assert!(reply.contains("a=ice-ufrag:") && !reply.contains(old), "{reply}");
    assert!(reply.contains("a=candidate:"), "{reply}");
    for nonsense in ["", "nonsense", "m=audio 9 X 0\r\na=mid:0\r\n"] {
        assert_eq!(send(nonsense.into()).unwrap_err().code, ErrorCode::Sdp);
    }
}

#[test]
fn a_name_that_is_too_long_for_checks_is_refused_where_this_side_checks() {
    for ice_lite in [true, false] {
        let (mut world, client, transport) =
            world_with(TransportOptions { ice_lite, ..Default::default() });
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        let offer = world.clients[client].create_offer();
        let ufrag = offer.lines().find(|line| line.starts_with("a=ice-ufrag:")).unwrap();
        let long = offer.replace(ufrag, &format!("a=ice-ufrag:{}", "u".repeat(200)));
        let refused = world.accept_offer(transport, &long).err().map(|error| error.code);
        assert_eq!(refused, (!ice_lite).then_some(ErrorCode::Sdp));
        if !ice_lite {
            let answer = world.accept_offer(transport, &offer).unwrap();
            world.clients[client].accept_answer(&answer);
            world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
        }
    }
}

#[test]
fn ice_restarts_of_the_peer_are_taken_with_and_without_data_channels() {
    for channel in [false, true] {
        let (mut world, client, transport) = world();
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        if channel {
            world.clients[client].open_channel("chat");
        }
        world.offer_from_client(client, transport);
        world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
        let before = world.stats(transport);
        for _ in 0..3 {
            let offer = world.clients[client].restart_ice();
            let answer = world.accept_offer(transport, &offer).unwrap();
            world.clients[client].accept_answer(&answer);
            world.run(10 * SECOND);
        }
        let received = |stats: &serde_json::Value| stats["bytesReceived"].as_u64().unwrap();
        assert!(received(&world.stats(transport)) > received(&before) + 10_000);
        assert!(!world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
    }
}

#[test]
fn a_re_offer_that_is_refused_leaves_the_call_as_it_was() {
    let (mut world, client, transport) = world();
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    world.run_until(5 * SECOND, "it connects", |world| world.clients[client].connected);
    let offer = world.clients[client].restart_ice();
    for (from, to) in [
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=rtcp-mux", "a=x"),
        ("m=audio", "m=video"),
        ("a=fingerprint", "a=x"),
    ] {
        let refused = offer.replace(from, to);
        let error = world.accept_offer(transport, &refused).unwrap_err();
        assert_eq!(error.code, ErrorCode::Sdp, "{from}");
        assert!(error.line.is_some_and(|line| refused.contains(&line)), "{from}");
    }
    let before = world.tracks_of(transport).len();
    // Longer than consent lasts.
    world.run(60 * SECOND);
    assert!(!world.events.iter().any(|event| matches!(event, Event::TransportClosed { .. })));
    assert_eq!(world.tracks_of(transport).len(), before);
}
