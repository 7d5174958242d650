//! The time line of an input: a sender's milliseconds, which wrap and may jump, made media time that
//! only grows and moments of this machine's clock.

use std::time::{Duration, Instant};

/// Media time begins here, so that what comes a little late is not before the beginning.
const BEGIN: u64 = 10_000;
/// Sound and pictures are interleaved with less between them than this.
const LATE: i64 = 2_000;
/// Nobody pauses and goes on with his clock for so long.
const AHEAD: i64 = 10_000;
/// How long the smallest delay is looked for before the clocks are brought together.
const WINDOW: Duration = Duration::from_secs(10);
/// Most that they are moved by at a time: clocks of encoders are off by less than 200 millionths.
const STEP: Duration = Duration::from_millis(2);

/// When a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Milliseconds, on one line for all tracks of the input.
    pub media: u64,
    /// Never later than now.
    pub captured: Instant,
}

impl Placed {
    /// So many milliseconds later, or earlier.
    pub fn moved(self, milliseconds: i32) -> Self {
        let by = Duration::from_millis(milliseconds.unsigned_abs().into());
        let captured = match milliseconds < 0 {
            true => self.captured.checked_sub(by),
            false => self.captured.checked_add(by),
        };
        Self {
            media: self.media.saturating_add_signed(milliseconds.into()),
            captured: captured.unwrap_or(self.captured),
        }
    }
}

/// Maps times of one sender. Sound and pictures stay in step whatever happens to it.
#[derive(Default, Debug)]
pub struct Timeline {
    known: Option<Known>,
    /// What comes next is another stream.
    anew: bool,
    /// Times it jumped.
    pub jumps: u64,
}

#[derive(Debug)]
struct Known {
    /// The sender's time of the frame that came last, and where that was placed.
    last: u32,
    media: u64,
    /// The moment of [`BEGIN`].
    origin: Instant,
    window_began: Instant,
    /// The smallest delay of the window.
    delay: Duration,
}

impl Timeline {
    /// What comes next is on another time line, which has nothing to do with this one.
    pub fn begin_anew(&mut self) {
        self.anew = true;
    }

    /// Places a frame that came now.
    pub fn place(&mut self, now: Instant, timestamp: u32) -> Placed {
        let known = self.known.get_or_insert(Known {
            last: timestamp,
            media: BEGIN,
            origin: now,
            window_began: now,
            delay: Duration::MAX,
        });
        let step = i64::from(timestamp.wrapping_sub(known.last) as i32);
        known.last = timestamp;
        let anew = std::mem::take(&mut self.anew);
        if !anew && (-LATE..=AHEAD).contains(&step) {
            known.media = known.media.saturating_add_signed(step);
        } else {
            // It goes on where it would be had the sender's clock not jumped.
            self.jumps += u64::from(!anew);
            let elapsed = now.saturating_duration_since(known.origin).as_millis() as u64;
            known.media = known.media.max(BEGIN + elapsed);
        }
        let after = Duration::from_millis(known.media.saturating_sub(BEGIN));
        let mut captured = known.origin + after;
        if captured > now {
            // It came with less delay than any before.
            known.origin -= captured - now;
            captured = now;
        }
        known.track_delay(now, now - captured);
        Placed { media: known.media, captured }
    }
}

impl Known {
    /// A sender whose clock is slow would be farther behind every hour.
    fn track_delay(&mut self, now: Instant, delay: Duration) {
        self.delay = self.delay.min(delay);
        if now.saturating_duration_since(self.window_began) >= WINDOW {
            self.origin += self.delay.min(STEP);
            self.delay = Duration::MAX;
            self.window_began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    #[test]
    fn time_goes_on_through_the_wrap_and_through_jumps() {
        let (mut timeline, mut now) = (Timeline::default(), Instant::now());
        let mut last = None;
        for index in 0..200u32 {
            let jump = if index >= 100 { 0x2000_0000 } else { 0 };
            let timestamp = (u32::MAX - 900).wrapping_add(20 * index).wrapping_sub(jump);
            let placed = timeline.place(now, timestamp);
            let expected = last.map_or(BEGIN, |last| last + 20);
            assert!(placed.media.abs_diff(expected) <= 1, "{index}: {placed:?}");
            assert!(now - placed.captured < Duration::from_millis(2));
            last = Some(placed.media);
            now += FRAME;
        }
        assert_eq!(timeline.jumps, 1);
    }

    #[test]
    fn sound_and_pictures_that_alternate_keep_their_distance() {
        let (mut timeline, now) = (Timeline::default(), Instant::now());
        let first = timeline.place(now, 500);
        let ahead = timeline.place(now, 1200);
        let back = timeline.place(now, 520);
        assert_eq!((ahead.media - first.media, back.media - first.media), (700, 20));
        assert!(ahead.captured - back.captured == Duration::from_millis(680));
    }

    #[test]
    fn a_slow_clock_does_not_fall_behind_for_ever() {
        let (mut timeline, start) = (Timeline::default(), Instant::now());
        let mut behind = Duration::ZERO;
        for index in 0..180_000u64 {
            // An hour of frames; the sender counts 100 millionths too little.
            let now = start + FRAME * index as u32;
            let timestamp = (index * 20 - index * 20 / 10_000) as u32;
            behind = now - timeline.place(now, timestamp).captured;
        }
        assert!(behind < Duration::from_millis(20), "{behind:?}");
    }
}
