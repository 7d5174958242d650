//! What somebody in front of the screen saw: freezes, pictures a second, their height.

use std::time::{Duration, Instant};

use super::Shown;

/// The average is taken over so many pictures, as libwebrtc does.
const AVERAGED: usize = 30;

/// A picture that stood for too long: longer than three times the average, or than the average
/// and 150 ms, whichever is more (freezeCount of the W3C's webrtc-stats).
#[derive(Clone, Copy, Debug)]
pub struct Freeze {
    pub at: Instant,
    pub length: Duration,
}

/// Freezes of pictures shown from `start` on. The last picture stood until `end`.
pub fn freezes(shown: &[Shown], start: Instant, end: Instant) -> Vec<Freeze> {
    let shown: Vec<Instant> = shown.iter().map(|s| s.at).filter(|at| *at >= start).collect();
    let Some(last) = shown.last() else {
        return vec![Freeze { at: start, length: end - start }];
    };
    let mut gaps: Vec<(Instant, Duration)> =
        shown.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect();
    gaps.push((*last, end.saturating_duration_since(*last)));
    gaps.insert(0, (start, shown[0] - start));
    let mut found = Vec::new();
    for (index, (at, length)) in gaps.iter().enumerate() {
        let before = &gaps[index.saturating_sub(AVERAGED)..index];
        let sum: Duration = before.iter().map(|(_, gap)| *gap).sum();
        let average = match before.is_empty() {
            true => Duration::from_millis(33),
            false => sum / before.len() as u32,
        };
        if *length > (average * 3).max(average + Duration::from_millis(150)) {
            found.push(Freeze { at: *at, length: *length });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_at(start: Instant, ms: impl Iterator<Item = u64>) -> Vec<Shown> {
        let at = |ms: u64| start + Duration::from_millis(ms);
        let shown = |at| Shown { at, captured: 0, height: 0, spatial: 0, temporal: 0, bytes: 0 };
        ms.map(|ms| shown(at(ms))).collect()
    }

    #[test]
    fn a_gap_of_less_than_the_average_and_150_ms_is_no_freeze() {
        let start = Instant::now();
        let times = (0..60).map(|n| n * 33 + if n >= 30 { 140 } else { 0 });
        let shown = shown_at(start, times);
        let end = shown.last().unwrap().at;
        assert!(freezes(&shown, start, end).is_empty());
    }

    #[test]
    fn a_longer_one_is_a_freeze_of_its_whole_length() {
        let start = Instant::now();
        let times = (0..60).map(|n| n * 33 + if n >= 30 { 160 } else { 0 });
        let shown = shown_at(start, times);
        let end = shown.last().unwrap().at;
        let found = freezes(&shown, start, end);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].length, Duration::from_millis(193));
    }

    #[test]
    fn a_picture_that_stands_to_the_end_is_a_freeze() {
        let start = Instant::now();
        let shown = shown_at(start, (0..30).map(|n| n * 33));
        let end = start + Duration::from_secs(5);
        let found = freezes(&shown, start, end);
        assert_eq!(found.len(), 1);
        assert!(found[0].length > Duration::from_secs(4));
        assert_eq!(freezes(&[], start, end)[0].length, Duration::from_secs(5));
    }
}
