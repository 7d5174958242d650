//! Tones at a port.

use std::f64::consts::TAU;

use super::options::Tone;
use super::signal::amplitude;
use super::{FRAME, RATE};

/// Samples in which a tone comes and goes, 5 ms.
const EDGE: usize = RATE as usize / 200;

pub(super) struct ToneGenerator {
    tone: Tone,
    /// In turns.
    phases: [f64; 2],
    /// Samples since it began.
    age: usize,
    ending: bool,
}

impl ToneGenerator {
    pub(super) fn new(tone: Tone) -> Self {
        Self { tone, phases: [0.0; 2], age: 0, ending: false }
    }

    /// It fades away with the next tick.
    pub(super) fn end(&mut self) {
        self.ending = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ending && self.age == usize::MAX
    }

    /// Adds a tick.
    pub(super) fn add(&mut self, samples: &mut [f32], channels: usize) {
        if self.has_ended() {
            return;
        }
        let amplitude = amplitude(bounded(self.tone.level, -127.0, 0.0));
        let frequencies = [Some(self.tone.frequency), self.tone.second];
        for (index, frame) in samples.chunks_exact_mut(channels).enumerate() {
            let mut value = 0.0;
            for (phase, frequency) in self.phases.iter_mut().zip(frequencies) {
                let Some(frequency) = frequency else { continue };
                value += (*phase * TAU).sin() as f32;
                *phase += f64::from(bounded(frequency, 20.0, 20_000.0)) / f64::from(RATE);
                *phase -= phase.floor();
            }
            let begun = ((self.age + index) as f32 / EDGE as f32).min(1.0);
            let left = if self.ending { FRAME - index } else { EDGE };
            let left = (left.saturating_sub(FRAME - EDGE) as f32 / EDGE as f32)
                .max(if self.ending { 0.0 } else { 1.0 });
            frame.iter_mut().for_each(|sample| *sample += value * amplitude * begun.min(left));
        }
        self.age = if self.ending {
            usize::MAX
        } else {
            self.age.saturating_add(FRAME).min(RATE as usize)
        };
    }
}

fn bounded(value: f32, least: f32, most: f32) -> f32 {
    if value.is_finite() { value.clamp(least, most) } else { least }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcu::audio::signal::level;

    #[test]
    fn two_tones_have_the_power_of_both_and_no_edges() {
        let tone = Tone { frequency: 697.0, second: Some(1209.0), level: -20.0 };
        let mut generator = ToneGenerator::new(tone);
        let mut heard = Vec::new();
        for tick in 0..20 {
            if tick == 19 {
                generator.end();
            }
            let mut samples = [0.0; FRAME * 2];
            generator.add(&mut samples, 2);
            heard.extend(samples.chunks(2).map(|pair| pair[0]));
        }
        assert!(generator.has_ended());
        // A sine of that amplitude has half the power of a square wave, and there are two.
        assert!((level(&heard[FRAME..19 * FRAME]) + 20.0).abs() < 0.2);
        let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.2 * (697.0 + 1209.0) / 48e3 * TAU as f32 / 2.0 * 1.1, "{step}");
        assert!(heard[0] == 0.0 && heard[20 * FRAME - 1].abs() < 1e-2);
    }
}
