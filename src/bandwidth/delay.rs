//! The queue that packets stand in, as their one-way delays show it.
//!
//! Neither clock is known, so only differences count. The smallest delay of the last quarter of a
//! minute is that of an empty path; clocks that drift apart by some hundred millionths move it by
//! less than what matters. What the luckiest packets of the last moments still wait on top of that
//! is a standing queue. That holds back judgement about bursts and jitter, which the luckiest
//! packet does not see, and unlike the trend alone (draft-ietf-rmcat-gcc-02 section 5.3) it does
//! not forget a queue that has stopped growing.

use super::estimator::Usage;
use super::train::{Arrival, Trains};

/// Packets sent within this time are judged by the luckiest one: longer than a frame takes.
const GROUP: f64 = 50.0;
const GROUPS: usize = 8;
/// The queue stands when none of so many groups got through it faster.
const STANDING: usize = 3;
/// The base is the smallest of so many spans of time, each of that length in ms.
const SPANS: usize = 4;
const SPAN: f64 = 5000.0;
/// While a queue stands, which must not become the base for lasting. One that is not ours is ended by
/// [`QueueDelay::rebase`] long before.
const LONG_SPAN: f64 = 20_000.0;
/// Standing queue that is too much, in ms, on a path without jitter.
const MIN_THRESHOLD: f64 = 25.0;
const MAX_THRESHOLD: f64 = 150.0;
/// What groups differ by, so many times, is taken for jitter.
const DEVIATIONS: f64 = 3.0;
/// Groups in a row above the threshold that are overuse, and as many on a path with jitter: a delay
/// that a busy scheduler holds on to passes as a queue for some of them, and goes by itself.
const LASTING: u32 = 2;
const LASTING_NOISY: u32 = 8;
/// What groups differ by on a path with jitter, in ms.
const NOISY: f64 = 8.0;
/// Time constant of the deviation, in groups. Until there were as many it is their average: what is
/// ordinary on a path has to be known within its first moments, or jitter is taken for a queue.
const MEMORY: f64 = 40.0;
/// A queue that gets shorter by so many ms a second drains.
const DRAINING: f64 = -30.0;
/// One that gets longer by as many grows, where it is spread over this share of the groups: what a
/// busy scheduler holds on to comes in one step.
const GROWING: f64 = 30.0;
const SPREAD: f64 = 0.65;
/// How far a trend is followed ahead, in seconds.
const AHEAD: f64 = 0.2;
/// A link that lets packets out at less than so many times of what is sent is as good as full.
const FULL: f64 = 1.5;
/// Delays do not change by that much, in ms; clocks do.
const CLOCK_JUMP: f64 = 20_000.0;
/// Groups longer ago than that say nothing of now, in ms.
const RECENT: f64 = 600.0;

#[derive(Clone, Copy, Default, Debug)]
struct Group {
    /// Of its first packet, in ms.
    sent: f64,
    delay: f64,
    /// Bytes of all its packets.
    bytes: f64,
    trains: Trains,
}

#[derive(Debug, Default)]
pub(super) struct QueueDelay {
    current: Option<Group>,
    /// The packet before.
    before: Option<Arrival>,
    /// The newest last.
    groups: [Group; GROUPS],
    count: usize,
    spans: [f64; SPANS],
    span_began: f64,
    spans_used: usize,
    deviation: f64,
    /// Groups that it was learned from, at most as many as its time constant has.
    learned: f64,
    standing: f64,
    slope: f64,
    above: u32,
    usage: Usage,
    /// Arrival of the first packet that met the present queue, in steps of 250 us.
    busy_since: Option<i64>,
}

impl QueueDelay {
    /// Tells whether a group is complete, after which everything is worth looking at again.
    pub(super) fn arrived(&mut self, sent: f64, arrived: i64, size: usize) -> bool {
        let arrival = Arrival { sent, at: arrived, size };
        let delay = arrived as f64 * 0.25 - sent;
        if self.spans_used > 0 && (delay - self.base()).abs() > CLOCK_JUMP {
            *self = Self::default();
        }
        let Some(current) = &mut self.current else {
            self.current = Some(Group::begin(sent, delay, size));
            self.before = Some(arrival);
            return false;
        };
        if self.before.is_some_and(|before| sent < before.sent) {
            current.trains.note_overtaken();
        }
        if sent < current.sent {
            return false;
        }
        let before = self.before.replace(arrival);
        if sent < current.sent + GROUP {
            current.delay = current.delay.min(delay);
            current.bytes += size as f64;
            if let Some(before) = before {
                current.trains.add(before, arrival);
            }
            return false;
        }
        let complete = std::mem::replace(current, Group::begin(sent, delay, size));
        self.complete(complete, arrived);
        true
    }

    fn complete(&mut self, group: Group, arrived: i64) {
        self.groups.rotate_left(1);
        self.groups[GROUPS - 1] = group;
        self.count = (self.count + 1).min(GROUPS);
        self.update_base(group);

        let recent = self.recent(group.sent);
        let luckiest = recent.iter().rev().take(STANDING).map(|group| group.delay);
        self.standing = (luckiest.fold(f64::INFINITY, f64::min) - self.base()).max(0.0);
        self.slope = slope(self.recent(group.sent));

        let threshold = self.threshold();
        if self.standing < threshold / 2.0 {
            self.busy_since = None;
        } else if self.busy_since.is_none() {
            self.busy_since = Some(arrived);
        }
        self.judge(threshold);

        // From one group to the next: a queue that grows slowly is no jitter.
        if self.count >= 2 {
            let before = self.groups[GROUPS - 2].delay;
            let difference = (group.delay - before).abs().min(MAX_THRESHOLD);
            self.learned = (self.learned + 1.0).min(MEMORY);
            self.deviation += (difference - self.deviation) / self.learned;
        }
    }

