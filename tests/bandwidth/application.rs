//! What an SFU sends to a viewer: sound, and one of the layers that a source makes, which it
//! chooses by the estimate.

use crate::random::Random;

pub const AUDIO: f64 = 40_000.0;
const FRAME: f64 = 1.0 / 30.0;
/// What has to be free to go up.
pub const HEADROOM: f64 = 1.12;
/// A keyframe is so many times as large as another frame.
const KEYFRAME: f64 = 4.0;
const MTU: f64 = 1150.0;

#[derive(Debug)]
pub struct Application {
    ladder: Vec<f64>,
    /// Of the ladder; `None` is sound alone.
    pub rung: Option<usize>,
    next_frame: f64,
    next_audio: f64,
    keyframe: bool,
    went_up: f64,
    not_before: f64,
    patience: f64,
    random: Random,
}

impl Application {
    pub fn new(ladder: &[f64], seed: u64) -> Self {
        Self {
            ladder: ladder.to_vec(),
            rung: None,
            next_frame: 0.0,
            next_audio: 0.0,
            keyframe: true,
            went_up: 0.0,
            not_before: 0.0,
            patience: 1.0,
            random: Random::new(seed),
        }
    }

    pub fn rate(&self) -> f64 {
        AUDIO + self.rung.map_or(0.0, |rung| self.ladder[rung])
    }

    /// What would be sent if anything could be.
    pub fn wanted(&self) -> f64 {
        let top = AUDIO + self.ladder.last().copied().unwrap_or(0.0);
        if self.rung.map(|rung| rung + 1) == Some(self.ladder.len()) { 0.0 } else { top }
    }

    /// Down at once, up with some headroom, and with patience after that failed.
    pub fn choose(&mut self, now: f64, estimate: f64) {
        let best =
            |share: f64| self.ladder.iter().rposition(|rate| (rate + AUDIO) * share <= estimate);
        if self.rate() > estimate && self.rung.is_some() {
            self.rung = best(1.0);
            self.keyframe = true;
            let failed = now - self.went_up < 10.0;
            self.patience = if failed { (self.patience * 2.0).min(16.0) } else { 1.0 };
            self.not_before = now + self.patience;
        } else if best(HEADROOM) > self.rung && now >= self.not_before {
            self.rung = best(HEADROOM);
            self.keyframe = true;
            self.went_up = now;
        }
    }

    /// Packets that are due.
    pub fn packets(&mut self, now: f64, mut each: impl FnMut(usize, bool)) {
        if now >= self.next_audio {
            self.next_audio += 0.02;
            each((AUDIO * 0.02 / 8.0) as usize, true);
        }
        if now >= self.next_frame {
            self.next_frame += FRAME;
            let Some(rung) = self.rung else { return };
            let varied = 0.8 + 0.4 * self.random.share();
            let kind = if std::mem::take(&mut self.keyframe) { KEYFRAME } else { varied };
            let bytes = self.ladder[rung] * FRAME / 8.0 * kind;
            let count = (bytes / MTU).ceil().max(1.0);
            (0..count as usize).for_each(|_| each((bytes / count) as usize + 40, false));
        }
    }
}
