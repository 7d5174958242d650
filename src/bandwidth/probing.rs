//! When to send a probe, and what it showed.
//!
//! An SFU sends what its sources make: the link's rest shows only when something is put into it.
//! A few packets are enough, so a probe costs next to nothing; it is the queue it makes on a thin
//! link that bounds how fast and how often.

use std::time::{Duration, Instant};

use super::estimator::{PacketResult, Probe};

/// How long a probe lasts, in seconds: a short one where the path is even, and longer ones until
/// jitter does not matter.
const MIN_LENGTH: f64 = 0.02;
const MAX_LENGTH: f64 = 0.4;
const LONGER: f64 = 2.5;
const SHORTER: f64 = 0.7;
/// The queue that a probe may make, in seconds, if there is no more than is known.
const MAX_QUEUE: f64 = 0.08;
/// Standard error of the rate, as a share, above which it says too little.
const VAGUE: f64 = 0.1;
/// The same where less is made of what was found: it arrived as it was sent, or packets overtook each
/// other, and to know more would take half a second.
const ROUGH: f64 = 0.2;
/// What came so many times as fast as it was sent was held up and let go at once: the link carries it,
/// however rough the rate is.
const TOGETHER: f64 = 3.0;
/// Where packets overtake each other, fewer of them fit any line by chance.
const ENOUGH_OVERTAKEN: usize = 10;
/// How long a probe of such a path lasts at first, in seconds, and the queue that it may make: who
/// receives over such a path waits as long for every packet.
const LENGTH_OVERTAKEN: f64 = 0.125;
const MAX_QUEUE_OVERTAKEN: f64 = 0.3;
/// How often a vague probe is repeated as it was: most often it was a moment's bad luck.
const RETRIES: u32 = 2;
/// For packets that were overtaken.
const SETTLING: Duration = Duration::from_millis(120);
/// Until a vague probe is repeated.
const AGAIN: Duration = Duration::from_millis(30);
const MIN_PACKETS: usize = 5;
/// Of a packet, with room for the extensions of whoever sends it.
const MAX_PACKET: f64 = 1200.0;
/// What a step up needs on top of what is wanted, so that it can be held.
const MARGIN: f64 = 1.2;
/// The first steps are longer, and so are those after one that the link took.
const LONG_STEP: f64 = 3.0;
const SHORT_STEP: f64 = 2.0;
/// A probe that arrives at less than this share of its rate has filled the link.
const FILLED: f64 = 0.9;
/// What there is to use of a link that was filled, the rest empties its queue.
const USABLE: f64 = 0.95;
/// The least of a probe that has to be told about.
const ENOUGH: f64 = 0.7;
/// Pauses between probes that found nothing double between these.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_millis(2_500);
/// When steps up failed that a probe had promised, or a probe is a burden to the link.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The share of time that probes may keep a queue filled.
const BURDEN: f64 = 0.02;
/// A step up that fails so soon was promised by the probe.
const PROMISE: Duration = Duration::from_secs(6);
/// Beyond a round trip, until feedback has to be there.
const PATIENCE: Duration = Duration::from_millis(700);

/// What the estimator knows when it asks for a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) estimate: f64,
    pub(super) wanted: u64,
    pub(super) max: f64,
    pub(super) round_trip: Duration,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Finding {
    /// Bits a second that arrived.
    pub(super) rate: f64,
    /// The link was filled: there is not more.
    pub(super) filled: bool,
    /// Standard error, as a share.
    error: f64,
    /// Packets overtook each other.
    overtaken: bool,
    packets: usize,
}

impl Finding {
    /// Whether it says too little.
    fn is_vague(&self) -> bool {
        let few = self.overtaken && self.packets < ENOUGH_OVERTAKEN;
        let tolerable = if self.overtaken || !self.filled { ROUGH } else { VAGUE };
        few || self.error > tolerable
    }
}

#[derive(Debug)]
struct Cluster {
    probe: Probe,
    deadline: Instant,
    /// Once everything was told about, overtaken packets have until then.
    settles: Option<Instant>,
    highest: u64,
    packets: usize,
    arrived: usize,
    /// Bytes of it that were told about, and of everything sent since it began.
    told: usize,
    total: usize,
    /// When the newest of it arrived, and whether one that was sent before came later.
    newest: Option<i64>,
    overtaken: bool,
    /// Time in ms over bytes, of sending and of arrival.
    sending: Line,
    receiving: Line,
}

