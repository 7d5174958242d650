//! Tags of sound (FLV E.4.2.1; Enhanced RTMP's ExAudioTagHeader).

use super::error::FlvError;
use super::fourcc::{CODED_FRAMES, Enhanced, SEQUENCE_START, enhanced};
use crate::ingest::Sound;

const EX_HEADER: u8 = 9;
const AAC: u8 = 10;

/// What a tag holds, if it is of any use.
///
/// # Errors
/// As [`FlvError`] says.
pub(super) fn parse(tag: &[u8]) -> Result<Option<Sound<'_>>, FlvError> {
    let Some((&first, body)) = tag.split_first() else { return Ok(None) };
    match first >> 4 {
        EX_HEADER => extended(first, body),
        AAC => match body.split_first() {
            Some((0, config)) => Ok(Some(Sound::AacConfiguration(config))),
            Some((1, frame)) => Ok((!frame.is_empty()).then_some(Sound::Aac(frame))),
            Some(_) => Err(FlvError::Malformed),
            None => Ok(None),
        },
        format => Err(FlvError::Codec(name(format))),
    }
}

fn extended(first: u8, body: &[u8]) -> Result<Option<Sound<'_>>, FlvError> {
    let Enhanced { packet, code, body } = enhanced(first, body, false)?;
    match (&code, packet) {
        (b"Opus", SEQUENCE_START) => opus_head(body).map(|()| None),
        (b"Opus", CODED_FRAMES) => Ok((!body.is_empty()).then_some(Sound::Opus(body))),
        (b"mp4a", SEQUENCE_START) => Ok(Some(Sound::AacConfiguration(body))),
        (b"mp4a", CODED_FRAMES) => Ok((!body.is_empty()).then_some(Sound::Aac(body))),
        // The end of a sequence, and which channel is where.
        (b"Opus" | b"mp4a", _) => Ok(None),
        _ => Err(FlvError::FourCc(code)),
    }
}

/// RFC 7845 5.1. Without one, it is what every WebRTC receiver takes.
fn opus_head(body: &[u8]) -> Result<(), FlvError> {
    match body.strip_prefix(b"OpusHead").and_then(|head| head.get(1)) {
        Some(0) => Err(FlvError::Malformed),
        Some(1 | 2) | None => Ok(()),
        Some(channels) => Err(FlvError::Channels(*channels)),
    }
}

fn name(format: u8) -> &'static str {
    match format {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711 in FLV",
        11 => "Speex",
        _ => "an unknown codec of sound",
    }
}
