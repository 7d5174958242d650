//! Decoders and encoders, all with the same face.

mod aom_decoder;
mod h264_decoder;
mod h264_encoder;
mod inspect;
mod planes;
mod vp9_header;
mod vpx_decoder;
mod vpx_encoder;

use std::sync::Arc;

use aom_decoder::AomDecoder;
use h264_decoder::H264Decoder;
use h264_encoder::H264Encoder;
use vpx_decoder::VpxDecoder;
use vpx_encoder::VpxEncoder;

use super::picture::{Picture, Pool};
use crate::codec::Codec;

/// Why a picture could not be decoded. The decoder is of no more use then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DecodeError {
    /// It announces more pixels than are decoded.
    TooLarge,
    Corrupt,
    /// Not 8-bit 4:2:0.
    Format,
    /// No decoder could be made.
    Unavailable,
}

pub(super) enum Decoder {
    Vpx(Codec, VpxDecoder),
    H264(H264Decoder),
    Aom(AomDecoder),
}

impl Decoder {
    pub(super) fn knows(codec: Codec) -> bool {
        matches!(codec, Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1)
    }

    /// `None` for a codec that is not decoded.
    pub(super) fn new(codec: Codec) -> Option<Result<Self, DecodeError>> {
        match codec {
            Codec::Vp8 | Codec::Vp9 => {
                Some(VpxDecoder::new(codec).map(|decoder| Decoder::Vpx(codec, decoder)))
            }
            Codec::H264 => Some(H264Decoder::new().map(Decoder::H264)),
            Codec::Av1 => Some(AomDecoder::new().map(Decoder::Aom)),
            _ => None,
        }
    }

    pub(super) fn codec(&self) -> Codec {
        match self {
            Decoder::Vpx(codec, _) => *codec,
            Decoder::H264(_) => Codec::H264,
            Decoder::Aom(_) => Codec::Av1,
        }
    }

    /// Decodes one picture. `data` is what depacketizing left of it and may be changed; `starts`
    /// are where the frames of VP9's spatial layers begin in it.
    pub(super) fn decode(
        &mut self,
        data: &mut Vec<u8>,
        starts: &[usize],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        match self {
            Decoder::Vpx(Codec::Vp9, decoder) => {
                inspect::seal_vp9(data, starts)?;
                decoder.decode(data, pool)
            }
            Decoder::Vpx(_, decoder) => {
                inspect::check_vp8(data)?;
                decoder.decode(data, pool)
            }
            Decoder::H264(decoder) => {
                inspect::check_h264(data)?;
                decoder.decode(data, pool)
            }
            Decoder::Aom(decoder) => {
                inspect::check_av1(data)?;
                decoder.decode(data, pool)
            }
        }
    }
}

/// What an encoder is made with.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct EncoderSettings {
    pub codec: Codec,
    /// Even.
    pub width: u16,
    pub height: u16,
    /// Pictures per second.
    pub fps: f32,
    /// Bits per second.
    pub bitrate: u32,
    /// Search less.
    pub fast: bool,
}

impl EncoderSettings {
    fn describe(&self) -> String {
        format!("{} {}x{}", self.codec, self.width, self.height)
    }
}

pub(super) enum Encoder {
    Vpx(Box<VpxEncoder>),
    H264(Box<H264Encoder>),
}

impl Encoder {
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, String> {
        match settings.codec {
            Codec::Vp8 | Codec::Vp9 => VpxEncoder::new(settings).map(Box::new).map(Encoder::Vpx),
            Codec::H264 => H264Encoder::new(settings).map(Box::new).map(Encoder::H264),
            codec => Err(format!("{codec} cannot be encoded")),
        }
    }

    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        match self {
            Encoder::Vpx(encoder) => encoder.set_bitrate(bitrate),
            Encoder::H264(encoder) => encoder.set_bitrate(bitrate),
        }
    }

    /// Searches less; `false` when that takes another encoder.
    pub(super) fn set_fast(&mut self, fast: bool) -> bool {
        match self {
            Encoder::Vpx(encoder) => {
                encoder.set_fast(fast);
                true
            }
            Encoder::H264(_) => false,
        }
    }

    /// Encodes `picture` to the end of `out`, which is empty; whether it became a keyframe.
    /// `None`: it was left out to keep the rate. `timestamp` counts 90,000 a second.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        timestamp: i64,
        keyframe: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>, String> {
        match self {
            Encoder::Vpx(encoder) => encoder.encode(picture, timestamp, keyframe, out),
            Encoder::H264(encoder) => encoder.encode(picture, timestamp, keyframe, out),
        }
    }
}
