//! Send-side bandwidth estimation of one transport.
//!
//! What a sender of fixed layers can send is nearly never what the link carries, so the estimate is
//! not a rate that is steered but what is known: probes and what was carried show that it is at
//! least so much, a standing queue or loss that comes with the rate show what it is at most.
//!
//! The field calls this BWE; what libwebrtc has in its place is GCC (draft-ietf-rmcat-gcc).

use std::time::{Duration, Instant};

use super::acknowledged::AcknowledgedRate;
use super::delay::QueueDelay;
use super::estimator::{
    Change, Estimator, EstimatorStatistics, PacketResult, Probe, Sending, Usage,
};
use super::loss::{Loss, Verdict};
use super::probing::{Probing, Situation};

/// Share of what arrived while a queue stood: the rest empties it (draft-ietf-rmcat-gcc-02 section
/// 5.5 has 0.85).
const DECREASE: f64 = 0.92;
/// With a queue of this many ms or more, it has to be emptied faster.
const LONG_QUEUE: f64 = 150.0;
const STRONG_DECREASE: f64 = 0.85;
/// Increase a second, far from any known limit (section 5.5).
const INCREASE: f64 = 0.08;
/// Near to one, a packet of this many bits per response time.
const PACKET_BITS: f64 = 9600.0;
/// Nothing is concluded about rates far above what is sent.
const CARRIED: f64 = 1.25;
/// Share of the estimate that has to be used for the rest to be believed bit by bit.
const USED: f64 = 0.75;
/// Time that a smaller estimate takes to show on the path, beyond what the path itself takes.
const RESPONSE: f64 = 200.0;
/// Steps of arrival time.
const HALF_SECOND: i64 = 2000;
const SECOND: i64 = 4000;
/// A queue that stays the same when less is sent, and again when even less is, is not ours.
const FRUITLESS: u32 = 2;
const THE_SAME: f64 = 0.15;
/// No feedback for so long, and a round trip, is as if nothing arrived.
const SILENCE: Duration = Duration::from_millis(900);
/// And each time so much later it is even more so.
const SILENCE_STEP: Duration = Duration::from_millis(500);
/// REMB counts when there is no transport-wide feedback for so long.
const REMB_ALONE: Duration = Duration::from_secs(5);
/// Probes to a peer that has sent no feedback yet.
const DEAF: u32 = 3;
/// What was sent so long ago has arrived or is lost.
const IDLE: Duration = Duration::from_secs(1);
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);

/// Bits a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub start: u64,
    pub min: u64,
    pub max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { start: 300_000, min: 30_000, max: 50_000_000 }
    }
}

/// Less was sent because of a queue.
#[derive(Clone, Copy, Debug)]
struct Decrease {
    /// Sending time in ms.
    at: f64,
    queue: f64,
    /// What the path carried.
    carried: f64,
    /// How many times in a row it made no difference to the queue.
    fruitless: u32,
    /// The estimate before the first of this series, as far as it was not out of date by then.
    before: f64,
}

/// The estimator of one transport; see the module.
#[derive(Debug)]
pub struct SendSideEstimator {
    origin: Instant,
    limits: Limits,
    estimate: f64,
    change: Change,
    acknowledged: AcknowledgedRate,
    delay: QueueDelay,
    loss: Loss,
    probing: Probing,
    wanted: u64,
    round_trip: Duration,
    decrease: Option<Decrease>,
    /// What the path carried when it was full, and how much that varies, as a share.
    capacity: Option<(f64, f64)>,
    /// What the estimate was before loss was blamed.
    before_loss: f64,
    increased: Option<Instant>,
    last_feedback: Option<Instant>,
    /// Something was sent since the last feedback.
    waiting: bool,
    /// Since when nothing is sent.
    idle_since: Option<Instant>,
    /// When the estimate is going to be less for want of feedback, and what it was before.
    silence: Option<(Instant, f64)>,
    /// Packets sent before, in ms, are not worth counting as lost.
    blackout_until: f64,
    /// Delays of packets sent before, in ms, are another path's.
    path_since: f64,
    highest: Option<u64>,
}

