//! Sound of one codec as another one, packet by packet, for files that hold none of the first.

use std::time::Duration;

use super::decoder::Decoder;
use super::opus::{Encoder, EncoderSettings};
use super::resampler::Resampler;
use super::signal::to_i16;
use super::{FRAME, RATE, TICK};
use crate::codec::Codec;

/// Enough for speech of a telephone, which is all that G.711 and G.722 have.
const BITRATE: u32 = 32_000;
/// A packet that is further from the end of the one before begins anew.
const TOLERANCE: Duration = Duration::from_millis(40);

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TranscoderTarget {
    /// Packets of 20 ms.
    Opus,
    /// 16-bit samples, low bytes first, at the rate of the codec; of Opus two channels.
    Pcm,
}

/// One track's sound on its way from one codec to another.
pub struct Transcoder {
    codec: Codec,
    decoder: Decoder,
    /// `None`: samples are what is wanted.
    encoder: Option<Encoder>,
    resampler: Resampler,
    /// When the next packet begins.
    next: Option<Duration>,
    decoded: Vec<f32>,
    frame: Vec<f32>,
    bytes: Vec<u8>,
}

impl Transcoder {
    /// `None` for a codec that has no sound.
    pub fn new(codec: Codec, target: TranscoderTarget) -> Option<Self> {
        let settings = EncoderSettings {
            stereo: false,
            bitrate: BITRATE,
            fec: false,
            dtx: false,
            expected_loss: 0,
        };
        let encoder = match target {
            TranscoderTarget::Opus => Some(Encoder::new(settings).ok()?),
            TranscoderTarget::Pcm => None,
        };
        let stereo = encoder.is_none();
        Some(Self {
            codec,
            decoder: Decoder::new(codec, stereo)?,
            encoder,
            resampler: Resampler::new(1),
            next: None,
            decoded: Vec::new(),
            frame: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// What it decodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes a packet of that time, and gives what it became, with times. A damaged one becomes nothing.
    pub fn transcode(
        &mut self,
        time: Duration,
        payload: &[u8],
        mut give: impl FnMut(Duration, &[u8]),
    ) {
        self.decoded.clear();
        if !self.decoder.decode(payload, &mut self.decoded) {
            return;
        }
        let Some(encoder) = &mut self.encoder else {
            self.bytes.clear();
            let samples = self.decoded.iter().map(|sample| to_i16(*sample).to_le_bytes());
            self.bytes.extend(samples.flatten());
            return give(time, &self.bytes);
        };
        let step = f64::from(self.decoder.rate()) / f64::from(RATE);
        let queued = Duration::from_secs_f64(
            self.resampler.queued().max(0.0) * step.recip() / f64::from(RATE),
        );
        let waiting = Duration::from_secs_f64(self.frame.len() as f64 / f64::from(RATE));
        let due = self.next.map(|next| next + queued + waiting);
        if due.is_none_or(|due| due.abs_diff(time) > TOLERANCE) {
            self.resampler.reset();
            self.frame.clear();
            self.next = Some(time);
        }
        self.resampler.input().extend_from_slice(&self.decoded);
        loop {
            let before = self.frame.len();
            self.frame.resize(FRAME, 0.0);
            let read = self.resampler.read(step, &mut self.frame[before..]);
            self.frame.truncate(before + read);
            if self.frame.len() < FRAME {
                return;
            }
            self.bytes.clear();
            let at = self.next.unwrap_or(time);
            self.next = Some(at + TICK);
            if encoder.encode(&self.frame, &mut self.bytes).is_ok_and(|sent| sent) {
                give(at, &self.bytes);
            }
            self.frame.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::opus::packet_samples;

    fn tone(rate: u32, packet: u32) -> Vec<f32> {
        let samples = rate / 50;
        let angle = |n: u32| f64::from(packet * samples + n) * 440.0 * std::f64::consts::TAU;
        (0..samples).map(|n| 0.5 * (angle(n) / f64::from(rate)).sin() as f32).collect()
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn telephone_sound_becomes_opus_without_a_gap() {
        let mut transcoder = Transcoder::new(Codec::Pcmu, TranscoderTarget::Opus).unwrap();
        let (mut times, mut heard) = (Vec::new(), Vec::new());
        let mut decoder = Decoder::new(Codec::Opus, false).unwrap();
        for packet in 0..50 {
            let samples = tone(8_000, packet);
            let payload: Vec<u8> =
                samples.iter().map(|s| super::super::g711::Law::Mu.encode(to_i16(*s))).collect();
            transcoder.transcode(packet * TICK, &payload, |time, packet| {
                assert_eq!(packet_samples(packet), Some(960));
                times.push(time);
                assert!(decoder.decode(packet, &mut heard));
            });
        }
        assert!(times.len() >= 48, "{}", times.len());
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TICK));
        let loud = power(&heard[heard.len() / 2..]);
        assert!((0.1..0.15).contains(&loud), "{loud}");
    }

    #[test]
    fn a_gap_stays_one() {
        let mut transcoder = Transcoder::new(Codec::G722, TranscoderTarget::Opus).unwrap();
        let mut times = Vec::new();
        for packet in (0..10).chain(100..110) {
            transcoder.transcode(packet * TICK, &[0; 160], |time, _| times.push(time));
        }
        assert!(times.iter().any(|time| *time == 100 * TICK), "{times:?}");
    }

    #[test]
    fn sound_becomes_samples_of_its_own_rate() {
        for (codec, payload, bytes) in [
            (Codec::Pcma, vec![0xd5; 160], 320),
            (Codec::G722, vec![0; 160], 640),
            (Codec::Opus, vec![0xf8, 0xff, 0xfe], 3_840),
        ] {
            let mut transcoder = Transcoder::new(codec, TranscoderTarget::Pcm).unwrap();
            let mut made = 0;
            transcoder.transcode(TICK, &payload, |time, samples| {
                assert_eq!(time, TICK);
                made += samples.len();
            });
            assert_eq!(made, bytes, "{codec}");
        }
        assert!(Transcoder::new(Codec::Vp8, TranscoderTarget::Pcm).is_none());
    }
}
