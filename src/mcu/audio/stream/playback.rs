//! The playing side of a stream: what is decoded next, what is made up, and how fast.

use std::time::Instant;

use super::Stream;
use crate::mcu::audio::decoder::{Decoder, has_fec};
use crate::mcu::audio::signal::level;
use crate::mcu::audio::{FRAME, RATE, opus};

/// Sound further behind its time is not played at all.
const TOO_LATE: i64 = RATE as i64 / 2;
/// A sender that was silent for so long is not made up for any more.
const FALLEN_SILENT: i64 = RATE as i64 / 2;
/// A loss up to that length is filled exactly; what is longer, until the time of what comes next.
const SHORT_LOSS: i64 = RATE as i64 / 5;
/// Delays off by less are left to the slow way: 10 ms.
const TOLERANCE: f64 = RATE as f64 / 100.0;
/// The slow way: speed by samples off, a time constant of 20 s.
const SLOWLY: f64 = 1e-6;
/// Speed by samples beyond the tolerance, and the most of it.
const HURRY: f64 = 1e-5;
const MAX_HURRY: f64 = 0.02;
const QUIET_HURRY: f64 = 1e-4;
const MAX_QUIET_HURRY: f64 = 0.2;
/// What nobody minds being stretched, in dBov.
const QUIET: f32 = -50.0;
/// While nothing comes, sound is made up in such pieces, so that what comes is not held up: 10 ms.
const WAIT: i64 = RATE as i64 / 100;

/// Where in the stream the player is.
#[derive(Clone, Copy, Default)]
pub(super) struct Playing {
    /// Timestamp of what is decoded next; `None` before the first packet.
    pub position: Option<i64>,
    pub sequence: Option<u64>,
    /// Made up since, while nothing was there to play.
    pub waited: i64,
    /// What is waited for is known to come behind a pause of the sender.
    pub pause: bool,
    pub quiet: bool,
}

impl Stream {
    /// What comes is not listened to for now.
    pub(in crate::mcu::audio) fn stop(&mut self) {
        self.playing = None;
    }

    pub(in crate::mcu::audio) fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Plays a tick that begins at `now` into `output`, with one or two channels as the stream was
    /// made for.
    pub(in crate::mcu::audio) fn play(&mut self, now: Instant, output: &mut [f32]) {
        let due = self.due(self.samples_at(now));
        let mut playing = match self.playing {
            Some(playing) => playing,
            None => self.begin(due),
        };
        let step = self.speed(&playing, due) * f64::from(self.decoder.rate()) / f64::from(RATE);
        let mono = self.stereo && !matches!(self.decoder, Decoder::Opus(_));
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(FRAME, 0.0);
        let target: &mut [f32] = if mono { &mut scratch } else { output };
        let frames = if self.stereo && !mono { 2 } else { 1 };
        let mut written = 0;
        while written < target.len() {
            written += self.resampler.read(step, &mut target[written..]);
            if written < target.len() {
                self.decode(&mut playing, due + (written / frames) as i64);
            }
        }
        playing.quiet = level(target) < QUIET;
        if mono {
            for (pair, &sample) in output.chunks_exact_mut(2).zip(&scratch) {
                pair.fill(sample);
            }
        }
        self.scratch = scratch;
        self.playing = Some(playing);
    }

    fn begin(&mut self, due: i64) -> Playing {
        self.buffer.drop_before(due);
        self.resampler.reset();
        if let Some(decoder) = Decoder::new(self.codec, self.stereo) {
            self.decoder = decoder;
        }
        Playing { quiet: true, ..Playing::default() }
    }

    fn speed(&self, playing: &Playing, due: i64) -> f64 {
        let drift = 1.0 + self.clock.drift();
        let Some(position) = playing.position else { return drift };
        if playing.waited > 0 {
            return drift;
        }
        let behind = (due - self.heard(position)) as f64;
        let slowly = behind.clamp(-TOLERANCE, TOLERANCE) * SLOWLY;
        let beyond = behind - behind.clamp(-TOLERANCE, TOLERANCE);
        let (hurry, most) =
            if playing.quiet { (QUIET_HURRY, MAX_QUIET_HURRY) } else { (HURRY, MAX_HURRY) };
        drift + slowly + (beyond * hurry).clamp(-most, most)
    }

