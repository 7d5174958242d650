//! One port: all that sounds at it, and how loud it goes into the mix.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::FRAME;
use super::file::FilePlayer;
use super::loudness::{AUDIBLE, Loudness};
use super::options::{AudioPortOptions, Tone};
use super::pcm::PcmQueue;
use super::signal::{SILENCE, amplitude, level, ramp, rounded};
use super::sink::{FileError, PcmError, PcmFrame, PortStats};
use super::stream::{Heard, Stream};
use super::tone::ToneGenerator;
use super::voice::{AutoGain, NoiseSuppressor, pan};
use crate::mcu::TakenPacket;
use crate::speakers::{Speech, SpeechMeter, THRESHOLD};

/// Streams that do not tell how loud they are are decoded for so long behind each packet.
const LISTEN: Duration = Duration::from_millis(600);

pub(super) struct Port {
    options: AudioPortOptions,
    channels: usize,
    stream: Option<Box<Stream>>,
    /// What was played before a switch; fades away with the next tick.
    fading: Option<Box<Stream>>,
    /// Of streams that are gone.
    counters: PortStats,
    pcm: Option<Box<PcmQueue>>,
    tone: Option<ToneGenerator>,
    file: Option<Box<FilePlayer>>,
    noise: Option<Box<NoiseSuppressor>>,
    auto_gain: AutoGain,
    loudness: Option<Loudness>,
    /// What it says, with the gain that was asked for.
    speech: Option<Box<SpeechMeter>>,
    /// The last that there was to tell of it.
    told: Option<Speech>,
    listen_until: Option<Instant>,
    /// Gain of each channel at the end of the last tick.
    applied: [f32; 2],
    level: f32,
    frame: Vec<f32>,
    /// In the mixer's list of ports that a tick looks at.
    pub active: bool,
    /// Taps on its input.
    pub taps: usize,
}

impl Port {
    pub(super) fn new(options: AudioPortOptions, channels: usize) -> Self {
        Self {
            options: options.bounded(),
            channels,
            stream: None,
            fading: None,
            counters: PortStats::default(),
            pcm: None,
            tone: None,
            file: None,
            noise: None,
            auto_gain: AutoGain::default(),
            loudness: None,
            speech: None,
            told: None,
            listen_until: None,
            applied: [0.0; 2],
            level: SILENCE,
            frame: Vec::new(),
            active: false,
            taps: 0,
        }
    }

    pub(super) fn set_options(&mut self, options: AudioPortOptions) {
        self.options = options.bounded();
        if !self.options.auto_gain {
            self.auto_gain = AutoGain::default();
        }
    }

    /// Muted, or without any gain.
    fn is_mute(&self) -> bool {
        self.options.muted || self.options.gain == 0.0
    }

    /// Whether it is worth looking at from now on.
    pub(super) fn receive(&mut self, packet: &TakenPacket, stereo: bool) -> bool {
        if self.stream.as_ref().is_none_or(|stream| stream.codec() != packet.codec) {
            let Some(stream) = Stream::new(packet, stereo) else { return false };
            self.reset();
            self.stream = Some(Box::new(stream.with_counters(self.counters)));
        }
        let Some(stream) = &mut self.stream else { return false };
        match stream.receive(packet) {
            Heard::Level(level) => self.hear(level.min(0).into(), packet.arrival),
            Heard::Unknown => self.listen_until = Some(packet.arrival + LISTEN),
            Heard::Nothing => return false,
        }
        self.listen_until.is_some() || self.loudness(packet.arrival) >= AUDIBLE
    }

    /// The stream that comes is another.
    pub(super) fn reset(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        self.counters = stream.counters();
        if stream.is_playing() {
            self.fading = Some(stream);
        }
    }

    fn hear(&mut self, level: f32, now: Instant) {
        self.loudness.get_or_insert(Loudness::new(level, now)).hear(level, now);
        let meter = self.speech.get_or_insert_with(|| Box::new(SpeechMeter::new(now, THRESHOLD)));
        let level = rounded(level + 20.0 * self.options.gain.log10());
        self.told = meter.receive(now, level).or(self.told);
    }

    /// How much it speaks, when there is something to tell of it.
    pub(super) fn take_speech(&mut self) -> Option<Speech> {
        self.told.take().filter(|_| !self.is_mute())
    }

    /// In dBov with the gain that was asked for; how much it counts in the choice of speakers.
    pub(super) fn loudness(&self, now: Instant) -> f32 {
        if self.is_mute() {
            return SILENCE;
        }
        let heard = self.loudness.map_or(SILENCE, |loudness| loudness.at(now));
        heard + 20.0 * self.options.gain.log10()
    }

    /// Level of the quietest packet that can be heard, in dBov.
    pub(super) fn wakes_at(&self) -> i8 {
        (AUDIBLE - 20.0 * self.options.gain.log10()).floor().clamp(-127.0, 0.0) as i8
    }

    /// Something of the application's making is always heard beside the loudest.
    pub(super) fn is_announcement(&self) -> bool {
        (self.tone.is_some() || self.file.is_some()) && !self.is_mute()
    }

    /// Whether a tick has to play it also when it is not in the mix.
    pub(super) fn must_play(&self, now: Instant) -> bool {
        let unknown = self.listen_until.is_some_and(|until| now < until) && !self.is_mute();
        let written = self.pcm.as_ref().is_some_and(|queue| !queue.is_empty());
        unknown || written || self.taps > 0 || self.is_fading_out()
    }

