//! OpenH264 decodes H.264.

use std::sync::Arc;

use openh264::OpenH264API;
use openh264::decoder::{DecodeOptions, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use super::DecodeError;
use super::planes::Planes;
use crate::mcu::video::picture::{Picture, Pool};

pub(in crate::mcu::video) struct H264Decoder {
    decoder: Decoder,
    /// The decoder may keep pictures until those before them were decoded.
    reordered: bool,
}

impl H264Decoder {
    pub(super) fn new() -> Result<Self, DecodeError> {
        Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
            .map(|decoder| Self { decoder, reordered: false })
            .map_err(|_| DecodeError::Unavailable)
    }

    /// Pictures are shown in another order than they are decoded in: they come in that in which they are
    /// shown from now on, each as soon as that is certain.
    pub(super) fn reorder(&mut self) {
        self.reordered = true;
    }

    /// Decodes an access unit in the byte stream format (H.264 Annex B).
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        // Without B-frames nothing is worth waiting for, whatever the parameter sets allow.
        let flush = if self.reordered { Flush::NoFlush } else { Flush::Flush };
        let options = DecodeOptions::new().flush_after_decode(flush);
        let decoded = self.decoder.decode_with_options(data, options);
        let Some(decoded) = decoded.map_err(|_| DecodeError::Corrupt)? else {
            return Ok(None);
        };
        let (width, height) = decoded.dimensions();
        let (y, u, v) = decoded.strides();
        let planes = [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)];
        Planes { width, height, planes }.copy(pool).map(Some)
    }
}
