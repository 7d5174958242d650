//! Wall-clock time of a fake or real `Instant`, for what goes onto the wire.

use std::time::{Duration, Instant};

use crate::codec::ntp;

/// Maps the engine's time to NTP time by one reading of the system's clock, so that no packet
/// costs another.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    origin: Instant,
    /// NTP time of the origin, in steps of what reports quote: how a round trip is rounded must not
    /// depend on when a connection began.
    time: u64,
}

impl WallClock {
    /// `unix` is the time since 1970 at `origin`.
    pub fn new(origin: Instant, unix: Duration) -> Self {
        Self { origin, time: ntp::from_unix(unix) & !0xffff }
    }

    /// Seconds in the upper, fractions in the lower 32 bits.
    pub fn ntp(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.origin);
        let fraction = (u64::from(elapsed.subsec_nanos()) << 32) / 1_000_000_000;
        self.time.wrapping_add(elapsed.as_secs() << 32 | fraction)
    }

    /// The middle 32 bits of the NTP time, as reports quote it (RFC 3550 6.4.1).
    pub fn compact_ntp(&self, now: Instant) -> u32 {
        ntp::compact(self.ntp(now))
    }

    /// Six bits of seconds and 18 of fractions, as the abs-send-time extension has it.
    pub fn abs_send_time(&self, now: Instant) -> u32 {
        (self.ntp(now) >> 14) as u32 & 0x00ff_ffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_a_second_in_every_form() {
        let start = Instant::now();
        let clock = WallClock::new(start, Duration::from_secs(1_900_000_000));
        let later = start + Duration::from_millis(1500);
        let close =
            |difference: u64, unit: u64| (difference as f64 / unit as f64 - 1.5).abs() < 1e-4;
        assert!(close(clock.ntp(later) - clock.ntp(start), 1 << 32));
        let compact = clock.compact_ntp(later).wrapping_sub(clock.compact_ntp(start));
        assert!(close(u64::from(compact), 1 << 16));
        let send = clock.abs_send_time(later).wrapping_sub(clock.abs_send_time(start));
        assert!(close(u64::from(send & 0x00ff_ffff), 1 << 18));
    }
}
