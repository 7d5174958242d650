//! DTLS of one session on fake time: when it begins, how it fails, and how an association follows
//! another one.

#[path = "support/dtls_peer.rs"]
mod dtls_peer;

use std::time::Duration;

use dtls_peer::{Setup, World};
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{CloseReason, TransportState};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// One way.
const NEAR: Duration = Duration::from_millis(5);
const FAR: Duration = Duration::from_millis(150);

/// A peer that is connected.
fn connected(setup: Setup) -> World {
    let mut world = World::new(NEAR, setup);
    world.negotiate("0");
    world.run(SECOND);
    assert_eq!(world.state(), TransportState::Connected);
    assert!(world.peer.connected);
    world
}

#[test]
fn the_handshake_does_not_wait_until_the_peer_nominates() {
    // Chromium nominates a pair of an ICE-lite peer with its second ping.
    let mut world = World::new(FAR, Setup::Active);
    world.peer.nominates_after = Some(5 * SECOND / 2);
    world.negotiate("0");
    // Two round trips for the check and the first flights, a half for the last one.
    world.run(900 * MS);
    assert_eq!(world.state(), TransportState::Connected);
    world.run(150 * MS);
    assert!(world.peer.connected, "the peer is through after three round trips");
}

#[test]
fn where_this_side_is_the_client_its_hello_goes_to_the_first_address_that_was_checked() {
    let mut world = World::new(FAR, Setup::Passive);
    world.peer.nominates_after = None;
    world.negotiate("0");
    world.run(1100 * MS);
    assert_eq!(world.state(), TransportState::Connected);
    assert!(world.peer.connected);
}

#[test]
fn what_was_said_before_the_nomination_goes_on_after_it() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = World::new(NEAR, setup);
        world.peer.nominates_after = Some(SECOND);
        world.negotiate("0");
        world.run(3 * SECOND);
        assert_eq!(world.state(), TransportState::Connected, "{setup:?}");
        world.peer.close();
        world.run(100 * MS);
        assert_eq!(world.closed(), Some(CloseReason::Remote), "{setup:?}");
    }
}

#[test]
fn a_fatal_alert_ends_the_transport_at_once_and_is_told() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = World::new(NEAR, setup);
        world.peer.deaf = true;
        world.negotiate("0");
        world.run(100 * MS);
        world.send_plaintext_alert(World::PEER, 40);
        world.run(NEAR);
        assert_eq!(
            world.errors(),
            ["DTLS: the peer refused the handshake: alert 40 handshake_failure"],
            "{setup:?}"
        );
        assert_eq!(world.closed(), Some(CloseReason::Error));
    }
}

#[test]
fn an_alert_from_another_address_of_the_peer_ends_nothing() {
    let mut world = World::new(NEAR, Setup::Active);
    world.negotiate("0");
    world.run(12 * MS);
    world.send_plaintext_alert(World::ELSEWHERE, 40);
    world.run(SECOND);
    assert_eq!(world.state(), TransportState::Connected);
    assert!(world.errors().is_empty());
}

#[test]
fn a_plaintext_alert_does_not_end_what_is_connected() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = connected(setup);
        world.send_plaintext_alert(World::PEER, 40);
        world.run(SECOND);
        assert_eq!(world.state(), TransportState::Connected);
        assert!(world.errors().is_empty());
    }
}

#[test]
fn garbage_ends_no_handshake() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = World::new(NEAR, setup);
        world.negotiate("0");
        for seed in 0..400u32 {
            world.run(MS);
            let kind = [20, 21, 22, 23, 24, 46, 63][seed as usize % 7];
            let mut garbage = vec![kind, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 100];
            garbage.extend((0..100).map(|i| (seed.wrapping_mul(2_654_435_761) >> (i % 24)) as u8));
            world.send(World::PEER, garbage);
        }
        world.run(2 * SECOND);
        assert_eq!(world.state(), TransportState::Connected, "{setup:?}");
        assert!(world.errors().is_empty());
    }
}

#[test]
fn another_certificate_than_the_description_named_is_refused_and_both_sides_are_told() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = World::new(NEAR, setup);
        world.peer.fingerprints =
            vec![format!("sha-256 {}", vec!["AB"; 32].join(":")), "md5 00:11".into()];
        world.negotiate("0");
        world.run(SECOND);
        assert_eq!(
            world.errors(),
            ["DTLS: the certificate does not match a=fingerprint of the peer's description"],
            "{setup:?}"
        );
        assert_eq!(world.closed(), Some(CloseReason::Error));
        let told = world.peer.error.clone().expect("the peer gets an alert");
        assert!(told.contains("description=42"), "bad_certificate: {told}");
    }
}

#[test]
fn any_hash_function_and_any_of_several_fingerprints_will_do() {
    for hash in ["sha-1", "sha-256", "sha-384", "sha-512"] {
        let mut world = World::new(NEAR, Setup::Active);
        let own = world.peer.fingerprint(hash);
        let other = own.replace(|c: char| c.is_ascii_hexdigit(), "0");
        let other = format!("{hash}{}", &other[hash.len()..]);
        world.peer.fingerprints = vec![other, own];
        world.negotiate("0");
        world.run(SECOND);
        assert_eq!(world.state(), TransportState::Connected, "{hash}");
    }
}

#[test]
fn a_description_without_a_fingerprint_that_can_be_used_is_refused() {
    let mut world = World::new(NEAR, Setup::Active);
    world.peer.fingerprints = vec!["md5 00:11".into()];
    let error = world.try_negotiate("0").unwrap_err();
    assert_eq!(error.code, ErrorCode::Sdp, "{error}");
    world.peer.fingerprints = Vec::new();
    let error = world.try_negotiate("0").unwrap_err();
    assert_eq!(error.code, ErrorCode::Sdp, "{error}");
}

