//! Changes of sample rate: one that can be moved at any time, for sound on its way in, and one by a
//! whole number, for sound on its way out.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::RATE;

/// Samples around each output that it is made of.
const TAPS: usize = 32;
/// Whole samples before the one that output lies behind.
const BEFORE: usize = TAPS / 2 - 1;
/// Filters between two samples; what lies between two filters is interpolated.
const PHASES: usize = 64;
/// Shape of the Kaiser window: 60 dB down.
const BETA: f64 = 5.65;
/// Of the filter in parts of the sample rate: flat to 0.4, 60 dB down at 0.52.
const CUTOFF: f64 = 0.46;
/// What was read stays in memory up to so many samples.
const SPENT: usize = 4096;

/// Modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..30 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

/// Windowed sinc at `t` samples off the centre, of a window `half` samples wide to each side.
fn sinc(t: f64, cutoff: f64, half: f64) -> f64 {
    let inside = 1.0 - (t / half).powi(2);
    if inside <= 0.0 {
        return 0.0;
    }
    let x = 2.0 * PI * cutoff * t;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    2.0 * cutoff * sinc * bessel(BETA * inside.sqrt()) / bessel(BETA)
}

static FILTERS: LazyLock<Box<[[f32; TAPS]]>> = LazyLock::new(|| {
    (0..=PHASES)
        .map(|phase| {
            let offset = phase as f64 / PHASES as f64;
            let taps: Vec<f64> = (0..TAPS)
                .map(|tap| sinc(tap as f64 - BEFORE as f64 - offset, CUTOFF, TAPS as f64 / 2.0))
                .collect();
            let sum: f64 = taps.iter().sum();
            std::array::from_fn(|tap| (taps[tap] / sum) as f32)
        })
        .collect()
});

/// A queue of sound that is read at another rate than it was written. The rate may change with
/// each reading without a click.
#[derive(Clone)]
pub(super) struct Resampler {
    channels: usize,
    /// Interleaved, with what is still needed of the past.
    samples: Vec<f32>,
    /// First frame that the next output is made of, and how far behind its middle that lies.
    start: usize,
    fraction: f64,
    /// Only counts samples: for tests over hours.
    #[cfg(test)]
    pub silent: bool,
}

impl Resampler {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels,
            samples: vec![0.0; BEFORE * channels],
            start: 0,
            fraction: 0.0,
            #[cfg(test)]
            silent: false,
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.samples.clear();
        self.samples.resize(BEFORE * self.channels, 0.0);
        self.start = 0;
        self.fraction = 0.0;
    }

    /// Where to append interleaved samples.
    pub(super) fn input(&mut self) -> &mut Vec<f32> {
        &mut self.samples
    }

    /// Frames that were written and not played yet.
    pub(super) fn queued(&self) -> f64 {
        (self.samples.len() / self.channels) as f64 - (self.start + BEFORE) as f64 - self.fraction
    }

    /// Reads while there is room and something to read; `step` is the rate written by the rate
    /// read. Gives the number of samples, of all channels.
    pub(super) fn read(&mut self, step: f64, output: &mut [f32]) -> usize {
        let filters = &**FILTERS;
        let mut written = 0;
        for frame in output.chunks_exact_mut(self.channels) {
            let from = self.start * self.channels;
            let Some(window) = self.samples.get(from..from + TAPS * self.channels) else { break };
            #[cfg(test)]
            if self.silent {
                frame.fill(0.0);
                written += self.channels;
                self.advance(step);
                continue;
            }
            let phase = self.fraction * PHASES as f64;
            let index = (phase as usize).min(PHASES - 1);
            let (lower, upper) = (&filters[index], &filters[index + 1]);
            let between = (phase - index as f64) as f32;
            let taps: [f32; TAPS] =
                std::array::from_fn(|tap| lower[tap] + between * (upper[tap] - lower[tap]));
            if let [sample] = frame {
                *sample = dot(&taps, window);
            } else {
                for (channel, sample) in frame.iter_mut().enumerate() {
                    *sample = taps
                        .iter()
                        .zip(window[channel..].iter().step_by(self.channels))
                        .map(|(tap, sample)| tap * sample)
                        .sum();
                }
            }
            written += self.channels;
            self.advance(step);
        }
        self.forget();
        written
    }

    fn advance(&mut self, step: f64) {
        self.fraction += step;
        let whole = self.fraction as usize;
        self.start += whole;
        self.fraction -= whole as f64;
    }

    fn forget(&mut self) {
        let frames = self.start.min(self.samples.len() / self.channels);
        if frames * self.channels >= SPENT {
            self.samples.drain(..frames * self.channels);
            self.start -= frames;
        }
    }
}