impl SendSideEstimator {
    /// Times of sending count from `origin`.
    pub fn new(origin: Instant, limits: Limits) -> Self {
        let min = limits.min.max(1);
        let limits = Limits {
            start: limits.start.clamp(min, limits.max.max(min)),
            min,
            max: limits.max.max(min),
        };
        Self {
            origin,
            limits,
            estimate: limits.start as f64,
            change: Change::Start,
            acknowledged: AcknowledgedRate::default(),
            delay: QueueDelay::default(),
            loss: Loss::default(),
            probing: Probing::default(),
            wanted: 0,
            round_trip: DEFAULT_ROUND_TRIP,
            decrease: None,
            capacity: None,
            before_loss: 0.0,
            increased: None,
            last_feedback: None,
            waiting: false,
            idle_since: None,
            silence: None,
            blackout_until: 0.0,
            path_since: 0.0,
            highest: None,
        }
    }

    fn set(&mut self, estimate: f64, change: Change) {
        let estimate = estimate.clamp(self.limits.min as f64, self.limits.max as f64);
        if estimate != self.estimate {
            self.estimate = estimate;
            self.change = change;
        }
    }

    /// Whether nothing has been sent for longer than a queue lasts.
    fn is_idle(&self, now: Instant) -> bool {
        self.idle_since.is_some_and(|since| now > since + IDLE)
    }

