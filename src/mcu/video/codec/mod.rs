//! Decoders and encoders, all with the same face.

mod aom_decoder;
mod h264_decoder;
mod h264_encoder;
mod inspect;
mod library_decoder;
mod planes;
mod vp9_header;
mod vpx_decoder;
mod vpx_encoder;
mod vpx_library;

use super::error::EncoderError;
use std::sync::Arc;

use aom_decoder::AomDecoder;
use h264_decoder::H264Decoder;
use h264_encoder::H264Encoder;
use vpx_decoder::VpxDecoder;
use vpx_encoder::VpxEncoder;

use super::options::MAX_CANVAS_PIXELS;
use super::picture::{Picture, Pool};
use crate::codec::Codec;

/// Most pixels of all pictures of one frame, as a VP9 frame has one for each spatial layer; and when
/// they are reached, further frames wait. An empty picture of the largest canvas takes a few bytes,
/// and a decoder some 20 ms.
pub(super) const MAX_WORK: u32 = 4 * MAX_CANVAS_PIXELS;

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

pub(super) struct Decoder {
    codec: Codec,
    library: Library,
    /// Pixels of a picture at most.
    pixels: u32,
    /// Of the last call.
    work: u32,
}

enum Library {
    Vpx(VpxDecoder),
    H264(H264Decoder),
    Aom(AomDecoder),
}

impl Decoder {
    pub(super) fn knows(codec: Codec) -> bool {
        matches!(codec, Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1)
    }

    /// `None` for a codec that is not decoded.
    pub(super) fn new(codec: Codec) -> Option<Result<Self, DecodeError>> {
        let library = match codec {
            Codec::Vp8 | Codec::Vp9 => VpxDecoder::new(codec).map(Library::Vpx),
            Codec::H264 => H264Decoder::new().map(Library::H264),
            Codec::Av1 => AomDecoder::new().map(Library::Aom),
            _ => return None,
        };
        Some(library.map(|library| Self { codec, library, pixels: 0, work: 0 }))
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Pixels that the last call had to decode at most, shown or not.
    pub(super) fn work(&self) -> u32 {
        self.work
    }

    /// Pictures of H.264 come in the order in which they are shown from now on, so that one may be of an
    /// earlier call. Other codecs have theirs in that order.
    pub(super) fn reorder(&mut self) {
        if let Library::H264(decoder) = &mut self.library {
            decoder.reorder();
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
        self.work = 0;
        let work = match self.codec {
            Codec::Vp9 => inspect::seal_vp9(data, starts)?,
            Codec::Vp8 => inspect::check_vp8(data)?,
            Codec::Av1 => inspect::check_av1(data)?,
            _ => inspect::check_h264(data)?,
        };
        // VP8 has one size at a time; the others go back to earlier ones.
        self.pixels = match self.codec {
            Codec::Vp8 if work.pixels > 0 => work.pixels,
            _ => self.pixels.max(work.pixels),
        };
        self.work = self.pixels.saturating_mul(work.pictures);
        if self.work > MAX_WORK {
            return Err(DecodeError::TooLarge);
        }
        match &mut self.library {
            Library::Vpx(decoder) => decoder.decode(data, pool),
            Library::H264(decoder) => decoder.decode(data, pool),
            Library::Aom(decoder) => decoder.decode(data, pool),
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
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, EncoderError> {
        match settings.codec {
            Codec::Vp8 | Codec::Vp9 => VpxEncoder::new(settings).map(Box::new).map(Encoder::Vpx),
            Codec::H264 => H264Encoder::new(settings).map(Box::new).map(Encoder::H264),
            codec => Err(EncoderError::Unsupported(codec)),
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
    ) -> Result<Option<bool>, EncoderError> {
        match self {
            Encoder::Vpx(encoder) => encoder.encode(picture, timestamp, keyframe, out),
            Encoder::H264(encoder) => encoder.encode(picture, timestamp, keyframe, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_a_frame_are_bounded_together() {
        // A keyframe's header, of 3840x2160.
        let frame = [0x82, 0x49, 0x83, 0x42, 0x20, 0xef, 0xf0, 0x86, 0xf0];
        let decode = |count: usize| {
            let starts: Vec<_> = (0..count).map(|layer| layer * frame.len()).collect();
            let mut decoder = Decoder::new(Codec::Vp9).unwrap().unwrap();
            decoder.decode(&mut frame.repeat(count), &starts, &mut Pool::default()).unwrap_err()
        };
        // With nothing behind its header.
        assert_eq!(decode(4), DecodeError::Corrupt);
        assert_eq!(decode(5), DecodeError::TooLarge);
    }
}
