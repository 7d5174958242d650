//! A network with a seed: the same packets are lost and late in every run.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::link::Link;

#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    pub delay: Duration,
    /// Added to the delay at random, from nothing to this. A queue causes it, so packets wait
    /// behind each other and stay in order.
    pub jitter: Duration,
    /// 0 to 1: how many overtake the queue.
    pub reordering: f64,
    /// 0 to 1.
    pub loss: f64,
    /// 0 to 1.
    pub duplication: f64,
}

impl Conditions {
    pub const GOOD: Self = Self {
        delay: Duration::from_millis(5),
        jitter: Duration::ZERO,
        reordering: 0.0,
        loss: 0.0,
        duplication: 0.0,
    };

    pub const BAD: Self = Self {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(30),
        reordering: 0.02,
        loss: 0.05,
        duplication: 0.02,
    };
}

pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// Whether a datagram to this address is lost.
pub type Drop = Box<dyn FnMut(SocketAddr, &[u8]) -> bool>;

/// How much longer a datagram from this address takes.
pub type Detour = Box<dyn FnMut(SocketAddr, &[u8]) -> Duration>;

/// What becomes of a datagram from the first address to the second.
pub type Tamper = Box<dyn FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Vec<u8>>>;

/// How a peer is connected.
pub struct Access {
    pub to_peer: Link,
    pub from_peer: Link,
}

pub struct Network {
    random: SmallRng,
    pub conditions: Conditions,
    /// Everything that was sent to these is kept, whether it got through or not.
    pub recorded: HashMap<SocketAddr, Vec<Vec<u8>>>,
    /// Says of each datagram whether it is lost on top of the conditions.
    pub drop: Option<Drop>,
    /// Says of each datagram how much longer it takes than the conditions say.
    pub detour: Option<Detour>,
    /// Says of each datagram what goes on in its place.
    pub tamper: Option<Tamper>,
    /// Nothing to or from these gets through.
    pub unplugged: Vec<SocketAddr>,
    /// Peers that have a link of their own instead of the conditions, by their address.
    pub links: HashMap<SocketAddr, Access>,
    flying: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    destinations: HashMap<SocketAddr, u64>,
    last_arrivals: HashMap<(SocketAddr, SocketAddr), Instant>,
}

impl Network {
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            random: SmallRng::seed_from_u64(seed),
            conditions,
            recorded: HashMap::new(),
            drop: None,
            detour: None,
            tamper: None,
            unplugged: Vec::new(),
            links: HashMap::new(),
            flying: BTreeMap::new(),
            sent: 0,
            destinations: HashMap::new(),
            last_arrivals: HashMap::new(),
        }
    }

    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        match &mut self.tamper {
            None => self.carry(now, from, to, bytes),
            Some(tamper) => {
                let instead = tamper(from, to, bytes);
                instead.iter().for_each(|bytes| self.carry(now, from, to, bytes));
            }
        }
    }

    fn carry(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Conditions { delay, jitter, reordering, loss, duplication } = self.conditions;
        if self.unplugged.contains(&from) || self.unplugged.contains(&to) {
            return;
        }
        *self.destinations.entry(to).or_default() += 1;
        if let Some(recorded) = self.recorded.get_mut(&to) {
            recorded.push(bytes.to_vec());
        }
        if self.drop.as_mut().is_some_and(|drop| drop(to, bytes)) {
            return;
        }
        if let Some(access) = self.links.get_mut(&to) {
            let arrivals = access.to_peer.carry(now, bytes);
            return self.fly(arrivals, from, to, bytes);
        }
        if let Some(access) = self.links.get_mut(&from) {
            let arrivals = access.from_peer.carry(now, bytes);
            return self.fly(arrivals, from, to, bytes);
        }
        if self.random.random_bool(loss) {
            return;
        }
        let copies = if self.random.random_bool(duplication) { 2 } else { 1 };
        for _ in 0..copies {
            let extra = jitter.mul_f64(self.random.random_range(0.0..=1.0));
            let mut arrival = now + delay + extra;
            if !self.random.random_bool(reordering) {
                let last = self.last_arrivals.entry((from, to)).or_insert(arrival);
                arrival = arrival.max(*last);
                *last = arrival;
            }
            self.fly([Some(arrival), None], from, to, bytes);
        }
    }

    fn fly(
        &mut self,
        arrivals: [Option<Instant>; 2],
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        let detour = self.detour.as_mut().map_or(Duration::ZERO, |detour| detour(from, bytes));
        for arrival in arrivals.into_iter().flatten() {
            self.sent += 1;
            let datagram = Datagram { from, to, bytes: bytes.to_vec() };
            self.flying.insert((arrival + detour, self.sent), datagram);
        }
    }

    /// A peer's link stays its own when the peer gets another address.
    pub fn move_link(&mut self, before: SocketAddr, after: SocketAddr) {
        if let Some(access) = self.links.remove(&before) {
            self.links.insert(after, access);
        }
    }

    /// Datagrams anybody sent there.
    pub fn sent_to(&self, to: SocketAddr) -> u64 {
        self.destinations.get(&to).copied().unwrap_or(0)
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn arrive(&mut self, now: Instant) -> Option<Datagram> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flying.pop_first().map(|(_, datagram)| datagram)
    }
}
