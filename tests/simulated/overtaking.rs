//! A path on which packets overtake each other loses none of them, and hardly any is sent twice.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use crate::support::link::{Link, LinkConditions, Loss};
use crate::support::network::{Access, Conditions};
use crate::support::room::Room;

const MS: Duration = Duration::from_millis(1);

/// Of the packets that a viewer was sent, how many were sent again; and how many it got of those that
/// the publisher sent in this time.
fn sent_again(conditions: LinkConditions) -> (f64, f64) {
    let mut room = Room::new(1, Conditions::GOOD, 1);
    room.connect();
    let viewer = &room.viewers[0];
    let (client, transport) = (viewer.client, viewer.transport);
    let address = room.world.clients[client].address;
    let back = LinkConditions::with_delay(30);
    let access = Access { to_peer: Link::new(1, conditions), from_peer: Link::new(2, back) };
    room.world.network.links.insert(address, access);
    let count = |room: &mut Room, name: &str| {
        let stats = room.world.stats(transport);
        stats["outgoingTracks"][1][name].as_f64().unwrap()
    };
    // What the path does has to be seen first.
    room.world.run(Duration::from_secs(5));
    let before = ["packetsSent", "retransmittedPacketsSent"].map(|name| count(&mut room, name));
    let had = room.world.clients[client].packets.len();
    let sent = room.world.clients[room.publisher].sending[1].sequence;
    room.world.run(Duration::from_secs(20));
    let after = ["packetsSent", "retransmittedPacketsSent"].map(|name| count(&mut room, name));
    let new = &room.world.clients[client].packets[had..];
    let numbers: HashSet<u64> =
        new.iter().filter(|p| p.payload.len() > 500).map(|p| *p.seq_no).collect();
    let sent = room.world.clients[room.publisher].sending[1].sequence - sent;
    ((after[1] - before[1]) / (after[0] - before[0]), numbers.len() as f64 / sent as f64)
}

#[test]
fn what_was_only_overtaken_is_not_sent_again() {
    for jitter in [30, 100] {
        let overtaking = LinkConditions {
            jitter: jitter * MS,
            overtaking: true,
            ..LinkConditions::with_delay(30)
        };
        let (again, arrived) = sent_again(overtaking);
        assert!(again <= 0.05 && arrived > 0.97, "{jitter} ms: {again} again, {arrived} arrived");
    }
}

/// Of the packets that a publisher sent, how many it was asked to send again; and how many of them the
/// viewer got.
fn sent_again_by_the_publisher(conditions: LinkConditions) -> (f64, f64) {
    /// Payload types of the client's VP8 and of its repetitions.
    const VP8: u8 = 96;
    const RTX: u8 = 97;
    let mut room = Room::new(1, Conditions::GOOD, 1);
    room.connect();
    let address = room.world.clients[room.publisher].address;
    let back = LinkConditions::with_delay(30);
    let access = Access { to_peer: Link::new(1, back), from_peer: Link::new(2, conditions) };
    room.world.network.links.insert(address, access);
    room.world.run(Duration::from_secs(5));
    let sent: Rc<RefCell<HashMap<u8, u32>>> = Rc::default();
    let count = sent.clone();
    room.world.network.tamper = Some(Box::new(move |from, _, bytes| {
        if from == address && bytes.len() > 1 {
            *count.borrow_mut().entry(bytes[1] & 0x7f).or_default() += 1;
        }
        vec![bytes.to_vec()]
    }));
    let viewer = room.viewers[0].client;
    let had = room.world.clients[viewer].packets.len();
    room.world.run(Duration::from_secs(20));
    let new = &room.world.clients[viewer].packets[had..];
    let arrived: HashSet<u64> =
        new.iter().filter(|p| p.payload.len() > 500).map(|p| *p.seq_no).collect();
    let sent = sent.borrow();
    let of = |pt| f64::from(sent.get(&pt).copied().unwrap_or(0));
    (of(RTX) / of(VP8), arrived.len() as f64 / of(VP8))
}

#[test]
fn a_publisher_is_not_asked_for_what_was_only_overtaken() {
    for jitter in [30, 100] {
        let overtaking = LinkConditions {
            jitter: jitter * MS,
            overtaking: true,
            ..LinkConditions::with_delay(30)
        };
        let (again, arrived) = sent_again_by_the_publisher(overtaking);
        assert!(again <= 0.05 && arrived > 0.97, "{jitter} ms: {again} again, {arrived} arrived");
    }
}

#[test]
fn a_publisher_is_asked_for_what_was_lost_among_overtaken_packets() {
    let lossy = LinkConditions {
        jitter: 50 * MS,
        overtaking: true,
        loss: Loss::Random(0.05),
        ..LinkConditions::with_delay(30)
    };
    let (again, arrived) = sent_again_by_the_publisher(lossy);
    assert!((0.04..0.2).contains(&again) && arrived > 0.97, "{again} again, {arrived} arrived");
}

#[test]
fn what_was_lost_among_overtaken_packets_is_sent_again() {
    let lossy = LinkConditions {
        jitter: 50 * MS,
        overtaking: true,
        loss: Loss::Random(0.05),
        ..LinkConditions::with_delay(30)
    };
    let (again, arrived) = sent_again(lossy);
    assert!((0.04..0.2).contains(&again) && arrived > 0.97, "{again} again, {arrived} arrived");
}
