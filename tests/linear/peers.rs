//! How many there are of something, seen from a whole shard: addresses, peers, channels,
//! renegotiations.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::hmac;
use medialoom::control::event::Event;
use medialoom::control::ids::TransportId;
use medialoom::control::options::TransportOptions;
use str0m::ice::{StunMessage, TransId};

use super::measure::is_linear;
use super::support::World;
use super::support::client::Client;
use super::support::network::Conditions;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:peer\r\n\
    a=ice-pwd:thepasswordofthepeerisquitelong\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:7 cname:x\r\n";

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().try_into().unwrap()
}

fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1 + (n >> 14) as u8], 2000 + (n & 0x3fff) as u16))
}

/// A peer that has offered, and a check of its own (RFC 8445 7.2.4).
fn peer(world: &mut World) -> (TransportId, Vec<u8>) {
    let transport = world.create_transport(0, TransportOptions::default());
    let answer = world.accept_offer(transport, OFFER).unwrap();
    let value = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let username = format!("{}:peer", value("a=ice-ufrag:"));
    let check = StunMessage::binding_request(&username, TransId::new(), true, 1, 1, true);
    let mut bytes = vec![0; 500];
    let password = value("a=ice-pwd:").as_bytes();
    let length = check.to_bytes(Some(password), &mut bytes, sha1_hmac).unwrap();
    bytes.truncate(length);
    (transport, bytes)
}

#[test]
fn addresses_that_one_peer_checks_from() {
    is_linear(
        "addresses of a peer",
        |times| {
            let mut world = World::new(1, 1, Conditions::GOOD);
            let (_, check) = peer(&mut world);
            (world, check, times * 100)
        },
        |(world, check, count)| {
            for n in 0..*count {
                world.replay(0, address(n), check);
            }
        },
    );
}

#[test]
fn peers_behind_one_address_and_strangers_among_many_peers() {
    let rtp = |ssrc: u32| {
        let mut packet = vec![0x80, 111, 0, 1, 0, 0, 0, 1];
        packet.extend(ssrc.to_be_bytes());
        packet.extend([0; 100]);
        packet
    };
    let packets: Vec<_> = (0..200).map(rtp).collect();
    let crowd = |behind_one: bool| {
        let packets = &packets;
        move |times: usize| {
            let mut world = World::new(1, 1, Conditions::GOOD);
            for n in 0..times * 15 {
                let (_, check) = peer(&mut world);
                world.replay(0, address(if behind_one { 0 } else { n }), &check);
            }
            (world, packets)
        }
    };
    let send = |(world, packets): &mut (World, &Vec<Vec<u8>>), from: SocketAddr| {
        for packet in packets.iter() {
            world.replay(0, from, packet);
        }
    };
    is_linear("media behind one address", crowd(true), |input| send(input, address(0)));
    is_linear("media of strangers", crowd(false), |input| send(input, address(9999)));
    is_linear(
        "peers that come to be behind one address",
        |times| {
            let mut world = World::new(1, 1, Conditions::GOOD);
            let checks: Vec<_> = (0..times * 50).map(|_| peer(&mut world).1).collect();
            (world, checks)
        },
        |(world, checks)| {
            for check in checks.iter() {
                world.replay(0, address(0), check);
            }
        },
    );
}

#[test]
fn renegotiations_one_after_the_other() {
    let world = RefCell::new(World::new(1, 1, Conditions::GOOD));
    is_linear(
        "renegotiations",
        |times| {
            let mut world = world.borrow_mut();
            let transport = world.create_transport(0, TransportOptions::default());
            for _ in 0..3 {
                world.add_outgoing(transport, medialoom::codec::Kind::Audio, "stream");
            }
            (transport, times * 20)
        },
        |(transport, count)| {
            let mut world = world.borrow_mut();
            for n in 0..*count {
                // A second line that comes, is given up and comes under another name.
                let port = if n % 2 == 0 { 9 } else { 0 };
                let second = format!(
                    "m=audio {port} UDP/TLS/RTP/SAVPF 111\r\na=mid:x{}\r\na=sendrecv\r\n\
                     a=rtpmap:111 opus/48000/2\r\na=ssrc:{} cname:y\r\n",
                    n / 2,
                    n + 100
                );
                let group = format!("BUNDLE 0 x{}\r\n", n / 2);
                let offer = OFFER.replace("BUNDLE 0\r\n", &group) + &second;
                world.accept_offer(*transport, &offer).unwrap();
            }
            world.events.clear();
        },
    );
}

/// What one message costs, by the number of channels that there are.
#[test]
fn messages_of_a_peer_with_many_channels() {
    let with_channels = |count: usize| {
        let mut world = World::new(1, 1, Conditions::GOOD);
        let client = world.add_client(Client::new);
        let transport = world.create_transport(0, TransportOptions::default());
        for _ in 0..count {
            world.clients[client].open_channel("many");
        }
        world.offer_from_client(client, transport);
        world.run_until(Duration::from_secs(20), "all open", |world| {
            world.clients[client].open_channels.len() == count
        });
        world
    };
    let mut worlds = [with_channels(50), with_channels(200)];
    let worlds: Vec<RefCell<&mut World>> = worlds.iter_mut().map(RefCell::new).collect();
    is_linear(
        "messages, by channels",
        |times| &worlds[usize::from(times != 1)],
        |world| {
            let mut world = world.borrow_mut();
            for n in 0..20 {
                let handle = world.clients[0].open_channels[n].0;
                world.clients[0].write(handle, true, b"message");
            }
            world.run(Duration::from_millis(200));
            let heard = std::mem::take(&mut world.events);
            let message = |event: &&Event| matches!(event, Event::ChannelMessage { .. });
            assert_eq!(heard.iter().filter(message).count(), 20);
        },
    );
}
