//! A meeting without a network: who talks, and what is heard.

use std::collections::HashMap;
use std::f32::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::mcu::audio::opus::{Decoder, Encoder, EncoderSettings};
use crate::mcu::audio::{
    AudioMixer, AudioOptions, AudioPortOptions, AudioSink, AudioTarget, CodecSet, FRAME, TICK,
    TapKey,
};
use crate::mcu::audio::{g711, g722, resampler, signal};
use crate::mcu::{MadePacket, PortId, TakenPacket};

/// Sends even packets of a signal.
pub struct Talker {
    pub codec: Codec,
    settings: EncoderSettings,
    encoder: Encoder,
    g722: (resampler::Decimator, g722::Encoder),
    telephone: resampler::Decimator,
    pub sequence: u64,
    pub timestamp: u32,
    /// In Hz.
    pub frequency: f32,
    pub amplitude: f32,
    pub level: bool,
    voice: bool,
    sample: usize,
}

impl Talker {
    /// Speaks a sine of this frequency in Hz and linear amplitude, from sequence number 1000 on.
    pub fn new(codec: Codec, frequency: f32, amplitude: f32) -> Self {
        let settings = EncoderSettings {
            stereo: false,
            bitrate: 32_000,
            fec: true,
            dtx: false,
            expected_loss: 20,
        };
        Self {
            codec,
            settings,
            encoder: Encoder::new(settings).unwrap(),
            g722: (resampler::Decimator::new(16_000), g722::Encoder::default()),
            telephone: resampler::Decimator::new(8_000),
            sequence: 1000,
            timestamp: 0xffff_f000,
            frequency,
            amplitude,
            level: true,
            voice: false,
            sample: 0,
        }
    }

    /// Something like syllables, coded as speech.
    pub fn with_voice(mut self) -> Self {
        self.encoder = Encoder::new(EncoderSettings { bitrate: 20_000, ..self.settings }).unwrap();
        self.voice = true;
        self
    }

    fn samples(&mut self) -> Vec<f32> {
        let from = self.sample;
        self.sample += FRAME;
        let sine = |i: usize, frequency: f32| (i as f32 * frequency * TAU / 48e3).sin();
        (from..from + FRAME)
            .map(|i| {
                let sample = if self.voice {
                    let harmonics: f32 =
                        (1..12).map(|k| sine(i, self.frequency * k as f32) / k as f32).sum();
                    harmonics * (1.0 + 0.8 * sine(i, 4.0)) / 2.0
                } else {
                    sine(i, self.frequency)
                };
                sample * self.amplitude
            })
            .collect()
    }

    /// The next 20 ms, that arrive at a moment.
    pub fn packet(&mut self, arrival: Instant) -> TakenPacket {
        let samples = self.samples();
        let level = signal::rounded(signal::level(&samples));
        let mut narrow = Vec::new();
        let payload: Arc<[u8]> = match self.codec {
            Codec::Opus => {
                let mut packet = Vec::new();
                self.encoder.encode(&samples, &mut packet).unwrap();
                packet.into()
            }
            Codec::G722 => {
                self.g722.0.process(samples.into_iter(), &mut narrow);
                let samples: Vec<i16> = narrow.into_iter().map(signal::to_i16).collect();
                samples.chunks(2).map(|pair| self.g722.1.encode(pair[0], pair[1])).collect()
            }
            codec => {
                let law = if codec == Codec::Pcmu { g711::Law::Mu } else { g711::Law::A };
                self.telephone.process(samples.into_iter(), &mut narrow);
                narrow.into_iter().map(|sample| law.encode(signal::to_i16(sample))).collect()
            }
        };
        let packet = TakenPacket {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: false,
            codec: self.codec,
            red: false,
            payload,
            arrival,
            captured: arrival - TICK,
            audio_level: self.level.then_some(level),
            rotation: 0,
        };
        self.skip();
        packet
    }

    /// Nothing is sent of this packet, though it counts.
    pub fn skip(&mut self) {
        self.sequence += 1;
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock_rate() / 50);
    }
}

/// Everything that a mixer has made.
#[derive(Default)]
pub struct Heard {
    pub packets: Vec<(AudioTarget, MadePacket)>,
    pub pcm: HashMap<TapKey, Vec<i16>>,
    pub pcm_frames: Vec<(TapKey, usize, Instant)>,
    pub levels: Vec<(AudioTarget, i8, bool)>,
    pub ended: Vec<PortId>,
}

impl Heard {
    /// The packets of one mix in one codec, in order.
    pub fn of(&self, target: AudioTarget, codec: Codec) -> impl Iterator<Item = &MadePacket> {
        self.packets
            .iter()
            .filter(move |(to, packet)| *to == target && packet.codec == codec)
            .map(|(_, packet)| packet)
    }

