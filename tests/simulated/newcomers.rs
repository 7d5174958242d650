//! Viewers who come to a stream that is there: how soon they have the picture, and what that asks of
//! the publisher.

use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::camera::{Camera, begins_keyframe, sent};
use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::room::is_rtp;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::SourceId;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind};
use str0m::rtp::RtpPacket;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const BITRATE: usize = 1_500_000;

fn only_vp8(now: Instant, address: std::net::SocketAddr) -> Client {
    Client::with(now, address, |config| config.clear_codecs().enable_vp8(true))
}

/// A publisher on the first of the threads.
struct Stage {
    world: World,
    publisher: usize,
    source: SourceId,
}

impl Stage {
    /// One whose last keyframe was asked for and sent so long ago.
    fn new(threads: usize, conditions: Conditions, keyframe_age: Duration) -> Self {
        Self::of(BITRATE, threads, conditions, keyframe_age)
    }

    fn of(bitrate: usize, threads: usize, conditions: Conditions, keyframe_age: Duration) -> Self {
        let mut world = World::new(threads, 1, conditions);
        let publisher = world.add_client(only_vp8);
        let publishing = world.create_transport(0, Default::default());
        world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
        world.offer_from_client(publisher, publishing);
        let mid = world.clients[publisher].sending[0].mid;
        let start = world.start;
        world.clients[publisher].send_from(mid, Box::new(Camera::new(start, bitrate)));
        let id = world.tracks_of(publishing)[0].id;
        let connected = |world: &World| world.clients[publisher].connected;
        world.run_until(30 * SECOND, "the publisher connects", connected);
        world.run(4 * SECOND);
        world.command(publishing, TransportCommand::RequestKeyframe { id, rid: None });
        world.run(keyframe_age);
        Self { world, publisher, source: id }
    }

    /// A viewer on the last thread, whose offer is made now. Gives its client.
    fn add_viewer(&mut self) -> usize {
        let Self { world, source, .. } = self;
        let viewer = world.add_client(only_vp8);
        let transport = world.create_transport(world.shards.len() - 1, Default::default());
        let id = world.add_outgoing(transport, Kind::Video, "forwarded");
        world.command(transport, TransportCommand::Attach { id, source: *source });
        world.clients[viewer].want(MediaKind::Video, Direction::RecvOnly, &[]);
        world.offer_from_client(viewer, transport);
        viewer
    }

    fn asked(&self) -> usize {
        self.world.clients[self.publisher].keyframe_requests.len()
    }

    fn packets(&self, viewer: usize) -> &[RtpPacket] {
        &self.world.clients[viewer].packets
    }

    /// When a viewer had its first keyframe.
    fn first_picture(&self, viewer: usize) -> Option<Instant> {
        let first = self.packets(viewer).first()?;
        assert!(begins_keyframe(first), "a stream begins with a keyframe");
        let keyframe = self.packets(viewer).iter().find(|packet| packet.header.marker)?;
        Some(keyframe.timestamp)
    }
}

/// How far the newest picture was behind the live one at each packet, in milliseconds.
fn behind(stage: &Stage, viewer: usize) -> f64 {
    let start = stage.world.start;
    let packets = stage.packets(viewer);
    let age = |packet: &RtpPacket| {
        packet.timestamp.duration_since(start).as_secs_f64() - sent(packet).unwrap().as_secs_f64()
    };
    packets.iter().map(age).fold(0.0, f64::max) * 1e3
}

#[test]
fn a_viewer_gets_what_came_since_the_last_keyframe_as_soon_as_it_is_connected() {
    for threads in [1, 2] {
        let mut stage = Stage::new(threads, Conditions::GOOD, 700 * MS);
        let asked = stage.asked();
        let offered = stage.world.now;
        let viewer = stage.add_viewer();
        stage.world.run(2 * SECOND);
        let first = stage.first_picture(viewer).expect("a picture");
        // A round trip is 10 ms, and checks begin when they want.
        assert!(first - offered < 100 * MS, "{threads}: {:?} after the offer", first - offered);
        assert_eq!(stage.asked(), asked, "{threads}: the publisher was asked for nothing");
    }
}

/// Who reads the picture by the keys that a handshake makes has to have its end first.
#[test]
fn the_end_of_the_handshake_is_sent_before_the_picture_that_it_lets_through() {
    for keyframe_age in [100 * MS, 3 * SECOND] {
        let mut stage = Stage::new(1, Conditions::GOOD, keyframe_age);
        let viewer = stage.add_viewer();
        let address = stage.world.clients[viewer].address;
        stage.world.network.recorded.insert(address, Vec::new());
        stage.world.run(SECOND);
        let sent = &stage.world.network.recorded[&address];
        let is_dtls = |datagram: &Vec<u8>| matches!(datagram[0], 20..64);
        let media = sent.iter().position(|datagram| is_rtp(datagram)).expect("media");
        assert!(sent[..media].iter().any(is_dtls), "{keyframe_age:?}");
        assert!(!sent[media..media + 10].iter().any(is_dtls), "{keyframe_age:?}");
    }
}

