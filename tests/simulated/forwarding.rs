//! A track of one peer reaches another.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::World;
use crate::support::client::{Client, frame_number};
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{Event, TransportState};
use medialoom::control::ids::{OutgoingTrackId, TransportId};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// A publisher of sound and picture on shard 0 and a viewer on the last one.
struct Call {
    world: World,
    publisher: usize,
    viewer: usize,
    publishing: TransportId,
    viewing: TransportId,
    outgoing: Vec<OutgoingTrackId>,
}

fn call(shards: usize, seed: u64, conditions: Conditions) -> Call {
    let mut world = World::new(shards, seed, conditions);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);

    let viewer = world.add_client(Client::new);
    let viewing = world.create_transport(shards - 1, Default::default());
    let mut outgoing = Vec::new();
    for track in world.tracks_of(publishing) {
        let id = world.add_outgoing(viewing, track.kind, "forwarded");
        world.command(viewing, TransportCommand::Attach { id, source: track.id });
        outgoing.push(id);
    }
    world.offer_from_transport(viewing, viewer);
    Call { world, publisher, viewer, publishing, viewing, outgoing }
}

/// Both ends of both: the last flight of a handshake may be lost, and comes again after a second or more.
fn both_connected(call: &Call) -> impl Fn(&World) -> bool + use<> {
    let clients = [call.publisher, call.viewer];
    let transports = [call.publishing, call.viewing];
    move |world| {
        let state = TransportState::Connected;
        clients.iter().all(|client| world.clients[*client].connected)
            && transports
                .iter()
                .map(|&transport| Event::TransportState { transport, state })
                .all(|connected| world.events.contains(&connected))
    }
}

fn received_frames(world: &World, viewer: usize, kind: MediaKind) -> BTreeSet<u64> {
    world.clients[viewer].packets_of(kind).map(frame_number).collect()
}

/// Every frame from the first that came to the last, save the newest few still on their way.
fn missing_frames(frames: &BTreeSet<u64>) -> Vec<u64> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Vec::new() };
    (*first..last.saturating_sub(10)).filter(|frame| !frames.contains(frame)).collect()
}

