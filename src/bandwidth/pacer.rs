//! Decides how much may leave now.
//!
//! A leaky bucket in virtual time: what was sent drains at the pacing rate, and more may leave while
//! the bucket is not full. It is as deep as a burst may be long, so packets leave in groups that the
//! kernel takes in one call, and none of these groups fills a router's queue by itself.

use std::time::{Duration, Instant};

/// Pacing rate as a multiple of what the link is estimated to carry. A source sends a frame at
/// once and then nothing; at the estimated rate itself each frame would just be through when the
/// next one comes, and a keyframe of eight frames' size would hold up the stream for a quarter of
/// a second. At two and a half times of it that is a tenth, and of a burst no more than three
/// fifths wait before the bottleneck.
const PACING_FACTOR: f64 = 2.5;
/// The longest burst, in time at the pacing rate. A frame of average size at 30 frames a second,
/// 33 ms at the estimated rate, is 13 ms at the pacing rate and leaves whole.
const MAX_BURST: Duration = Duration::from_millis(20);
/// After a full burst, the next one waits until this much may leave: less is not worth a timer.
const MIN_BURST: Duration = Duration::from_millis(5);
/// Nor is less than this worth a system call, as long as it is not a longer burst.
const MIN_BURST_BYTES: f64 = 4.0 * 1200.0;
/// A packet leaves whole, however little room there is for it.
const PACKET: f64 = 1200.0;
/// Estimated rates below are taken to be this, so that something always moves.
const MIN_RATE: u64 = 20_000;
/// What waits longer is of no use to a conversation.
const MAX_QUEUE_DELAY: Duration = Duration::from_secs(1);

/// The pacing rate, in bits a second, that sends `queued` bytes within the longest wait: the given
/// rate where that is enough.
pub fn draining_rate(pacing_rate: u64, queued: usize) -> u64 {
    let needed = queued as f64 * 8.0 / MAX_QUEUE_DELAY.as_secs_f64();
    pacing_rate.max(needed.ceil() as u64)
}

/// Paces all media to one peer.
#[derive(Debug, Default)]
pub struct Pacer {
    /// Bytes a second. `None` before there is an estimate: nothing is paced.
    rate: Option<f64>,
    /// At least this much while a long queue drains.
    raised: f64,
    /// Bytes that were sent and have not drained, as of `updated`.
    backlog: f64,
    updated: Option<Instant>,
}

impl Pacer {
    /// Paces nothing until [`Pacer::set_rate`] gives it a rate.
    pub fn new() -> Self {
        Self::default()
    }

    /// The link is estimated to carry `estimate` bits a second.
    pub fn set_rate(&mut self, now: Instant, estimate: u64) {
        self.drain(now);
        self.rate = Some(estimate.max(MIN_RATE) as f64 / 8.0 * PACING_FACTOR);
    }

    /// So many bytes wait to be sent. A queue that got too long is drained faster until it is
    /// empty; easing off as it shrinks would make the last of it wait longer than it may.
    pub fn set_queue(&mut self, now: Instant, bytes: usize) {
        self.drain(now);
        let Some(rate) = self.rate else { return };
        if bytes == 0 {
            self.raised = 0.0;
            return;
        }
        let pacing = (rate * 8.0) as u64;
        let needed = draining_rate(pacing, bytes);
        if needed > pacing {
            self.raised = self.raised.max(needed as f64 / 8.0);
        }
    }

    /// Bits a second at which bursts leave in the long run; `None` when nothing is paced.
    pub fn pacing_rate(&self) -> Option<u64> {
        self.bytes_per_second().map(|rate| (rate * 8.0) as u64)
    }

    /// Bytes that may leave now: a whole burst or nothing. The last packet may go beyond by less
    /// than its size; later ones make up for it.
    pub fn budget(&mut self, now: Instant) -> usize {
        self.drain(now);
        let Some(rate) = self.bytes_per_second() else { return usize::MAX };
        let room = rate * MAX_BURST.as_secs_f64() - self.backlog;
        // A byte of grace: timers and rounding.
        if room + 1.0 < smallest_burst(rate) { 0 } else { room.max(PACKET) as usize }
    }

    /// Counts what left: paced or not, repeated, padding and audio as well. Audio never waits, but
    /// what it takes the link cannot carry otherwise.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        self.drain(now);
        self.backlog += bytes as f64;
    }

    /// When [`Pacer::budget`] is going to be more than nothing; `None` when it is now.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.budget(now) > 0 {
            return None;
        }
        let rate = self.bytes_per_second()?;
        let excess = self.backlog + smallest_burst(rate) - rate * MAX_BURST.as_secs_f64();
        // Rounded up, or a timer might come a moment too early.
        let nanos = (excess.max(0.0) / rate * 1e9).ceil().min(60e9);
        Some(now + Duration::from_nanos(nanos as u64).max(Duration::from_micros(1)))
    }

    fn bytes_per_second(&self) -> Option<f64> {
        self.rate.map(|rate| rate.max(self.raised))
    }

    fn drain(&mut self, now: Instant) {
        let Some(rate) = self.bytes_per_second() else {
            (self.backlog, self.updated) = (0.0, Some(now));
            return;
        };
        let before = *self.updated.get_or_insert(now);
        // Asked several times in a turn, which is one moment.
        if now > before {
            let elapsed = now.saturating_duration_since(before).as_secs_f64();
            self.backlog = (self.backlog - elapsed * rate).max(0.0);
            self.updated = Some(now);
        }
    }
}

fn smallest_burst(rate: f64) -> f64 {
    MIN_BURST_BYTES.clamp(rate * MIN_BURST.as_secs_f64(), rate * MAX_BURST.as_secs_f64())
}

#[cfg(test)]
mod tests;
