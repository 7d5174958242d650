//! RTP timestamps of one continuous stream, made from those of the sources that feed it.

use std::time::{Duration, Instant};

use crate::codec::{Codec, Kind};

/// The longest pause that shows in full: beyond it a timestamp of 32 bits at 90 kHz would come
/// near half its range and look like one that goes back.
const LONGEST_PAUSE: Duration = Duration::from_secs(3 * 3600);

/// How much faster than it was captured a receiver gets what lies behind.
const CATCHING_UP: u32 = 32;

/// Ten seconds at 90 kHz, the clock of pictures.
const CAUGHT_UP: i32 = 900_000;

/// What was captured before a moment is sent at once at that moment. Its timestamps move near to it:
/// a receiver plays by them and would stay behind for as long as they span.
#[derive(Clone, Copy, Debug)]
pub(super) struct CatchUp {
    /// The newest packet that was there, by its source's clock, and when it was captured.
    timestamp: u32,
    captured: Instant,
}

impl CatchUp {
    pub(super) fn to(timestamp: u32, captured: Instant) -> Self {
        Self { timestamp, captured }
    }

    /// Whether the source is so far ahead that nothing which lay behind is repeated any more.
    pub(super) fn is_over(self, source: u32) -> bool {
        let ahead = source.wrapping_sub(self.timestamp) as i32;
        ahead > CAUGHT_UP
    }

    /// The timestamp that a packet of the source gets, and the moment that stands for.
    pub(super) fn squeeze(self, source: u32, captured: Instant) -> (u32, Instant) {
        let behind = self.timestamp.wrapping_sub(source);
        // Half of the range and more is ahead.
        if (behind as i32) <= 0 {
            return (source, captured);
        }
        let squeezed = self.timestamp.wrapping_sub(behind / CATCHING_UP);
        let elapsed = self.captured.saturating_duration_since(captured) / CATCHING_UP;
        (squeezed, self.captured.checked_sub(elapsed).unwrap_or(self.captured))
    }
}

/// Moves timestamps. Within a source by an offset; from source to source by the time that passed
/// between the captures, and always forward.
#[derive(Default, Debug)]
pub(super) struct TimestampMap {
    offset: u32,
    newest: Option<Newest>,
    /// How far the output runs ahead of the captures, because a switch had to step forward where
    /// no time had passed. Paid back at the next switch, so that it does not add up.
    ahead: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    output: u32,
    captured: Instant,
}

impl TimestampMap {
    /// The first packet of another source.
    pub(super) fn start(&mut self, source: u32, captured: Instant, codec: Codec) -> u32 {
        let output = match self.newest {
            None => source,
            Some(newest) => newest.output.wrapping_add(self.step(newest, captured, codec)),
        };
        self.offset = output.wrapping_sub(source);
        self.newest = Some(Newest { output, captured });
        output
    }

    /// A packet of the same source.
    pub(super) fn map(&mut self, source: u32, captured: Instant) -> u32 {
        let output = source.wrapping_add(self.offset);
        let newer = self.newest.is_none_or(|n| (output.wrapping_sub(n.output) as i32) > 0);
        if newer {
            self.newest = Some(Newest { output, captured });
        }
        output
    }

    /// What is added to the timestamps of the source.
    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    /// In ticks of the codec's clock.
    fn step(&mut self, newest: Newest, captured: Instant, codec: Codec) -> u32 {
        let elapsed = captured.saturating_duration_since(newest.captured);
        let back = newest.captured.saturating_duration_since(captured);
        let step = if elapsed > LONGEST_PAUSE {
            self.ahead = Duration::ZERO;
            LONGEST_PAUSE
        } else {
            let step = elapsed.saturating_sub(self.ahead).max(frame(codec));
            self.ahead = (self.ahead + step + back).saturating_sub(elapsed);
            step
        };
        // Below 2^31: 3 h at 90 kHz is 972,000,000.
        let ticks = step.as_nanos() * u128::from(codec.clock_rate());
        ((ticks + 500_000_000) / 1_000_000_000) as u32
    }
}

