//! The sending side of a peer, seen from the wire: what is sealed, under which numbers, and where it
//! goes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use crate::support::room::{Room, is_rtcp, is_rtp, word};
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::Reply;
use medialoom::control::options::{DtlsVersions, TransportOptions};
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);

/// What makes the nonce of a sealed packet: under AES-GCM nothing else goes into it but the key and
/// the salt (RFC 7714 8.1, 9.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Nonce {
    Rtp { ssrc: u32, index: u64 },
    Rtcp { ssrc: u32, index: u32 },
}

/// Follows rollover counters as a receiver does (RFC 3711 3.3.1).
#[derive(Default)]
struct Indices(HashMap<u32, u64>);

impl Indices {
    fn nonce(&mut self, bytes: &[u8]) -> Nonce {
        if is_rtcp(bytes) {
            // RFC 7714 17: the word with the index is the last.
            let index = word(bytes, bytes.len() - 4) & 0x7fff_ffff;
            return Nonce::Rtcp { ssrc: word(bytes, 4), index };
        }
        let (ssrc, sequence) = (word(bytes, 8), u16::from_be_bytes([bytes[2], bytes[3]]));
        let newest = self.0.entry(ssrc).or_insert(u64::from(sequence));
        let ahead = sequence.wrapping_sub(*newest as u16);
        let index = if ahead < 0x8000 {
            *newest + u64::from(ahead)
        } else {
            newest.saturating_sub(u64::from(ahead.wrapping_neg()))
        };
        *newest = (*newest).max(index);
        Nonce::Rtp { ssrc, index }
    }
}

#[test]
fn no_nonce_comes_twice_whatever_happens() {
    let mut room = Room::new(31, Conditions::BAD, 1);
    room.record(0);
    let second = room.world.add_client(Client::new);
    let other = room.world.create_transport(0, Default::default());
    room.world.clients[second].want(MediaKind::Video, Direction::SendOnly, &[]);
    room.world.offer_from_client(second, other);
    room.connect();
    let (transport, client) = (room.viewers[0].transport, room.viewers[0].client);
    let mut video = room.viewers[0].outgoing[1];
    let sources = [room.world.tracks_of(room.publishing)[1].id, room.world.tracks_of(other)[0].id];

    for round in 0..12 {
        room.world.run(3 * SECOND);
        let world = &mut room.world;
        match round % 6 {
            0 => {
                world.command(transport, TransportCommand::Mute { id: video, muted: true });
                world.run(SECOND / 2);
                world.command(transport, TransportCommand::Mute { id: video, muted: false });
            }
            1 | 4 => {
                let source = sources[usize::from(round % 6 == 1)];
                world.command(transport, TransportCommand::Attach { id: video, source });
            }
            2 => {
                let offer = world
                    .ask(transport, |request| TransportCommand::CreateOffer {
                        request,
                        ice_restart: true,
                    })
                    .unwrap();
                let Reply::Sdp(offer) = offer else { panic!("an offer") };
                let answer = world.clients[client].accept_offer(&offer);
                world.accept_answer(transport, &answer).unwrap();
            }
            3 => {
                world.command(transport, TransportCommand::RemoveOutgoingTrack { id: video });
                world.offer_from_transport(transport, client);
                world.run(SECOND / 2);
                video = world.add_outgoing(transport, Kind::Video, "again");
                let source = sources[0];
                world.command(transport, TransportCommand::Attach { id: video, source });
                world.offer_from_transport(transport, client);
            }
            _ => {
                world.clients[client].want(MediaKind::Audio, Direction::RecvOnly, &[]);
                world.offer_from_client(client, transport);
            }
        }
    }
    // A track of its own for the rollover counter: its first index is just below half of what a
    // sequence number holds, and many packets follow.
    let world = &mut room.world;
    world.network.conditions = Conditions { loss: 0.01, ..Conditions::GOOD };
    for sending in &mut world.clients[room.publisher].sending {
        if sending.kind == MediaKind::Video {
            sending.packets_per_frame = 60;
        }
    }
    let behind = |world: &World| world.clients[room.publisher].sending[1].sequence % 32_768;
    world
        .run_until(60 * SECOND, "the source is where it has to be", |world| behind(world) > 32_000);
    let source = sources[0];
    let late = world.add_outgoing(transport, Kind::Video, "late");
    world.command(transport, TransportCommand::Attach { id: late, source });
    world.command(transport, TransportCommand::Mute { id: video, muted: true });
    world.offer_from_transport(transport, client);
    world.run(20 * SECOND);
    world.ask(transport, |request| TransportCommand::Close { request }).unwrap();

    let mut indices = Indices::default();
    let mut seen: HashMap<Nonce, usize> = HashMap::new();
    let (mut rolled_over, mut reports) = (false, 0);
    for (position, bytes) in room.recorded(0).iter().enumerate() {
        if !is_rtp(bytes) && !is_rtcp(bytes) {
            continue;
        }
        let nonce = indices.nonce(bytes);
        if let Some(before) = seen.insert(nonce, position) {
            panic!("{nonce:?} of datagram {before} came again with {position}");
        }
        match nonce {
            Nonce::Rtp { index, .. } => rolled_over |= index > 0xffff,
            Nonce::Rtcp { .. } => reports += 1,
        }
    }
    let streams: BTreeSet<u32> = indices.0.keys().copied().collect();
    assert!(rolled_over, "the rollover counter moved on");
    assert!(streams.len() >= 5, "sound, pictures and retransmissions: {streams:?}");
    assert!(reports > 50, "{reports} reports");
}

