//! What sound is in a file that does not hold its codec.

use std::time::Duration;

use crate::codec::Codec;
#[cfg(feature = "mcu")]
use crate::codec::Kind;
use crate::control::recorder::RecordingFormat;
#[cfg(feature = "mcu")]
use crate::mcu::audio::{Transcoder, TranscoderTarget};

/// Sound as the file has it: as it came, or as something else.
#[derive(Default)]
pub(super) struct Sound {
    #[cfg(feature = "mcu")]
    transcoder: Option<Transcoder>,
}

/// What a file of this format has of a codec; the codec itself of those that it does not hold and that
/// nothing can be made of, which its writer refuses.
pub(super) fn stored_as(format: RecordingFormat, codec: Codec) -> Codec {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722
            if cfg!(feature = "mcu")
                && !matches!(format, RecordingFormat::Mkv | RecordingFormat::Wav) =>
        {
            Codec::Opus
        }
        codec => codec,
    }
}

/// Whether a file holds nothing that this build can make.
pub(super) fn needs_decoders(format: RecordingFormat) -> bool {
    cfg!(not(feature = "mcu")) && format == RecordingFormat::Wav
}

#[cfg(feature = "mcu")]
impl Sound {
    /// Gives what becomes of a packet. `None` when it goes into the file as it is.
    pub(super) fn transcode(
        &mut self,
        format: RecordingFormat,
        codec: Codec,
        time: Duration,
        payload: &[u8],
        give: impl FnMut(Duration, &[u8]),
    ) -> Option<()> {
        let target = match format {
            RecordingFormat::Wav if codec.kind() == Kind::Audio => TranscoderTarget::Pcm,
            _ if stored_as(format, codec) != codec => TranscoderTarget::Opus,
            _ => return None,
        };
        if self.transcoder.as_ref().is_none_or(|known| known.codec() != codec) {
            self.transcoder = Transcoder::new(codec, target);
        }
        self.transcoder.as_mut()?.transcode(time, payload, give);
        Some(())
    }
}

#[cfg(not(feature = "mcu"))]
impl Sound {
    /// Nothing is decoded in this build: files refuse what they do not hold.
    pub(super) fn transcode(
        &mut self,
        _: RecordingFormat,
        _: Codec,
        _: Duration,
        _: &[u8],
        _: impl FnMut(Duration, &[u8]),
    ) -> Option<()> {
        None
    }
}
