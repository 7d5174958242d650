//! Sound that comes in one PES packet for several frames, let out frame by frame. Whoever plays all of it as
//! it comes has to wait for as long as the longest pause anyway, and longer than needed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ingest::Sound;

/// Most that a frame waits: multiplexers fill packets for a third of a second.
const MAX_WAIT: Duration = Duration::from_millis(400);

/// Lets frames that came at once out at the distance that their times have. What comes later never waits
/// for them: they go before it at once.
#[derive(Default, Debug)]
pub struct Pacer {
    waiting: VecDeque<Waiting>,
    /// When the frames came that came last, when the last of them is due, and its time.
    last: Option<(Instant, Instant, u32)>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    time: u32,
    kind: fn(&[u8]) -> Sound<'_>,
    data: Vec<u8>,
}

impl Pacer {
    /// Takes a frame with its time in milliseconds.
    pub fn push(&mut self, now: Instant, time: u32, sound: &Sound<'_>) {
        let due = match self.last {
            Some((came, due, last)) if came == now => {
                let step = Duration::from_millis(time.wrapping_sub(last).into());
                // Whatever jumps goes with what is before it.
                if step > MAX_WAIT { due } else { (due + step).min(now + MAX_WAIT) }
            }
            _ => {
                self.waiting.iter_mut().for_each(|frame| frame.due = now);
                now
            }
        };
        self.last = Some((now, due, time));
        let (kind, data): (fn(&[u8]) -> Sound<'_>, _) = match sound {
            Sound::AacConfiguration(data) => (|data| Sound::AacConfiguration(data), data),
            Sound::Aac(data) => (|data| Sound::Aac(data), data),
            Sound::Opus(data) => (|data| Sound::Opus(data), data),
        };
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
        let steps: Vec<u64> = out.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(steps.iter().all(|step| (18..=22).contains(step)), "{steps:?}");
    }

    #[test]
    fn what_was_late_once_delays_nothing_that_comes_after_it() {
        // For half a second nothing comes, and then all of it.
        let bursts = (0..100).map(|index| (if index < 25 { 500 } else { index * 20 }, 1));
        let out = run(bursts, 3_000);
        assert_eq!(out.len(), 100);
        let after = out.iter().skip(26).enumerate();
        for (index, (at, _)) in after {
            assert_eq!(*at, (index as u64 + 26) * 20);
        }
    }

    #[test]
    fn what_comes_much_too_fast_does_not_wait_longer_than_a_while() {
        let out = run([(0, 200)].into_iter(), 1_000);
        assert_eq!(out.len(), 200);
        assert!(out.iter().all(|(at, _)| *at <= 400), "{out:?}");
    }
}
