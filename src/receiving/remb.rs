//! How much a peer may send that takes no transport-wide feedback
//! (draft-alvestrand-rmcat-remb-03), by what gets lost on its way here
//! (draft-ietf-rmcat-gcc-02 6).

use std::time::Instant;

/// Streams that one estimate names.
pub(super) const MAX_SSRCS: usize = 31;
/// What a peer may send before anything was measured, in bit/s.
const START: u64 = 300_000;
/// In 1/256, as reports tell it: 2 % and 10 %.
const LITTLE: u8 = 5;
const MUCH: u8 = 26;

/// The estimate of one peer's link.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    bitrate: u64,
    bits: u64,
    since: Option<Instant>,
}

impl Estimate {
    /// A datagram came.
    pub(super) fn receive(&mut self, bytes: usize) {
        self.bits += 8 * bytes as u64;
    }

    /// Gives the estimate after what arrived since it was asked for last, in bit/s. `lost` is the worst
    /// that reports of the same time tell, in 256ths. It grows by a twelfth while little gets lost, up to twice of what
    /// arrives, and shrinks by half of what gets lost.
    pub(super) fn update(&mut self, now: Instant, lost: u8) -> u64 {
        let bits = std::mem::take(&mut self.bits);
        let Some(since) = self.since.replace(now) else {
            self.bitrate = START;
            return START;
        };
        let passed = now.saturating_duration_since(since).as_millis().max(1) as u64;
        let arrives = bits.saturating_mul(1000) / passed;
        let most = START.max(arrives.saturating_mul(2));
        if lost > MUCH {
            let kept = 512 - u64::from(lost);
            self.bitrate = (self.bitrate.saturating_mul(kept) / 512).max(START / 10);
        } else if lost < LITTLE {
            self.bitrate = (self.bitrate + self.bitrate / 12).min(most).max(START / 10);
        }
        self.bitrate
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// After so many seconds with a loss, at this many bit/s.
    fn after(seconds: u32, fraction_lost: u8, arrives: u64, estimate: &mut Estimate) -> u64 {
        let start = estimate.since.unwrap_or_else(Instant::now);
        for second in 1..=seconds {
            estimate.receive(arrives as usize / 8);
            estimate.update(start + Duration::from_secs(second.into()), fraction_lost);
        }
        estimate.bitrate
    }

    #[test]
    fn it_grows_with_what_arrives() {
        let mut estimate = Estimate::default();
        let bitrate = after(60, 0, 1_000_000, &mut estimate);
        assert_eq!(bitrate, 2_000_000);
        assert!(
            after(3, LITTLE + 1, 1_000_000, &mut estimate) == bitrate,
            "neither little nor much"
        );
    }

    #[test]
    fn it_shrinks_by_half_of_what_gets_lost() {
        let mut estimate = Estimate::default();
        after(60, 0, 1_000_000, &mut estimate);
        assert_eq!(after(1, 128, 1_000_000, &mut estimate), 1_500_000);
        assert!(after(100, 255, 0, &mut estimate) >= START / 10);
    }
}