    /// What one decoder makes of all packets of a target.
    pub fn opus(&self, target: AudioTarget) -> Vec<f32> {
        let mut decoder = Decoder::new(false);
        let mut heard = Vec::new();
        for packet in self.of(target, Codec::Opus) {
            decoder.decode(&packet.payload, &mut heard).unwrap();
        }
        heard
    }
}

impl AudioSink for Heard {
    fn packet(&mut self, target: AudioTarget, packet: MadePacket) {
        self.packets.push((target, packet));
    }

    fn pcm(&mut self, tap: TapKey, samples: &[i16], timestamp: Instant) {
        self.pcm.entry(tap).or_default().extend(samples);
        self.pcm_frames.push((tap, samples.len(), timestamp));
    }

    fn level(&mut self, target: AudioTarget, level: i8, voice: bool) {
        self.levels.push((target, level, voice));
    }

    fn file_ended(&mut self, port: PortId) {
        self.ended.push(port);
    }
}

/// A mixer with talkers, on a clock of its own.
pub struct Meeting {
    pub mixer: AudioMixer,
    pub talkers: Vec<(PortId, Talker)>,
    pub now: Instant,
    pub heard: Heard,
}

/// No codec yet, to begin a set with.
pub const OPUS: CodecSet = CodecSet::EMPTY;

/// Opus alone.
pub fn opus() -> CodecSet {
    OPUS.with(Codec::Opus)
}

impl Meeting {
    /// Nobody is there.
    pub fn new(options: AudioOptions) -> Self {
        Self {
            mixer: AudioMixer::new(options),
            talkers: Vec::new(),
            now: Instant::now() + Duration::from_secs(3600),
            heard: Heard::default(),
        }
    }

    /// Adds a port with default options and who speaks there.
    pub fn join(&mut self, key: u64, talker: Talker) {
        self.mixer.add_port(PortId(key), AudioPortOptions::default());
        self.talkers.push((PortId(key), talker));
    }

    /// Who speaks at a port that is there.
    pub fn talker(&mut self, key: u64) -> &mut Talker {
        &mut self.talkers.iter_mut().find(|(port, _)| *port == PortId(key)).unwrap().1
    }

    /// Everybody sends a packet, and all is mixed.
    pub fn tick(&mut self) {
        for (key, talker) in &mut self.talkers {
            let packet = talker.packet(self.now);
            self.mixer.receive(*key, &packet);
        }
        self.mixer.tick(self.now, &mut self.heard);
        self.now += TICK;
    }

    /// So many ticks of 20 ms.
    pub fn run(&mut self, ticks: usize) {
        (0..ticks).for_each(|_| self.tick());
    }
}

/// Strength of a frequency in dBov, as a sine.
pub fn strength(samples: &[f32], frequency: f32, rate: f32) -> f32 {
    let (mut re, mut im) = (0.0f64, 0.0f64);
    for (i, &sample) in samples.iter().enumerate() {
        let (sin, cos) = (i as f64 * f64::from(frequency / rate) * std::f64::consts::TAU).sin_cos();
        re += f64::from(sample) * cos;
        im += f64::from(sample) * sin;
    }
    let amplitude = (re * re + im * im).sqrt() * 2.0 / samples.len() as f64;
    (20.0 * (amplitude / 2f64.sqrt()).log10()) as f32
}

/// What is left in dBov when some frequencies are taken away, per window of `length`.
pub fn residues(samples: &[f32], frequencies: &[f32], length: usize) -> Vec<f32> {
    samples
        .chunks_exact(length)
        .map(|window| {
            let mut rest: Vec<f64> = window.iter().map(|&sample| sample.into()).collect();
            // Frequencies are not orthogonal in a short window: take them away again and again.
            for _ in 0..(if frequencies.len() > 1 { 20 } else { 3 }) {
                for &frequency in frequencies {
                    remove(&mut rest, f64::from(frequency) / 48e3);
                }
            }
            let power = rest.iter().map(|sample| sample * sample).sum::<f64>() / length as f64;
            (10.0 * power.max(1e-12).log10()) as f32
        })
        .collect()
}

fn remove(samples: &mut [f64], turns: f64) {
    let angle = |i: usize| (i as f64 * turns * std::f64::consts::TAU).sin_cos();
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let (sin, cos) = angle(i);
        re += sample * cos;
        im += sample * sin;
    }
    let scale = 2.0 / samples.len() as f64;
    for (i, sample) in samples.iter_mut().enumerate() {
        let (sin, cos) = angle(i);
        *sample -= (re * cos + im * sin) * scale;
    }
}
