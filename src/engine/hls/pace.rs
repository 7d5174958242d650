//! When frames are shown and where parts end, so that parts are as long as the playlist says
//! (rfc8216bis 4.4.4.9): none is longer than PART-TARGET, and none is shorter than 85 % of that, but
//! for those that a decoder can begin with and the last one of a segment. Frames come when they come: some
//! are moved by a little for that.

use std::time::Duration;

use crate::codec::Kind;

/// Between two frames, at least.
const STEP: Duration = Duration::from_millis(1);
/// A frame that comes so long after the end of its part is shown at that end.
pub(super) const EARLY: Duration = Duration::from_millis(80);

/// See the module. Times count from the beginning of the stream.
#[derive(Debug)]
pub(super) struct Pace {
    kind: Kind,
    /// PART-TARGET, and 85 % of it.
    part: Duration,
    least: Duration,
    /// Of the part that is not over yet.
    begin: Option<Duration>,
    /// When the last frame is shown.
    last: Option<Duration>,
    /// When it came, and how much later than the one before, about.
    came: Option<Duration>,
    usual: Duration,
}

/// What becomes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// When it is shown.
    pub(super) time: Duration,
    /// The part before it ends then.
    pub(super) ends: bool,
}

impl Pace {
    pub(super) fn new(kind: Kind, part: Duration) -> Self {
        Self {
            kind,
            part,
            least: part * 17 / 20,
            begin: None,
            last: None,
            came: None,
            usual: Duration::ZERO,
        }
    }

    /// How long the last frame is shown until then.
    pub(super) fn behind(&self, time: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| time.saturating_sub(last))
    }

    /// When the part that is not over has to end.
    pub(super) fn limit(&self) -> Option<Duration> {
        Some(self.begin?.saturating_add(self.part))
    }

    /// How long it is when it ends at this time.
    pub(super) fn age(&self, time: Duration) -> Duration {
        self.begin.map_or(Duration::ZERO, |begin| time.saturating_sub(begin))
    }

    /// Places the next frame, which came at `time`. `ends`: a part ends before it in any case.
    pub(super) fn place(&mut self, time: Duration, ends: bool) -> Place {
        if let Some(came) = self.came {
            let interval = time.saturating_sub(came);
            let first = self.usual.is_zero();
            self.usual = if first { interval } else { (self.usual * 3 + interval) / 4 };
        }
        self.came = Some(time);
        let (Some(begin), Some(last), Some(limit)) = (self.begin, self.last, self.limit()) else {
            return self.show(time, ends);
        };
        let late = time.saturating_sub(limit);
        let time = if late <= EARLY { time.min(limit) } else { time }.max(last + STEP);
        if ends || time >= limit {
            return self.show(time, true);
        }
        let age = time.saturating_sub(begin);
        let least = begin + self.least;
        if time >= least {
            // Pictures may come a little later than they usually do, sound hardly does.
            let next = match self.kind {
                Kind::Video => age + self.usual * 3 / 2,
                Kind::Audio => age + self.usual / 2,
            };
            return self.show(time, next > self.part);
        }
        // None of those that come less often than parts end: what is between them is for others.
        if age + self.usual > self.part && self.usual <= self.part {
            return self.show(least, true);
        }
        self.show(time, false)
    }

    /// Frames that nobody sent stand from here on, the last one at `last`.
    pub(super) fn fill(&mut self, begin: Duration, last: Duration) {
        (self.begin, self.last) = (Some(begin), Some(last));
    }

    /// When the next frame is shown at the earliest, which it is.
    pub(super) fn follow(&mut self) -> Duration {
        let time = self.last.map_or(Duration::ZERO, |last| last + STEP);
        self.last = Some(time);
        time
    }

    /// Time does not go on where it stopped.
    pub(super) fn interrupt(&mut self) {
        (self.begin, self.last, self.came, self.usual) = (None, None, None, Duration::ZERO);
    }

    fn show(&mut self, time: Duration, ends: bool) -> Place {
        if ends || self.begin.is_none() {
            self.begin = Some(time);
        }
        self.last = Some(time);
        Place { time, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Duration = Duration::from_millis(500);

    /// Lengths of the parts of frames that come at these times, and by how much the times were changed
    /// at most, in milliseconds.
    fn parts(kind: Kind, times: impl Iterator<Item = u64>) -> (Vec<u64>, u64) {
        let mut pace = Pace::new(kind, PART);
        let (mut begins, mut moved) = (Vec::new(), 0);
        for time in times {
            let came = Duration::from_millis(time);
            let place = pace.place(came, false);
            moved = moved.max(place.time.abs_diff(came).as_millis() as u64);
            if place.ends || begins.is_empty() {
                begins.push(place.time.as_millis() as u64);
            }
        }
        (begins.windows(2).map(|pair| pair[1] - pair[0]).collect(), moved)
    }

    #[test]
    fn parts_are_as_long_as_the_playlist_says_whatever_the_rate_of_frames() {
        for (kind, interval, most) in [
            (Kind::Audio, 20, 0),
            (Kind::Audio, 60, 0),
            (Kind::Video, 17, 0),
            (Kind::Video, 33, 0),
            (Kind::Video, 66, 0),
            (Kind::Video, 100, 25),
            (Kind::Video, 143, 75),
            (Kind::Video, 200, 125),
            (Kind::Video, 333, 260),
            (Kind::Video, 500, 0),
        ] {
            let (lengths, moved) = parts(kind, (0..200).map(|frame| frame * interval));
            assert!(lengths.len() > 3);
            let right = lengths.iter().all(|length| (425..=500).contains(length));
            assert!(right, "{kind:?} each {interval} ms: {lengths:?}");
            assert!(moved <= most, "{kind:?} each {interval} ms: moved by {moved} ms");
        }
    }

    #[test]
    fn frames_that_come_out_of_step_are_moved_by_a_little() {
        // Up to 15 ms early or late, as those of cameras are.
        let noise = |frame: u64| frame * 7_919 % 31;
        for interval in [33, 40, 66] {
            let times = (0..1_000).map(|frame| frame * interval + noise(frame));
            let (lengths, moved) = parts(Kind::Video, times);
            let right = lengths.iter().all(|length| (425..=500).contains(length));
            assert!(right && moved <= 40, "each {interval} ms: {lengths:?}, moved by {moved} ms");
        }
        let times = (0..1_000).map(|frame| frame * 20 + noise(frame) / 8);
        let (lengths, moved) = parts(Kind::Audio, times);
        assert!(lengths.iter().all(|length| (425..=500).contains(length)), "{lengths:?}");
        assert!(moved <= 10, "moved by {moved} ms");
    }

    #[test]
    fn a_keyframe_ends_a_part_where_it_is() {
        let mut pace = Pace::new(Kind::Video, PART);
        pace.place(Duration::ZERO, false);
        let time = Duration::from_millis(40);
        assert_eq!(pace.place(time, true), Place { time, ends: true });
        assert_eq!(pace.limit(), Some(time + PART));
    }

    #[test]
    fn behind_an_interruption_nothing_is_late_before_it_begins() {
        let mut pace = Pace::new(Kind::Video, PART);
        pace.place(Duration::ZERO, false);
        pace.interrupt();
        assert_eq!(pace.behind(Duration::from_secs(20)), Duration::ZERO);
    }
}
