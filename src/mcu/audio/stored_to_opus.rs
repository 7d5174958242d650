//! Coded sound in, Opus out: for what files and other protocols carry and WebRTC does not. AAC-LC
//! (ISO/IEC 14496-3) and samples as they are.

use std::fmt;
use std::time::Duration;

use super::TICK;
use super::aac::AacDecoder;
use super::opus_frames::{OpusFrame, OpusFrames};
use crate::codec::frame::Malformed;
use crate::codec::pcm::Samples;

/// Sound that begins so much later or earlier than what came before it ends is apart from it.
const APART: Duration = Duration::from_millis(40);
/// Samples a second that are taken.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// AudioSpecificConfig has few bytes, whatever else stands behind them.
const MAX_CONFIG: usize = 64;

/// What comes in.
#[derive(Clone, PartialEq, Debug)]
pub enum SoundCoding {
    /// By its AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
    Aac(Vec<u8>),
    /// Samples of up to eight channels.
    Pcm(Samples),
}

/// Sound that does not become Opus here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Untranscoded(String);

impl fmt::Display for Untranscoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untranscoded {}

enum Decoder {
    Aac(Box<AacDecoder>),
    Pcm(Samples),
}

/// Turns one stream into packets of 20 ms.
pub struct StoredToOpus {
    coding: SoundCoding,
    decoder: Decoder,
    rate: u32,
    channels: usize,
    frames: OpusFrames,
    /// When the next packet begins; `None` before the first sound.
    next: Option<Duration>,
    /// Where what came begins, and how many samples of each channel came since.
    begun: Duration,
    samples: u64,
}

impl StoredToOpus {
    /// Nothing came yet.
    ///
    /// # Errors
    /// [`Untranscoded`] with the reason: AAC other than LC or of more than two channels, a sample
    /// rate that is none.
    pub fn new(coding: SoundCoding) -> Result<Self, Untranscoded> {
        let (decoder, rate, channels) = match &coding {
            SoundCoding::Aac(config) => {
                let config = config.get(..MAX_CONFIG).unwrap_or(config);
                let decoder = AacDecoder::new(config);
                let decoder = decoder.map_err(|error| Untranscoded(error.to_string()))?;
                let known = decoder.config();
                (Decoder::Aac(Box::new(decoder)), known.rate, usize::from(known.channels))
            }
            SoundCoding::Pcm(samples) => {
                let channels =
                    if (1..=8).contains(&samples.channels) { samples.channels } else { 0 };
                (Decoder::Pcm(*samples), samples.rate, usize::from(channels.min(2)))
            }
        };
        if channels == 0 || channels > 2 || !RATES.contains(&rate) {
            return Err(Untranscoded(format!("{channels} channels of {rate} Hz")));
        }
        let frames = OpusFrames::new(rate, channels);
        let frames = frames.map_err(|_| Untranscoded("Opus, which cannot be made".to_owned()))?;
        Ok(Self {
            coding,
            decoder,
            rate,
            channels,
            frames,
            next: None,
            begun: Duration::ZERO,
            samples: 0,
        })
    }

    /// What it takes.
    pub fn coding(&self) -> &SoundCoding {
        &self.coding
    }

    /// Takes sound that begins at `time` and hands packets to `emit`, each with its beginning. Sound
    /// that follows what came before goes on without a seam, whatever the rounding of its time. Gives
    /// how long it is.
    ///
    /// # Errors
    /// [`Malformed`] when it cannot be decoded; what comes next may be good again.
    pub fn push(
        &mut self,
        time: Duration,
        data: &[u8],
        mut emit: impl FnMut(Duration, &[u8]),
    ) -> Result<Duration, Malformed> {
        let expected = self.begun.saturating_add(self.length(self.samples));
        if self.next.is_none() || time.abs_diff(expected) > APART {
            if self.next.is_some() {
                self.finish(&mut emit);
            }
            let before = self.next.unwrap_or(Duration::ZERO);
            self.frames.reset();
            self.begun = time.max(before);
            self.next = Some(self.begun);
            self.samples = 0;
        }
        let before = self.frames.input().len();
        let decoded = self.decode(data);
        let input = self.frames.input();
        if decoded.is_err() {
            input.truncate(before);
        }
        let samples = (input.len() - before) / self.channels;
        self.samples += samples as u64;
        let next = &mut self.next;
        self.frames.encode(|frame| send(next, &frame, &mut emit));
        decoded.map(|()| self.length(samples as u64))
    }

    fn length(&self, samples: u64) -> Duration {
        Duration::from_nanos(
            u64::try_from(u128::from(samples) * 1_000_000_000 / u128::from(self.rate))
                .unwrap_or(u64::MAX),
        )
    }

    fn decode(&mut self, data: &[u8]) -> Result<(), Malformed> {
        let input = self.frames.input();
        match &mut self.decoder {
            Decoder::Pcm(samples) => samples.decode(data, input),
            Decoder::Aac(decoder) => decoder.decode(data, input).map_err(|_| Malformed)?,
        }
        Ok(())
    }

