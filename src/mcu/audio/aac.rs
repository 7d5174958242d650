//! AAC (ISO/IEC 14496-3) of the Low Complexity profile, one or two channels: what encoders that know
//! no Opus send, and what most files have. Decoding only.

use std::fmt;

use symphonia_codec_aac::AacDecoder as Symphonia;
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};

/// Samples of each channel in a frame.
const SAMPLES: usize = 1024;
/// Audio object types (ISO/IEC 14496-3 table 1.17).
const LOW_COMPLEXITY: u8 = 2;
const SBR: u8 = 5;
const PARAMETRIC_STEREO: u8 = 29;
const ESCAPE: u8 = 31;
/// samplingFrequencyIndex (ISO/IEC 14496-3 table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Why AAC is not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AacError {
    /// The AudioSpecificConfig or the frame is not what the standard has.
    Malformed,
    /// HE-AAC: spectral band replication, with or without parametric stereo.
    HighEfficiency,
    /// An audio object type other than Low Complexity.
    ObjectType(u8),
    /// A channelConfiguration other than mono and stereo; 0 is one that stands in the frames.
    Channels(u8),
    /// Frames of 960 samples, or what only scalable and error-resilient streams have.
    Tools,
}

impl fmt::Display for AacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the AAC is damaged"),
            Self::HighEfficiency => {
                f.write_str("HE-AAC is not decoded: have the encoder make AAC-LC")
            }
            Self::ObjectType(kind) => {
                write!(f, "AAC of object type {kind} is not decoded: have the encoder make AAC-LC")
            }
            Self::Channels(0) => f.write_str("AAC needs its channels in the configuration"),
            Self::Channels(channels) => write!(
                f,
                "AAC of channel configuration {channels} is not decoded: have the encoder make mono or stereo"
            ),
            Self::Tools => {
                f.write_str("AAC other than plain AAC-LC of 1024 samples is not decoded")
            }
        }
    }
}

impl std::error::Error for AacError {}

/// What an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) says of sound that can be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AacConfig {
    /// Samples a second of each channel.
    pub rate: u32,
    /// One or two.
    pub channels: u8,
}

impl AacConfig {
    /// Reads as much as tells whether the sound can be decoded.
    ///
    /// # Errors
    /// As [`AacError`] says, which tells who sends it what to change.
    pub fn parse(config: &[u8]) -> Result<Self, AacError> {
        let mut bits = Bits { bytes: config, at: 0 };
        let object_type = bits.object_type()?;
        let rate = match bits.read(4)? {
            15 => bits.read(24)?,
            index => *RATES.get(index as usize).ok_or(AacError::Malformed)?,
        };
        let channels = bits.read(4)? as u8;
        match object_type {
            LOW_COMPLEXITY => {}
            SBR | PARAMETRIC_STEREO => return Err(AacError::HighEfficiency),
            other => return Err(AacError::ObjectType(other)),
        }
        if !matches!(channels, 1 | 2) {
            return Err(AacError::Channels(channels));
        }
        if !(RATES[RATES.len() - 1]..=RATES[0]).contains(&rate) {
            return Err(AacError::Malformed);
        }
        Ok(Self { rate, channels })
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Result<u32, AacError> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8).ok_or(AacError::Malformed)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Ok(value << 1 | u32::from(bit))
        })
    }

    /// GetAudioObjectType().
    fn object_type(&mut self) -> Result<u8, AacError> {
        match self.read(5)? as u8 {
            ESCAPE => Ok(32 + self.read(6)? as u8),
            kind => Ok(kind),
        }
    }
}

/// Decodes the raw frames of one stream: raw_data_block() without ADTS, as FLV, MP4 and Matroska have
/// them.
pub struct AacDecoder {
    inner: Symphonia,
    config: AacConfig,
}

impl AacDecoder {
    /// A decoder for what an AudioSpecificConfig describes.
    ///
    /// # Errors
    /// As [`AacError`] says, which tells who sends it what to change.
    pub fn new(config: &[u8]) -> Result<Self, AacError> {
        let known = AacConfig::parse(config)?;
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_AAC).with_extra_data(config.into());
        let inner = Symphonia::try_new(&parameters, &AudioDecoderOptions::default())
            .map_err(|_| AacError::Tools)?;
        Ok(Self { inner, config: known })
    }

    /// What the sound is.
    pub fn config(&self) -> AacConfig {
        self.config
    }

    /// Appends the samples of a frame, interleaved: 1024 of each channel.
    ///
    /// # Errors
    /// `Malformed`; nothing is appended then, and the next frame can be decoded.
    pub fn decode(&mut self, frame: &[u8], pcm: &mut Vec<f32>) -> Result<(), AacError> {
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, frame);
        let decoded = self.inner.decode_ref(&packet).map_err(|_| AacError::Malformed)?;
        let channels = usize::from(self.config.channels);
        let start = pcm.len();
        pcm.resize(start + decoded.samples_interleaved(), 0.0);
        decoded.copy_to_slice_interleaved::<f32, _>(&mut pcm[start..]);
        if pcm.len() - start != SAMPLES * channels {
            pcm.truncate(start);
            return Err(AacError::Malformed);
        }
        // Damaged frames decode to anything.
        for sample in &mut pcm[start..] {
            *sample = if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) };
        }
        Ok(())
    }

    /// Forgets what came: the next frame does not follow it.
    pub fn reset(&mut self) {
        self.inner.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decoded_is_refused_with_its_reason() {
        for (config, expected) in [
            (&[0x12, 0x10][..], Ok(AacConfig { rate: 44_100, channels: 2 })),
            (&[0x11, 0x88], Ok(AacConfig { rate: 48_000, channels: 1 })),
            // HE-AAC by object type 5, and with parametric stereo.
            (&[0x2b, 0x92, 0x08, 0x00], Err(AacError::HighEfficiency)),
            (&[0xeb, 0x8a, 0x08, 0x00], Err(AacError::HighEfficiency)),
            // 5.1.
            (&[0x11, 0xb0], Err(AacError::Channels(6))),
            (&[0x11, 0x80], Err(AacError::Channels(0))),
            // Main profile.
            (&[0x09, 0x90], Err(AacError::ObjectType(1))),
            (&[0x16, 0x90], Err(AacError::Malformed)),
            (&[0x11], Err(AacError::Malformed)),
            (&[], Err(AacError::Malformed)),
        ] {
            assert_eq!(AacConfig::parse(config), expected, "{config:02x?}");
            assert_eq!(AacDecoder::new(config).map(|d| d.config()).ok(), expected.ok());
        }
    }
}