    fn milliseconds(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.origin).as_secs_f64() * 1000.0
    }

    fn situation(&self) -> Situation {
        Situation {
            estimate: self.estimate,
            wanted: self.wanted,
            max: self.limits.max as f64,
            round_trip: self.round_trip,
        }
    }

    /// What arrives, and what would if nothing were lost that is always lost.
    fn carried(&self, steps: i64) -> Option<f64> {
        Some(self.acknowledged.rate(steps)? / (1.0 - self.loss.usual()))
    }

    fn judge_delay(&mut self, now: Instant) {
        let judged = self.delay.judged_until();
        if let Some(decrease) = self.decrease
            && self.delay.is_quiet()
            && judged > decrease.at + RESPONSE
        {
            self.decrease = None;
        }
        // A short queue is full before it stands out, but it drops what does not fit.
        let overflows = !self.delay.is_quiet() && self.loss.is_sudden();
        if self.delay.usage() != Usage::Overuse && !overflows {
            return;
        }
        let queue = self.delay.standing();
        let now_ms = self.milliseconds(now);
        let mut fruitless = 0;
        if let Some(decrease) = self.decrease {
            if judged < decrease.at + RESPONSE {
                return;
            }
            // Layers do not give way at once. As long as more is sent than the path carries, or
            // packets get lost that did not before, a queue stays because it is full.
            let sent = self.loss.sent_since(decrease.at);
            let less = sent.is_some_and(|sent| sent <= decrease.carried) && !self.loss.is_unusual();
            if less && (queue / decrease.queue - 1.0).abs() < THE_SAME {
                fruitless = decrease.fruitless + 1;
            }
            if fruitless > FRUITLESS {
                self.delay.rebase();
                self.decrease = None;
                self.capacity = None;
                return self.set(self.estimate.max(decrease.before), Change::Path);
            }
        }
        // What arrived since the queue is there is what the path carries.
        let busy = match (self.acknowledged.latest(), self.delay.busy_since()) {
            (Some(latest), Some(since)) => latest.saturating_sub(since),
            _ => HALF_SECOND,
        };
        let Some(carried) = self.carried(busy.clamp(SECOND / 5, HALF_SECOND)) else { return };
        let share = if queue > LONG_QUEUE { STRONG_DECREASE } else { DECREASE };
        self.learn_capacity(carried);
        let known = self.estimate.min(CARRIED * carried);
        let before = self.decrease.map_or(known, |decrease| decrease.before);
        self.set(self.estimate.min(share * carried), Change::Overuse);
        self.decrease = Some(Decrease { at: now_ms, queue, carried, fruitless, before });
        self.probing.overused(now);
    }

    fn learn_capacity(&mut self, carried: f64) {
        let carried = carried.max(1.0);
        self.capacity = Some(match self.capacity {
            Some((known, deviation)) if (carried / known - 1.0).abs() < 0.3 => {
                let off = (carried / known - 1.0).abs();
                (known + 0.3 * (carried - known), deviation + 0.2 * (off - deviation))
            }
            _ => (carried, 0.05),
        });
    }

    fn judge_loss(&mut self, now: Instant) {
        let now_ms = self.milliseconds(now);
        let queue = self.delay.standing() > 10.0 && !self.delay.is_quiet();
        match self.loss.judge(now_ms, queue) {
            Verdict::Nothing => {}
            Verdict::Congestion => {
                let Some(carried) = self.carried(SECOND - 80) else { return };
                self.before_loss = self.estimate;
                self.loss.blamed(now_ms, carried);
                if carried < self.estimate {
                    self.learn_capacity(carried);
                    self.set(0.95 * carried, Change::Loss);
                    self.probing.overused(now);
                }
            }
            Verdict::Independent => {
                self.capacity = None;
                self.set(self.estimate.max(self.before_loss), Change::Loss);
            }
        }
    }

    fn judge_probes(&mut self, now: Instant) {
        let Some(finding) = self.probing.conclude(now, self.situation()) else { return };
        let found = finding.rate;
        if found > self.estimate {
            if self.capacity.is_some_and(|(known, _)| found > 1.2 * known) {
                self.capacity = None;
            }
            self.set(found, Change::Probe);
        } else if finding.filled {
            // What is carried already is not put in doubt by a few packets.
            let carried = self.carried(HALF_SECOND).unwrap_or(0.0) * 1.05;
            self.set(self.estimate.min(found.max(carried)), Change::Probe);
        }
    }

    fn increase(&mut self, now: Instant) {
        let before = self.increased.replace(now).unwrap_or(now);
        let elapsed = now.saturating_duration_since(before).as_secs_f64().min(0.5);
        if self.decrease.is_some() || self.delay.usage() != Usage::Normal || !self.delay.is_quiet()
        {
            return;
        }
        let Some(carried) = self.carried(HALF_SECOND) else { return };
        if carried < USED * self.estimate {
            return;
        }
        let near = self.capacity.is_some_and(|(known, deviation)| {
            let margin = (3.0 * deviation).clamp(0.05, 0.2);
            self.estimate > (1.0 - margin) * known && self.estimate < (1.0 + margin) * known
        });
        let response = self.round_trip.as_secs_f64() + 0.1;
        let more = if near {
            (PACKET_BITS / response).min(INCREASE * self.estimate) * elapsed
        } else {
            INCREASE * self.estimate * elapsed
        };
        let bound = (CARRIED * carried + 10_000.0).max(self.estimate);
        self.set((self.estimate + more).min(bound), Change::Increase);
    }

    fn judge_silence(&mut self, now: Instant) {
        let Some(last) = self.last_feedback.filter(|_| self.waiting) else { return };
        let (due, before) = match self.silence {
            Some(silence) => silence,
            None => (last + SILENCE + self.round_trip, self.estimate),
        };
        if now < due {
            return;
        }
        self.set(self.estimate / 2.0, Change::Timeout);
        self.silence = Some((now + SILENCE_STEP, before));
    }

    fn heard(&mut self, now: Instant) {
        self.last_feedback = Some(now);
        self.waiting = false;
        let Some((_, before)) = self.silence.take() else { return };
        // Half of what there was is most likely there again, and probes show the rest.
        self.set(self.estimate.max(before / 2.0), Change::Timeout);
        self.blackout_until = self.milliseconds(now);
        self.loss.forget_lately();
        self.probing.restart();
        self.increased = None;
    }
}

