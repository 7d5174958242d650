//! When what was sent at a time of the other end is due here (4.5): its times, which wrap every 71
//! minutes, and how far its clock is from this one's.

use std::time::{Duration, Instant};

/// How long the smallest delay is looked for before the clocks are brought together.
const WINDOW: Duration = Duration::from_secs(10);
/// Most that they are moved by at a time.
const STEP: i64 = 2_000;

/// Maps times of the other end. Microseconds since the connection began.
#[derive(Debug)]
pub(super) struct PeerClock {
    began: Instant,
    last: i64,
    /// What is to be added to its times, by the packet that was on its way least.
    offset: i64,
    /// The smallest delay beyond that of the window.
    least: i64,
    window_began: Instant,
}

impl PeerClock {
    /// By the handshake.
    pub(super) fn new(began: Instant, now: Instant, timestamp: u32) -> Self {
        let last = i64::from(timestamp);
        let offset = micros(began, now) - last;
        Self { began, last, offset, least: i64::MAX, window_began: now }
    }

    /// A time without wraps.
    pub(super) fn extend(&mut self, timestamp: u32) -> i64 {
        let step = timestamp.wrapping_sub(self.last as u32) as i32;
        let extended = self.last.saturating_add(step.into());
        self.last = self.last.max(extended);
        extended
    }

    /// A packet came that was sent at a time, for the first time.
    pub(super) fn sample(&mut self, now: Instant, sent: i64) {
        let delay = micros(self.began, now).saturating_sub(sent).saturating_sub(self.offset);
        if delay < 0 {
            self.offset = self.offset.saturating_add(delay);
        }
        self.least = self.least.min(delay.max(0));
        if now.saturating_duration_since(self.window_began) >= WINDOW {
            self.offset = self.offset.saturating_add(self.least.min(STEP));
            (self.least, self.window_began) = (i64::MAX, now);
        }
    }

    /// When what was sent then is due with so much latency.
    pub(super) fn due(&self, sent: i64, latency: Duration) -> Instant {
        let after = sent.saturating_add(self.offset).saturating_add(latency.as_micros() as i64);
        self.began + Duration::from_micros(after.max(0) as u64)
    }
}

/// Microseconds from one moment to another.
pub(super) fn micros(from: Instant, to: Instant) -> i64 {
    to.saturating_duration_since(from).as_micros() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_even_steps_is_due_in_even_steps_through_the_wrap() {
        let start = Instant::now();
        let mut clock = PeerClock::new(start, start, u32::MAX - 15_000);
        let latency = Duration::from_millis(100);
        let mut last = None;
        for index in 0..10u32 {
            let arrived =
                start + Duration::from_millis(u64::from(index) * 10 + u64::from(index % 3));
            let sent = clock.extend((u32::MAX - 15_000).wrapping_add(index * 10_000));
            clock.sample(arrived, sent);
            let due = clock.due(sent, latency);
            assert!(due <= arrived + latency);
            if let Some(last) = last {
                assert_eq!(due - last, Duration::from_millis(10));
            }
            last = Some(due);
        }
    }

    #[test]
    fn a_slow_clock_is_followed() {
        let start = Instant::now();
        let mut clock = PeerClock::new(start, start, 0);
        let mut behind = Duration::ZERO;
        for index in 0..60_000u64 {
            // Ten minutes; it counts 100 millionths too little.
            let now = start + Duration::from_millis(10 * index);
            let sent = clock.extend((index * 10_000 - index) as u32);
            clock.sample(now, sent);
            behind = now - clock.due(sent, Duration::ZERO);
        }
        assert!(behind < Duration::from_millis(5), "{behind:?}");
    }
}
