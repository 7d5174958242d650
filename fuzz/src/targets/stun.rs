//! STUN of a peer that knows the password, of strangers that do not, and answers to the checks of
//! the transport, to a whole shard. The first byte chooses whether the transport checks itself.

use std::time::Duration;

use medialoom::codec::wrapped;

use super::steps::{Step, steps};
use super::world::{address, nothing_panicked, world};
use crate::support::bare_peer::{BareOptions, BarePeer, PASSWORD, UFRAG};
use crate::support::stun::Check;

/// Classes and methods (RFC 8489 5): binding, allocate of TURN, and one that nobody has.
const KINDS: [u16; 8] = [0x0001, 0x0011, 0x0101, 0x0111, 0x0003, 0x0103, 0x0fff, 0x3fff];
const MAX_STEPS: usize = 64;

pub fn run(input: &[u8]) {
    let Some((&options, rest)) = input.split_first() else { return };
    let mut world = world(1);
    let options = BareOptions { full_ice: options & 1 == 1, ..BareOptions::default() };
    let mut peer = BarePeer::new(&mut world, 0, address(1), options, &[]);
    for step in steps(rest).take(MAX_STEPS) {
        let Step { kind, detail, number, body } = step;
        if kind % 8 == 0 {
            world.run(Duration::from_millis(u64::from(number) % 2000));
            while peer.exchange(&mut world, |_, datagram| vec![datagram]) {}
            continue;
        }
        let asked = peer.stun.last().and_then(|asked| asked.get(8..20)?.try_into().ok());
        let transaction = match asked {
            Some(transaction) if detail & 1 == 0 => transaction,
            _ => [detail; 12],
        };
        let (ufrag, password) = peer.credentials();
        let user_name = format!("{ufrag}:{UFRAG}");
        let mut check = Check::new(transaction).kind(KINDS[usize::from(detail >> 1 & 7)]);
        if detail & 0x10 == 0 {
            check = check.user_name(&user_name);
        }
        check = if detail & 0x20 == 0 { check.attribute(number, body) } else { check.bytes(body) };
        if detail & 0x40 != 0 {
            check = check.controlling();
        }
        let message = match kind % 8 {
            1 => body.to_vec(),
            2 => check.unsigned(),
            3 => {
                let mut records = Vec::new();
                wrapped::wrap(&mut records, ufrag, UFRAG, body);
                records
            }
            4 => {
                let mut message = check.finish(password);
                step.turn_bits(&mut message);
                message
            }
            // An answer has the password of the one who answers.
            5 => check.finish(PASSWORD),
            _ => check.finish(password),
        };
        let from = if detail & 0x80 == 0 { address(1) } else { address(kind >> 3) };
        world.replay(0, from, &message);
    }
    world.run(Duration::from_secs(1));
    nothing_panicked(&world);
}
