//! A handshake with a whole shard over a wire that changes, drops, repeats, delays and adds
//! datagrams in either direction, while the peer writes something else into its records before they
//! are sealed. The first byte chooses version and roles. What is beyond the steps passes as it is.

use std::collections::VecDeque;
use std::time::Duration;

use medialoom::control::options::DtlsVersions;

use super::steps::{Step, steps};
use super::world::{address, is_closed, nothing_panicked, world};
use crate::support::bare_peer::{BareOptions, BarePeer, Way};

/// What is done to records before they are sealed; the other steps are for the wire.
pub const INSIDE: u8 = 0x80;
const MAX_STEPS: usize = 48;
const ROUNDS: usize = 40;

/// The options of an input's first byte.
pub fn options(byte: u8) -> BareOptions {
    let versions = [DtlsVersions::Dtls12, DtlsVersions::Dtls13, DtlsVersions::Auto];
    BareOptions {
        version: versions[usize::from(byte >> 1) % versions.len()],
        active: byte & 1 == 0,
        full_ice: byte & 8 != 0,
    }
}

pub fn run(input: &[u8]) {
    let Some((&byte, rest)) = input.split_first() else { return };
    let mut world = world(1);
    let mut peer = BarePeer::new(&mut world, 0, address(1), options(byte), &[]);
    let (inside, wire): (Vec<_>, Vec<_>) =
        steps(rest).take(MAX_STEPS).partition(|step| step.kind & INSIDE != 0);
    peer.tamper = Some(tamper(&inside));
    peer.check(&mut world);
    let mut steps = wire.into_iter();
    let mut held = VecDeque::new();
    for _ in 0..ROUNDS {
        let mut moved = true;
        while moved {
            moved = peer.exchange(&mut world, |way, datagram| match steps.next() {
                Some(step) => change(&step, way, datagram, &mut held),
                None => vec![datagram],
            });
        }
        if peer.connected || is_closed(&world, peer.transport) {
            break;
        }
        world.run(Duration::from_millis(500));
    }
    // What it was held back for comes late, and then once more in the wrong direction.
    while let Some(datagram) = held.pop_front() {
        peer.send(&mut world, &datagram);
    }
    for step in steps {
        peer.send(&mut world, step.body);
    }
    world.run(Duration::from_secs(1));
    nothing_panicked(&world);
}

/// Changes one record after the other; of those with nothing to change there may be some before.
fn tamper(inside: &[Step<'_>]) -> Box<dyn FnMut(&mut [u8])> {
    let steps: Vec<_> =
        inside.iter().map(|step| (step.kind, step.number, step.body.to_vec())).collect();
    let mut steps = steps.into_iter();
    Box::new(move |record| {
        let Some((kind, number, body)) = steps.next() else { return };
        match kind % 4 {
            0 => Step { kind, detail: 0, number, body: &body }.turn_bits(record),
            1 => {
                let at = usize::from(number) % (record.len() + 1);
                record[at..].iter_mut().zip(body).for_each(|(byte, new)| *byte = new);
            }
            _ => {}
        }
    })
}

/// What becomes of a datagram.
fn change(
    step: &Step<'_>,
    way: Way,
    mut datagram: Vec<u8>,
    held: &mut VecDeque<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let Step { kind, number, body, .. } = *step;
    match kind % 10 {
        0 => return Vec::new(),
        1 => return vec![datagram.clone(), datagram],
        2 => datagram.truncate(usize::from(number) % (datagram.len() + 1)),
        3 => step.turn_bits(&mut datagram),
        // Before it, behind it, in its place.
        4 => return vec![body.to_vec(), datagram],
        5 => return vec![datagram, body.to_vec()],
        6 => return vec![body.to_vec()],
        7 if way == Way::ToShard => {
            held.push_back(datagram);
            return Vec::new();
        }
        // Other bytes from a place on, in a record whose length stays.
        8 => {
            let at = usize::from(number) % (datagram.len() + 1);
            datagram[at..].iter_mut().zip(body).for_each(|(byte, new)| *byte = *new);
        }
        _ => datagram.extend(held.pop_front().unwrap_or_default()),
    }
    vec![datagram]
}