impl Estimator for SendSideEstimator {
    fn feedback(&mut self, now: Instant, results: &[PacketResult], round_trip: Option<Duration>) {
        if let Some(round_trip) = round_trip {
            self.round_trip = round_trip.min(Duration::from_secs(2));
        }
        if results.iter().any(|result| result.arrived.is_some()) {
            self.heard(now);
        }
        let mut judge = false;
        for result in results {
            let late = self.highest.is_some_and(|highest| result.number <= highest);
            self.highest = self.highest.max(Some(result.number));
            let sent = result.sent.as_secs_f64() * 1000.0;
            self.acknowledged.told(result.number, result.size, result.arrived);
            if result.probe.is_none() && sent >= self.blackout_until {
                self.loss.told(sent, result.size, result.arrived.is_none(), late);
            }
            if let Some(arrived) = result.arrived
                && sent >= self.path_since
            {
                judge |= self.delay.arrived(sent, arrived, result.size);
            }
            self.probing.told(result);
        }
        self.judge_probes(now);
        if judge {
            self.judge_delay(now);
            self.judge_loss(now);
            self.increase(now);
        }
        if self.decrease.is_none() {
            self.probing.held(now);
        }
    }

    fn tick(&mut self, now: Instant, sending: Sending) {
        self.wanted = sending.wanted;
        if sending.bytes > 0 && !self.waiting {
            self.waiting = true;
            // Silence is only counted from when there was something to tell about.
            self.last_feedback = self.last_feedback.map(|_| now);
        }
        self.idle_since = match self.idle_since {
            _ if sending.bytes > 0 => None,
            since => since.or(Some(now)),
        };
        if self.is_idle(now) {
            // Nothing of ours is left in any queue, and no feedback is going to say so.
            self.decrease = None;
            self.delay.drained();
        } else {
            self.judge_silence(now);
        }
        self.judge_probes(now);
    }

    fn estimate(&self) -> u64 {
        self.estimate as u64
    }

    fn next_probe(&mut self, now: Instant) -> Option<Probe> {
        // Who does not answer the first ones is not going to answer others.
        let deaf = self.last_feedback.is_none() && self.probing.count() >= DEAF;
        let silent = self.silence.is_some() && !self.is_idle(now);
        if deaf || silent || self.decrease.is_some() || !self.delay.is_quiet() {
            return None;
        }
        self.probing.next(now, self.situation())
    }

    fn remb(&mut self, now: Instant, bitrate: u64) {
        let alone = self.last_feedback.is_none_or(|last| now > last + REMB_ALONE);
        if alone {
            self.set(bitrate as f64, Change::Remb);
        }
    }

    fn reset_path(&mut self, now: Instant) {
        // The new path may be thinner: what arrives shows it soon, or what is sent now does not harm.
        let carried = self.acknowledged.rate(HALF_SECOND).unwrap_or(0.0);
        let start = carried.max(self.limits.start as f64);
        let origin = self.origin;
        let fresh = Self::new(origin, self.limits);
        let (estimate, highest, acknowledged) =
            (self.estimate.min(start), self.highest, std::mem::take(&mut self.acknowledged));
        *self = Self { wanted: self.wanted, highest, acknowledged, ..fresh };
        self.path_since = self.milliseconds(now);
        self.blackout_until = self.path_since;
        self.set(estimate, Change::Path);
    }

    fn statistics(&self) -> EstimatorStatistics {
        EstimatorStatistics {
            usage: self.delay.usage(),
            loss: self.loss.lately().ratio() as f32,
            usual_loss: self.loss.usual() as f32,
            acknowledged: self.acknowledged.rate(HALF_SECOND).unwrap_or(0.0) as u64,
            queue: Duration::from_secs_f64(self.delay.standing().clamp(0.0, 60_000.0) / 1000.0),
            change: self.change,
        }
    }
}

#[cfg(test)]
mod tests;
