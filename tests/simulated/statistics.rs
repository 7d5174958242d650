//! Figures that tell what happened, on a network that does known things to packets.

use std::time::Duration;

use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::{World, shard_address};
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::TransportId;
use serde_json::Value;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// Sound and picture of one peer to another on the next thread, for ten seconds.
fn call(seed: u64, conditions: Conditions) -> (World, TransportId, TransportId) {
    let mut world = World::new(2, seed, conditions);
    let publisher = world.add_client(Client::new);
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    let viewer = world.add_client(Client::new);
    let viewing = world.create_transport(1, Default::default());
    for track in world.tracks_of(publishing) {
        let id = world.add_outgoing(viewing, track.kind, "forwarded");
        world.command(viewing, TransportCommand::Attach { id, source: track.id });
    }
    world.offer_from_transport(viewing, viewer);
    world.run_until(30 * SECOND, "both connect", |world| {
        world.clients.iter().all(|client| client.connected)
    });
    world.run(10 * SECOND);
    (world, publishing, viewing)
}

fn transport(stats: &Value, id: TransportId) -> &Value {
    stats["transports"].as_array().unwrap().iter().find(|t| t["id"] == id.0).unwrap()
}

fn of_kind<'a>(tracks: &'a Value, kind: &str) -> &'a Value {
    tracks.as_array().unwrap().iter().find(|track| track["kind"] == kind).unwrap()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[track_caller]
fn between(value: &Value, name: &str, least: f64, most: f64) {
    let found = number(value, name);
    assert!((least..=most).contains(&found), "{name} is {found}, not {least} to {most}");
}

#[test]
fn what_comes_and_goes_is_counted() {
    let (mut world, publishing, viewing) = call(1, Conditions::GOOD);
    let stats = world.snapshot();
    let incoming = &transport(&stats, publishing)["incomingTracks"];
    let video = &of_kind(incoming, "video")["encodings"][0];
    // 30 frames a second of three packets of 615 bytes or so.
    between(video, "framesReceived", 290.0, 310.0);
    between(video, "framesPerSecond", 27.0, 33.0);
    between(video, "keyFramesReceived", 1.0, 3.0);
    between(video, "packetsReceived", 870.0, 930.0);
    between(video, "bitrate", 400_000.0, 480_000.0);
    between(video, "pliCount", 1.0, 3.0);
    between(video, "jitter", 0.0, 0.005);
    assert_eq!((number(video, "packetsLost"), number(video, "nackCount")), (0.0, 0.0));
    assert_eq!(
        (video["frameWidth"].as_u64(), video["frameHeight"].as_u64()),
        (Some(320), Some(180))
    );
    let audio = &of_kind(incoming, "audio")["encodings"][0];
    between(audio, "packetsReceived", 490.0, 520.0);
    between(audio, "bitrate", 17_000.0, 21_000.0);
    assert!(audio.get("framesReceived").is_none());

    let outgoing = &transport(&stats, viewing)["outgoingTracks"];
    let video = of_kind(outgoing, "video");
    between(video, "packetsSent", 860.0, 930.0);
    between(video, "bitrate", 400_000.0, 480_000.0);
    between(video, "framesSent", 285.0, 310.0);
    assert_eq!(number(video, "nackCount"), 0.0);
    between(of_kind(outgoing, "audio"), "packetsSent", 480.0, 520.0);
    // 5 ms each way.
    between(video, "roundTripTime", 0.009, 0.012);
}

#[test]
fn loss_jitter_and_repairs_show_on_both_hops() {
    let (mut world, publishing, viewing) = call(2, Conditions::BAD);
    let stats = world.snapshot();
    let incoming = &transport(&stats, publishing)["incomingTracks"];
    let video = &of_kind(incoming, "video")["encodings"][0];
    // One packet in twenty is lost and asked for again; few never come.
    between(video, "nackCount", 10.0, 500.0);
    between(video, "packetsLost", 0.0, 10.0);
    between(video, "jitter", 0.001, 0.2);

    let video = of_kind(&transport(&stats, viewing)["outgoingTracks"], "video");
    between(video, "nackCount", 10.0, 500.0);
    // As the receiver reckons, which takes a repair for a late packet.
    between(video, "jitter", 0.001, 0.2);
    // 20 ms and up to 30 ms in a queue, each way.
    between(video, "roundTripTime", 0.04, 0.2);

    // What was lost since the report before, which may be nothing.
    let mut worst = [0.0_f64; 2];
    for _ in 0..10 {
        world.run(SECOND);
        let stats = world.snapshot();
        let incoming = &of_kind(&transport(&stats, publishing)["incomingTracks"], "video");
        let outgoing = of_kind(&transport(&stats, viewing)["outgoingTracks"], "video");
        for (worst, of) in worst.iter_mut().zip([&incoming["encodings"][0], outgoing]) {
            *worst = worst.max(of["fractionLost"].as_f64().unwrap_or(0.0));
        }
    }
    assert!(worst.iter().all(|worst| (0.005..0.5).contains(worst)), "{worst:?}");
}

#[test]
fn datagrams_of_nobody_are_counted_and_answered_by_nothing() {
    let mut world = World::new(2, 3, Conditions::GOOD);
    let stranger = "10.9.9.9:9".parse().unwrap();
    for first in [0, 20, 63, 128, 200] {
        for _ in 0..100 {
            world.network.send(world.now, stranger, shard_address(1), &[first; 200]);
        }
    }
    world.run(SECOND);
    let stats = world.snapshot();
    let unmatched = |thread: usize| stats["threads"][thread]["packetsUnmatched"].as_u64();
    assert_eq!((unmatched(0), unmatched(1)), (Some(0), Some(500)));
    assert_eq!(world.network.sent_to(stranger), 0);
}
