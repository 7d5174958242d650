//! At which rate packets arrive, by the receiver's clock.

/// Of arrival time: 20 ms, in steps of 250 us.
const BUCKET: i64 = 80;
/// A second of them.
const BUCKETS: usize = 50;
/// Ranges of numbers that no feedback told about are remembered for late feedback.
const GAPS: usize = 4;
/// Longer gaps are not lost feedback but silence of the receiver.
const MAX_GAP: u64 = 512;

#[derive(Debug)]
pub(super) struct AcknowledgedRate {
    buckets: [f64; BUCKETS],
    /// Of the newest bucket, by arrival time.
    newest: i64,
    latest: Option<i64>,
    first: i64,
    /// The next number, when feedback is complete.
    next: u64,
    gaps: [(u64, u64); GAPS],
    /// Average, of arrived packets.
    size: f64,
}

impl Default for AcknowledgedRate {
    fn default() -> Self {
        Self {
            buckets: [0.0; BUCKETS],
            newest: 0,
            latest: None,
            first: 0,
            next: 0,
            gaps: [(0, 0); GAPS],
            size: 0.0,
        }
    }
}

impl AcknowledgedRate {
    /// Feedback that got lost is not told again: what it would have told is taken to have arrived
    /// like the rest, or each lost feedback would look like a thinner link.
    pub(super) fn told(&mut self, number: u64, size: usize, arrived: Option<i64>) {
        let mut bytes = if arrived.is_some() { size as f64 } else { 0.0 };
        if number >= self.next {
            let missing = number - self.next;
            if self.next > 0 && missing > 0 && missing <= MAX_GAP {
                bytes += missing as f64 * self.size;
                self.gaps.rotate_right(1);
                self.gaps[0] = (self.next, number);
            }
            self.next = number + 1;
        } else if self.gaps.iter().any(|(from, to)| (*from..*to).contains(&number)) {
            return;
        }
        let Some(arrived) = arrived else { return };
        self.size += (size as f64 - self.size) * if self.size == 0.0 { 1.0 } else { 0.05 };
        self.add(arrived, bytes);
    }

    fn add(&mut self, arrived: i64, bytes: f64) {
        let bucket = arrived.div_euclid(BUCKET);
        let ahead = bucket.saturating_sub(self.newest);
        if self.latest.is_none() || ahead.unsigned_abs() >= BUCKETS as u64 * 4 {
            // The first one, one after a long silence, or a clock that jumped.
            self.buckets = [0.0; BUCKETS];
            self.newest = bucket;
            self.first = arrived;
            self.latest = Some(arrived);
        } else if ahead > 0 {
            for ahead in 1..=ahead.min(BUCKETS as i64) {
                self.buckets[(self.newest + ahead).rem_euclid(BUCKETS as i64) as usize] = 0.0;
            }
            self.newest = bucket;
        } else if ahead <= -(BUCKETS as i64) {
            return;
        }
        self.latest = self.latest.max(Some(arrived));
        self.buckets[bucket.rem_euclid(BUCKETS as i64) as usize] += bytes;
    }

    pub(super) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Bits a second over the last steps of 250 us of arrival time, at most a second of them;
    /// `None` while there is less than that.
    pub(super) fn rate(&self, steps: i64) -> Option<f64> {
        let latest = self.latest?;
        let count = ((steps + BUCKET - 1) / BUCKET).clamp(2, BUCKETS as i64);
        let start = (self.newest - count + 1) * BUCKET;
        if latest - self.first < steps {
            return None;
        }
        let bytes: f64 = (0..count)
            .map(|back| self.buckets[(self.newest - back).rem_euclid(BUCKETS as i64) as usize])
            .sum();
        // A packet stands for the time before it: the last bucket is as long as it is filled.
        Some(bytes * 8.0 * 4000.0 / (latest - start).max(BUCKET) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 4000;

    fn rate_of(rate: &AcknowledgedRate) -> f64 {
        rate.rate(SECOND / 2).unwrap()
    }

    #[test]
    fn a_steady_stream_is_measured_as_such() {
        let mut rate = AcknowledgedRate::default();
        assert_eq!(rate.rate(SECOND / 2), None);
        // A packet of 1250 bytes every 10 ms.
        (0..200).for_each(|n| rate.told(n as u64, 1250, Some(n * 40)));
        assert!((rate_of(&rate) - 1e6).abs() < 5e4, "{rate:?}");
    }

    #[test]
    fn lost_feedback_does_not_look_like_a_thinner_link() {
        let mut rate = AcknowledgedRate::default();
        (0..200).filter(|n| n % 40 > 9).for_each(|n| rate.told(n as u64, 1250, Some(n * 40)));
        assert!((rate_of(&rate) - 1e6).abs() < 5e4, "{}", rate_of(&rate));
        // What comes late was counted already.
        (160..170).for_each(|n| rate.told(n as u64, 1250, Some(n * 40)));
        assert!((rate_of(&rate) - 1e6).abs() < 5e4, "{}", rate_of(&rate));
    }

    #[test]
    fn lost_packets_are_not_counted_until_they_arrive() {
        let mut rate = AcknowledgedRate::default();
        (0..200).for_each(|n| rate.told(n as u64, 1250, (n % 2 == 0).then_some(n * 40)));
        assert!((rate_of(&rate) - 5e5).abs() < 5e4);
        (0..200).filter(|n| n % 2 == 1).for_each(|n| rate.told(n as u64, 1250, Some(n * 40)));
        assert!((rate_of(&rate) - 1e6).abs() < 5e4);
    }

    #[test]
    fn a_clock_that_jumps_begins_anew() {
        let mut rate = AcknowledgedRate::default();
        (0..100).for_each(|n| rate.told(n as u64, 1250, Some(n * 40)));
        rate.told(100, 1250, Some(i64::MIN / 2));
        assert_eq!(rate.rate(SECOND / 2), None);
        rate.told(101, 1250, Some(i64::MAX / 2));
        assert_eq!(rate.rate(SECOND / 2), None);
    }
}
