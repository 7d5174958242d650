//! Samples of any rate in, packets of Opus of 20 ms out. Knows of no time: that is its user's.

use super::opus::{Encoder, EncoderSettings, OpusError};
use super::resampler::Resampler;
use super::{FRAME, RATE};

/// Bit/s of each channel: Opus is transparent for music at 64 kbit/s.
const BITRATE: u32 = 64_000;
/// Loss in per cent that packets are made for: they are repeated, but not by everybody.
const EXPECTED_LOSS: u8 = 5;
/// Silence behind the end that lets the resampler finish.
const TAIL: usize = 32;

/// One stream, mono or stereo.
pub(super) struct OpusFrames {
    rate: u32,
    channels: usize,
    resampler: Resampler,
    encoder: Encoder,
    /// Of the frame that is next, as much as is there.
    frame: Vec<f32>,
    packet: Vec<u8>,
}

/// 20 ms.
pub(super) struct OpusFrame<'a> {
    /// The samples, at 48 kHz.
    pub(super) pcm: &'a [f32],
    /// The packet, but where the encoder makes none.
    pub(super) data: Option<&'a [u8]>,
}

impl OpusFrames {
    /// Of so many samples a second of each channel.
    ///
    /// # Errors
    /// Those of the encoder, which makes one or two channels.
    pub(super) fn new(rate: u32, channels: usize) -> Result<Self, OpusError> {
        let encoder = Encoder::new(EncoderSettings {
            stereo: channels == 2,
            bitrate: BITRATE * channels as u32,
            fec: false,
            dtx: false,
            expected_loss: EXPECTED_LOSS,
        })?;
        let (resampler, frame) = (Resampler::new(channels), Vec::with_capacity(FRAME * channels));
        Ok(Self { rate, channels, resampler, encoder, frame, packet: Vec::new() })
    }

    /// Where samples are put, channels in turn, before [`encode`](Self::encode).
    pub(super) fn input(&mut self) -> &mut Vec<f32> {
        self.resampler.input()
    }

    /// Samples of each channel, at 48 kHz, that are in it and not in a frame yet.
    pub(super) fn inside(&self) -> u64 {
        let queued = (self.resampler.queued().max(0.0) / self.step()) as usize;
        (self.frame.len() / self.channels + queued) as u64
    }

    /// Hands out every frame that is whole.
    pub(super) fn encode(&mut self, mut emit: impl FnMut(OpusFrame<'_>)) {
        let size = FRAME * self.channels;
        let step = self.step();
        loop {
            let begun = self.frame.len();
            self.frame.resize(size, 0.0);
            let read = self.resampler.read(step, &mut self.frame[begun..]);
            self.frame.truncate(begun + read);
            if self.frame.len() < size {
                return;
            }
            self.send(&mut emit);
        }
    }

    /// Hands out what is left, filled up with silence.
    pub(super) fn finish(&mut self, mut emit: impl FnMut(OpusFrame<'_>)) {
        let silence = TAIL * self.channels;
        let input = self.resampler.input();
        input.resize(input.len() + silence, 0.0);
        self.encode(&mut emit);
        if !self.frame.is_empty() {
            self.frame.resize(FRAME * self.channels, 0.0);
            self.send(&mut emit);
        }
        self.resampler.reset();
    }

    /// Forgets what was not handed out.
    pub(super) fn reset(&mut self) {
        self.resampler.reset();
        self.frame.clear();
    }

    fn send(&mut self, emit: &mut impl FnMut(OpusFrame<'_>)) {
        self.packet.clear();
        let made = self.encoder.encode(&self.frame, &mut self.packet) == Ok(true);
        emit(OpusFrame { pcm: &self.frame, data: made.then_some(&self.packet) });
        self.frame.clear();
    }

    /// Samples that are read for each that is written.
    fn step(&self) -> f64 {
        f64::from(self.rate) / f64::from(RATE)
    }
}
