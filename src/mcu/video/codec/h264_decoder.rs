//! OpenH264 decodes H.264.

use std::sync::Arc;

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;

use super::DecodeError;
use crate::mcu::video::options::MAX_SIDE;
use crate::mcu::video::picture::{Picture, Pool};

pub(in crate::mcu::video) struct H264Decoder {
    decoder: Decoder,
}

impl H264Decoder {
    pub(super) fn new() -> Result<Self, DecodeError> {
        Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
            .map(|decoder| Self { decoder })
            .map_err(|_| DecodeError::Unavailable)
    }

    /// Decodes an access unit in the byte stream format (H.264 Annex B).
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        let Some(decoded) = self.decoder.decode(data).map_err(|_| DecodeError::Corrupt)? else {
            return Ok(None);
        };
        let (width, height) = decoded.dimensions();
        let side = |side: usize| u16::try_from(side).ok().filter(|s| (1..=MAX_SIDE).contains(s));
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            return Err(DecodeError::TooLarge);
        };
        let mut picture = pool.take(width, height);
        let Some(own) = Arc::get_mut(&mut picture) else { return Err(DecodeError::Unavailable) };
        let strides = decoded.strides();
        let planes = [(decoded.y(), strides.0), (decoded.u(), strides.1), (decoded.v(), strides.2)];
        for (plane, (source, stride)) in planes.into_iter().enumerate() {
            let (width, height) = own.plane_size(plane);
            let rows = own.planes_mut()[plane].chunks_exact_mut(width);
            if stride < width || source.len() < stride * (height - 1) + width {
                return Err(DecodeError::Format);
            }
            for (target, source) in rows.zip(source.chunks(stride)) {
                target.copy_from_slice(&source[..width]);
            }
        }
        Ok(Some(picture))
    }
}