#[test]
fn a_peer_that_says_goodbye_is_gone() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = connected(setup);
        world.peer.close();
        world.run(100 * MS);
        assert_eq!(world.closed(), Some(CloseReason::Remote), "{setup:?}");
    }
}

#[test]
fn after_the_line_that_carries_the_transport_changed_a_new_association_takes_over() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = connected(setup);
        world.negotiate("1");
        world.run(100 * MS);
        world.peer.close();
        world.run(100 * MS);
        assert_eq!(world.state(), TransportState::Connected, "{setup:?}: the goodbye is held back");
        world.peer.begin_again(world.now, setup);
        world.run(2 * SECOND);
        assert!(world.peer.connected, "{setup:?}");
        assert_eq!((world.state(), world.closed()), (TransportState::Connected, None));

        // It is the new one that is in use: its end is the end.
        world.run(10 * SECOND);
        world.peer.close();
        world.run(100 * MS);
        assert_eq!(world.closed(), Some(CloseReason::Remote), "{setup:?}");
    }
}

#[test]
fn a_new_association_may_have_another_address_below_it() {
    // Chromium makes a new ICE transport, with the credentials of the one before.
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = connected(setup);
        world.negotiate("1");
        world.run(100 * MS);
        world.peer.close();
        world.run(10 * MS);
        world.peer.address = World::ELSEWHERE;
        world.peer.begin_again(world.now, setup);
        world.run(SECOND);
        assert!(world.peer.connected, "{setup:?}");
        assert_eq!((world.state(), world.closed()), (TransportState::Connected, None));
    }
}

#[test]
fn roles_may_change_with_the_association() {
    let mut world = connected(Setup::Passive);
    world.negotiate("1");
    world.run(100 * MS);
    world.peer.close();
    world.peer.begin_again(world.now, Setup::Active);
    world.run(3 * SECOND);
    assert!(world.peer.connected);
    assert_eq!((world.state(), world.closed()), (TransportState::Connected, None));
}

#[test]
fn a_peer_that_leaves_its_association_and_begins_no_other_is_gone_five_seconds_later() {
    for setup in [Setup::Active, Setup::Passive] {
        let mut world = connected(setup);
        world.negotiate("1");
        world.run(100 * MS);
        world.peer.close();
        world.peer.deaf = true;
        world.run(4 * SECOND);
        assert_eq!(world.closed(), None, "{setup:?}");
        world.run(17 * SECOND);
        assert!(world.closed().is_some(), "{setup:?}");
    }
}

#[test]
fn a_client_hello_out_of_nowhere_takes_over_only_when_its_handshake_is_through() {
    let mut world = connected(Setup::Active);
    let first = std::mem::replace(&mut world.peer.deaf, false);
    assert!(!first);
    // Without the key of the certificate nobody comes further than this.
    world.peer.pause_after_hello(world.now);
    world.run(3 * SECOND);
    assert_eq!((world.state(), world.closed()), (TransportState::Connected, None));
    assert!(world.errors().is_empty());

    world.peer.begin_again(world.now, Setup::Active);
    world.run(2 * SECOND);
    assert!(world.peer.connected, "a peer that lost its association gets another one");
    assert_eq!((world.state(), world.closed()), (TransportState::Connected, None));
}

/// A packet of SCTP with chunks of one byte (RFC 9260 3.3.1), the first with this number.
fn chunks(first: u32, count: u32) -> Vec<u8> {
    let mut packet = vec![0; 12];
    for tsn in first..first + count {
        packet.extend([0, 3, 0, 17]);
        packet.extend(tsn.to_be_bytes());
        packet.extend([0; 12]);
    }
    packet
}

/// INIT (RFC 9260 3.3.2), whose last field is the first number.
fn init(first: u32) -> Vec<u8> {
    let mut init = vec![0; 12];
    init.extend([1, 0, 0, 20]);
    init.extend([0; 12]);
    init.extend(first.to_be_bytes());
    init
}

#[test]
fn a_flood_of_chunks_behind_a_missing_one_ends_the_transport_and_says_why() {
    let mut world = World::new(NEAR, Setup::Active);
    world.negotiate("0");
    world.run(SECOND);
    assert_eq!(world.state(), TransportState::Connected);
    // That one never comes.
    world.peer.say(&init(100));
    for packet in 0..4_200 {
        world.peer.say(&chunks(101 + packet % 70 * 50, 50));
        world.run(MS);
        if packet == 1_000 {
            assert_eq!(world.closed(), None, "so far they count as lost");
        }
    }
    assert_eq!(world.closed(), Some(CloseReason::Error));
    assert!(world.errors()[0].contains("SCTP chunks"), "{:?}", world.errors());
}

#[test]
fn a_flood_of_chunks_that_come_to_no_message_ends_the_transport_and_says_why() {
    let mut world = World::new(NEAR, Setup::Active);
    world.negotiate("0");
    world.run(SECOND);
    world.peer.say(&init(100));
    for packet in 0..4_200 {
        // In order, and from where it is not taken on, again and again.
        world.peer.say(&chunks(100 + packet.min(21) * 50, 50));
        world.run(MS);
        if packet == 1_000 {
            assert_eq!(world.closed(), None, "so far they count as lost");
        }
    }
    assert_eq!(world.closed(), Some(CloseReason::Error));
    assert!(world.errors()[0].contains("pieces"), "{:?}", world.errors());
}
