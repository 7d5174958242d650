//! What gets lost of a DTLS 1.3 handshake is asked for once, not over and over (RFC 9147 7.1).

use std::time::Duration;

use crate::support::bare_peer::{BareOptions, BarePeer, Way};
use crate::support::network::Conditions;
use crate::support::{World, client_address};
use medialoom::control::options::DtlsVersions;

/// Turns a bit in the first record that is encrypted, so that this record alone is lost.
fn lose_first_encrypted_record(datagram: &mut [u8]) {
    /// RFC 9147 4.1: what a record begins with whose header is the short one.
    const CIPHERTEXT: u8 = 0b0010_0000;
    let mut at = 0;
    while datagram[at] & 0b1110_0000 != CIPHERTEXT {
        at += 13 + usize::from(u16::from_be_bytes([datagram[at + 11], datagram[at + 12]]));
    }
    datagram[at + 20] ^= 1;
}

#[test]
fn a_client_that_misses_a_record_of_a_flight_says_so_once_until_more_of_it_comes() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let options =
        BareOptions { version: DtlsVersions::Dtls13, active: false, ..BareOptions::default() };
    let mut peer = BarePeer::new(&mut world, 0, client_address(0), options, &[]);
    peer.check(&mut world);
    let mut lost = false;
    while peer.exchange(&mut world, |way, mut datagram| {
        let hello = way == Way::ToShard && datagram[0] == 22;
        if hello && !std::mem::replace(&mut lost, true) {
            lose_first_encrypted_record(&mut datagram);
        }
        vec![datagram]
    }) {}
    assert!(lost && !peer.connected);
    // Less than the peer takes to send its flight again.
    let mut acknowledgements = 0;
    for _ in 0..300 {
        world.run(Duration::from_millis(1));
        let sent = &mut world.network.recorded.get_mut(&peer.address).expect("it is recorded");
        acknowledgements += sent.drain(..).filter(|sent| sent[0] & 0b1110_0000 == 32).count();
    }
    assert!((1..=2).contains(&acknowledgements), "{acknowledgements} acknowledgements");
}