#[test]
fn sound_and_picture_reach_a_viewer_whole() {
    let mut call = call(1, 1, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(3 * SECOND);

    let audio = received_frames(&call.world, call.viewer, MediaKind::Audio);
    let video = received_frames(&call.world, call.viewer, MediaKind::Video);
    assert!(audio.len() > 130, "{} audio frames", audio.len());
    assert!(video.len() > 80, "{} video frames", video.len());
    assert_eq!(missing_frames(&audio), Vec::<u64>::new());
    assert_eq!(missing_frames(&video), Vec::<u64>::new());
}

#[test]
fn a_track_crosses_to_another_thread() {
    let mut call = call(3, 2, Conditions::GOOD);
    assert_ne!(call.publishing.shard(), call.viewing.shard());
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(3 * SECOND);
    let video = received_frames(&call.world, call.viewer, MediaKind::Video);
    assert!(video.len() > 80, "{} video frames", video.len());
    assert_eq!(missing_frames(&video), Vec::<u64>::new());
}

#[test]
fn the_picture_starts_with_a_keyframe() {
    let mut call = call(1, 3, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(2 * SECOND);
    let first = call.world.clients[call.viewer].packets_of(MediaKind::Video).next().unwrap();
    let descriptor = 6;
    assert_eq!(first.payload[descriptor] & 1, 0, "the P bit of a keyframe is clear");
    let requests = &call.world.clients[call.publisher].keyframe_requests;
    assert!(requests.len() < 5, "{} requests", requests.len());
}

#[test]
fn lost_packets_are_repaired_on_both_hops() {
    for seed in [11, 12, 13] {
        let mut call = call(2, seed, Conditions::BAD);
        let connected = both_connected(&call);
        call.world.run_until(30 * SECOND, "both connect", connected);
        call.world.run(10 * SECOND);
        let video = received_frames(&call.world, call.viewer, MediaKind::Video);
        assert!(video.len() > 250, "seed {seed}: {} frames", video.len());
        let missing = missing_frames(&video);
        // A packet, its repair and the repair of that may all be lost; a handful in a thousand.
        assert!(missing.len() <= 6, "seed {seed}: {missing:?}");
    }
}

#[test]
fn of_a_track_that_is_withheld_nothing_reaches_anybody_on_any_thread() {
    let mut call = call(2, 31, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(2 * SECOND);
    let tracks = call.world.tracks_of(call.publishing);
    let withhold = |call: &mut Call, withheld| {
        for track in &tracks {
            let command = TransportCommand::Withhold { id: track.id, withheld };
            call.world.command(call.publishing, command);
        }
    };
    withhold(&mut call, true);
    call.world.run(SECOND / 5);
    let packets = |call: &Call| {
        [MediaKind::Audio, MediaKind::Video]
            .map(|kind| call.world.clients[call.viewer].packets_of(kind).count())
    };
    let before = packets(&call);
    call.world.run(2 * SECOND);
    assert_eq!(packets(&call), before);

    withhold(&mut call, false);
    call.world.run(2 * SECOND);
    let after = packets(&call);
    assert!(after[0] > before[0] + 80 && after[1] > before[1] + 50, "{before:?}, then {after:?}");
    // Without a gap, and from a keyframe on.
    let video: Vec<_> = call.world.clients[call.viewer].packets_of(MediaKind::Video).collect();
    let numbers: Vec<u64> = video.iter().map(|packet| *packet.seq_no).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let descriptor = 6;
    assert_eq!(video[before[1]].payload[descriptor] & 1, 0, "the P bit of a keyframe is clear");
}

#[test]
fn no_sequence_number_is_used_for_two_packets() {
    let mut call = call(2, 21, Conditions::BAD);
    let connected = both_connected(&call);
    call.world.run_until(30 * SECOND, "both connect", connected);
    call.world.run(5 * SECOND);
    let mut seen = std::collections::HashMap::new();
    for packet in call.world.clients[call.viewer].packets_of(MediaKind::Video) {
        let content = (frame_number(packet), packet.header.timestamp);
        let before = seen.insert((packet.header.ssrc, *packet.seq_no), content);
        assert!(before.is_none_or(|before| before == content), "{before:?} and {content:?}");
    }
}

#[test]
fn switching_the_source_needs_no_negotiation_and_goes_on_without_a_break() {
    let mut call = call(1, 4, Conditions::GOOD);
    let second = call.world.add_client(Client::new);
    let publishing = call.world.create_transport(0, Default::default());
    call.world.clients[second].want(MediaKind::Video, Direction::SendOnly, &[]);
    call.world.offer_from_client(second, publishing);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(2 * SECOND);

    let video = call.outgoing[1];
    let source = call.world.tracks_of(publishing)[0].id;
    let before = call.world.clients[call.viewer].packets_of(MediaKind::Video).count();
    call.world.command(call.viewing, TransportCommand::Attach { id: video, source });
    call.world.run(2 * SECOND);

    let packets: Vec<_> = call.world.clients[call.viewer].packets_of(MediaKind::Video).collect();
    assert!(packets.len() > before + 100, "it goes on after the switch");
    assert!(packets.windows(2).all(|w| w[0].header.ssrc == w[1].header.ssrc));
    assert!(packets.windows(2).all(|w| *w[1].seq_no == *w[0].seq_no + 1), "no gap");
    let times: Vec<u32> = packets.iter().map(|p| p.header.timestamp).collect();
    assert!(times.windows(2).all(|w| w[1].wrapping_sub(w[0]) < 90_000), "time moves on");
    let pictures: Vec<u16> =
        packets.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]]) & 0x7fff).collect();
    assert!(
        pictures.windows(2).all(|w| w[1] == w[0] || w[1] == (w[0] + 1) & 0x7fff),
        "picture ids go on"
    );
}

