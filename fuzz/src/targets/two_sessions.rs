//! Two sessions of two shards with each other, over a wire that changes, drops, repeats and holds
//! back datagrams from the first check on, while the media itself is changed before it is sealed.
//! When the wire is honest again, media flows or a session has ended and says why.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::TransportId;
use medialoom::control::options::TransportOptions;

use super::steps::{Step, steps};
use super::world::{address, is_closed, nothing_panicked, world};
use crate::support::bare_peer::{BareOptions, BarePeer};
use crate::support::bare_rtp::picture_with;
use crate::support::{World, shard_address};

/// What is done to media before it is sealed; the others are for the wire.
pub const INSIDE: u8 = 0x80;
const MAX_STEPS: usize = 256;
const FRAME: Duration = Duration::from_millis(20);
/// Frames after which the wire is honest, whatever steps are left.
const HONEST_AFTER: u64 = 250;
/// Frames that are more than half a minute, after which consent ends (RFC 7675 5.1), and so does
/// connecting.
const PATIENCE: u64 = 3500;
/// Frames between two looks at what came.
const LOOK: u64 = 10;

pub fn run(input: &[u8]) {
    let mut world = world(2);
    let mut publisher = BarePeer::connected(&mut world, 0, address(1), BareOptions::default(), &[]);
    let track = world.tracks_of(publisher.transport).into_iter().rfind(|t| t.kind == Kind::Video);
    let source = track.expect("it publishes").id;
    let full = TransportOptions { ice_lite: false, ..TransportOptions::default() };
    let sender = world.create_transport(0, full);
    let receiver = world.create_transport(1, TransportOptions::default());
    let id = world.add_outgoing(sender, Kind::Video, "stream");
    world.command(sender, TransportCommand::Attach { id, source });
    let offer = world.create_offer(sender).expect("there is something to offer");
    let answer = world.accept_offer(receiver, &offer).expect("the offer is a good one");

    let (inside, wire): (Vec<_>, Vec<_>) =
        steps(input).take(MAX_STEPS).partition(|step| step.kind & INSIDE != 0);
    let left = tamper(&mut world, &wire);
    world.accept_answer(sender, &answer).expect("the answer is a good one");

    let mut inside = inside.into_iter();
    let mut before = None;
    for frame in 0..HONEST_AFTER + PATIENCE {
        if frame % 200 == 0 {
            publisher.check(&mut world);
        }
        let step = inside.next();
        picture_with(&mut world, &publisher, frame, frame % 10 == 0, |payload| {
            if let Some(step) = step {
                change_inside(&step, payload);
            }
        });
        world.run(FRAME);
        publisher.exchange(&mut world, |_, datagram| vec![datagram]);
        let tampered = frame < HONEST_AFTER && (left.get() > 0 || inside.len() > 0);
        if tampered || frame % LOOK != 0 {
            continue;
        }
        world.network.tamper = None;
        nothing_panicked(&world);
        if [sender, receiver].iter().any(|transport| is_closed(&world, *transport)) {
            return;
        }
        let received = packets_received(&mut world, receiver);
        if received > *before.get_or_insert(received) {
            return;
        }
    }
    panic!("neither media nor an end");
}

/// From now on the datagrams between the shards go by the steps, as long as there are any. Gives how
/// many are left.
fn tamper(world: &mut World, wire: &[Step<'_>]) -> Rc<Cell<usize>> {
    let ends = [shard_address(0), shard_address(1)];
    let steps: Vec<(u8, u16, Vec<u8>)> =
        wire.iter().map(|step| (step.kind, step.number, step.body.to_vec())).collect();
    let left = Rc::new(Cell::new(steps.len()));
    let counted = left.clone();
    let mut steps = steps.into_iter();
    let mut held = VecDeque::new();
    world.network.tamper = Some(Box::new(move |from, to, datagram| {
        let mut datagram = datagram.to_vec();
        if !(ends.contains(&from) && ends.contains(&to)) {
            return vec![datagram];
        }
        let Some((kind, number, body)) = steps.next() else { return vec![datagram] };
        counted.set(steps.len());
        match kind % 8 {
            0 => return Vec::new(),
            1 => return vec![datagram.clone(), datagram],
            2 => datagram.truncate(usize::from(number) % (datagram.len() + 1)),
            3 => Step { kind, detail: 0, number, body: &body }.turn_bits(&mut datagram),
            4 => return vec![body, datagram],
            5 => {
                held.push_back(datagram);
                return Vec::new();
            }
            6 => return [held.pop_front().unwrap_or_default(), datagram].into(),
            _ => {}
        }
        vec![datagram]
    }));
    left
}

fn change_inside(step: &Step<'_>, payload: &mut Vec<u8>) {
    match step.kind % 4 {
        0 => step.turn_bits(payload),
        1 => payload.truncate(usize::from(step.number) % (payload.len() + 1)),
        2 => *payload = step.body.to_vec(),
        _ => {}
    }
}

fn packets_received(world: &mut World, transport: TransportId) -> u64 {
    let stats = world.stats(transport);
    let packets = &stats["incomingTracks"][0]["encodings"][0]["packetsReceived"];
    packets.as_u64().unwrap_or_default()
}
