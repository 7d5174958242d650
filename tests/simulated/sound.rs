//! Sound on its way: redundancy (RFC 2198) both ways, forward error correction inside Opus and
//! silence (RFC 7587) that pass as they are.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::client::{Client, frame_number};
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::codec::red::{self, Red};
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::{OutgoingTrackId, SourceId, TransportId};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};
use str0m::rtp::RtpPacket;

const SECOND: Duration = Duration::from_secs(1);
/// Opus of 20 ms at 48 kHz.
const FRAME: u32 = 960;
const MARK: u8 = 0xfc;

fn speaker(now: Instant, address: std::net::SocketAddr) -> Client {
    Client::with(now, address, |config| config.clear_codecs().enable_opus(true, true))
}

fn options(red: bool) -> TransportOptions {
    TransportOptions { red, ..Default::default() }
}

/// A peer that talks, on `shard`.
fn talker(world: &mut World, shard: usize) -> (usize, SourceId) {
    let client = world.add_client(speaker);
    let transport = world.create_transport(shard, options(true));
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    (client, world.tracks_of(transport)[0].id)
}

struct Listener {
    client: usize,
    transport: TransportId,
    track: OutgoingTrackId,
}

fn listener(world: &mut World, shard: usize, red: bool, source: SourceId) -> Listener {
    let client = world.add_client(speaker);
    let transport = world.create_transport(shard, options(red));
    let track = world.add_outgoing(transport, Kind::Audio, "s");
    world.command(transport, TransportCommand::Attach { id: track, source });
    world.offer_from_transport(transport, client);
    Listener { client, transport, track }
}

fn attach(world: &mut World, listener: &Listener, source: SourceId) {
    world.command(listener.transport, TransportCommand::Attach { id: listener.track, source });
}

fn heard<'a>(world: &'a World, listener: &Listener) -> &'a [RtpPacket] {
    &world.clients[listener.client].packets
}

/// What the encoder made of a frame, as [`Client`] does without RED.
fn opus(frame: u64) -> Vec<u8> {
    [[MARK; 40].as_slice(), &frame.to_be_bytes()].concat()
}

/// RED of a sender that repeats the frame before.
fn red_of_two(_: bool, tail: &[u8]) -> Vec<u8> {
    let frame = u64::from_be_bytes(tail[tail.len() - 8..].try_into().unwrap());
    let Some(before) = frame.checked_sub(1) else { return [&[111], tail].concat() };
    let before = opus(before);
    let header = red::header(111, FRAME as u16, before.len() as u16);
    [&header[..], &[111], &before, tail].concat()
}

fn talk_in_red(world: &mut World, client: usize) {
    world.clients[client].sending[0].red = true;
    world.clients[client].sending[0].payload = Some(red_of_two);
}

/// Timestamps and data of all blocks, the primary one last.
fn blocks(packet: &RtpPacket) -> Vec<(u32, Vec<u8>)> {
    let red = Red::parse(&packet.payload).expect("RED");
    let time = packet.header.timestamp;
    let block = |b: &red::Block| (time.wrapping_sub(b.offset.into()), red.data(b).to_vec());
    let redundant = red.redundant().iter().map(block);
    redundant.chain([(time, red::primary(&packet.payload).unwrap().to_vec())]).collect()
}

fn sequences(packets: &[RtpPacket]) -> Vec<u64> {
    packets.iter().map(|packet| *packet.seq_no).collect()
}

/// Every `n`th datagram with media to one client, or to one shard, is lost.
fn lose_every(world: &mut World, n: u32, to: std::net::SocketAddr) {
    let mut count = 0;
    world.network.drop = Some(Box::new(move |address, bytes| {
        let media = bytes.len() > 40 && (0x80..0xc0).contains(&bytes[0]) && bytes[1] & 0x7f < 64
            || bytes.len() > 40 && bytes[0] & 0xc0 == 0x80 && bytes[1] & 0x7f > 95;
        count += u32::from(media && address == to);
        media && address == to && count % n == 0
    }));
}

