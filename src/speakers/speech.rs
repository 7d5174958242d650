//! How much somebody speaks, from the levels of their packets (RFC 6464).
//!
//! A single level says little: a cough is louder than a word, and a fan never stops. So sound
//! counts that rises above what the microphone hears all the time, and it is looked at over three
//! times: just now, as long as a word or two, and as long as a turn.
//!
//! The field calls this VAD, voice activity detection, where it is a yes or no.

use std::time::{Duration, Instant};

/// One step of the measure: a packet, for most.
const STEP: Duration = Duration::from_millis(20);
/// Steps that show whether there is sound just now: 100 ms.
const IMMEDIATE: usize = 5;
/// Steps of half a second: longer than a cough, longer than the pause between two words.
const MEDIUM: usize = 25;
/// Share of a step in the long measure, which reaches back two seconds.
const LONG_SHARE: f32 = 0.01;
/// Longest packet; what is not sent for longer is silence (Opus has frames up to 120 ms).
const LONGEST_PACKET: usize = 6;
/// Speech is told at most this often.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is quieter is nobody speaking, in dBov, unless somebody says otherwise.
pub const THRESHOLD: i8 = -60;
/// dB above the noise from which on it is sound that somebody makes.
const ABOVE_NOISE: f32 = 8.0;
/// The noise is followed down in some packets, up by a dB a second: speech has pauses.
const NOISE_FALL: f32 = 0.1;
const NOISE_RISE: f32 = 0.02;
/// What is taken for noise, in dBov. Louder is music.
const LOUDEST_NOISE: f32 = -35.0;
const QUIETEST_NOISE: f32 = -80.0;
/// Loudness counts between these, in dBov: half of the weight is having said anything.
const QUIET: f32 = -50.0;
const LOUD: f32 = -10.0;

/// How much somebody speaks. Nothing is above 1.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Speech {
    /// Share of the last 100 ms with sound.
    pub immediate: f32,
    /// Share of the last half second with sound.
    pub medium: f32,
    /// The same weighted by loudness.
    pub loudness: f32,
    /// Loudness over the last two seconds.
    pub long: f32,
}

impl Speech {
    /// What counts for having the word. The turn counts as well as the word: a pause between words
    /// does not lose it.
    pub(super) fn for_the_word(&self) -> f32 {
        0.6 * self.loudness + 0.4 * self.long
    }

    /// What counts for a place among the few who are heard. Half a second decides: whoever fell silent
    /// gives way to a first word.
    pub(super) fn for_a_place(&self) -> f32 {
        0.9 * self.loudness + 0.1 * self.long
    }

    /// What it has become when nothing was heard since.
    pub fn after(self, silence: Duration) -> Self {
        // Being told of it takes as long as that.
        let silence = silence.saturating_sub(INTERVAL).as_secs_f32();
        let medium = STEP.as_secs_f32() * MEDIUM as f32;
        let immediate = STEP.as_secs_f32() * IMMEDIATE as f32;
        let rest = |window: f32| (1.0 - silence / window).max(0.0);
        Self {
            immediate: self.immediate * rest(immediate),
            medium: self.medium * rest(medium),
            loudness: self.loudness * rest(medium),
            long: self.long * (-silence * LONG_SHARE / STEP.as_secs_f32()).exp(),
        }
    }
}

/// Measures one track.
#[derive(Debug)]
pub struct SpeechMeter {
    /// dBov below which nothing counts, however silent it is otherwise.
    threshold: f32,
    noise: Option<f32>,
    start: Instant,
    /// The step of the newest packet.
    newest: u64,
    /// Loudness of the last steps, 0 without sound.
    steps: [f32; MEDIUM],
    long: f32,
    told: Option<Instant>,
}

impl SpeechMeter {
    /// `threshold` in dBov.
    pub fn new(now: Instant, threshold: i8) -> Self {
        Self {
            threshold: f32::from(threshold),
            noise: None,
            start: now,
            newest: 0,
            steps: [0.0; MEDIUM],
            long: 0.0,
            told: None,
        }
    }

    /// Takes the level of a packet, -127 to 0 dBov. Gives what there is to tell: nothing while
    /// there is no sound, and at most every 100 ms.
    pub fn receive(&mut self, now: Instant, level: i8) -> Option<Speech> {
        let weight = self.weigh(f32::from(level.clamp(-127, 0)));
        self.advance(now, weight);
        let just_told = |told: Instant| now.saturating_duration_since(told) < INTERVAL;
        if weight == 0.0 || self.told.is_some_and(just_told) {
            return None;
        }
        self.told = Some(now);
        Some(self.speech())
    }

    fn weigh(&mut self, level: f32) -> f32 {
        let noise = self.noise.get_or_insert(level);
        *noise = match level {
            level if level < *noise => *noise + (level - *noise) * NOISE_FALL,
            _ => *noise + NOISE_RISE,
        };
        *noise = noise.clamp(QUIETEST_NOISE, LOUDEST_NOISE);
        if level < self.threshold || level < *noise + ABOVE_NOISE {
            return 0.0;
        }
        0.5 + 0.5 * ((level - QUIET) / (LOUD - QUIET)).clamp(0.0, 1.0)
    }

