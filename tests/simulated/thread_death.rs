//! A media thread that dies, as the other threads and the one after it see it.

use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::Event;
use medialoom::control::ids::{Ids, OutgoingTrackId, ShardIndex, SourceId, TakerId, TransportId};
use medialoom::control::speakers::SpeakersCommand;
use medialoom::engine::io::Reactor;
use medialoom::engine::message::ShardMessage;
use medialoom::engine::tap::Inlet;
use medialoom::sfu::EncodingSet;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// A client that sends pictures, or talks, to a transport on `shard`.
fn publish(world: &mut World, shard: usize, kind: MediaKind) -> (TransportId, SourceId) {
    let client = world.add_client(Client::new);
    let transport = world.create_transport(shard, Default::default());
    world.clients[client].want(kind, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    for sending in world.clients[client].sending.iter_mut().filter(|s| s.kind == MediaKind::Audio) {
        sending.extensions.audio_level = Some(-22);
        sending.extensions.voice_activity = Some(true);
    }
    (transport, world.tracks_of(transport)[0].id)
}

struct Viewer {
    client: usize,
    transport: TransportId,
    track: OutgoingTrackId,
}

impl Viewer {
    fn new(world: &mut World, shard: usize, kind: Kind, source: SourceId) -> Self {
        let client = world.add_client(Client::new);
        let transport = world.create_transport(shard, Default::default());
        let track = world.add_outgoing(transport, kind, "s");
        world.command(transport, TransportCommand::Attach { id: track, source });
        world.offer_from_transport(transport, client);
        Self { client, transport, track }
    }

    /// Packets that come in two seconds.
    fn sees(&self, world: &mut World) -> usize {
        let before = world.clients[self.client].packets.len();
        world.run(2 * SECOND);
        world.clients[self.client].packets.len() - before
    }
}

#[test]
fn viewers_on_other_threads_lose_what_came_from_there_and_take_what_comes_next() {
    let mut world = World::new(3, 1, Conditions::GOOD);
    let (_, lost) = publish(&mut world, 0, MediaKind::Video);
    let (_, kept) = publish(&mut world, 1, MediaKind::Video);
    let unlucky = Viewer::new(&mut world, 1, Kind::Video, lost);
    let lucky = Viewer::new(&mut world, 2, Kind::Video, kept);
    world.run(2 * SECOND);
    assert!(unlucky.sees(&mut world) > 100 && lucky.sees(&mut world) > 100);

    world.kill_thread(0, |_| ());
    // What was on its way arrives.
    world.run(SECOND / 10);
    assert_eq!(unlucky.sees(&mut world), 0);
    let over = Event::TransponderEncoding { id: unlucky.track, encoding: None };
    assert!(world.events.contains(&over), "as when a track closes");
    assert!(lucky.sees(&mut world) > 100, "the neighbours see on");

    let (_, next) = publish(&mut world, 0, MediaKind::Video);
    let attach = TransportCommand::Attach { id: unlucky.track, source: next };
    world.command(unlucky.transport, attach);
    world.run(SECOND);
    assert!(unlucky.sees(&mut world) > 100);
    let closed = |event: &Event| matches!(event, Event::TransportClosed { .. });
    assert!(!world.events.iter().any(closed));
}

#[test]
fn a_track_whose_viewers_died_is_wanted_by_nobody_until_the_next_thread_has_some() {
    let mut world = World::new(2, 2, Conditions::GOOD);
    let (_, source) = publish(&mut world, 1, MediaKind::Video);
    Viewer::new(&mut world, 0, Kind::Video, source);
    world.run(2 * SECOND);
    let wanted = |world: &World| {
        world.events.iter().rev().find_map(|event| match event {
            Event::Demand { id, encodings } if *id == source => {
                Some(encodings.iter().any(|encoding| encoding.wanted))
            }
            _ => None,
        })
    };
    assert_ne!(wanted(&world), Some(false));
    world.kill_thread(0, |_| ());
    // Those who come and go are not told at once.
    world.run(4 * SECOND);
    assert_eq!(wanted(&world), Some(false));
    let next = Viewer::new(&mut world, 0, Kind::Video, source);
    world.run(2 * SECOND);
    assert_eq!(wanted(&world), Some(true));
    assert!(next.sees(&mut world) > 100);
}

#[test]
fn what_was_asked_of_the_thread_that_died_is_answered_and_what_was_made_there_is_not() {
    let mut world = World::new(1, 3, Conditions::GOOD);
    let old = world.create_transport(0, Default::default());
    let group = world.create_speakers(0);
    let mut later = None;
    let ended = world.kill_thread(0, |world| {
        later = Some(world.create_transport(0, Default::default()));
    });
    let later = later.unwrap();
    assert!(old.ended_with(ended) && group.ended_with(ended) && !later.ended_with(ended));
    assert_eq!(world.create_offer(old).unwrap_err().code, ErrorCode::Closed);
    assert_eq!(world.create_offer(later).unwrap_err().code, ErrorCode::InvalidState, "it is there");
    assert_eq!(world.snapshot()["transports"].as_array().unwrap().len(), 1);
}

#[test]
fn a_transport_whose_making_waited_when_the_thread_died_is_not_made_by_the_next() {
    let mut world = World::new(1, 4, Conditions::GOOD);
    // Its number is of before the end, its command comes after.
    let early = world.reserve_transport(0);
    world.kill_thread(0, |_| ());
    world.make_transport(early, Default::default());
    assert_eq!(world.create_offer(early).unwrap_err().code, ErrorCode::Closed);
    assert!(world.snapshot()["transports"].as_array().unwrap().is_empty());
}

#[test]
fn a_speaker_who_died_gives_up_the_floor_and_a_group_that_died_feeds_nobody() {
    let mut world = World::new(2, 5, Conditions::GOOD);
    let group = world.create_speakers(1);
    let (_, slots, _) = world.create_slots(group, 1, 0);
    let slot = slots[0];
    let (owner, audio) = publish(&mut world, 0, MediaKind::Audio);
    let (other, quiet) = publish(&mut world, 1, MediaKind::Audio);
    world.speakers(group, SpeakersCommand::Add { audio, owner, video: None });
    let listener = world.add_client(Client::new);
    let listening = world.create_transport(1, Default::default());
    let id = world.add_outgoing(listening, Kind::Audio, "slots");
    world.command(listening, TransportCommand::AttachSlot { id, slot });
    world.offer_from_transport(listening, listener);
    world.run(3 * SECOND);
    let fed = |world: &World| {
        world.events.iter().rev().find_map(|event| match event {
            Event::SpeakerSlot { slot: of, track } if *of == slot => Some(*track),
            _ => None,
        })
    };
    assert_eq!(fed(&world), Some(Some(audio)));

    world.kill_thread(0, |_| ());
    world.run(SECOND);
    assert_eq!(fed(&world), Some(None));
    world.speakers(group, SpeakersCommand::Add { audio: quiet, owner: other, video: None });
    world.run(3 * SECOND);
    assert_eq!(fed(&world), Some(Some(quiet)), "the group goes on");

    let far = world.create_speakers(0);
    let (_, slots, _) = world.create_slots(far, 1, 0);
    world.speakers(far, SpeakersCommand::Add { audio: quiet, owner: other, video: None });
    world.command(listening, TransportCommand::AttachSlot { id, slot: slots[0] });
    world.run(2 * SECOND);
    let heard = |world: &mut World| {
        let before = world.clients[listener].packets.len();
        world.run(2 * SECOND);
        world.clients[listener].packets.len() - before
    };
    assert!(heard(&mut world) > 50);
    world.kill_thread(0, |_| ());
    assert_eq!(heard(&mut world), 0);
}

#[test]
fn who_taps_a_track_that_died_hears_that_it_is_gone() {
    let mut world = World::new(1, 6, Conditions::GOOD);
    let (_, source) = publish(&mut world, 0, MediaKind::Audio);
    world.kill_thread(0, |_| ());
    let (inlet, _packets) = Inlet::new(|| ());
    let taker = TakerId::new(&Ids::default(), ShardIndex(0));
    let wanted = EncodingSet::ALL;
    let message = ShardMessage::Tap { track: source, taker, inlet: inlet.clone(), wanted };
    world.shards[0].handle_message(world.now, message);
    assert!(inlet.take_notes().sources.get(&source).is_some_and(Option::is_none), "it is gone");
}