/// Eight sums at once, which the compiler turns into vector code.
fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (taps, samples) in taps.chunks_exact(8).zip(samples.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += taps[lane] * samples[lane];
        }
    }
    sums.iter().sum()
}

/// Taps of a decimating filter for each sample left out.
const DECIMATOR_TAPS: usize = 24;

/// From 48 kHz to a rate that divides it, one channel.
#[derive(Clone)]
pub(super) struct Decimator {
    factor: usize,
    taps: Box<[f32]>,
    /// The samples that the next output begins with.
    history: Vec<f32>,
}

impl Decimator {
    /// To a rate of 8, 16, 24 or 48 kHz.
    pub(super) fn new(rate: u32) -> Self {
        let factor = (RATE / rate.clamp(8_000, RATE)) as usize;
        let count = if factor == 1 { 1 } else { DECIMATOR_TAPS * factor };
        let middle = (count - 1) as f64 / 2.0;
        let cutoff = CUTOFF / factor as f64;
        let taps: Vec<f64> =
            (0..count).map(|tap| sinc(tap as f64 - middle, cutoff, count as f64 / 2.0)).collect();
        let sum: f64 = taps.iter().sum();
        Self {
            factor,
            taps: taps.iter().map(|tap| (tap / sum) as f32).collect(),
            history: vec![0.0; count - 1],
        }
    }

    /// Appends one sample for each `factor` of input, whose number that divides.
    pub(super) fn process(&mut self, input: impl Iterator<Item = f32>, output: &mut Vec<f32>) {
        self.history.extend(input);
        let count = self.taps.len();
        let mut start = 0;
        while let Some(window) = self.history.get(start..start + count) {
            output.push(if count == 1 { window[0] } else { dot(&self.taps, window) });
            start += self.factor;
        }
        self.history.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, rate: f64, count: usize) -> Vec<f32> {
        (0..count).map(|i| (i as f64 * frequency * 2.0 * PI / rate).sin() as f32 * 0.5).collect()
    }

    fn power(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).log10()
    }

    /// What is left in dB when the best sine of that frequency is taken away.
    fn residue(samples: &[f32], frequency: f64) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        let angle = |i: usize| i as f64 * frequency * 2.0 * PI / 48e3;
        for (i, &sample) in samples.iter().enumerate() {
            re += f64::from(sample) * angle(i).cos();
            im += f64::from(sample) * angle(i).sin();
        }
        let scale = 2.0 / samples.len() as f64;
        let rest: Vec<f32> = samples
            .iter()
            .enumerate()
            .map(|(i, s)| s - ((re * angle(i).cos() + im * angle(i).sin()) * scale) as f32)
            .collect();
        power(&rest) - power(samples)
    }

    #[test]
    fn a_telephone_rate_becomes_ours() {
        let mut resampler = Resampler::new(1);
        resampler.input().extend(tone(1000.0, 8e3, 2000));
        let mut output = vec![0.0; 11_000];
        assert_eq!(resampler.read(1.0 / 6.0, &mut output), 11_000);
        assert!(residue(&output[1200..10_800], 1000.0) < -55.0);
    }

    #[test]
    fn a_rate_that_moves_leaves_no_seam() {
        let mut resampler = Resampler::new(2);
        let both = tone(440.0, 48e3, 60_000).into_iter().flat_map(|s| [s, -s]);
        resampler.input().extend(both);
        let mut before = 0.0;
        let mut output = [0.0; 1920];
        for tick in 0..50 {
            let step = 1.0 + f64::from(tick % 5 - 2) * 0.01;
            assert_eq!(resampler.read(step, &mut output), 1920);
            for pair in output.chunks(2) {
                assert!((pair[0] - before).abs() < 0.5 * 440.0 * 2.0 * PI as f32 / 48e3 * 1.05);
                assert_eq!(pair[0], -pair[1]);
                before = pair[0];
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for rate in [8_000, 16_000, 24_000] {
            let mut heard = Vec::new();
            let mut decimator = Decimator::new(rate);
            decimator.process(tone(f64::from(rate) * 0.3, 48e3, 9600).into_iter(), &mut heard);
            assert_eq!(heard.len(), 9600 / (48_000 / rate as usize));
            assert!((power(&heard[200..]) + 9.0).abs() < 0.3, "{rate}");
            heard.clear();
            decimator.process(tone(f64::from(rate) * 0.62, 48e3, 9600).into_iter(), &mut heard);
            assert!(power(&heard[200..]) < -60.0, "{rate}: {}", power(&heard[200..]));
        }
    }
}
