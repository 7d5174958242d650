//! Runs a scenario.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::Reply;
use medialoom::control::ids::TransportId;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};

use super::encoder::Encoder;
use super::figures::Figures;
use super::ledger::Ledger;
use super::scenario::{Happening, Scenario, ViewerLink};
use super::viewer::Viewer;
use crate::support::World;
use crate::support::client::Client;
use crate::support::link::{Link, LinkConditions};
use crate::support::network::{Access, Conditions};

/// How often viewers are looked at. Packets carry their own times of arrival.
const TICK: Duration = Duration::from_millis(5);

const CONNECTING: Duration = Duration::from_secs(30);

pub struct Watching {
    pub client: usize,
    pub transport: TransportId,
    mid: Mid,
    pub viewer: Viewer,
}

pub struct Run<'a> {
    pub scenario: &'a Scenario,
    pub world: World,
    pub publisher: usize,
    pub watching: Vec<Watching>,
    pub ledger: Rc<RefCell<Ledger>>,
    /// When everybody was connected.
    pub start: Instant,
    addresses: u8,
}

/// Runs a scenario and gives the figures of each viewer.
pub fn run(scenario: &Scenario, seed: u64) -> Vec<Figures> {
    let mut run = Run::connect(scenario, seed);
    run.play();
    (0..run.watching.len()).map(|index| Figures::of(&run, index)).collect()
}

impl<'a> Run<'a> {
    fn connect(scenario: &'a Scenario, seed: u64) -> Self {
        let coding = scenario.coding;
        let mut world = World::new(1, seed, Conditions::GOOD);
        let ledger = Rc::new(RefCell::new(Ledger::default()));
        let client = |now, address| Client::with(now, address, |config| coding.configure(config));
        let publisher = world.add_client(client);
        let publishing = world.create_transport(0, Default::default());
        world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, coding.rids());
        world.offer_from_client(publisher, publishing);
        let mid = world.clients[publisher].sending[0].mid;
        let encoder = Encoder::new(coding, seed, world.start, ledger.clone());
        world.clients[publisher].send_from(mid, Box::new(encoder));
        let source = world.tracks_of(publishing)[0].id;

        if scenario.head_start > Duration::ZERO {
            let connected = |world: &World| world.clients[publisher].connected;
            world.run_until(CONNECTING, "the publisher connects", connected);
            world.run(scenario.head_start);
        }

        let mut watching = Vec::new();
        for (index, link) in scenario.links.iter().enumerate() {
            let client = world.add_client(client);
            let address = world.clients[client].address;
            let access = access(seed, index as u64, &ViewerLink::with_round_trip(20));
            world.network.links.insert(address, access);
            let transport = world.create_transport(0, Default::default());
            let id = world.add_outgoing(transport, Kind::Video, "forwarded");
            world.command(transport, TransportCommand::Attach { id, source });
            let offer = world.create_offer(transport).expect("a track to offer");
            let mid = offer.split("a=mid:").nth(1).and_then(|rest| rest.split_whitespace().next());
            let mid = Mid::from(mid.expect("a mid"));
            let answer = world.clients[client].accept_offer(&offer);
            world.accept_answer(transport, &answer).expect("the answer is accepted");
            let viewer = Viewer::new(coding, link.round_trip());
            watching.push(Watching { client, transport, mid, viewer });
        }
        world.run_until(CONNECTING, "everybody connects", |world| {
            world.clients.iter().all(|client| client.connected)
        });
        let start = world.now;
        for (index, (watching, link)) in watching.iter().zip(&scenario.links).enumerate() {
            let address = world.clients[watching.client].address;
            let mut access = access(seed, index as u64, link);
            let with = |(at, capacity): &(Duration, Option<u64>)| {
                (*at, LinkConditions { capacity: *capacity, ..link.to_viewer })
            };
            let steps: Vec<_> = link.capacities.iter().map(with).collect();
            access.to_peer.follow(start, &steps);
            world.network.links.insert(address, access);
        }
        Self { scenario, world, publisher, watching, ledger, start, addresses: 0 }
    }

    fn play(&mut self) {
        let mut happenings = self.scenario.happenings.iter().peekable();
        while self.world.now < self.start + self.scenario.length {
            let passed = self.world.now - self.start;
            while let Some((_, happening)) = happenings.next_if(|(at, _)| *at <= passed) {
                self.happen(*happening);
            }
            self.world.run(TICK);
            let now = self.world.now;
            for watching in &mut self.watching {
                let client = &mut self.world.clients[watching.client];
                for packet in client.packets.drain(..) {
                    watching.viewer.receive(packet);
                }
                if watching.viewer.poll(now) {
                    client.request_keyframe(watching.mid, KeyframeRequestKind::Pli);
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let Some(Watching { client, transport, .. }) = self.watching.first() else { return };
        match happening {
            Happening::AddressChange => {
                self.addresses += 1;
                let before = self.world.clients[*client].address;
                let after = SocketAddr::from(([10, 0, 2, self.addresses], 51_000));
                self.world.network.move_link(before, after);
                self.world.clients[*client].rebind(after);
            }
            Happening::IceRestart => {
                let restart =
                    |request| TransportCommand::CreateOffer { request, ice_restart: true };
                let Ok(Reply::Sdp(offer)) = self.world.ask(*transport, restart) else {
                    panic!("an offer that restarts ICE");
                };
                let answer = self.world.clients[*client].accept_offer(&offer);
                self.world.accept_answer(*transport, &answer).expect("the answer is accepted");
            }
        }
    }

    /// The link of a viewer, wherever it is by now.
    pub fn link(&self, index: usize) -> &Access {
        let client = &self.world.clients[self.watching[index].client];
        &self.world.network.links[&client.address]
    }
}

/// Handshakes are not what is measured, and how many packets they take is no matter of the seed: the
/// link of the scenario comes with the media.
fn access(seed: u64, index: u64, link: &ViewerLink) -> Access {
    let seed = seed.wrapping_mul(1000) + 2 * index;
    Access {
        to_peer: Link::new(seed, link.to_viewer),
        from_peer: Link::new(seed + 1, link.from_viewer),
    }
}