    /// Forgets what came: what comes does not follow it.
    pub fn reset(&mut self) {
        if let Decoder::Aac(decoder) = &mut self.decoder {
            decoder.reset();
        }
        self.frames.reset();
        self.next = None;
    }

    /// Hands out what is left, filled up with silence.
    pub fn finish(&mut self, mut emit: impl FnMut(Duration, &[u8])) {
        let next = &mut self.next;
        self.frames.finish(|frame| send(next, &frame, &mut emit));
    }
}

/// Hands a frame out where it is, and counts on.
fn send(
    next: &mut Option<Duration>,
    frame: &OpusFrame<'_>,
    emit: &mut impl FnMut(Duration, &[u8]),
) {
    let time = next.unwrap_or_default();
    if let Some(data) = frame.data {
        emit(time, data);
    }
    *next = Some(time.saturating_add(TICK));
}

#[cfg(test)]
mod tests {
    use super::super::FRAME;
    use super::super::opus::{Decoder as OpusDecoder, packet_samples};
    use super::*;
    use crate::codec::pcm::SampleFormat;

    fn tone(rate: u32, seconds: f32) -> Vec<u8> {
        let count = (rate as f32 * seconds) as usize;
        let sample =
            |i: usize| (i as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin() * 8_000.0;
        (0..count).flat_map(|i| (sample(i) as i16).to_le_bytes()).collect()
    }

    fn pcm(rate: u32) -> StoredToOpus {
        let samples = Samples { format: SampleFormat::I16, rate, channels: 1 };
        StoredToOpus::new(SoundCoding::Pcm(samples)).unwrap()
    }

    fn push_all(
        transcoder: &mut StoredToOpus,
        sound: &[u8],
        each: Duration,
    ) -> Vec<(Duration, Vec<u8>)> {
        let mut packets = Vec::new();
        let rate = transcoder.rate as f64;
        let len = (rate * each.as_secs_f64()) as usize * 2;
        for (index, frame) in sound.chunks(len).enumerate() {
            // Containers round to a millisecond.
            let time = Duration::from_millis((each * index as u32).as_millis() as u64);
            let emit = |time, packet: &[u8]| packets.push((time, packet.to_vec()));
            transcoder.push(time, frame, emit).unwrap();
        }
        transcoder.finish(|time, packet| packets.push((time, packet.to_vec())));
        packets
    }

    #[test]
    fn a_second_of_any_rate_becomes_a_second_of_opus() {
        for rate in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000] {
            let mut transcoder = pcm(rate);
            let packets =
                push_all(&mut transcoder, &tone(rate, 1.0), Duration::from_micros(23_220));
            assert!((50..=51).contains(&packets.len()), "{rate}: {}", packets.len());
            let mut decoder = OpusDecoder::new(false);
            let mut heard = Vec::new();
            for (index, (time, packet)) in packets.iter().enumerate() {
                assert_eq!(*time, TICK * index as u32, "{rate}");
                assert_eq!(packet_samples(packet), Some(FRAME));
                decoder.decode(packet, &mut heard).unwrap();
            }
            let middle = &heard[10 * FRAME..40 * FRAME];
            let power = middle.iter().map(|s| s * s).sum::<f32>() / middle.len() as f32;
            let expected = 8_000.0 / 32_768.0 / 2f32.sqrt();
            assert!((power.sqrt() / expected - 1.0).abs() < 0.1, "{rate}: {}", power.sqrt());
        }
    }

    #[test]
    fn a_gap_stays_one_and_what_comes_too_early_waits_for_its_place() {
        let mut transcoder = pcm(48_000);
        let mut times = Vec::new();
        let frame = tone(48_000, 0.02);
        let mut push = |millis| {
            let emit = |time: Duration, _: &[u8]| times.push(time.as_millis());
            transcoder.push(Duration::from_millis(millis), &frame, emit).unwrap();
        };
        push(0);
        push(21);
        push(40);
        push(1_000);
        push(1_020);
        push(500);
        push(520);
        let mut rising = times.clone();
        rising.sort_unstable();
        rising.dedup();
        assert_eq!(times, rising, "no moment comes twice");
        assert!(times.contains(&1_000), "{times:?}");
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let samples = |rate, channels| {
            SoundCoding::Pcm(Samples { format: SampleFormat::I16, rate, channels })
        };
        for coding in [samples(0, 1), samples(u32::MAX, 1), samples(48_000, 0), samples(48_000, 9)]
        {
            assert!(StoredToOpus::new(coding.clone()).is_err(), "{coding:?}");
        }
        for config in [&[][..], &[0xff], &[0xff; 64], &[0x2b, 0x92, 0x08, 0x00], &[0x11, 0xb0]] {
            assert!(StoredToOpus::new(SoundCoding::Aac(config.to_vec())).is_err(), "{config:?}");
        }
        let mut aac = StoredToOpus::new(SoundCoding::Aac(vec![0x11, 0x90])).unwrap();
        for len in 0..64 {
            let data: Vec<u8> = (0..len).map(|i| (i * 37) as u8).collect();
            let _ = aac.push(Duration::ZERO, &data, |_, _| {});
        }
    }
}
