//! One mix on its way out: limiter and encoders.
//!
//! All of it can be copied. The mix without a port begins as a copy of the one with it, so that who
//! listens hears one stream go on: no encoder starts in the middle of a word.
//!
//! Who is heard gets the sum without himself: mix-minus, or N-1.

use std::sync::Arc;

use super::g711::Law;
use super::limiter::Limiter;
use super::options::CodecSet;
use super::opus::{Encoder, EncoderSettings};
use super::resampler::Decimator;
use super::signal::{level, to_i16};
use super::{FRAME, g722};
use crate::codec::Codec;

/// What a tick of a mix became in each codec.
#[derive(Clone, Default)]
pub(super) struct Encoded {
    /// In the order of [`CodecSet::CODECS`]; `None` when it is not wanted, or silent (DTX).
    payloads: [Option<Arc<[u8]>>; 4],
    /// dBov.
    pub level: f32,
}

impl Encoded {
    pub(super) fn get(&self, codec: Codec) -> Option<&Arc<[u8]>> {
        self.payloads[index(codec)?].as_ref()
    }
}

/// Where a codec stands among those of mixes.
pub(super) fn index(codec: Codec) -> Option<usize> {
    CodecSet::CODECS.iter().position(|&known| known == codec)
}

#[derive(Clone)]
pub(super) struct Output {
    settings: EncoderSettings,
    channels: usize,
    limiter: Limiter,
    /// The tick behind the limiter, interleaved.
    signal: Vec<f32>,
    opus: Option<Encoder>,
    telephone: Option<Decimator>,
    g722: Option<(Decimator, g722::Encoder)>,
    narrow: Vec<f32>,
    packet: Vec<u8>,
}

impl Output {
    pub(super) fn new(settings: EncoderSettings) -> Self {
        let channels = if settings.stereo { 2 } else { 1 };
        Self {
            settings,
            channels,
            limiter: Limiter::new(channels),
            signal: vec![0.0; FRAME * channels],
            opus: None,
            telephone: None,
            g722: None,
            narrow: Vec::new(),
            packet: Vec::new(),
        }
    }

    pub(super) fn set_expected_loss(&mut self, percent: u8) {
        self.settings.expected_loss = percent;
        if let Some(encoder) = &mut self.opus {
            encoder.set_expected_loss(percent);
        }
    }

    /// Takes a tick of the mix.
    pub(super) fn take(&mut self, mix: &[f32]) {
        self.signal.copy_from_slice(mix);
        self.limiter.process(&mut self.signal);
    }

    pub(super) fn signal(&self) -> &[f32] {
        &self.signal
    }

    /// In dB.
    pub(super) fn limited(&self) -> f32 {
        self.limiter.reduction()
    }

    /// Goes over to another signal within the tick.
    pub(super) fn fade_to(&mut self, other: &[f32]) {
        for (index, (from, to)) in self
            .signal
            .chunks_exact_mut(self.channels)
            .zip(other.chunks_exact(self.channels))
            .enumerate()
        {
            let part = (index + 1) as f32 / FRAME as f32;
            for (from, to) in from.iter_mut().zip(to) {
                *from += (to - *from) * part;
            }
        }
    }

    /// Encodes the tick. Encoders that are not wanted are given up. With `afresh`, Opus does not
    /// lean on the packet before, as some decoders have seen another.
    pub(super) fn encode(&mut self, wanted: CodecSet, afresh: bool) -> Encoded {
        let mut encoded = Encoded { level: level(&self.signal), ..Encoded::default() };
        let [opus, pcmu, pcma, g722] = &mut encoded.payloads;
        if wanted.contains(Codec::Opus) {
            *opus = self.encode_opus(afresh);
        } else {
            self.opus = None;
        }
        let laws = [(Codec::Pcmu, Law::Mu, pcmu), (Codec::Pcma, Law::A, pcma)];
        if laws.iter().any(|&(codec, ..)| wanted.contains(codec)) {
            let decimator = self.telephone.get_or_insert_with(|| Decimator::new(8_000));
            self.narrow.clear();
            decimator.process(mono(&self.signal, self.channels), &mut self.narrow);
            for (codec, law, payload) in laws {
                *payload = wanted.contains(codec).then(|| {
                    self.narrow.iter().map(|&sample| law.encode(to_i16(sample))).collect()
                });
            }
        } else {
            self.telephone = None;
        }
        if wanted.contains(Codec::G722) {
            *g722 = Some(self.encode_g722());
        } else {
            self.g722 = None;
        }
        encoded
    }

    fn encode_opus(&mut self, afresh: bool) -> Option<Arc<[u8]>> {
        if self.opus.is_none() {
            self.opus = Encoder::new(self.settings).ok();
        }
        let encoder = self.opus.as_mut()?;
        if afresh {
            encoder.set_prediction_disabled(true);
        }
        self.packet.clear();
        let sent = encoder.encode(&self.signal, &mut self.packet);
        if afresh {
            encoder.set_prediction_disabled(false);
        }
        match sent {
            Ok(true) => Some(self.packet.as_slice().into()),
            Ok(false) => None,
            Err(_) => {
                self.opus = None;
                None
            }
        }
    }

    fn encode_g722(&mut self) -> Arc<[u8]> {
        let (decimator, encoder) =
            self.g722.get_or_insert_with(|| (Decimator::new(16_000), g722::Encoder::default()));
        self.narrow.clear();
        decimator.process(mono(&self.signal, self.channels), &mut self.narrow);
        self.narrow
            .chunks_exact(2)
            .map(|pair| encoder.encode(to_i16(pair[0]), to_i16(pair[1])))
            .collect()
    }

    /// Takes over the encoders that it does not have, from one that goes.
    pub(super) fn inherit(&mut self, other: Self) {
        self.opus = self.opus.take().or(other.opus);
        self.telephone = self.telephone.take().or(other.telephone);
        self.g722 = self.g722.take().or(other.g722);
    }
}

/// One channel of one or two.
pub(super) fn mono(samples: &[f32], channels: usize) -> impl Iterator<Item = f32> {
    samples.chunks_exact(channels).map(move |frame| frame.iter().sum::<f32>() / channels as f32)
}
