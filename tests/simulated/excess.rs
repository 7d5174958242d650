//! What a peer hears that makes an SCTP association keep more than it may, again and again.
//! Needs the feature `fault-injection`.
#![cfg(feature = "fault-injection")]

use std::time::Duration;

use crate::support::World;
use crate::support::bare_peer::{BareOptions, BarePeer};
use crate::support::bare_sctp::{BINARY, BareSctp, data};
use crate::support::client_address;
use crate::support::network::Conditions;
use crate::support::stun::crc32c;
use medialoom::control::error::ErrorCode;
use medialoom::control::event::{CloseReason, Event};

/// RFC 9260 3.3.7.
const ABORT: u8 = 6;
/// More packets than are refused before an association is given up.
const MANY: u32 = 6000;

#[test]
fn a_peer_that_exceeds_a_bound_again_and_again_hears_an_abort_that_says_why() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let options = BareOptions::default();
    let mut peer = BarePeer::connected(&mut world, 0, client_address(100), options, &[]);
    let association = BareSctp::associate(&mut world, &mut peer);
    world.events.clear();

    // Pieces of one byte behind a piece that is missing.
    let mut heard = Vec::new();
    for n in 0..MANY {
        let tsn = |piece: u32| association.tsn.wrapping_add(1 + 50 * n + piece);
        let pieces: Vec<u8> =
            (0..50).flat_map(|piece| data(3, tsn(piece), 2, 0, BINARY, &[1])).collect();
        association.send(&mut world, &mut peer, &pieces);
        if n % 100 == 0 {
            world.run(Duration::from_millis(20));
            peer.exchange(&mut world, |_, datagram| vec![datagram]);
            heard.append(&mut peer.data);
        }
    }
    world.run(Duration::from_millis(100));
    peer.exchange(&mut world, |_, datagram| vec![datagram]);
    heard.append(&mut peer.data);

    let error = world.events.iter().find_map(|event| match event {
        Event::TransportError { error, .. } => Some(error.clone()),
        _ => None,
    });
    let error = error.expect("the application hears of it");
    assert_eq!(error.code, ErrorCode::Limit);
    let (transport, reason) = (peer.transport, CloseReason::Error);
    assert!(world.events.contains(&Event::TransportClosed { transport, reason }));

    let abort = heard.iter().find(|packet| packet.get(12) == Some(&ABORT)).expect("an ABORT");
    let told = String::from_utf8_lossy(&abort[20..]);
    assert!(told.starts_with(&error.message), "{told:?}");
    // The peer takes nothing without its own tag and the right sum (RFC 9260 8.5, 6.8).
    assert_eq!(abort[4..8], BareSctp::TAG.to_be_bytes());
    let unsummed = [&abort[..8], &[0; 4], &abort[12..]].concat();
    assert_eq!(abort[8..12], crc32c(&unsummed).to_le_bytes());
    assert!(peer.ended, "the DTLS association ends as well");
}
