//! Keeps a sum of voices below full scale without distortion: the gain goes down before a peak
//! comes, and comes back slowly.

use std::collections::VecDeque;

/// Gain moves in lines over blocks of a millisecond.
const BLOCK: usize = 48;
/// Blocks that a peak is seen ahead.
const AHEAD: usize = 5;
/// Blocks that the gain stays down behind a peak: longer than voices take to meet again.
const HOLD: usize = 60;
/// What is left of a reduction after a block without peaks: a time constant of 600 ms.
const RELEASE: f32 = 0.998_335;
/// Highest sample, -1 dBFS: leaves room for what lossy codecs add.
const CEILING: f32 = 0.891;

#[derive(Clone)]
pub(super) struct Limiter {
    channels: usize,
    /// Sound not given back yet, `AHEAD` blocks at rest.
    delayed: Vec<f32>,
    /// Gain that each of these blocks needs.
    needed: VecDeque<f32>,
    /// Gains that the last blocks needed, for holding.
    past: VecDeque<f32>,
    gain: f32,
}

impl Limiter {
    /// How much later sound comes out, in samples of each channel.
    pub(super) const DELAY: usize = AHEAD * BLOCK;

    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels,
            delayed: vec![0.0; Self::DELAY * channels],
            needed: VecDeque::from([1.0; AHEAD]),
            past: VecDeque::from([1.0; HOLD]),
            gain: 1.0,
        }
    }

    /// What is taken away at present, in dB.
    pub(super) fn reduction(&self) -> f32 {
        -20.0 * self.gain.log10()
    }

    /// Takes whole blocks and puts in their place what came [`DELAY`](Self::DELAY) before.
    pub(super) fn process(&mut self, samples: &mut [f32]) {
        for block in samples.chunks_exact_mut(BLOCK * self.channels) {
            let peak = block.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            self.needed.push_back(if peak > CEILING { CEILING / peak } else { 1.0 });
            self.delayed.extend_from_slice(block);

            let next = self.next_gain();
            let out = &self.delayed[..BLOCK * self.channels];
            let step = (next - self.gain) / BLOCK as f32;
            let frames = out.chunks_exact(self.channels).zip(block.chunks_exact_mut(self.channels));
            for (index, (from, to)) in frames.enumerate() {
                let gain = self.gain + step * (index + 1) as f32;
                for (from, to) in from.iter().zip(to) {
                    *to = from * gain;
                }
            }
            self.delayed.drain(..BLOCK * self.channels);
            self.gain = next;
            self.past.pop_front();
            self.past.extend(self.needed.pop_front());
        }
    }

    /// Gain at the end of the oldest block. It must suit that block and the one behind, and be on
    /// its way to those further on; then no line between two gains crosses what a block needs.
    fn next_gain(&self) -> f32 {
        let released = 1.0 - (1.0 - self.gain) * RELEASE;
        let held = self.past.iter().copied().fold(released, f32::min);
        self.needed.iter().enumerate().fold(held, |gain, (ahead, &needed)| {
            let way = ahead.saturating_sub(1) as f32 / AHEAD as f32;
            gain.min(needed + (1.0 - needed) * way)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    #[test]
    fn what_is_not_too_loud_is_only_delayed() {
        let mut limiter = Limiter::new(1);
        let input: Vec<f32> = (0..4800).map(|i| (i as f32 * 0.05).sin() * 0.8).collect();
        let mut output = input.clone();
        output.chunks_exact_mut(960).for_each(|tick| limiter.process(tick));
        assert_eq!(output[Limiter::DELAY..], input[..4800 - Limiter::DELAY]);
    }

    #[test]
    fn nothing_passes_full_scale() {
        let mut limiter = Limiter::new(2);
        let mut noise = 1u32;
        for tick in 0..200 {
            let mut samples: Vec<f32> = (0..1920)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let loud = if tick % 7 < 3 { 5.0 } else { 0.1 };
                    (noise as f32 / u32::MAX as f32 - 0.5) * loud
                })
                .collect();
            limiter.process(&mut samples);
            assert!(samples.iter().all(|sample| sample.abs() <= CEILING + 1e-6));
        }
    }

    /// Five voices at once, 10 dB over full scale: the sum of harmonics stays 40 dB down.
    #[test]
    fn loud_voices_are_not_distorted() {
        for frequency in [100.0, 300.0, 1000.0] {
            let mut limiter = Limiter::new(1);
            let mut heard: Vec<f32> =
                (0..96_000).map(|i| (i as f32 * frequency * TAU / 48e3).sin() * 3.0).collect();
            heard.chunks_exact_mut(960).for_each(|tick| limiter.process(tick));
            let heard = &heard[48_000..];
            let strength = |frequency: f32| {
                let (re, im) = heard.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, s)| {
                    let (sin, cos) =
                        (i as f64 * f64::from(frequency) * std::f64::consts::TAU / 48e3).sin_cos();
                    (re + f64::from(*s) * cos, im + f64::from(*s) * sin)
                });
                re * re + im * im
            };
            let harmonics: f64 = (2..8).map(|k| strength(frequency * k as f32)).sum();
            let thd = 10.0 * (harmonics / strength(frequency)).log10();
            assert!(thd < -40.0, "{frequency} Hz: {thd} dB");
        }
    }
}
