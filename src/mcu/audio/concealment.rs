//! Sound in place of lost packets of codecs that bring no way of their own: the last period of the
//! voice goes on and fades away (after G.711 appendix I).
//!
//! The field calls this PLC, packet loss concealment.

/// Of the past, in ms: twice the longest period and a template.
const HISTORY: usize = 45;
/// Of the template that periods are compared by, in ms.
const TEMPLATE: usize = 10;
/// Time that the repetition is as loud as what it repeats, and time at which it is silent, in ms.
const FULL: usize = 10;
const SILENT: usize = 60;
/// Length of the seam to what comes next, in ms.
const SEAM: usize = 4;

#[derive(Clone)]
pub(super) struct Concealment {
    /// Samples of a millisecond.
    ms: usize,
    /// What was heard last, made up or not.
    history: Vec<f32>,
    /// Samples made up since the last true one.
    made: usize,
    period: usize,
    scratch: Vec<f32>,
}

impl Concealment {
    pub(super) fn new(rate: u32) -> Self {
        let ms = rate as usize / 1000;
        Self { ms, history: vec![0.0; HISTORY * ms], made: 0, period: ms, scratch: Vec::new() }
    }

    /// Takes true sound, whose beginning is joined to what was made up before.
    pub(super) fn heard(&mut self, samples: &mut [f32]) {
        if self.made > 0 {
            let seam = (SEAM * self.ms).min(samples.len());
            let mut tail = std::mem::take(&mut self.scratch);
            tail.clear();
            self.generate(seam, &mut tail);
            for (index, (sample, &tail)) in samples.iter_mut().zip(&tail).enumerate() {
                let part = (index + 1) as f32 / (seam + 1) as f32;
                *sample = tail + (*sample - tail) * part;
            }
            self.scratch = tail;
            self.made = 0;
            // What was generated for the seam is not what is heard there.
            self.history.truncate(self.history.len() - seam);
        }
        self.remember(samples);
    }

    /// Appends samples for what is lost.
    pub(super) fn conceal(&mut self, count: usize, output: &mut Vec<f32>) {
        if self.made == 0 {
            self.period = self.find_period();
        }
        self.generate(count, output);
        self.trim();
    }

    fn generate(&mut self, count: usize, output: &mut Vec<f32>) {
        let before = self.history.len();
        // The repetition begins where the voice stopped; a step between the two is bent away.
        let step = if self.made == 0 {
            self.history[before - 1] - self.history[before - 1 - self.period]
        } else {
            0.0
        };
        let bend = 2 * self.ms;
        for index in 0..count {
            let part = 1.0 - (index as f32 / bend as f32).min(1.0);
            let sample = self.history[self.history.len() - self.period] + step * part;
            self.history.push(sample);
            let made = self.made + index;
            let faded =
                (made.saturating_sub(FULL * self.ms)) as f32 / ((SILENT - FULL) * self.ms) as f32;
            output.push(sample * (1.0 - faded).max(0.0));
        }
        self.made = (self.made + count).min(SILENT * self.ms);
    }

    fn remember(&mut self, samples: &[f32]) {
        self.history.extend_from_slice(samples);
        self.trim();
    }

    fn trim(&mut self) {
        let spare = self.history.len().saturating_sub(HISTORY * self.ms);
        self.history.drain(..spare);
    }

    /// The shift from 2.5 to 15 ms by which the end of the past is most like what came before.
    fn find_period(&self) -> usize {
        let template = &self.history[self.history.len() - TEMPLATE * self.ms..];
        let start = self.history.len() - template.len();
        let mut best = (f32::MIN, 10 * self.ms);
        for period in self.ms * 5 / 2..=15 * self.ms {
            let shifted = &self.history[start - period..][..template.len()];
            let (mut product, mut energy) = (0.0, 1e-9);
            for (one, other) in template.iter().zip(shifted) {
                product += one * other;
                energy += other * other;
            }
            let likeness = product / f32::sqrt(energy);
            if likeness > best.0 {
                best = (likeness, period);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(from: usize, count: usize) -> Vec<f32> {
        (from..from + count)
            .map(|i| (1..6).map(|k| (i as f32 * k as f32 * 0.105).sin() * 0.2 / k as f32).sum())
            .collect()
    }

    #[test]
    fn a_lost_packet_of_a_voice_is_hardly_missed() {
        let mut concealment = Concealment::new(8000);
        concealment.heard(&mut voice(0, 800));
        let mut made = Vec::new();
        concealment.conceal(160, &mut made);
        let error: f32 =
            made[..80].iter().zip(voice(800, 80)).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let energy: f32 = voice(800, 80).iter().map(|s| s * s).sum();
        assert!(error < energy * 0.1, "{error} of {energy}");
        let mut next = voice(960, 160);
        concealment.heard(&mut next);
        let steepest = |samples: &[f32]| {
            samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
        };
        let all = [voice(700, 100), made, next].concat();
        assert!(steepest(&all) < 1.3 * steepest(&voice(0, 800)), "{}", steepest(&all));
    }

    #[test]
    fn a_long_loss_is_silent() {
        let mut concealment = Concealment::new(16_000);
        concealment.heard(&mut voice(0, 1600));
        let mut made = Vec::new();
        for _ in 0..500 {
            concealment.conceal(320, &mut made);
        }
        assert!(made[1600..].iter().all(|&sample| sample == 0.0));
        assert!(concealment.history.len() <= HISTORY * 16);
    }
}
