//! The two kinds of file, and what they call codecs.

use crate::codec::Codec;
use crate::container::error::ContainerError;

/// The kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Document {
    /// What browsers play: Opus, VP8, VP9 and AV1.
    Webm,
    /// Any codec.
    Matroska,
}

impl Document {
    /// As the header of a file has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Webm => "webm",
            Self::Matroska => "matroska",
        }
    }

    /// What the codec is called.
    ///
    /// # Errors
    /// [`ContainerError::Codec`]: WebM holds none but the free ones.
    pub(super) fn codec_id(self, codec: Codec) -> Result<&'static str, ContainerError> {
        let (name, webm) = match codec {
            Codec::Opus => ("A_OPUS", true),
            Codec::Vp8 => ("V_VP8", true),
            Codec::Vp9 => ("V_VP9", true),
            Codec::Av1 => ("V_AV1", true),
            Codec::H264 => ("V_MPEG4/ISO/AVC", false),
            Codec::H265 => ("V_MPEGH/ISO/HEVC", false),
            Codec::Pcmu | Codec::Pcma | Codec::G722 => ("A_MS/ACM", false),
        };
        if self == Self::Webm && !webm {
            return Err(ContainerError::Codec { codec, container: "WebM" });
        }
        Ok(name)
    }
}
