//! Something like speech to encode: vowels of changing pitch with pauses, so that codecs have as
//! much to do as with people.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub const RATE: u32 = 48_000;

/// Resonances of a few vowels, in Hz.
const VOWELS: [[f32; 3]; 5] = [
    [730.0, 1090.0, 2440.0],
    [270.0, 2290.0, 3010.0],
    [300.0, 870.0, 2240.0],
    [530.0, 1840.0, 2480.0],
    [570.0, 840.0, 2410.0],
];

pub struct Voice {
    rng: SmallRng,
    phase: f32,
    pitch: f32,
    vowel: usize,
    /// Samples until the next sound, and whether this one is a pause.
    left: usize,
    pause: bool,
    /// Of the three resonators.
    states: [[f32; 2]; 3],
    level: f32,
}

impl Voice {
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let pitch = rng.random_range(90.0..220.0);
        Self {
            rng,
            phase: 0.0,
            pitch,
            vowel: 0,
            left: 0,
            pause: true,
            states: [[0.0; 2]; 3],
            level: 0.0,
        }
    }

    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = self.sample();
        }
    }

    fn sample(&mut self) -> i16 {
        if self.left == 0 {
            self.pause = !self.pause && self.rng.random_bool(0.25);
            self.vowel = self.rng.random_range(0..VOWELS.len());
            self.left = self.rng.random_range(4_000..12_000);
        }
        self.left -= 1;
        let target = if self.pause { 0.0 } else { 1.0 };
        self.level += (target - self.level) * 0.001;
        self.phase += self.pitch / RATE as f32;
        let mut source = (self.rng.random::<f32>() - 0.5) * 0.02;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.pitch *= 1.0 + (self.rng.random::<f32>() - 0.5) * 0.02;
            self.pitch = self.pitch.clamp(80.0, 240.0);
            source += 1.0;
        }
        let mut sum = 0.0;
        for (state, frequency) in self.states.iter_mut().zip(VOWELS[self.vowel]) {
            let radius = 0.985;
            let angle = std::f32::consts::TAU * frequency / RATE as f32;
            let next = source + 2.0 * radius * angle.cos() * state[0] - radius * radius * state[1];
            (state[1], state[0]) = (state[0], next);
            sum += next * (1.0 - radius);
        }
        (sum * self.level * 12_000.0).clamp(-32_000.0, 32_000.0) as i16
    }
}