/// A stream that fits the thinnest of links begins with no more than these hold.
#[test]
fn a_small_stream_begins_with_a_new_keyframe_where_much_came_since_the_last() {
    for (keyframe_age, asks) in [(20 * MS, 0), (800 * MS, 1)] {
        let mut stage = Stage::of(200_000, 1, Conditions::GOOD, keyframe_age);
        let asked = stage.asked();
        let offered = stage.world.now;
        let viewer = stage.add_viewer();
        stage.world.run(2 * SECOND);
        let first = stage.first_picture(viewer).expect("a picture");
        assert!(first - offered < 150 * MS, "{keyframe_age:?}: {:?}", first - offered);
        assert_eq!(stage.asked() - asked, asks, "{keyframe_age:?}");
    }
}

#[test]
fn the_group_is_over_in_a_moment_and_its_time_goes_on_into_that_of_the_stream() {
    let mut stage = Stage::new(1, Conditions::GOOD, 700 * MS);
    let viewer = stage.add_viewer();
    stage.world.run(2 * SECOND);
    let packets = stage.packets(viewer);
    let first = &packets[0];
    let group: Vec<&RtpPacket> =
        packets.iter().filter(|p| p.timestamp < first.timestamp + 40 * MS).collect();
    let span = |of: &[&RtpPacket]| {
        let (first, last) = (of[0].header.timestamp, of[of.len() - 1].header.timestamp);
        f64::from(last.wrapping_sub(first)) / 90.0
    };
    let captured = sent(group[group.len() - 1]).unwrap() - sent(group[0]).unwrap();
    assert!(captured > 650 * MS, "{captured:?} of pictures came at once");
    assert!(span(&group) < 90.0, "their timestamps span {} ms", span(&group));
    let steps = packets.windows(2).map(|pair| {
        let [one, two] = [&pair[0], &pair[1]].map(|packet| packet.header.timestamp);
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
        two.wrapping_sub(one)
    });
    assert!(steps.into_iter().all(|step| step <= 3_100), "time goes on and on");
    // What is sent is as old as it says, from the first live picture on.
    let live = &packets[packets.len() - 200..];
    let [one, two] = [&live[0], &live[199]];
    let ticks = two.header.timestamp.wrapping_sub(one.header.timestamp);
    let elapsed = (sent(two).unwrap() - sent(one).unwrap()).as_secs_f64();
    assert!((f64::from(ticks) / 90_000.0 - elapsed).abs() < 0.002);
}

#[test]
fn after_a_long_time_without_a_keyframe_one_is_asked_for_while_the_viewer_connects() {
    let far = Conditions { delay: 50 * MS, ..Conditions::GOOD };
    let mut stage = Stage::new(1, far, 3 * SECOND);
    let asked = stage.asked();
    let offered = stage.world.now;
    let viewer = stage.add_viewer();
    let requested = |world: &World| world.clients[0].keyframe_requests.len() > asked;
    stage.world.run_until(SECOND, "a request", requested);
    assert!(!stage.world.clients[viewer].connected, "it is asked for before it can be sent");
    stage.world.run(2 * SECOND);
    let first = stage.first_picture(viewer).expect("a picture");
    assert!(first - offered < 350 * MS, "{:?} after the offer", first - offered);
    assert_eq!(stage.asked(), asked + 1);
    assert!(behind(&stage, viewer) < 200.0, "{} ms", behind(&stage, viewer));
}

#[test]
fn fifty_viewers_who_come_together_have_the_picture_as_soon_as_one() {
    for keyframe_age in [100 * MS, 3 * SECOND] {
        let mut stage = Stage::new(2, Conditions::GOOD, keyframe_age);
        let asked = stage.asked();
        let viewers: Vec<(usize, Instant)> = (0..50)
            .map(|_| {
                let offered = stage.world.now;
                let viewer = stage.add_viewer();
                stage.world.run(5 * MS);
                (viewer, offered)
            })
            .collect();
        stage.world.run(SECOND);
        let mut took: Vec<Duration> = viewers
            .iter()
            .map(|(viewer, offered)| stage.first_picture(*viewer).expect("a picture") - *offered)
            .collect();
        took.sort();
        assert!(took[47] <= 150 * MS, "{:?} of 95 %", took[47]);
        assert!(stage.asked() <= asked + 2, "{} keyframes", stage.asked() - asked);
    }
}

#[test]
fn who_lost_its_picture_does_not_hold_up_who_has_none_yet() {
    let mut stage = Stage::new(1, Conditions::GOOD, 3 * SECOND);
    let first = stage.add_viewer();
    stage.world.run(4 * SECOND);
    let mid = stage.packets(first).last().and_then(|packet| packet.header.ext_vals.mid);
    let mid = mid.expect("its MID");
    stage.world.clients[first].request_keyframe(mid, KeyframeRequestKind::Pli);
    stage.world.run(20 * MS);
    let offered = stage.world.now;
    let viewer = stage.add_viewer();
    stage.world.run(SECOND);
    let took = stage.first_picture(viewer).expect("a picture") - offered;
    assert!(took <= 150 * MS, "{took:?}");
}