#[test]
fn plain_opus_becomes_red_whose_blocks_are_the_frames_before() {
    let mut world = World::new(2, 201, Conditions::GOOD);
    let (_, source) = talker(&mut world, 0);
    let listener = listener(&mut world, 1, true, source);
    world.run(3 * SECOND);
    let packets = heard(&world, &listener);
    assert!(packets.len() > 100, "{} packets", packets.len());
    for (index, packet) in packets.iter().enumerate() {
        let frame = frame_number(packet);
        let time = packet.header.timestamp;
        let mut expected = vec![(time, opus(frame))];
        if index > 0 {
            expected.insert(0, (time.wrapping_sub(FRAME), opus(frame - 1)));
        }
        assert_eq!(blocks(packet), expected);
    }
}

#[test]
fn a_listener_that_loses_one_packet_in_ten_has_every_frame_out_of_the_redundancy() {
    let mut world = World::new(1, 202, Conditions::GOOD);
    let (_, source) = talker(&mut world, 0);
    let listener = listener(&mut world, 0, true, source);
    world.run(SECOND);
    let address = world.clients[listener.client].address;
    lose_every(&mut world, 10, address);
    world.run(5 * SECOND);
    let packets = heard(&world, &listener);
    let arrived: BTreeSet<u64> = packets.iter().map(frame_number).collect();
    let (first, last) = (*arrived.first().unwrap(), *arrived.last().unwrap());
    let lost = (first..last).filter(|frame| !arrived.contains(frame)).count();
    assert!(lost > 15, "{lost} lost");
    let all: BTreeSet<Vec<u8>> = packets.iter().flat_map(blocks).map(|(_, data)| data).collect();
    assert!((first..last).all(|frame| all.contains(&opus(frame))));
    // It reported that, and gets two blocks since.
    assert_eq!(blocks(packets.last().unwrap()).len(), 3);
}

#[test]
fn a_publisher_is_told_what_the_worst_listener_on_any_thread_loses() {
    let mut world = World::new(2, 1, Conditions::GOOD);
    let watching = |now: Instant, address| {
        let config = |config: str0m::RtcConfig| {
            let config = config.clear_codecs().enable_opus(true, false);
            config.set_stats_interval(Some(SECOND))
        };
        Client::with(now, address, config)
    };
    let client = world.add_client(watching);
    let transport = world.create_transport(0, options(false));
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.offer_from_client(client, transport);
    let source = world.tracks_of(transport)[0].id;
    let [near, far] = [0, 1].map(|shard| listener(&mut world, shard, false, source));
    world.run(SECOND * 12);
    assert_eq!(world.clients[client].lost, Some(0.0));

    let lossy = world.clients[far.client].address;
    lose_every(&mut world, 10, lossy);
    world.run(SECOND * 30);
    let lost = world.clients[client].lost.unwrap();
    assert!((0.06..0.13).contains(&lost), "{lost}");

    world.ask(far.transport, |request| TransportCommand::Close { request }).unwrap();
    world.run(SECOND * 12);
    assert_eq!(world.clients[client].lost, Some(0.0));
    assert!(heard(&world, &near).len() > 1_000);
}

#[test]
fn what_a_publisher_lost_reaches_listeners_without_red_under_its_own_number() {
    let mut world = World::new(2, 203, Conditions::GOOD);
    let (client, source) = talker(&mut world, 0);
    talk_in_red(&mut world, client);
    let near = listener(&mut world, 0, false, source);
    let far = listener(&mut world, 1, false, source);
    world.run(SECOND);
    lose_every(&mut world, 7, crate::support::shard_address(0));
    world.run(5 * SECOND);
    for listener in [&near, &far] {
        let packets = heard(&world, listener);
        assert!(packets.len() > 250, "{} packets", packets.len());
        for (before, packet) in packets.iter().zip(&packets[1..]) {
            assert_eq!(*packet.seq_no, *before.seq_no + 1);
            assert_eq!(frame_number(packet), frame_number(before) + 1);
            assert_eq!(packet.header.timestamp, before.header.timestamp.wrapping_add(FRAME));
        }
        assert!(packets.iter().all(|packet| packet.payload.as_ref() == opus(frame_number(packet))));
    }
    let stats = world.snapshot();
    let lost = stats["transports"][0]["incomingTracks"][0]["encodings"][0]["packetsLost"].as_u64();
    assert!(lost.unwrap() > 30, "the loss still shows: {lost:?}");
}