#[test]
fn the_keys_of_both_versions_of_dtls_carry_media_and_repairs() {
    for dtls in [DtlsVersions::Dtls12, DtlsVersions::Dtls13] {
        let mut room = Room::new(32, Conditions::BAD, 0);
        room.add_viewer_with(TransportOptions { dtls, ..Default::default() }, |now, address| {
            Client::with(now, address, |config| {
                config.set_dtls_version(match dtls {
                    DtlsVersions::Dtls13 => str0m::config::DtlsVersion::Dtls13,
                    _ => str0m::config::DtlsVersion::Dtls12,
                })
            })
        });
        room.connect();
        room.world.run(5 * SECOND);
        let packets = room.video_frames(0).len();
        assert!(packets > 350, "{dtls:?}: {packets} video packets");
    }
}

#[test]
fn many_viewers_lose_different_packets_and_all_get_them_again() {
    let mut room = Room::new(33, Conditions::GOOD, 5);
    room.connect();
    room.world.run(SECOND);
    let mut count = 0u32;
    room.world.network.drop = Some(Box::new(move |_, bytes| {
        // Media to viewers is what leaves the shard; a tenth of it is lost.
        count = count.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        is_rtp(bytes) && bytes.len() > 500 && count >> 16 < 6_553
    }));
    room.world.run(5 * SECOND);
    room.world.network.drop = None;
    room.world.run(SECOND);
    for viewer in 0..5 {
        let packets = room.world.clients[room.viewers[viewer].client]
            .packets_of(MediaKind::Video)
            .map(|packet| *packet.seq_no)
            .collect::<BTreeSet<u64>>();
        let (first, last) = (*packets.first().unwrap(), *packets.last().unwrap());
        let missing = (first..last).filter(|sequence| !packets.contains(sequence)).count();
        assert!(packets.len() > 400, "viewer {viewer}: {} packets", packets.len());
        assert!(missing * 100 <= packets.len(), "viewer {viewer}: {missing} of {}", packets.len());
    }
}

#[test]
fn the_last_packet_before_a_pause_is_repeated() {
    let mut room = Room::new(34, Conditions::GOOD, 1);
    room.connect();
    room.world.run(2 * SECOND);
    // Everything is lost for a moment, and in that moment the camera stops.
    let viewer = room.world.clients[room.viewers[0].client].address;
    room.world.network.drop = Some(Box::new(move |to, bytes| to == viewer && is_rtp(bytes)));
    room.world.run(SECOND / 20);
    for sending in &mut room.world.clients[room.publisher].sending {
        sending.paused = true;
    }
    let last = room.world.clients[room.publisher]
        .sending
        .iter()
        .find(|sending| sending.kind == MediaKind::Video)
        .map(|sending| sending.frame - 1)
        .unwrap();
    room.world.run(SECOND / 20);
    assert!(!room.video_frames(0).contains(&last));
    room.world.network.drop = None;
    room.world.run(SECOND);
    assert!(room.video_frames(0).contains(&last), "the last frame came after all");
    let client = &room.world.clients[room.viewers[0].client];
    let sequences: BTreeSet<u64> =
        client.packets_of(MediaKind::Video).map(|packet| *packet.seq_no).collect();
    let whole = sequences.last().unwrap() - sequences.first().unwrap() + 1;
    assert_eq!(sequences.len() as u64, whole, "and everything before it");
}

#[test]
fn a_receiver_learns_the_time_of_each_stream_and_we_its_round_trip() {
    let conditions = Conditions { delay: Duration::from_millis(40), ..Conditions::GOOD };
    let mut room = Room::new(36, conditions, 1);
    room.record(0);
    room.connect();
    room.world.run(6 * SECOND);
    let transport = room.viewers[0].transport;
    let stats = room.world.stats(transport);
    let tracks = stats["outgoingTracks"].as_array().unwrap();
    for track in tracks {
        let round_trip = track["roundTripTime"].as_f64().expect("a report quoted ours");
        assert!((0.075..0.095).contains(&round_trip), "{round_trip}");
        assert_eq!(track["packetsLost"], 0);
    }
    let ssrcs: Vec<u32> = tracks.iter().map(|t| t["ssrc"].as_u64().unwrap() as u32).collect();
    let reports = room.recorded(0).iter().filter(|bytes| is_rtcp(bytes));
    let reported = reports.filter(|bytes| ssrcs.contains(&word(bytes, 4))).count();
    assert!((5..=9).contains(&reported), "{reported} reports in six seconds");
}

#[test]
fn what_a_viewer_sends_back_is_heard_once_and_from_its_own_address_only() {
    let mut room = Room::new(37, Conditions::GOOD, 1);
    room.connect();
    room.world.run(2 * SECOND);
    // Somebody on the way repeats the viewer's reports from an address of his own.
    let viewer = room.world.clients[room.viewers[0].client].address;
    let server = crate::support::shard_address(0);
    room.world.network.recorded.insert(server, Vec::new());
    room.world.run(2 * SECOND);
    let reports: Vec<Vec<u8>> = room.world.network.recorded[&server]
        .iter()
        .filter(|bytes| is_rtcp(bytes))
        .cloned()
        .collect();
    assert!(!reports.is_empty());
    let thief = "10.0.66.6:666".parse().unwrap();
    for bytes in &reports {
        let now = room.world.now;
        room.world.network.send(now, thief, server, bytes);
        room.world.network.send(now, viewer, server, bytes);
    }
    room.world.run(2 * SECOND);
    assert_eq!(room.world.network.sent_to(thief), 0);
    let before = room.video_frames(0).len();
    room.world.run(SECOND);
    assert!(room.video_frames(0).len() > before + 60, "media goes on to the viewer");
}