    fn judge(&mut self, threshold: f64) {
        let coming = self.standing + self.slope * AHEAD;
        if self.slope < DRAINING {
            self.above = 0;
            self.usage =
                if self.standing > MIN_THRESHOLD / 2.0 { Usage::Underuse } else { Usage::Normal };
            return;
        }
        if self.standing > threshold
            || (self.standing > threshold / 2.0 && coming > 2.0 * threshold)
        {
            self.above += 1;
        } else {
            self.above = 0;
        }
        self.usage = if self.above >= self.lasting() { Usage::Overuse } else { Usage::Normal };
    }

    /// After how many groups above the threshold it is overuse.
    fn lasting(&self) -> u32 {
        let noise = self.deviation > NOISY && self.standing < MAX_THRESHOLD;
        if noise && !self.grows() && !self.is_full() { LASTING_NOISY } else { LASTING }
    }

    /// Whether packets right behind each other come hardly faster than all that is sent: the link is
    /// full, and what its packets wait is no jitter, however much it differs.
    fn is_full(&self) -> bool {
        let groups = self.recent(self.judged_until());
        let [oldest, between @ .., newest] = groups else { return false };
        let bytes = between.iter().fold(oldest.bytes, |bytes, group| bytes + group.bytes);
        let sent = bytes / (newest.sent - oldest.sent);
        trains(groups).rate().is_some_and(|came| came < FULL * sent)
    }

    /// Whether the queue gets longer from group to group, as one does where more is sent than the
    /// path carries, and jitter does not.
    fn grows(&self) -> bool {
        let groups = self.recent(self.judged_until());
        let longer = groups.windows(2).filter(|pair| pair[1].delay > pair[0].delay).count();
        let spread = longer as f64 >= SPREAD * (GROUPS - 1) as f64;
        self.slope > GROWING && spread
    }

    fn recent(&self, now: f64) -> &[Group] {
        let known = &self.groups[GROUPS - self.count..];
        let old = known.iter().take_while(|group| group.sent < now - RECENT).count();
        &known[old..]
    }

    fn update_base(&mut self, group: Group) {
        let span = if self.usage == Usage::Overuse { LONG_SPAN } else { SPAN };
        if self.spans_used == 0 || group.sent - self.span_began > span {
            self.spans.rotate_right(1);
            self.spans[0] = group.delay;
            self.span_began = group.sent;
            self.spans_used = (self.spans_used + 1).min(SPANS);
        }
        self.spans[0] = self.spans[0].min(group.delay);
    }

    fn base(&self) -> f64 {
        self.spans[..self.spans_used].iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn threshold(&self) -> f64 {
        (MIN_THRESHOLD + DEVIATIONS * self.deviation).min(MAX_THRESHOLD)
    }

    /// The queue is not of our making: it is the path's delay from now on.
    pub(super) fn rebase(&mut self) {
        let standing = self.standing;
        let base = self.base() + standing;
        self.spans = [base; SPANS];
        self.standing = 0.0;
        self.above = 0;
        self.usage = Usage::Normal;
        self.busy_since = None;
    }

    /// Nothing was sent for so long that no queue of ours can be left.
    pub(super) fn drained(&mut self) {
        self.standing = 0.0;
        self.above = 0;
        self.usage = Usage::Normal;
        self.busy_since = None;
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// In ms.
    pub(super) fn standing(&self) -> f64 {
        self.standing
    }

    /// Whether there is next to no queue.
    pub(super) fn is_quiet(&self) -> bool {
        self.standing < self.threshold() / 2.0
    }

    /// In ms, of the last packets that were judged.
    pub(super) fn judged_until(&self) -> f64 {
        self.groups[GROUPS - 1].sent
    }

    pub(super) fn busy_since(&self) -> Option<i64> {
        self.busy_since
    }
}

impl Group {
    fn begin(sent: f64, delay: f64, size: usize) -> Self {
        Self { sent, delay, bytes: size as f64, trains: Trains::default() }
    }
}

/// What was seen of packets right behind each other in all of these.
fn trains(groups: &[Group]) -> Trains {
    groups.iter().fold(Trains::default(), |all, group| all.with(group.trains))
}

/// Of the least-squares line through delays, in ms a second.
fn slope(groups: &[Group]) -> f64 {
    if groups.len() < 4 {
        return 0.0;
    }
    let count = groups.len() as f64;
    let sent = groups.iter().map(|group| group.sent).sum::<f64>() / count;
    let delay = groups.iter().map(|group| group.delay).sum::<f64>() / count;
    let (mut over, mut under) = (0.0, 0.0);
    for group in groups {
        over += (group.sent - sent) * (group.delay - delay);
        under += (group.sent - sent) * (group.sent - sent);
    }
    if under > 0.0 { over / under * 1000.0 } else { 0.0 }
}

#[cfg(test)]
mod tests;
