//! Sound that comes in one PES packet for several frames, let out frame by frame: encoders fill a packet
//! before they send it, and whoever plays all of it at once as it comes has to wait for as long as the longest
//! pause anyway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ingest::Sound;

/// Most that a frame waits. Multiplexers have packets of an eighth of a second.
const MAX_WAIT: Duration = Duration::from_millis(400);
/// Frames that wait.
const MAX_FRAMES: usize = 64;
/// Of the time between two frames so much is waited less, so that a pause that was once is not waited
/// for ever.
const CATCH_UP: u32 = 128;

/// Lets frames out at the distance that their times have.
#[derive(Default, Debug)]
pub struct Pacer {
    waiting: VecDeque<Waiting>,
    /// When the frame before was due, and its time.
    last: Option<(Instant, u32)>,
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
        let due = self.last.map_or(now, |(due, last)| {
            let step = time.wrapping_sub(last);
            // Whatever jumps begins anew.
            let step = if step > MAX_WAIT.as_millis() as u32 { 0 } else { step };
            let step = Duration::from_millis(step.into());
            due + step - step / CATCH_UP
        });
        let in_time = due >= now && due <= now + MAX_WAIT && self.waiting.len() < MAX_FRAMES;
        let due = if in_time { due } else { now };
        self.last = Some((due, time));
        let (kind, data): (fn(&[u8]) -> Sound<'_>, _) = match sound {
            Sound::AacConfiguration(data) => (Sound::AacConfiguration, data),
            Sound::Aac(data) => (Sound::Aac, data),
            Sound::Opus(data) => (Sound::Opus, data),
        };
        self.waiting.push_back(Waiting { due, time, kind, data: data.to_vec() });
    }

    /// Hands what is due to `emit`.
    pub fn poll(&mut self, now: Instant, mut emit: impl FnMut(u32, &Sound<'_>)) {
        // What was given up waiting for has all before it go, too.
        let late = self.waiting.iter().rposition(|frame| frame.due <= now);
        for Waiting { time, kind, data, .. } in self.waiting.drain(..late.map_or(0, |at| at + 1)) {
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
    fn a_pause_is_waited_for_once_and_then_less_and_less() {
        let pause = 200;
        let bursts = (0..1_500).map(|index| (index * 20 + if index > 10 { pause } else { 0 }, 1));
        // After the pause everything comes as before, 200 ms later, as if nothing had been.
        let out = run(bursts, 32_000);
        assert_eq!(out.len(), 1_500);
        let waits: Vec<u64> = out.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(waits.iter().filter(|wait| **wait > 25).count() == 1, "{waits:?}");
    }

    #[test]
    fn what_comes_much_too_fast_does_not_wait_longer_than_a_while() {
        let out = run([(0, 200)].into_iter(), 1_000);
        assert_eq!(out.len(), 200);
        assert!(out.iter().all(|(at, _)| *at <= 400), "{out:?}");
    }
}