/// The least that separates two frames: one at 30 frames a second, or one audio packet of 20 ms.
fn frame(codec: Codec) -> Duration {
    match codec.kind() {
        Kind::Video => Duration::from_nanos(33_333_333),
        Kind::Audio => Duration::from_millis(20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_lies_behind_is_squeezed_to_the_moment_it_is_caught_up_with() {
        let now = Instant::now() + Duration::from_secs(10);
        let catch_up = CatchUp::to(20_000, now);
        assert_eq!(catch_up.squeeze(20_000, now), (20_000, now));
        assert_eq!(catch_up.squeeze(23_000, now + MS * 33), (23_000, now + MS * 33));
        assert_eq!(catch_up.squeeze(20_000 - 3_200, now - MS * 32), (19_900, now - MS));
        // Over the wrap.
        let (squeezed, _) = catch_up.squeeze(20_000u32.wrapping_sub(90_000), now - MS * 1000);
        assert_eq!(squeezed, 20_000 - 90_000 / 32);
        assert!(!catch_up.is_over(20_000u32.wrapping_sub(90_000)) && !catch_up.is_over(200_000));
        assert!(catch_up.is_over(1_000_000));
    }

    #[test]
    fn the_first_timestamp_stays_as_it_is() {
        let now = Instant::now();
        assert_eq!(TimestampMap::default().start(77, now, Codec::Vp8), 77);
    }

    #[test]
    fn a_switch_moves_on_by_the_time_between_the_captures() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        map.start(1_000, now, Codec::Vp8);
        map.map(4_000, now + MS * 33);
        assert_eq!(map.start(900_000, now + MS * 133, Codec::Vp8), 4_000 + 9_000);
        assert_eq!(map.map(903_000, now + MS * 166), 16_000);
    }

    #[test]
    fn the_wrap_of_the_source_and_of_the_output_make_no_step() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        map.start(u32::MAX - 999, now, Codec::Vp8);
        assert_eq!(map.map(2_000, now + MS * 33), 2_000);
        let mut map = TimestampMap::default();
        map.start(u32::MAX - 999, now, Codec::Vp8);
        assert_eq!(map.start(5, now + MS * 100, Codec::Vp8), 8_000);
    }

    #[test]
    fn a_switch_where_no_time_passed_steps_one_frame_and_is_paid_back() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        map.start(0, now, Codec::Vp8);
        assert_eq!(map.start(500, now, Codec::Vp8), 3_000);
        // 100 ms after the first capture the output is where it belongs again.
        assert_eq!(map.start(700, now + MS * 100, Codec::Vp8), 9_000);
    }

    #[test]
    fn a_capture_before_the_last_one_steps_forward_and_is_paid_back() {
        let now = Instant::now() + Duration::from_secs(1);
        let mut map = TimestampMap::default();
        map.start(0, now, Codec::Vp8);
        assert_eq!(map.start(500, now - MS * 20, Codec::Vp8), 3_000);
        assert_eq!(map.start(700, now + MS * 200, Codec::Vp8), 18_000);
    }

    #[test]
    fn audio_moves_on_by_its_own_clock() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        map.start(0, now, Codec::Opus);
        assert_eq!(map.start(9, now + MS * 500, Codec::Opus), 24_000);
        assert_eq!(map.start(9, now + MS * 500, Codec::Opus), 24_960);
    }

    #[test]
    fn a_late_packet_does_not_move_the_point_a_switch_counts_from() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        map.start(0, now, Codec::Vp8);
        map.map(9_000, now + MS * 100);
        assert_eq!(map.map(6_000, now + MS * 66), 6_000);
        assert_eq!(map.start(0, now + MS * 200, Codec::Vp8), 18_000);
    }

    #[test]
    fn after_a_day_the_output_still_moves_forward() {
        let now = Instant::now();
        let mut map = TimestampMap::default();
        let first = map.start(5, now, Codec::Vp8);
        let second = map.start(5, now + Duration::from_secs(86_400), Codec::Vp8);
        assert!((second.wrapping_sub(first) as i32) > 0);
    }
}
