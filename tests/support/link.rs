//! One direction of a peer's access link: a bottleneck with a drop-tail queue, then a way on which
//! packets are lost, delayed, repeated and overtaken. Everything that is random comes from a seed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// What IPv4 and UDP add to a datagram on the link.
pub const HEADERS: usize = 28;

/// A link without a capacity for this long loses what waits for it.
const LONGEST_OUTAGE: Duration = Duration::from_secs(60);

/// How long jitter stays what it is, on average: radio schedulers and busy queues hold on to a
/// delay for several packets, which a delay drawn for each of them would average away.
const JITTER_HOLDS: Duration = Duration::from_millis(80);

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Loss {
    None,
    /// 0 to 1, independent for each packet.
    Random(f64),
    /// Gilbert-Elliott: a good and a bad state with a loss each (0 to 1), and how probable a packet
    /// is to enter and to leave the bad one.
    Bursty {
        enter: f64,
        leave: f64,
        good: f64,
        bad: f64,
    },
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Queue {
    Bytes(usize),
    /// What would have to wait longer is dropped.
    Time(Duration),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkConditions {
    pub delay: Duration,
    /// Added to the delay at random, from nothing to this.
    pub jitter: Duration,
    /// Whether jitter lets packets overtake each other. Else they wait behind each other.
    pub overtaking: bool,
    /// 0 to 1: how many come later than those sent after them, by `reordering_delay`.
    pub reordering: f64,
    pub reordering_delay: Duration,
    pub loss: Loss,
    /// 0 to 1.
    pub duplication: f64,
    /// Bits a second, headers of IP and UDP included. `None`: no bottleneck.
    pub capacity: Option<u64>,
    pub queue: Queue,
}

impl LinkConditions {
    pub const fn with_delay(ms: u64) -> Self {
        Self {
            delay: Duration::from_millis(ms),
            jitter: Duration::ZERO,
            overtaking: false,
            reordering: 0.0,
            reordering_delay: Duration::from_millis(20),
            loss: Loss::None,
            duplication: 0.0,
            capacity: None,
            queue: Queue::Time(Duration::from_millis(300)),
        }
    }
}

/// An RTP packet that a link lost, by what its header shows in the clear.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LostPacket {
    pub at: Instant,
    pub ssrc: u32,
    pub sequence: u16,
}

/// What a link did so far.
#[derive(Default, Debug)]
pub struct LinkLog {
    pub packets: u64,
    pub bytes: u64,
    pub queue_drops: u64,
    pub losses: u64,
    /// When each packet came and how long it waited for the bottleneck.
    pub waits: Vec<(Instant, Duration)>,
    pub lost_packets: Vec<LostPacket>,
}

pub struct Link {
    random: SmallRng,
    conditions: LinkConditions,
    /// What is to become of the conditions, and when.
    schedule: VecDeque<(Instant, LinkConditions)>,
    /// When the bottleneck has sent all it holds.
    free_at: Option<Instant>,
    /// Departures and sizes of what the bottleneck holds.
    held: VecDeque<(Instant, usize)>,
    in_bad_state: bool,
    jitter_now: Duration,
    jitter_until: Option<Instant>,
    last_arrival: Option<Instant>,
    pub log: LinkLog,
}

impl Link {
    pub fn new(seed: u64, conditions: LinkConditions) -> Self {
        Self {
            random: SmallRng::seed_from_u64(seed),
            conditions,
            schedule: VecDeque::new(),
            free_at: None,
            held: VecDeque::new(),
            in_bad_state: false,
            jitter_now: Duration::ZERO,
            jitter_until: None,
            last_arrival: None,
            log: LinkLog::default(),
        }
    }

    pub fn conditions(&self) -> LinkConditions {
        self.conditions
    }

    /// From now on. What the bottleneck holds leaves as it was going to.
    pub fn set(&mut self, conditions: LinkConditions) {
        self.conditions = conditions;
        self.schedule.clear();
    }

    /// The conditions that follow, each at its time after `start`.
    pub fn follow(&mut self, start: Instant, steps: &[(Duration, LinkConditions)]) {
        self.schedule = steps.iter().map(|(after, next)| (start + *after, *next)).collect();
    }

    /// When a datagram that is sent now arrives: never, once or twice.
    pub fn carry(&mut self, now: Instant, datagram: &[u8]) -> [Option<Instant>; 2] {
        while self.schedule.front().is_some_and(|(at, _)| *at <= now) {
            self.conditions = self.schedule.pop_front().expect("it was there").1;
        }
        let size = datagram.len() + HEADERS;
        self.log.packets += 1;
        let Some(departure) = self.pass_bottleneck(now, size) else {
            self.log.queue_drops += 1;
            self.note_loss(now, datagram);
            return [None, None];
        };
        self.log.bytes += size as u64;
        self.log.waits.push((now, departure - now));
        if self.loses() {
            self.log.losses += 1;
            self.note_loss(now, datagram);
            return [None, None];
        }
        let first = self.arrival(departure);
        let twice = self.random.random_bool(self.conditions.duplication);
        [Some(first), twice.then(|| self.arrival(departure))]
    }

    fn pass_bottleneck(&mut self, now: Instant, size: usize) -> Option<Instant> {
        while self.held.front().is_some_and(|(leaves, _)| *leaves <= now) {
            self.held.pop_front();
        }
        let start = self.free_at.map_or(now, |free| free.max(now));
        let departure = self.sent_at(now, start, size as u64 * 8)?;
        let fits = match self.conditions.queue {
            Queue::Bytes(most) => {
                self.held.iter().map(|(_, size)| size).sum::<usize>() + size <= most
            }
            Queue::Time(most) => start - now <= most,
        };
        if self.conditions.capacity.is_some() && !fits {
            return None;
        }
        self.free_at = Some(departure);
        self.held.push_back((departure, size));
        Some(departure)
    }

    /// When so many bits are through that the bottleneck begins with at `start`, over all changes
    /// of its capacity until then.
    fn sent_at(&self, now: Instant, start: Instant, bits: u64) -> Option<Instant> {
        let mut capacity = self.conditions.capacity;
        let mut changes = self.schedule.iter().peekable();
        while let Some((_, next)) = changes.next_if(|(at, _)| *at <= start) {
            capacity = next.capacity;
        }
        let (mut at, mut bits) = (start, bits as f64);
        loop {
            let Some(rate) = capacity else { return Some(at) };
            let next = changes.next();
            let done = (rate > 0).then(|| at + Duration::from_secs_f64(bits / rate as f64));
            match (done, next) {
                (Some(done), Some((change, _))) if done > *change => {
                    bits -= (*change - at).as_secs_f64() * rate as f64;
                }
                (Some(done), _) => return Some(done),
                (None, None) => return None,
                (None, Some(_)) => {}
            }
            let (change, conditions) = next?;
            if *change > now + LONGEST_OUTAGE {
                return None;
            }
            (at, capacity) = (*change, conditions.capacity);
        }
    }

    fn loses(&mut self) -> bool {
        match self.conditions.loss {
            Loss::None => false,
            Loss::Random(share) => self.random.random_bool(share),
            Loss::Bursty { enter, leave, good, bad } => {
                let turns = self.random.random_bool(if self.in_bad_state { leave } else { enter });
                self.in_bad_state ^= turns;
                self.random.random_bool(if self.in_bad_state { bad } else { good })
            }
        }
    }

    fn arrival(&mut self, departure: Instant) -> Instant {
        let LinkConditions { delay, jitter, overtaking, reordering, reordering_delay, .. } =
            self.conditions;
        let held = self.jitter_until.is_some_and(|until| departure < until);
        if overtaking || !held {
            self.jitter_now = jitter.mul_f64(self.random.random_range(0.0..=1.0));
            let holds = -self.random.random_range(f64::EPSILON..1.0f64).ln();
            self.jitter_until = Some(departure + JITTER_HOLDS.mul_f64(holds));
        }
        let mut arrival = departure + delay + self.jitter_now;
        if self.random.random_bool(reordering) {
            return arrival + reordering_delay;
        }
        if !overtaking {
            arrival = self.last_arrival.map_or(arrival, |last| last.max(arrival));
            self.last_arrival = Some(arrival);
        }
        arrival
    }

    fn note_loss(&mut self, at: Instant, datagram: &[u8]) {
        // RTP, and not the RTCP that shares its first byte (RFC 5761 4).
        let rtp =
            datagram.len() >= 12 && datagram[0] >> 6 == 2 && !(192..224).contains(&datagram[1]);
        if rtp {
            let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
            let ssrc = u32::from_be_bytes(datagram[8..12].try_into().expect("four bytes"));
            self.log.lost_packets.push(LostPacket { at, ssrc, sequence });
        }
    }
}
