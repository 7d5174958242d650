//! What a mixer does when the threads that mix are late: less for each picture, then fewer
//! pictures, then smaller ones. Sound is not touched; it is cheap, and it is what people notice.

use std::time::{Duration, Instant};

use crate::mcu::video::Effort;

const EFFORTS: [Effort; 4] = [Effort::Full, Effort::Fast, Effort::HalfRate, Effort::HalfSize];

fn less(effort: Effort) -> Option<Effort> {
    EFFORTS.get(effort as usize + 1).copied()
}

fn more(effort: Effort) -> Option<Effort> {
    (effort as usize).checked_sub(1).map(|index| EFFORTS[index])
}

/// A turn that begins so much after its time is late.
const LATE: Duration = Duration::from_millis(15);
/// How long turns are counted before it is decided.
const WINDOW: Duration = Duration::from_secs(1);
/// Late turns in a window that are too many: one in so many.
const TOO_MANY: u32 = 5;
/// Windows in a row without any before more is tried, at first.
const PATIENCE: u32 = 5;
const MOST_PATIENCE: u32 = 80;

/// How much effort a mixer's thread has time for, judged by how late its turns come.
#[derive(Debug)]
pub struct Load {
    effort: Effort,
    reported: Effort,
    since: Option<Instant>,
    turns: u32,
    late_turns: u32,
    /// The latest turn of this window, and of the one before.
    latest: Duration,
    late: Duration,
    good_windows: u32,
    /// Good windows that more effort takes: doubled whenever more turned out to be too much.
    patience: u32,
    /// More was tried, and it is not known yet whether that is too much.
    trying: bool,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            effort: Effort::Full,
            reported: Effort::Full,
            since: None,
            turns: 0,
            late_turns: 0,
            latest: Duration::ZERO,
            late: Duration::ZERO,
            good_windows: 0,
            patience: PATIENCE,
            trying: false,
        }
    }
}

impl Load {
    /// A turn began `late` after its time.
    pub fn ran(&mut self, now: Instant, late: Duration) {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= WINDOW {
            self.decide();
            self.since = Some(now);
        }
        self.turns += 1;
        self.late_turns += u32::from(late >= LATE);
        self.latest = self.latest.max(late);
    }

    fn decide(&mut self) {
        let too_many = self.late_turns * TOO_MANY > self.turns;
        if too_many {
            self.good_windows = 0;
            if std::mem::take(&mut self.trying) {
                self.patience = (self.patience * 2).min(MOST_PATIENCE);
            }
            if let Some(less) = less(self.effort) {
                self.effort = less;
            }
        } else if self.late_turns == 0 {
            self.good_windows += 1;
            if self.good_windows >= self.patience
                && let Some(more) = more(self.effort)
            {
                self.effort = more;
                self.good_windows = 0;
                self.trying = true;
            }
        }
        self.late = self.latest;
        (self.turns, self.late_turns, self.latest) = (0, 0, Duration::ZERO);
    }

    /// The effort that there is time for now.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The latest turn of the last whole window.
    pub fn late(&self) -> Duration {
        self.late
    }

    /// The effort, once after each change.
    pub fn poll_change(&mut self) -> Option<Effort> {
        let changed = self.effort != self.reported;
        self.reported = self.effort;
        changed.then_some(self.effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What changed in so many seconds, with turns that are so late.
    fn run(load: &mut Load, now: &mut Instant, seconds: u32, late: Duration) -> Vec<Effort> {
        let turns = (0..seconds * 25).filter_map(|_| {
            *now += 40 * MS;
            load.ran(*now, late);
            load.poll_change()
        });
        turns.collect()
    }

    #[test]
    fn what_is_late_gets_less_step_by_step_and_more_again_with_patience() {
        let (mut load, mut now) = (Load::default(), Instant::now());
        assert_eq!(run(&mut load, &mut now, 3, MS), []);
        let less = [Effort::Fast, Effort::HalfRate, Effort::HalfSize];
        assert_eq!(run(&mut load, &mut now, 6, 30 * MS), less);
        assert!(load.late() >= 30 * MS);
        assert_eq!(run(&mut load, &mut now, 9, MS), [Effort::HalfRate]);
        assert_eq!(run(&mut load, &mut now, 3, 30 * MS), [Effort::HalfSize], "it was too much");
        assert_eq!(run(&mut load, &mut now, 9, MS), [], "now it waits longer");
        let more = [Effort::HalfRate, Effort::Fast, Effort::Full];
        assert_eq!(run(&mut load, &mut now, 60, MS), more);
    }

    #[test]
    fn a_late_turn_now_and_then_changes_nothing() {
        let (mut load, mut now) = (Load::default(), Instant::now());
        for _ in 0..30 {
            assert_eq!(run(&mut load, &mut now, 1, MS), []);
            load.ran(now, 100 * MS);
        }
        assert_eq!(load.poll_change(), None);
    }
}
