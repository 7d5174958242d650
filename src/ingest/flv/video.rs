//! Tags of pictures (FLV E.4.3.1; Enhanced RTMP's ExVideoTagHeader).

use super::error::FlvError;
use super::fourcc::{CODED_FRAMES, Enhanced, SEQUENCE_START, enhanced};
use crate::codec::Codec;

const KEYFRAME: u8 = 1;
/// Frames that are commands to a server, and hold nothing.
const INFO_FRAME: u8 = 5;
const AVC: u8 = 7;
/// As encoders had it before there were FourCCs.
const HEVC: u8 = 12;
const EX_HEADER: u8 = 0x80;
/// Coded frames whose composition time is 0 and not written.
const CODED_FRAMES_X: u8 = 3;

/// What a tag holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum VideoTag<'a> {
    /// avcC, hvcC, av1C or vpcC.
    Configuration { codec: Codec, record: &'a [u8] },
    /// As files hold a frame; `composition` in milliseconds.
    Frame { codec: Codec, keyframe: bool, composition: i32, data: &'a [u8] },
}

/// What a tag holds, if it is of any use.
///
/// # Errors
/// As [`FlvError`] says.
pub(super) fn parse(tag: &[u8]) -> Result<Option<VideoTag<'_>>, FlvError> {
    let Some((&first, body)) = tag.split_first() else { return Ok(None) };
    if first & EX_HEADER != 0 {
        return extended(first, body);
    }
    let (frame, codec) = (first >> 4, first & 0x0f);
    if frame == INFO_FRAME {
        return Ok(None);
    }
    let codec = match codec {
        AVC => Codec::H264,
        HEVC => Codec::H265,
        codec => return Err(FlvError::Codec(name(codec))),
    };
    let Some((&packet, body)) = body.split_first() else { return Ok(None) };
    let (composition, body) = composition_time(body)?;
    Ok(match packet {
        0 => Some(VideoTag::Configuration { codec, record: body }),
        1 => frame_of(codec, frame == KEYFRAME, composition, body),
        // The end of a sequence.
        _ => None,
    })
}

fn extended(first: u8, body: &[u8]) -> Result<Option<VideoTag<'_>>, FlvError> {
    let frame = first >> 4 & 7;
    if frame == INFO_FRAME {
        return Ok(None);
    }
    let Enhanced { packet, code, body } = enhanced(first, body, true)?;
    let codec = match &code {
        b"avc1" => Codec::H264,
        b"hvc1" => Codec::H265,
        b"av01" => Codec::Av1,
        b"vp09" => Codec::Vp9,
        b"vp08" => Codec::Vp8,
        _ => return Err(FlvError::FourCc(code)),
    };
    let keyframe = frame == KEYFRAME;
    let reorders = matches!(codec, Codec::H264 | Codec::H265);
    Ok(match packet {
        SEQUENCE_START => Some(VideoTag::Configuration { codec, record: body }),
        CODED_FRAMES if reorders => {
            let (composition, body) = composition_time(body)?;
            frame_of(codec, keyframe, composition, body)
        }
        CODED_FRAMES | CODED_FRAMES_X => frame_of(codec, keyframe, 0, body),
        // The end of a sequence, and what is known of colours.
        _ => None,
    })
}

fn frame_of(codec: Codec, keyframe: bool, composition: i32, data: &[u8]) -> Option<VideoTag<'_>> {
    (!data.is_empty()).then_some(VideoTag::Frame { codec, keyframe, composition, data })
}

/// 24 bits with a sign.
fn composition_time(body: &[u8]) -> Result<(i32, &[u8]), FlvError> {
    let (&[a, b, c], body) = body.split_first_chunk().ok_or(FlvError::Malformed)?;
    Ok((i32::from_be_bytes([a, b, c, 0]) >> 8, body))
}

fn name(codec: u8) -> &'static str {
    match codec {
        2 => "Sorenson H.263",
        3 | 6 => "Screen video",
        4 | 5 => "VP6",
        _ => "an unknown codec of pictures",
    }
}
