//! A stream's decoder, whatever its codec.

use super::concealment::Concealment;
use super::g711::Law;
use super::signal::from_i16;
use super::{RATE, g722, opus};
use crate::codec::Codec;

/// Largest payload of codecs with a byte for each 8 kHz sample: 120 ms, as Opus has.
const MAX_BYTES: usize = 960;
/// Samples at 48 kHz that a byte of these stands for.
const PER_BYTE: usize = 6;

pub(super) enum Decoder {
    Opus(opus::Decoder),
    G711(Law, Concealment),
    G722(Box<g722::Decoder>, Concealment),
}

impl Decoder {
    /// `None` for a codec that has no sound.
    pub(super) fn new(codec: Codec, stereo: bool) -> Option<Self> {
        Some(match codec {
            Codec::Opus => Self::Opus(opus::Decoder::new(stereo)),
            Codec::Pcmu => Self::G711(Law::Mu, Concealment::new(8_000)),
            Codec::Pcma => Self::G711(Law::A, Concealment::new(8_000)),
            Codec::G722 => Self::G722(Box::default(), Concealment::new(16_000)),
            _ => return None,
        })
    }

    /// Of what it gives.
    pub(super) fn rate(&self) -> u32 {
        match self {
            Self::Opus(_) => RATE,
            Self::G711(..) => 8_000,
            Self::G722(..) => 16_000,
        }
    }

    /// Appends what the payload holds; `false` when it is damaged.
    pub(super) fn decode(&mut self, payload: &[u8], pcm: &mut Vec<f32>) -> bool {
        let start = pcm.len();
        match self {
            Self::Opus(decoder) => return decoder.decode(payload, pcm).is_ok(),
            Self::G711(law, concealment) => {
                pcm.extend(payload.iter().map(|&byte| from_i16(law.decode(byte))));
                concealment.heard(&mut pcm[start..]);
            }
            Self::G722(decoder, concealment) => {
                pcm.extend(payload.iter().flat_map(|&byte| decoder.decode(byte).map(from_i16)));
                concealment.heard(&mut pcm[start..]);
            }
        }
        true
    }

    /// Appends `samples`, at 48 kHz, for a packet that did not come, with the help of the one
    /// behind it if that is given. Gives how many they became.
    pub(super) fn conceal(
        &mut self,
        next: Option<&[u8]>,
        samples: usize,
        pcm: &mut Vec<f32>,
    ) -> Option<usize> {
        let samples = samples.next_multiple_of(opus::STEP).clamp(opus::STEP, opus::MAX_PACKET);
        match self {
            Self::Opus(decoder) => decoder.conceal(next, samples, pcm).ok()?,
            Self::G711(_, concealment) => concealment.conceal(samples / 6, pcm),
            Self::G722(_, concealment) => concealment.conceal(samples / 3, pcm),
        }
        Some(samples)
    }
}

/// Samples at 48 kHz that a payload holds; `None` when it is damaged or too long.
pub(super) fn payload_samples(codec: Codec, payload: &[u8]) -> Option<usize> {
    match codec {
        Codec::Opus => opus::packet_samples(payload),
        Codec::Pcmu | Codec::Pcma | Codec::G722 => {
            (1..=MAX_BYTES).contains(&payload.len()).then_some(payload.len() * PER_BYTE)
        }
        _ => None,
    }
}

/// Whether the payload holds a copy of the one before.
pub(super) fn has_fec(codec: Codec, payload: &[u8]) -> bool {
    codec == Codec::Opus && opus::has_fec(payload)
}
