//! Sound on its way to the application.

use std::time::{Duration, Instant};

use super::options::{PcmFormat, TapKey, TapSource};
use super::output::mono;
use super::resampler::Decimator;
use super::signal::to_i16;
use super::sink::AudioSink;

pub(super) struct Tap {
    key: TapKey,
    source: TapSource,
    format: PcmFormat,
    decimators: Vec<Decimator>,
    narrow: [Vec<f32>; 2],
    samples: Vec<i16>,
}

impl Tap {
    pub(super) fn new(key: TapKey, source: TapSource, format: PcmFormat) -> Self {
        let decimators = (0..format.channels).map(|_| Decimator::new(format.rate)).collect();
        let narrow = [Vec::new(), Vec::new()];
        Self { key, source, format, decimators, narrow, samples: Vec::new() }
    }

    pub(super) fn key(&self) -> TapKey {
        self.key
    }

    pub(super) fn source(&self) -> TapSource {
        self.source
    }

    /// Gives a tick, of one or two channels, away.
    pub(super) fn hear(
        &mut self,
        signal: &[f32],
        channels: usize,
        timestamp: Instant,
        sink: &mut impl AudioSink,
    ) {
        self.narrow.iter_mut().for_each(Vec::clear);
        match (self.decimators.as_mut_slice(), channels) {
            ([left, right], 2) => {
                left.process(signal.iter().step_by(2).copied(), &mut self.narrow[0]);
                right.process(signal.iter().skip(1).step_by(2).copied(), &mut self.narrow[1]);
            }
            (decimators, _) => {
                for (decimator, narrow) in decimators.iter_mut().zip(&mut self.narrow) {
                    decimator.process(mono(signal, channels), narrow);
                }
            }
        }
        self.samples.clear();
        let [left, right] = &self.narrow;
        if self.format.channels == 2 {
            self.samples.extend(left.iter().zip(right).flat_map(|(&l, &r)| [to_i16(l), to_i16(r)]));
        } else {
            self.samples.extend(left.iter().map(|&sample| to_i16(sample)));
        }
        let frames = 20 / usize::from(self.format.frame_ms);
        let length = self.samples.len() / frames;
        let duration = Duration::from_millis(self.format.frame_ms.into());
        for (index, frame) in self.samples.chunks_exact(length.max(1)).enumerate() {
            sink.pcm(self.key, frame, timestamp + duration * index as u32);
        }
    }
}
