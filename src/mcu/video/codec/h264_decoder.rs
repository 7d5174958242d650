//! OpenH264 decodes H.264.

use std::sync::Arc;

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;
use openh264_sys2::API;

use super::DecodeError;
use super::planes::Planes;
use crate::mcu::video::picture::{Picture, Pool};

pub(in crate::mcu::video) struct H264Decoder {
    decoder: Decoder,
}

/// Version of the OpenH264 that is linked, such as `2.6.0`.
pub(super) fn version() -> String {
    // SAFETY: fills in a structure of four numbers.
    let version = unsafe { OpenH264API::from_source().WelsGetCodecVersion() };
    format!("{}.{}.{}", version.uMajor, version.uMinor, version.uRevision)
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
        let (y, u, v) = decoded.strides();
        let planes = [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)];
        Planes { width, height, planes }.copy(pool).map(Some)
    }
}
