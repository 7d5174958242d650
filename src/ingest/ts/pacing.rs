//! Sound that comes in PES packets of several frames, let out frame by frame. Encoders fill a packet before they
//! send it, for a third of a second where it is quiet. Browsers take what comes last for what is late, and so
//! would bring sound and pictures out of step.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ingest::Sound;

/// Most that a frame waits.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// For how long the frame that was on its way longest is waited for, at least; twice that at most.
const WINDOW: Duration = Duration::from_secs(2);
/// Frames that wait: 20 s of sound, of which none waits longer than half a second. What says how those
/// after it are to be read is kept, and of several in a row the last.
const MAX_WAITING: usize = 1_024;
/// Milliseconds. Whatever jumps farther begins anew.
const JUMP: u32 = 2_000;

/// Lets frames out as evenly as their times are, each as late as the latest of the last seconds.
#[derive(Default, Debug)]
pub struct Pacer {
    waiting: VecDeque<Waiting>,
    line: Option<Line>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    time: u32,
    kind: fn(&[u8]) -> Sound<'_>,
    data: Vec<u8>,
}

/// How long frames are on their way, in milliseconds more than the first was.
#[derive(Debug)]
struct Line {
    origin: Instant,
    /// From the first frame to the last one by their times, and the time of that.
    elapsed: i64,
    last: u32,
    window_began: Instant,
    /// The most of this window and of the one before.
    latest: [i64; 2],
}

impl Line {
    fn new(now: Instant, time: u32) -> Self {
        Self { origin: now, elapsed: 0, last: time, window_began: now, latest: [0; 2] }
    }

    /// How long a frame that came now waits.
    fn wait(&mut self, now: Instant, time: u32) -> Duration {
        self.elapsed += i64::from(time.wrapping_sub(self.last) as i32);
        self.last = time;
        let age = now.saturating_duration_since(self.origin).as_millis() as i64 - self.elapsed;
        if now.saturating_duration_since(self.window_began) >= WINDOW {
            self.window_began = now;
            self.latest = [age, self.latest[0]];
        }
        self.latest[0] = self.latest[0].max(age);
        let [this, before] = self.latest;
        Duration::from_millis((this.max(before) - age) as u64).min(MAX_WAIT)
    }
}

impl Pacer {
    /// Takes a frame with its time in milliseconds.
    pub fn push(&mut self, now: Instant, time: u32, sound: &Sound<'_>) {
        let near = |line: &Line| (time.wrapping_sub(line.last) as i32).unsigned_abs() <= JUMP;
        let mut line = self.line.take().filter(near).unwrap_or_else(|| Line::new(now, time));
        let due = now + line.wait(now, time);
        self.line = Some(line);
        let (kind, data): (fn(&[u8]) -> Sound<'_>, _) = match sound {
            Sound::AacConfiguration(data) => (|data| Sound::AacConfiguration(data), data),
            Sound::Aac(data) => (|data| Sound::Aac(data), data),
            Sound::Opus(data) => (|data| Sound::Opus(data), data),
        };
        let configures =
            |kind: fn(&[u8]) -> Sound<'_>| matches!(kind(&[]), Sound::AacConfiguration(_));
        if self.waiting.len() >= MAX_WAITING {
            if !configures(kind) {
                return;
            }
            if self.waiting.back().is_some_and(|last| configures(last.kind)) {
                self.waiting.pop_back();
            }
        }
        self.waiting.push_back(Waiting { due, time, kind, data: data.to_vec() });
    }

    /// Hands what is due to `emit`.
    pub fn poll(&mut self, now: Instant, mut emit: impl FnMut(u32, &Sound<'_>)) {
        let due = self.waiting.iter().take_while(|frame| frame.due <= now).count();
        for Waiting { time, kind, data, .. } in self.waiting.drain(..due) {
            emit(time, &kind(&data));
        }
    }

    /// When the next one is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|frame| frame.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When frames come out that are 20 ms long and come `at` some milliseconds, so many at once.
    fn run(bursts: impl Iterator<Item = (u64, u32)>, until: u64) -> Vec<(u64, u32)> {
        let start = Instant::now();
        let (mut pacer, mut out, mut time) = (Pacer::default(), Vec::new(), u32::MAX - 100);
        let bursts: Vec<_> = bursts.collect();
        for millisecond in 0..until {
            let now = start + Duration::from_millis(millisecond);
            for &(_, count) in bursts.iter().filter(|(at, _)| *at == millisecond) {
                for _ in 0..count {
                    pacer.push(now, time, &Sound::Opus(&[7]));
                    time = time.wrapping_add(20);
                }
            }
            pacer.poll(now, |time, _| out.push((millisecond, time)));
        }
        out
    }

    #[test]
    fn frames_that_come_at_once_go_out_one_by_one() {
        let out = run((0..50).map(|index| (index * 120, 6)), 7_000);
        assert_eq!(out.len(), 300);
        assert!(out.windows(2).all(|pair| pair[1].0 - pair[0].0 == 20), "{out:?}");
    }

    #[test]
    fn packets_of_many_frames_and_of_few_go_out_evenly_as_soon_as_both_were_seen() {
        let bursts = (0..40).flat_map(|index| [(index * 240 + 60, 3), (index * 240 + 240, 9)]);
        let out = run(bursts, 10_500);
        assert_eq!(out.len(), 480);
        let steps: Vec<u64> = out.windows(2).skip(12).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(steps.iter().all(|step| *step == 20), "{steps:?}");
    }

    #[test]
    fn what_was_late_once_is_forgotten_after_a_while() {
        // For half a second nothing comes, and then all of it.
        let bursts = (0..400).map(|index| (if index < 25 { 500 } else { index * 20 }, 1));
        let out = run(bursts, 9_000);
        assert_eq!(out.len(), 400);
        assert!(out.iter().take(200).any(|(at, _)| at % 20 != 0 || *at > 500));
        for (index, (at, _)) in out.iter().enumerate().skip(250) {
            assert_eq!(*at, index as u64 * 20);
        }
    }

    #[test]
    fn of_a_flood_some_seconds_are_kept_and_what_says_how_to_read_it() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        for time in 0..5_000 {
            pacer.push(start, time, &Sound::Aac(&[7]));
        }
        for rate in 0..5_000u32 {
            pacer.push(start, 5_000, &Sound::AacConfiguration(&rate.to_be_bytes()));
        }
        let (mut frames, mut configurations) = (0, Vec::new());
        pacer.poll(start + MAX_WAIT, |_, sound| match sound {
            Sound::AacConfiguration(config) => configurations.push(config.to_vec()),
            _ => frames += 1,
        });
        assert_eq!(frames, MAX_WAITING);
        assert_eq!(configurations, [4_999u32.to_be_bytes()]);
    }

    #[test]
    fn what_comes_much_too_fast_does_not_wait_longer_than_a_while() {
        let out = run([(0, 200)].into_iter(), 1_000);
        assert_eq!(out.len(), 200);
        assert!(out.iter().all(|(at, _)| *at <= 500), "{out:?}");
    }
}