#[test]
fn muting_stops_the_packets_and_unmuting_brings_a_keyframe() {
    let mut call = call(1, 5, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(SECOND);
    let id = call.outgoing[1];
    call.world.command(call.viewing, TransportCommand::Mute { id, muted: true });
    call.world.run(SECOND / 2);
    let muted_at = call.world.clients[call.viewer].packets_of(MediaKind::Video).count();
    call.world.run(SECOND);
    let packets = || call.world.clients[call.viewer].packets_of(MediaKind::Video);
    assert_eq!(packets().count(), muted_at);
    let sound = call.world.clients[call.viewer].packets_of(MediaKind::Audio).count();
    call.world.command(call.viewing, TransportCommand::Mute { id, muted: false });
    call.world.run(SECOND);
    let packets = || call.world.clients[call.viewer].packets_of(MediaKind::Video);
    let first = packets().nth(muted_at).expect("the picture is back");
    assert_eq!(first.payload[6] & 1, 0, "with a keyframe");
    assert!(call.world.clients[call.viewer].packets_of(MediaKind::Audio).count() > sound + 40);
}

#[test]
fn simulcast_takes_the_encoding_that_was_chosen() {
    let mut world = World::new(1, 6, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &["q", "f"]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].clone();
    assert_eq!(source.rids, ["q", "f"]);
    let viewer = world.add_client(Client::new);
    let viewing = world.create_transport(0, Default::default());
    let id = world.add_outgoing(viewing, Kind::Video, "s");
    world.command(viewing, TransportCommand::Attach { id, source: source.id });
    world.offer_from_transport(viewing, viewer);
    world.run(4 * SECOND);

    let now_forwards = |world: &World| {
        let of_track = |event: &&Event| matches!(event, Event::TransponderEncoding { id: of, .. } if *of == id);
        match world.events.iter().rev().find(of_track) {
            Some(Event::TransponderEncoding { encoding, .. }) => {
                encoding.as_ref().and_then(|e| e.rid.clone())
            }
            _ => None,
        }
    };
    for rid in ["q", "f", "q"] {
        let before = world.clients[viewer].packets.len();
        let rid = Some(rid.to_owned());
        world.command(viewing, TransportCommand::SelectEncoding { id, rid: rid.clone() });
        world.run(2 * SECOND);
        assert_eq!(now_forwards(&world), rid);
        assert!(world.clients[viewer].packets.len() > before + 100);
    }
    let packets = &world.clients[viewer].packets;
    assert!(packets.windows(2).all(|w| *w[1].seq_no == *w[0].seq_no + 1), "no gap");
}

#[test]
fn closing_the_publisher_closes_its_tracks_and_leaves_the_viewer_connected() {
    let mut call = call(2, 7, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    // This side is the DTLS client and hears half a round trip later that the peer is through.
    call.world.run(SECOND / 20);
    let reply = call.world.ask(call.publishing, |request| TransportCommand::Close { request });
    assert!(reply.is_ok());
    call.world.run(2 * SECOND);
    let closed = call
        .world
        .events
        .iter()
        .filter(|event| matches!(event, Event::IncomingTrackClosed { .. }))
        .count();
    assert_eq!(closed, 2);
    assert!(call.world.clients[call.publisher].closed, "it was told");
    assert!(!call.world.clients[call.viewer].closed);
    let packets = call.world.clients[call.viewer].packets.len();
    call.world.run(SECOND);
    assert_eq!(call.world.clients[call.viewer].packets.len(), packets);
}

#[test]
fn a_track_that_was_removed_can_be_given_again_on_the_same_line() {
    let mut call = call(1, 8, Conditions::GOOD);
    let connected = both_connected(&call);
    call.world.run_until(5 * SECOND, "both connect", connected);
    call.world.run(SECOND);
    let (viewing, viewer) = (call.viewing, call.viewer);
    let source = call.world.tracks_of(call.publishing)[1].id;
    let mut id = call.outgoing[1];
    for round in 0..3 {
        call.world.command(viewing, TransportCommand::RemoveOutgoingTrack { id });
        call.world.offer_from_transport(viewing, viewer);
        call.world.run(SECOND / 2);
        let before = call.world.clients[viewer].packets_of(MediaKind::Video).count();
        id = call.world.add_outgoing(viewing, Kind::Video, "again");
        call.world.command(viewing, TransportCommand::Attach { id, source });
        call.world.offer_from_transport(viewing, viewer);
        call.world.run(2 * SECOND);
        let after = call.world.clients[viewer].packets_of(MediaKind::Video).count();
        assert!(after > before + 100, "round {round}: {before} then {after} packets");
    }
}

#[test]
fn red_goes_on_to_who_takes_it_and_is_unwrapped_for_who_does_not() {
    let with_red = |now, address| {
        Client::with(now, address, |config| config.clear_codecs().enable_opus(true, true))
    };
    let red = || TransportOptions { red: true, ..Default::default() };
    let mut world = World::new(1, 9, Conditions::GOOD);
    let publisher = world.add_client(with_red);
    let publishing = world.create_transport(0, red());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    world.clients[publisher].sending[0].red = true;
    let source = world.tracks_of(publishing)[0].id;
    let mut viewers = Vec::new();
    for options in [red(), TransportOptions::default()] {
        let client = world.add_client(with_red);
        let transport = world.create_transport(0, options);
        let id = world.add_outgoing(transport, Kind::Audio, "s");
        world.command(transport, TransportCommand::Attach { id, source });
        world.offer_from_transport(transport, client);
        viewers.push(client);
    }
    world.run(3 * SECOND);
    let first_bytes = |client: usize| -> BTreeSet<u8> {
        world.clients[client].packets.iter().map(|p| p.payload[0]).collect()
    };
    assert!(world.clients[viewers[0]].packets.len() > 100);
    assert_eq!(first_bytes(viewers[0]), BTreeSet::from([111]), "still wrapped");
    assert!(world.clients[viewers[1]].packets.len() > 100);
    assert_eq!(first_bytes(viewers[1]), BTreeSet::from([0xfc]), "unwrapped");
}

#[test]
fn payload_types_are_the_receivers_own() {
    let mut world = World::new(1, 10, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].id;
    // A receiver that offers VP8 under a number of its own.
    let viewer = world.add_client(|now, address| {
        Client::with(now, address, |config| {
            let mut config = config.clear_codecs();
            let (codec, clock) = (str0m::format::Codec::Vp8, str0m::media::Frequency::NINETY_KHZ);
            let (pt, rtx) = (120.into(), Some(121.into()));
            config.codec_config().add_config(pt, rtx, codec, clock, None, Default::default());
            config
        })
    });
    let viewing = world.create_transport(0, Default::default());
    let id = world.add_outgoing(viewing, Kind::Video, "s");
    world.command(viewing, TransportCommand::Attach { id, source });
    world.clients[viewer].want(MediaKind::Video, Direction::RecvOnly, &[]);
    world.offer_from_client(viewer, viewing);
    world.run(3 * SECOND);
    let packets = &world.clients[viewer].packets;
    assert!(packets.len() > 100, "{} packets", packets.len());
    assert!(packets.iter().all(|p| *p.header.payload_type == 120));
}

#[test]
fn a_receiver_without_the_codec_is_told_so() {
    let mut world = World::new(1, 11, Conditions::GOOD);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let source = world.tracks_of(publishing)[0].id;
    let viewer = world.add_client(Client::new);
    let codecs = vec![medialoom::codec::Codec::H264];
    let viewing = world.create_transport(0, TransportOptions { codecs, ..Default::default() });
    let id = world.add_outgoing(viewing, Kind::Video, "s");
    world.command(viewing, TransportCommand::Attach { id, source });
    world.offer_from_transport(viewing, viewer);
    world.run(3 * SECOND);
    let errors: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::TransponderError { id: of, error } if *of == id => Some(error.code),
            _ => None,
        })
        .collect();
    assert_eq!(errors, [ErrorCode::CodecMismatch], "once");
    assert_eq!(world.clients[viewer].packets.len(), 0);
}