#[test]
fn an_original_that_comes_late_is_not_sent_again() {
    let conditions = Conditions {
        jitter: Duration::from_millis(60),
        reordering: 0.2,
        duplication: 0.05,
        ..Conditions::GOOD
    };
    let mut world = World::new(1, 204, Conditions::GOOD);
    let (client, source) = talker(&mut world, 0);
    talk_in_red(&mut world, client);
    let plain = listener(&mut world, 0, false, source);
    let red = listener(&mut world, 0, true, source);
    world.run(SECOND);
    let (plain_at, red_at) =
        (world.clients[plain.client].address, world.clients[red.client].address);
    // What was sent shows here, whatever the network does to it.
    world.network.recorded.insert(plain_at, Vec::new());
    world.network.recorded.insert(red_at, Vec::new());
    world.network.conditions = conditions;
    world.run(10 * SECOND);
    for address in [plain_at, red_at] {
        let sent = &world.network.recorded[&address];
        let media = sent.iter().filter(|bytes| bytes[0] & 0xc0 == 0x80 && bytes[1] & 0x7f < 127);
        let numbers: Vec<[u8; 6]> = media
            .filter(|bytes| !(72..=79).contains(&(bytes[1] & 0x7f)))
            .map(|bytes| [bytes[2], bytes[3], bytes[8], bytes[9], bytes[10], bytes[11]])
            .collect();
        let unique: BTreeSet<_> = numbers.iter().collect();
        assert!(numbers.len() > 450, "{} sent", numbers.len());
        assert_eq!(unique.len(), numbers.len(), "no index comes twice");
    }
    let frames: BTreeSet<u64> = heard(&world, &plain).iter().map(frame_number).collect();
    let (first, last) = (*frames.first().unwrap(), *frames.last().unwrap());
    let missing = (first..last - 10).filter(|frame| !frames.contains(frame)).count();
    assert_eq!(missing, 0);
}

#[test]
fn after_a_switch_nothing_of_the_other_source_is_repeated() {
    for red_sources in [false, true] {
        let mut world = World::new(2, 205, Conditions::GOOD);
        let sources = [talker(&mut world, 0), talker(&mut world, 1)];
        for (place, (client, _)) in sources.iter().enumerate() {
            if red_sources {
                talk_in_red(&mut world, *client);
            }
            // Tells their frames apart.
            world.clients[*client].sending[0].frame = 10_000 * (place as u64 + 1);
        }
        let listener = listener(&mut world, 0, true, sources[0].1);
        for round in 1..8 {
            world.run(SECOND / 2 + Duration::from_millis(7 * round));
            attach(&mut world, &listener, sources[round as usize % 2].1);
        }
        world.run(SECOND);
        let packets = heard(&world, &listener);
        assert!(packets.len() > 200, "{} packets", packets.len());
        let of =
            |data: &[u8]| u64::from_be_bytes(data[data.len() - 8..].try_into().unwrap()) / 10_000;
        let mut switches = 0;
        for (before, packet) in packets.iter().zip(&packets[1..]) {
            let (old, new) = (of(&before.payload), of(&packet.payload));
            assert!(blocks(packet).iter().all(|(_, data)| of(data) == new));
            if old != new {
                switches += 1;
                assert_eq!(blocks(packet).len(), 1, "a source begins without redundancy");
            } else {
                assert_eq!(blocks(packet).len(), 2);
            }
            let forward = packet.header.timestamp.wrapping_sub(before.header.timestamp);
            assert!((1..48_000).contains(&forward), "{forward}");
        }
        assert_eq!(switches, 7);
        let expected: Vec<u64> = (*packets[0].seq_no..).take(packets.len()).collect();
        assert_eq!(sequences(packets), expected);
    }
}

#[test]
fn what_was_muted_is_not_in_the_redundancy_after_it() {
    for red_source in [false, true] {
        let mut world = World::new(1, 206, Conditions::GOOD);
        let (client, source) = talker(&mut world, 0);
        if red_source {
            talk_in_red(&mut world, client);
        }
        let listener = listener(&mut world, 0, true, source);
        world.run(SECOND);
        let mute = |world: &mut World, muted| {
            world.command(listener.transport, TransportCommand::Mute { id: listener.track, muted });
        };
        mute(&mut world, true);
        world.run(Duration::from_millis(95));
        let before = heard(&world, &listener).len();
        mute(&mut world, false);
        world.run(SECOND);
        let packets = &heard(&world, &listener)[before - 1..];
        assert!(frame_number(&packets[1]) >= frame_number(&packets[0]) + 4);
        assert_eq!(blocks(&packets[1]).len(), 1);
        assert_eq!(blocks(&packets[2]).len(), 2);
    }
}