/// The least-squares line through points, from which one packet's bad luck does not take it far.
#[derive(Clone, Copy, Default, Debug)]
struct Line {
    origin: Option<f64>,
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Line {
    fn add(&mut self, x: f64, y: f64) {
        let y = y - *self.origin.get_or_insert(y);
        self.count += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    fn slope(&self) -> f64 {
        let spread = self.count * self.xx - self.x * self.x;
        if spread > 0.0 { (self.count * self.xy - self.x * self.y) / spread } else { 0.0 }
    }

    /// Where the line has that value.
    fn x_at(&self, y: f64) -> f64 {
        let slope = self.slope();
        let above = y - self.origin.unwrap_or(y) - self.y / self.count;
        self.x / self.count + if slope > 0.0 { above / slope } else { 0.0 }
    }

    /// Standard error of the slope, as a share of it.
    fn error(&self) -> f64 {
        let slope = self.slope();
        let spread = self.xx - self.x * self.x / self.count;
        let all = self.yy - self.y * self.y / self.count;
        let left = (all - slope * slope * spread).max(0.0) / (self.count - 2.0).max(1.0);
        if slope > 0.0 && spread > 0.0 { (left / spread).sqrt() / slope } else { f64::INFINITY }
    }
}

#[derive(Debug)]
pub(super) struct Probing {
    next: u32,
    cluster: Option<Cluster>,
    not_before: Option<Instant>,
    length: f64,
    /// Packets were seen to overtake each other.
    overtaking: bool,
    /// Probes in a row that said too little.
    vague: u32,
    pause: Duration,
    max_pause: Duration,
    /// Go on at once: the last one was not the end of it.
    eager: bool,
    /// Nothing was found yet that ends the start.
    starting: bool,
    promised: Option<Instant>,
}

impl Default for Probing {
    fn default() -> Self {
        Self {
            next: 1,
            cluster: None,
            not_before: None,
            length: MIN_LENGTH,
            overtaking: false,
            vague: 0,
            pause: FIRST_PAUSE,
            max_pause: LONG_PAUSE,
            eager: true,
            starting: true,
            promised: None,
        }
    }
}

impl Probing {
    pub(super) fn next(&mut self, now: Instant, situation: Situation) -> Option<Probe> {
        if self.cluster.is_some() || self.not_before.is_some_and(|time| now < time) {
            return None;
        }
        let mut wish = situation.wanted as f64 * MARGIN;
        if self.starting {
            wish = wish.max(situation.estimate * LONG_STEP);
        }
        let wish = wish.min(situation.max);
        if wish < situation.estimate * 1.03 {
            return None;
        }
        let length = self.length;
        let step = if self.eager { LONG_STEP } else { SHORT_STEP };
        let queue = if self.overtaking { MAX_QUEUE_OVERTAKEN } else { MAX_QUEUE };
        let rate = wish.min(situation.estimate * step.min(1.0 + queue / length));
        let bytes = rate / 8.0 * length;
        let packets = ((bytes / MAX_PACKET).ceil() as usize).max(MIN_PACKETS);
        let probe = Probe { id: self.next, rate: rate as u64, packets, bytes: bytes as usize };
        self.next = self.next.checked_add(1).unwrap_or(1);
        let patience = situation.round_trip + PATIENCE;
        self.cluster = Some(Cluster::new(probe, now + patience + Duration::from_secs_f64(length)));
        // What is beyond the estimate may wait in a queue for so long.
        let queue = (rate - situation.estimate) / situation.estimate * length;
        self.pause = self.pause.max(Duration::from_secs_f64(queue / BURDEN).min(MAX_PAUSE));
        Some(probe)
    }

    /// Of probes so far.
    pub(super) fn count(&self) -> u32 {
        self.next - 1
    }

    /// One result of the feedback at hand.
    pub(super) fn told(&mut self, result: &PacketResult) {
        if let Some(cluster) = &mut self.cluster {
            cluster.told(result);
        }
    }

    /// After a feedback's results, or when time has passed.
    pub(super) fn conclude(&mut self, now: Instant, situation: Situation) -> Option<Finding> {
        let cluster = self.cluster.as_mut()?;
        if cluster.is_complete() {
            let settles = *cluster.settles.get_or_insert(now + SETTLING);
            if cluster.arrived < cluster.packets && now < settles {
                return None;
            }
        } else if now < cluster.deadline {
            return None;
        }
        let finding = cluster.finding();
        self.cluster = None;
        self.overtaking = finding.map_or(self.overtaking, |finding| finding.overtaken);
        if self.is_to_be_repeated(now, finding.as_ref()) {
            return None;
        }
        self.vague = 0;
        if finding.as_ref().is_some_and(|finding| finding.error < VAGUE / 2.0) {
            self.length = (self.length * SHORTER).max(MIN_LENGTH);
        }
        self.starting = false;
        match finding {
            Some(finding) if !finding.filled => {
                self.not_before = None;
                self.pause = FIRST_PAUSE;
                self.eager = true;
                self.promised = Some(now);
            }
            Some(finding) if finding.rate > 1.25 * situation.estimate => {
                // There is more than there was, if not all that is wanted.
                self.pause = FIRST_PAUSE;
                self.promised = Some(now);
                self.wait(now);
            }
            _ => self.wait(now),
        }
        finding
    }

    /// Whether what a probe showed, if anything, is too little, and another one is sent soon.
    fn is_to_be_repeated(&mut self, now: Instant, finding: Option<&Finding>) -> bool {
        let Some(finding) = finding else {
            // It was lost, which at the start is no reason for a long pause.
            self.vague += 1;
            self.not_before = Some(now + AGAIN);
            return self.starting && self.vague <= RETRIES;
        };
        if !finding.is_vague() || self.length >= MAX_LENGTH {
            return false;
        }
        self.vague += 1;
        // At the start a picture waits for it.
        self.not_before = (!self.starting).then(|| now + AGAIN);
        if finding.overtaken {
            self.not_before = None;
            self.length = (self.length * LONGER).clamp(LENGTH_OVERTAKEN, MAX_LENGTH);
        } else if self.vague > RETRIES {
            self.vague = 0;
            self.length = (self.length * LONGER).min(MAX_LENGTH);
        }
        true
    }

    fn wait(&mut self, now: Instant) {
        self.eager = false;
        self.not_before = Some(now + self.pause);
        self.pause = (self.pause * 2).min(self.max_pause.max(self.pause.min(MAX_PAUSE)));
    }

    /// The link turned out to carry less than was sent.
    pub(super) fn overused(&mut self, now: Instant) {
        self.starting = false;
        self.cluster = None;
        if self.promised.take().is_some_and(|time| now < time + PROMISE) {
            self.max_pause = (self.max_pause * 2).min(MAX_PAUSE);
            self.pause = self.max_pause;
        }
        self.wait(now);
    }

    /// What was promised has held.
    pub(super) fn held(&mut self, now: Instant) {
        if self.promised.is_some_and(|time| now > time + 2 * PROMISE) {
            self.promised = None;
            self.max_pause = LONG_PAUSE;
        }
    }

    /// What was found does not count any more.
    pub(super) fn restart(&mut self) {
        let next = self.next;
        *self = Self { next, ..Self::default() };
    }
}

impl Cluster {
    fn new(probe: Probe, deadline: Instant) -> Self {
        Self {
            probe,
            deadline,
            settles: None,
            highest: 0,
            packets: 0,
            arrived: 0,
            told: 0,
            total: 0,
            newest: None,
            overtaken: false,
            sending: Line::default(),
            receiving: Line::default(),
        }
    }

    fn told(&mut self, result: &PacketResult) {
        let part = result.probe == Some(self.probe.id);
        let sent = result.sent.as_secs_f64() * 1000.0;
        if part && self.packets > 0 && result.number <= self.highest {
            // Overtaken, and thought to be lost at first.
            if let Some(arrived) = result.arrived {
                self.arrived += 1;
                self.overtaken = true;
                self.receiving.add(self.sending.x_at(sent), arrived as f64 / 4.0);
            }
            return;
        }
        if self.is_complete() || (!part && self.packets == 0) {
            return;
        }
        self.total += result.size;
        self.highest = result.number;
        if !part {
            return;
        }
        self.told += result.size;
        self.packets += 1;
        self.sending.add(self.total as f64, sent);
        if let Some(arrived) = result.arrived {
            self.arrived += 1;
            self.overtaken |= self.newest.is_some_and(|newest| arrived < newest);
            self.newest = self.newest.max(Some(arrived));
            self.receiving.add(self.total as f64, arrived as f64 / 4.0);
        }
    }

    fn is_complete(&self) -> bool {
        self.told >= self.probe.bytes && self.packets >= self.probe.packets
    }

    fn finding(&self) -> Option<Finding> {
        let enough = self.told as f64 >= ENOUGH * self.probe.bytes as f64;
        if !enough || self.arrived < 3 {
            return None;
        }
        // Both in bits a second. Nobody can tell steps of less than 250 us apart.
        let sent = 8000.0 / self.sending.slope().max(1e-5);
        let received = 8000.0 / self.receiving.slope().max(1e-5);
        // A packet gets lost on any path; more of them show a queue that is too short.
        let kept = ((self.arrived + 1) as f64 / self.packets as f64).min(1.0);
        let received = received * kept;
        let whole = self.arrived == self.packets && !self.overtaken;
        let error =
            if whole && received > TOGETHER * sent { VAGUE } else { self.receiving.error() };
        // A rough figure does not tell a link that is full from one that is not.
        let filled = received < (FILLED - error.min(ROUGH)) * sent;
        let rate = if filled { USABLE * received } else { sent.min(received) };
        let rate = if error > VAGUE { rate * (1.0 - error.min(1.0)) } else { rate };
        let Self { overtaken, arrived: packets, .. } = *self;
        Some(Finding { rate, filled, error, overtaken, packets })
    }
}

#[cfg(test)]
mod tests;