    /// Part of the last tick's mix.
    pub(super) fn is_fading_out(&self) -> bool {
        self.applied != [0.0; 2]
    }

    /// Plays a tick. Gives whether a file ended.
    pub(super) fn play(&mut self, now: Instant) -> bool {
        let channels = self.channels;
        self.frame.clear();
        self.frame.resize(FRAME * channels, 0.0);
        if let Some(stream) = &mut self.stream {
            stream.play(now, &mut self.frame);
        }
        if let Some(mut stream) = self.fading.take() {
            let mut old = vec![0.0; FRAME * channels];
            stream.play(now, &mut old);
            ramp(&mut old, channels, 1.0, 0.0);
            ramp(&mut self.frame, channels, 0.0, 1.0);
            self.frame.iter_mut().zip(&old).for_each(|(sample, old)| *sample += old);
        }
        if let Some(queue) = &mut self.pcm {
            queue.add(&mut self.frame);
        }
        if self.options.noise_suppression {
            let noise = self.noise.get_or_insert_with(|| Box::new(NoiseSuppressor::new(channels)));
            noise.process(&mut self.frame);
        } else {
            self.noise = None;
        }
        if let Some(tone) = &mut self.tone {
            tone.add(&mut self.frame, channels);
        }
        self.tone.take_if(|tone| tone.has_ended());
        let ended = self.file.as_mut().is_some_and(|file| !file.add(&mut self.frame));
        if ended {
            self.file = None;
        }
        self.level = level(&self.frame);
        let tells = self.stream.is_some() && self.listen_until.is_none() && self.pcm.is_none();
        if !tells {
            self.hear(self.level, now);
        }
        self.listen_until = self.listen_until.filter(|&until| now < until);
        ended
    }

    /// It is not played in this tick, nor was in the last.
    pub(super) fn rest(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.stop();
        }
        self.fading = None;
        self.level = SILENCE;
    }

    /// Brings the tick to the loudness that it has in the mix, or fades it out.
    pub(super) fn apply_gain(&mut self, heard: bool) {
        let automatic = if self.options.auto_gain && heard {
            amplitude(self.auto_gain.next(self.level))
        } else {
            1.0
        };
        let gain = if heard && !self.is_mute() { self.options.gain * automatic } else { 0.0 };
        let wanted = match self.channels {
            2 => pan(self.options.position).map(|side| side * gain),
            _ => [gain, 0.0],
        };
        let step: [f32; 2] =
            std::array::from_fn(|side| (wanted[side] - self.applied[side]) / FRAME as f32);
        for (index, frame) in self.frame.chunks_exact_mut(self.channels).enumerate() {
            for (side, sample) in frame.iter_mut().enumerate() {
                *sample *= self.applied[side] + step[side] * (index + 1) as f32;
            }
        }
        self.applied = wanted;
        self.level = level(&self.frame);
    }

    /// The tick that was played, with its gain once that was applied.
    pub(super) fn frame(&self) -> &[f32] {
        &self.frame
    }

    /// Of the last tick.
    pub(super) fn level(&self) -> i8 {
        rounded(self.level)
    }

    pub(super) fn write_pcm(
        &mut self,
        frame: &PcmFrame<'_>,
        channels: usize,
    ) -> Result<(), PcmError> {
        self.pcm
            .get_or_insert_with(|| Box::new(PcmQueue::new(channels, frame.timestamp)))
            .write(frame)
    }

    pub(super) fn clear_pcm(&mut self) {
        if let Some(queue) = &mut self.pcm {
            queue.clear();
        }
    }

    /// Whether it plays something of the application's that ends, which goes on though nobody listens.
    pub(super) fn is_playing(&self) -> bool {
        self.file.is_some() || self.pcm.as_ref().is_some_and(|queue| queue.is_playing())
    }

    pub(super) fn pcm_queued(&self) -> Duration {
        self.pcm.as_ref().map_or(Duration::ZERO, |queue| queue.queued())
    }

    pub(super) fn set_tone(&mut self, tone: Option<Tone>) {
        match tone {
            Some(tone) => self.tone = Some(ToneGenerator::new(tone)),
            None => {
                if let Some(tone) = &mut self.tone {
                    tone.end();
                }
            }
        }
    }

    pub(super) fn play_file(&mut self, file: Arc<[u8]>, looping: bool) -> Result<(), FileError> {
        self.file = Some(Box::new(FilePlayer::open(file, looping, self.channels)?));
        Ok(())
    }

    pub(super) fn stop_file(&mut self) {
        self.file = None;
    }

    pub(super) fn playout_delay(&self, now: Instant) -> Option<Duration> {
        let written = self.pcm.as_ref().and_then(|queue| queue.playout_delay(now));
        written.or_else(|| self.stream.as_ref().map(|stream| stream.playout_delay(now)))
    }

    pub(super) fn stats(&self, now: Option<Instant>) -> PortStats {
        let stats = match (&self.stream, now) {
            (Some(stream), Some(now)) => stream.stats(now),
            (Some(stream), None) => stream.counters(),
            (None, _) => self.counters,
        };
        PortStats { level: self.level(), ..stats }
    }
}
