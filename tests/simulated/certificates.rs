//! DTLS certificates over a year, as peers see them.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::control::ids::TransportId;
use str0m::media::{Direction, MediaKind};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn offer(world: &mut World) -> String {
    let client = world.add_client(Client::new);
    world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[client].create_offer()
}

fn fingerprint(world: &mut World, transport: TransportId, offer: &str) -> String {
    let answer = world.accept_offer(transport, offer).unwrap();
    let line = answer.lines().find(|line| line.starts_with("a=fingerprint:"));
    line.expect("a fingerprint").to_owned()
}

#[test]
fn new_transports_get_a_new_certificate_each_month_and_the_others_keep_theirs() {
    let mut world = World::new(2, 1, Conditions::GOOD);
    let old = world.create_transport(0, Default::default());
    // Its handshakes never begin, so that none ends for want of an answer.
    let offer = offer(&mut world).replace("a=setup:actpass", "a=setup:active");
    let first = fingerprint(&mut world, old, &offer);
    let mut seen = HashSet::from([first.clone()]);
    for _ in 0..12 {
        let same = world.create_transport(1, Default::default());
        let known = fingerprint(&mut world, same, &offer);
        assert!(seen.contains(&known), "one for all transports of a month");
        world.now += 31 * DAY;
        let new = world.create_transport(0, Default::default());
        assert!(seen.insert(fingerprint(&mut world, new, &offer)));
        let kept = fingerprint(&mut world, old, &offer);
        assert_eq!(kept, first, "a transport has one certificate");
    }
}