/// Talks for a second, is silent for a second and says so by a comfort packet every 400 ms.
fn in_turns(frame: u64) -> bool {
    let of_turn = frame % 100;
    of_turn >= 50 && of_turn % 20 != 10
}

/// The first packets after silence carry what is meant to be kept: in-band FEC is bits of the
/// payload (RFC 7587 3.3), a comfort packet is one of one or two bytes.
fn talk_or_comfort(_: bool, tail: &[u8]) -> Vec<u8> {
    let frame = u64::from_be_bytes(tail[tail.len() - 8..].try_into().unwrap());
    if frame % 100 >= 50 { vec![0x08] } else { tail.to_vec() }
}

#[test]
fn silence_passes_as_time_without_numbers_and_a_talk_spurt_with_its_mark() {
    let mut world = World::new(2, 207, Conditions::GOOD);
    let (client, source) = talker(&mut world, 0);
    let sending = &mut world.clients[client].sending[0];
    sending.silent = in_turns;
    sending.payload = Some(talk_or_comfort);
    let plain = listener(&mut world, 1, false, source);
    let wrapped = listener(&mut world, 0, true, source);
    world.run(10 * SECOND);

    let packets = heard(&world, &plain);
    let comfort = packets.iter().filter(|packet| packet.payload.as_ref() == [0x08]).count();
    assert!((9..=16).contains(&comfort), "{comfort} comfort packets");
    assert!(packets.len() > 200 && packets.len() < 300, "{} packets", packets.len());
    for (before, packet) in packets.iter().zip(&packets[1..]) {
        assert_eq!(*packet.seq_no, *before.seq_no + 1, "nothing is missing");
        let time = packet.header.timestamp.wrapping_sub(before.header.timestamp);
        let passed = packet.timestamp.saturating_duration_since(before.timestamp);
        assert!((f64::from(time) / 48_000.0 - passed.as_secs_f64()).abs() < 0.005, "{time}");
        assert_eq!(packet.header.marker, time > FRAME, "the first after silence");
    }
    let spoken = packets.iter().filter(|packet| packet.payload.len() > 1);
    assert!(spoken.clone().all(|packet| packet.payload.as_ref() == opus(frame_number(packet))));

    let packets = heard(&world, &wrapped);
    assert!(packets.len() > 200, "{} packets", packets.len());
    for (before, packet) in packets.iter().zip(&packets[1..]) {
        let blocks = blocks(packet);
        assert!(blocks.iter().all(|(_, data)| data == &[0x08] || data.len() == 48));
        let time = packet.header.timestamp.wrapping_sub(before.header.timestamp);
        // 400 ms of silence are more than an offset reaches, the last 200 ms are not.
        assert_eq!(blocks.len(), if time > red::MAX_OFFSET { 1 } else { 2 });
    }
}

#[test]
fn a_switch_between_sources_in_silence_keeps_to_the_time_that_passed() {
    let mut world = World::new(2, 208, Conditions::GOOD);
    let sources = [talker(&mut world, 0), talker(&mut world, 1)];
    for (client, _) in sources {
        let sending = &mut world.clients[client].sending[0];
        sending.silent = in_turns;
        sending.payload = Some(talk_or_comfort);
    }
    let listener = listener(&mut world, 0, false, sources[0].1);
    for round in 1..12 {
        world.run(Duration::from_millis(730));
        attach(&mut world, &listener, sources[round % 2].1);
    }
    world.run(SECOND);
    let packets = heard(&world, &listener);
    assert!(packets.len() > 150, "{} packets", packets.len());
    let first = &packets[0];
    for (before, packet) in packets.iter().zip(&packets[1..]) {
        assert_eq!(*packet.seq_no, *before.seq_no + 1);
        let time = packet.header.timestamp.wrapping_sub(first.header.timestamp);
        let passed = packet.timestamp.saturating_duration_since(first.timestamp);
        let off = f64::from(time) / 48_000.0 - passed.as_secs_f64();
        assert!(off.abs() < 0.030, "{off} s off");
        let step = packet.header.timestamp.wrapping_sub(before.header.timestamp);
        assert!((1..48_000).contains(&step), "{step}");
    }
}