    /// Gives the resampler more; `due` is the timestamp that it should be of.
    fn decode(&mut self, playing: &mut Playing, due: i64) {
        self.drop_stale(playing, due);
        let Some(next) = self.buffer.front() else {
            self.wait(playing, WAIT);
            return;
        };
        let position = playing.position.unwrap_or(i64::MIN);
        let (lost, gap) = match (playing.position, playing.sequence, next.sequence) {
            (None, ..) => (false, i64::MAX),
            (Some(position), Some(before), Some(sequence)) => {
                (sequence > before + 1, next.timestamp - position)
            }
            (Some(position), ..) => (true, next.timestamp - position),
        };
        let early = next.timestamp - due;
        let missing = if lost && gap <= SHORT_LOSS { gap - playing.waited } else { early.min(gap) };
        if missing < opus::STEP as i64 {
            self.play_next(playing, lost);
            return;
        }
        if playing.position.is_none() {
            self.silence(missing.min(FRAME as i64));
            return;
        }
        let samples = missing.min(FRAME as i64);
        if lost && missing <= next.samples && has_fec(self.codec, next.data()) {
            self.play_fec(playing);
            return;
        }
        playing.pause = !lost;
        if lost {
            self.counters.concealed_ms += ms(samples + playing.waited.min(FALLEN_SILENT));
        }
        let made = self.conceal(samples, lost || playing.waited < FALLEN_SILENT);
        // From here on what is missing is counted from the next packet.
        let begin = self.buffer.front().map_or(position, |next| next.timestamp - missing);
        playing.position = Some(begin.max(position) + made);
        playing.waited = if lost { 0 } else { playing.waited + made };
    }

    /// Packets that are over, or so late that they would hold up all the rest.
    fn drop_stale(&mut self, playing: &Playing, due: i64) {
        while let Some(next) = self.buffer.front() {
            let over = playing.position.is_some_and(|position| next.end() <= position);
            if !over && due - next.timestamp < TOO_LATE {
                return;
            }
            self.buffer.pop();
            self.counters.late += 1;
        }
    }

    fn play_next(&mut self, playing: &mut Playing, lost: bool) {
        let Some(packet) = self.buffer.pop() else { return };
        let paused = playing.pause || playing.position != Some(packet.timestamp) && !lost;
        if playing.waited > 0 && !paused {
            self.counters.concealed_ms += ms(playing.waited.min(FALLEN_SILENT));
        }
        if !self.decoder.decode(packet.data(), self.resampler.input()) {
            self.counters.discarded += 1;
            if let Some(decoder) = Decoder::new(self.codec, self.stereo) {
                self.decoder = decoder;
            }
            self.silence(packet.samples);
        }
        playing.position = Some(packet.end());
        playing.sequence = packet.sequence.or(playing.sequence.map(|before| before + 1));
        (playing.waited, playing.pause) = (0, false);
    }

    /// The packet before the next is lost, but the next one holds a copy.
    fn play_fec(&mut self, playing: &mut Playing) {
        let Some(next) = self.buffer.front() else { return };
        let samples = next.samples as usize;
        let made = self.decoder.conceal(Some(next.data()), samples, self.resampler.input());
        playing.position = Some(next.timestamp);
        playing.sequence = next.sequence.map(|sequence| sequence.saturating_sub(1));
        playing.waited = 0;
        if made.is_some() {
            self.counters.fec += 1;
        } else {
            self.silence(samples as i64);
        }
    }

    /// Nothing is there. The stream stands still until something comes.
    fn wait(&mut self, playing: &mut Playing, samples: i64) {
        if playing.position.is_none() {
            self.silence(samples);
            return;
        }
        playing.waited += self.conceal(samples, playing.waited < FALLEN_SILENT);
    }

    fn conceal(&mut self, samples: i64, audible: bool) -> i64 {
        let count = usize::try_from(samples).unwrap_or(0);
        let made =
            if audible { self.decoder.conceal(None, count, self.resampler.input()) } else { None };
        made.map_or_else(|| self.silence(samples), |made| made as i64)
    }

    /// Gives how many samples at 48 kHz it became, one of the stream's rate at least.
    fn silence(&mut self, samples: i64) -> i64 {
        let per_sample = i64::from(RATE / self.decoder.rate());
        let count = (samples / per_sample).clamp(1, opus::MAX_PACKET as i64);
        let channels = if self.stereo && matches!(self.decoder, Decoder::Opus(_)) { 2 } else { 1 };
        let input = self.resampler.input();
        input.resize(input.len() + count as usize * channels, 0.0);
        count * per_sample
    }
}

fn ms(samples: i64) -> u64 {
    (samples / i64::from(RATE / 1000)).max(0) as u64
}
