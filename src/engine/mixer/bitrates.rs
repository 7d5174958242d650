//! What the smallest size of a canvas may cost: what the thinnest link of its viewers carries.

use std::time::{Duration, Instant};

use crate::sfu::thinnest_link::LEAST;

/// How often it is decided anew.
const INTERVAL: Duration = Duration::from_secs(1);
/// Bit/s from which on nothing is limited.
const MOST: u32 = 100_000_000;

/// How many bit/s the smallest size of a canvas may have. Unlimited at first.
#[derive(Default, Debug)]
pub struct Bitrates {
    next: Option<Instant>,
    /// Bit/s, while some link carries less than what was asked for.
    limit: Option<u32>,
}

impl Bitrates {
    /// Whether it is time to decide anew, once a second.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = self.next.is_none_or(|next| now >= next);
        if due {
            self.next = Some(now + INTERVAL);
        }
        due
    }

    /// Down at once, up slowly: nobody tells how much more a link carries than what is sent.
    /// `reported` is what a link has that is too thin, if there is one. Says whether that changes
    /// anything.
    pub fn adapt(&mut self, reported: Option<u32>) -> bool {
        let before = self.limit;
        self.limit = match (reported, self.limit) {
            (Some(reported), limit) => Some(reported.min(limit.unwrap_or(MOST)).max(LEAST)),
            (None, limit) => limit.map(|limit| limit + limit / 12).filter(|limit| *limit < MOST),
        };
        self.limit != before
    }

    /// Bit/s for what should have `wanted`.
    pub fn fit(&self, wanted: u32) -> u32 {
        self.limit.map_or(wanted, |limit| wanted.min(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_link_takes_the_bitrate_down_at_once_and_it_comes_back_slowly() {
        let mut bitrates = Bitrates::default();
        assert!(!bitrates.adapt(None));
        assert_eq!(bitrates.fit(1_000_000), 1_000_000);
        assert!(bitrates.adapt(Some(200_000)));
        assert_eq!(bitrates.fit(1_000_000), 200_000);
        bitrates.adapt(Some(300_000));
        assert_eq!(bitrates.fit(1_000_000), 200_000, "the report is of before");
        let seconds = (0..100).take_while(|_| {
            bitrates.adapt(None);
            bitrates.fit(1_000_000) < 1_000_000
        });
        assert!((15..30).contains(&seconds.count()));
        bitrates.adapt(Some(1));
        assert_eq!(bitrates.fit(1_000_000), LEAST);
    }
}
