//! What makes a voice pleasant: less noise, and the loudness of all the others.
//!
//! The second one is an AGC, automatic gain control.

use nnnoiseless::DenoiseState;

use super::FRAME;
use super::signal::SILENCE;

/// Takes away noise (RNNoise), each channel for itself. Delays by 10 ms.
pub(super) struct NoiseSuppressor {
    channels: Vec<Box<DenoiseState<'static>>>,
    input: [f32; DenoiseState::FRAME_SIZE],
    output: [f32; DenoiseState::FRAME_SIZE],
}

impl NoiseSuppressor {
    /// RNNoise wants samples as large as 16 bit ones.
    const SCALE: f32 = 32_768.0;

    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels: (0..channels).map(|_| DenoiseState::new()).collect(),
            input: [0.0; DenoiseState::FRAME_SIZE],
            output: [0.0; DenoiseState::FRAME_SIZE],
        }
    }

    /// Of a tick, interleaved.
    pub(super) fn process(&mut self, samples: &mut [f32]) {
        let count = self.channels.len();
        for (channel, state) in self.channels.iter_mut().enumerate() {
            for half in samples.chunks_exact_mut(DenoiseState::FRAME_SIZE * count) {
                let one = half.iter().skip(channel).step_by(count);
                for (to, from) in self.input.iter_mut().zip(one) {
                    *to = from * Self::SCALE;
                }
                state.process_frame(&mut self.output, &self.input);
                let one = half.iter_mut().skip(channel).step_by(count);
                for (to, from) in one.zip(&self.output) {
                    *to = from / Self::SCALE;
                }
            }
        }
    }
}

/// Brings what somebody says slowly to the same loudness. In dB and dBov.
#[derive(Clone, Copy, Debug)]
pub(super) struct AutoGain {
    gain: f32,
    /// Of speech, averaged over seconds of it.
    loudness: Option<f32>,
    peak: f32,
}

impl Default for AutoGain {
    fn default() -> Self {
        Self { gain: 0.0, loudness: None, peak: SILENCE }
    }
}

impl AutoGain {
    const TARGET: f32 = -22.0;
    /// What is quieter is no speech, or not meant for us.
    const GATE: f32 = -55.0;
    /// What is so far below the loudest syllables is a pause.
    const PAUSE: f32 = 15.0;
    /// The loudest syllables are forgotten by so much a tick, 2.5 dB a second.
    const FORGET: f32 = 0.05;
    /// Part of a tick in the average: two seconds of speech.
    const PART: f32 = 0.01;
    const MIN: f32 = -12.0;
    const MAX: f32 = 18.0;
    /// The gain moves by so much a tick, 2.5 dB a second.
    const STEP: f32 = 0.05;

    /// Of a tick that is so loud.
    pub(super) fn next(&mut self, level: f32) -> f32 {
        self.peak = level.max(self.peak - Self::FORGET);
        if level < Self::GATE.max(self.peak - Self::PAUSE) {
            return self.gain;
        }
        let loudness = self.loudness.get_or_insert(level);
        *loudness += (level - *loudness) * Self::PART;
        let wanted = (Self::TARGET - *loudness).clamp(Self::MIN, Self::MAX);
        self.gain += (wanted - self.gain).clamp(-Self::STEP, Self::STEP);
        self.gain
    }
}

/// Gain of each channel for a position from -1, left, to 1, right: constant power, and 1 for both in
/// the middle.
pub(super) fn pan(position: f32) -> [f32; 2] {
    let angle = (position + 1.0) * std::f32::consts::FRAC_PI_4;
    [angle.cos(), angle.sin()].map(|gain| gain * std::f32::consts::SQRT_2)
}

const _: () = assert!(FRAME.is_multiple_of(DenoiseState::FRAME_SIZE));

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::mcu::audio::signal::level;

    #[test]
    fn noise_gets_less() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut suppressor = NoiseSuppressor::new(2);
        let (mut before, mut after) = (0.0, 0.0);
        for tick in 0..250 {
            let mut samples: Vec<f32> =
                (0..FRAME * 2).map(|_| random.random_range(-0.02..0.02)).collect();
            let noise = level(&samples);
            suppressor.process(&mut samples);
            if tick >= 150 {
                before += noise / 100.0;
                after += level(&samples) / 100.0;
            }
        }
        assert!(after < before - 6.0, "{before} to {after} dBov");
    }

    #[test]
    fn the_quiet_and_the_loud_come_to_the_same() {
        for loudness in [-36.0, -22.0, -14.0] {
            let mut auto_gain = AutoGain::default();
            let mut gain = 0.0;
            for tick in 0..1500 {
                let level = if tick % 3 == 2 { -70.0 } else { loudness };
                gain = auto_gain.next(level);
            }
            assert!((loudness + gain - AutoGain::TARGET).abs() < 0.5, "{loudness}: {gain}");
        }
        let mut auto_gain = AutoGain::default();
        (0..1000).for_each(|_| assert_eq!(auto_gain.next(-60.0), 0.0));
    }

    #[test]
    fn power_is_the_same_everywhere() {
        for position in [-1.0, -0.3, 0.0, 0.8, 1.0] {
            let [left, right] = pan(position);
            assert!((left * left + right * right - 2.0).abs() < 1e-5);
        }
        assert!(pan(-1.0)[1].abs() < 1e-6 && (pan(0.0)[0] - 1.0).abs() < 1e-6);
    }
}