    fn advance(&mut self, now: Instant, weight: f32) {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        let step = (elapsed / STEP.as_millis()) as u64;
        let passed = step.saturating_sub(self.newest);
        // A packet stands for the time since the one before, unless there was silence.
        let own = passed.clamp(1, LONGEST_PACKET as u64);
        let silent = if passed > LONGEST_PACKET as u64 { passed - 1 } else { 0 };
        let own = if silent > 0 { 1 } else { own };
        if silent > 0 {
            self.long *= (1.0 - LONG_SHARE).powi(silent.min(10_000) as i32);
        }
        for silent in 0..silent.min(MEDIUM as u64) {
            self.steps[((step - 1 - silent) % MEDIUM as u64) as usize] = 0.0;
        }
        for own in 0..own.min(step + 1) {
            let place = &mut self.steps[((step - own) % MEDIUM as u64) as usize];
            // Packets of 10 ms share a step.
            *place = if passed == 0 { place.max(weight) } else { weight };
        }
        if passed > 0 {
            self.long += (weight - self.long) * (LONG_SHARE * own as f32);
        }
        self.newest = self.newest.max(step);
    }

    fn speech(&self) -> Speech {
        let recent = (0..IMMEDIATE as u64).filter_map(|back| self.newest.checked_sub(back));
        let recent = recent.filter(|step| self.steps[(step % MEDIUM as u64) as usize] > 0.0);
        let heard = self.steps.iter().filter(|weight| **weight > 0.0).count();
        Speech {
            immediate: recent.count() as f32 / IMMEDIATE as f32,
            medium: heard as f32 / MEDIUM as f32,
            loudness: self.steps.iter().sum::<f32>() / MEDIUM as f32,
            long: self.long,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last thing told of packets of 20 ms.
    fn measure(levels: impl IntoIterator<Item = i8>) -> Option<Speech> {
        let start = Instant::now();
        let mut meter = SpeechMeter::new(start, -60);
        let told = levels.into_iter().enumerate();
        told.filter_map(|(i, level)| meter.receive(start + STEP * i as u32, level)).last()
    }

    fn repeat(level: i8, count: usize) -> impl Iterator<Item = i8> {
        std::iter::repeat_n(level, count)
    }

    #[test]
    fn silence_is_never_told() {
        assert_eq!(measure(repeat(-127, 500)), None);
        assert_eq!(measure(repeat(-70, 500)), None, "below the threshold");
    }

    #[test]
    fn steady_noise_is_not_speech_and_a_voice_over_it_is() {
        assert_eq!(measure(repeat(-45, 500)), None);
        let over = measure(repeat(-45, 200).chain(repeat(-28, 26))).unwrap();
        assert!(over.medium > 0.9, "{over:?}");
    }

    #[test]
    fn a_cough_fills_less_than_half_of_the_medium_time_and_speech_more() {
        let cough = measure(repeat(-90, 100).chain(repeat(-8, 10)).chain(repeat(-90, 3))).unwrap();
        assert!(cough.medium <= 0.4 && cough.long < 0.12, "{cough:?}");
        let speech = measure(repeat(-90, 100).chain(repeat(-28, 50))).unwrap();
        assert!(speech.medium > 0.9 && speech.long > 0.25, "{speech:?}");
    }

    #[test]
    fn who_speaks_is_told_of_ten_times_a_second() {
        let start = Instant::now();
        let mut meter = SpeechMeter::new(start, -60);
        meter.receive(start, -90);
        let told = (1..=100).filter(|i| meter.receive(start + STEP * *i, -25).is_some()).count();
        assert_eq!(told, 20);
    }

    #[test]
    fn packets_of_any_length_measure_the_same() {
        let speech = |length: u64| {
            let start = Instant::now();
            let mut meter = SpeechMeter::new(start, -60);
            let mut last = None;
            meter.receive(start, -90);
            for at in (length..3_000).step_by(length as usize) {
                last = meter.receive(start + Duration::from_millis(at), -25).or(last);
            }
            last.unwrap()
        };
        let usual = speech(20);
        for length in [10, 40, 60, 120] {
            let other = speech(length);
            assert!((other.medium - usual.medium).abs() < 0.05, "{length} ms: {other:?}");
            assert!((other.long - usual.long).abs() < 0.1, "{length} ms: {other:?} {usual:?}");
        }
    }

    #[test]
    fn packets_that_silence_left_out_count_as_silence() {
        let start = Instant::now();
        let mut meter = SpeechMeter::new(start, -60);
        meter.receive(start, -90);
        for i in 1..50 {
            meter.receive(start + STEP * i, -25);
        }
        let after = meter.receive(start + Duration::from_secs(3), -25).unwrap();
        assert!(after.medium < 0.05 && after.immediate < 0.25, "{after:?}");
    }

    #[test]
    fn what_was_told_fades() {
        let speech = Speech { immediate: 1.0, medium: 1.0, loudness: 0.8, long: 0.8 };
        let fresh = speech.after(INTERVAL);
        assert_eq!(fresh, speech);
        let later = speech.after(INTERVAL + Duration::from_millis(250));
        assert!((later.medium - 0.5).abs() < 0.01 && later.immediate == 0.0, "{later:?}");
        assert!(speech.after(Duration::from_secs(10)).long < 0.01);
    }

    #[test]
    fn time_that_goes_back_or_jumps_does_no_harm() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut meter = SpeechMeter::new(start, -60);
        for at in [5, 0, 90_000_000, 3, 7_000, 90_000_001] {
            meter.receive(start + Duration::from_millis(at), -20);
        }
        meter.receive(start - Duration::from_secs(5), 127);
        meter.receive(start, -128);
    }
}
