//! The way from a sender to its receivers: one bottleneck with a queue, then the air.

use std::collections::VecDeque;

use crate::random::Random;

/// How packets get lost on the air, whatever is sent.
#[derive(Clone, Copy, Debug)]
pub enum Losses {
    None,
    Random(f64),
    /// Gilbert-Elliott: good and bad times, in which so many get lost. Probabilities per packet of
    /// one following the other.
    Bursts {
        to_bad: f64,
        to_good: f64,
        bad: f64,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Jitter {
    None,
    /// Up to so many ms, each packet on its own: they overtake each other.
    Overtaking(f64),
    /// Radio that pauses for up to so many ms several times a second: packets wait for each other.
    Pauses(f64),
}

#[derive(Clone, Debug)]
pub struct Path {
    /// Seconds and bits a second from then on.
    pub capacity: Vec<(f64, f64)>,
    /// The same for traffic of others, which is a constant stream of packets.
    pub others: Vec<(f64, f64)>,
    /// Of the queue, in ms at the present capacity.
    pub queue: f64,
    /// One way, in ms, in seconds from then on.
    pub delay: Vec<(f64, f64)>,
    pub losses: Losses,
    /// Seconds from which on packets get lost.
    pub lossy_from: f64,
    pub jitter: Jitter,
    /// Nothing arrives between these, in seconds.
    pub blackout: Option<(f64, f64)>,
    /// Of the receiver's clock, millionths.
    pub drift: f64,
    /// In ms.
    pub feedback_interval: f64,
    pub feedback_loss: f64,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            capacity: vec![(0.0, 2e6)],
            others: vec![(0.0, 0.0)],
            queue: 300.0,
            delay: vec![(0.0, 25.0)],
            losses: Losses::None,
            lossy_from: 0.0,
            jitter: Jitter::None,
            blackout: None,
            drift: 20.0,
            feedback_interval: 50.0,
            feedback_loss: 0.0,
        }
    }
}

pub fn at(trace: &[(f64, f64)], time: f64) -> f64 {
    trace.iter().rev().find(|(from, _)| *from <= time).map_or(0.0, |(_, value)| *value)
}

/// A packet on its way.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// `None` belongs to others.
    pub flow: Option<usize>,
    pub number: u64,
    pub size: usize,
    pub queued: f64,
}

#[derive(Debug)]
pub struct Bottleneck {
    queue: VecDeque<Packet>,
    bytes: usize,
    /// Bytes of the first one that are through.
    done: f64,
    bad: bool,
    pausing: f64,
    debt: f64,
    random: Random,
}

/// What came of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Passage {
    Dropped(Packet),
    /// Through the queue, which took so many seconds; arrives at that time, unless lost.
    Through {
        packet: Packet,
        waited: f64,
        arrives: Option<f64>,
    },
}

impl Bottleneck {
    pub fn new(seed: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            done: 0.0,
            bad: false,
            pausing: 0.0,
            debt: 0.0,
            random: Random::new(seed),
        }
    }

    pub fn put(&mut self, path: &Path, packet: Packet, each: &mut impl FnMut(Passage)) {
        let capacity = at(&path.capacity, packet.queued);
        let limit = (capacity / 8.0 * path.queue / 1000.0).max(3000.0);
        if (self.bytes + packet.size) as f64 > limit {
            return each(Passage::Dropped(packet));
        }
        self.bytes += packet.size;
        self.queue.push_back(packet);
    }

    /// Time passes.
    pub fn step(&mut self, path: &Path, now: f64, step: f64, each: &mut impl FnMut(Passage)) {
        self.debt += at(&path.others, now) / 8.0 * step;
        while self.debt >= 1200.0 {
            self.debt -= 1200.0;
            self.put(path, Packet { flow: None, number: 0, size: 1200, queued: now }, each);
        }
        let mut budget = at(&path.capacity, now) / 8.0 * step;
        while let Some(packet) = self.queue.front().copied() {
            let left = packet.size as f64 - self.done;
            if left > budget {
                self.done += budget;
                break;
            }
            budget -= left;
            self.done = 0.0;
            self.bytes -= packet.size;
            self.queue.pop_front();
            let waited = now - packet.queued;
            let arrives = self.air(path, now);
            each(Passage::Through { packet, waited, arrives });
        }
    }

    fn air(&mut self, path: &Path, now: f64) -> Option<f64> {
        let lost = match path.losses {
            _ if now < path.lossy_from => false,
            Losses::None => false,
            Losses::Random(share) => self.random.chance(share),
            Losses::Bursts { to_bad, to_good, bad } => {
                let change = if self.bad { to_good } else { to_bad };
                self.bad ^= self.random.chance(change);
                self.bad && self.random.chance(bad)
            }
        };
        if lost || path.blackout.is_some_and(|(from, to)| (from..to).contains(&now)) {
            return None;
        }
        let arrives = now + at(&path.delay, now) / 1000.0;
        Some(match path.jitter {
            Jitter::None => arrives,
            Jitter::Overtaking(most) => arrives + self.random.share() * most / 1000.0,
            Jitter::Pauses(most) => {
                if arrives > self.pausing && self.random.chance(0.03) {
                    self.pausing = arrives + self.random.share() * most / 1000.0;
                }
                arrives.max(self.pausing)
            }
        })
    }
}
