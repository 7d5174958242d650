//! What a track is made of (stsd, ISO/IEC 14496-12 8.5.2).

use super::boxes::{Box, Numbers};
use crate::codec::Codec;
use crate::container::error::ContainerError;
use crate::container::file::Windows;
use crate::container::reader::{Coding, name};
use crate::container::source::ReadAt;

/// Of a decoder's configuration.
const MAX_RECORD: usize = 16 << 10;
/// Bytes of an entry before the boxes in it (ISO/IEC 14496-12 12.1.3, 12.2.3).
const VISUAL: u64 = 78;
const AUDIO: u64 = 28;
/// And more in the two later versions that QuickTime has of an audio one.
const AUDIO_1: u64 = 16;
const AUDIO_2: u64 = 36;

/// The first entry: what it is coded as, and what its decoder has to know.
pub(super) fn read<S: ReadAt>(
    file: &mut Windows<S>,
    stsd: &Box,
) -> Result<Option<(Coding, Vec<u8>)>, ContainerError> {
    // Version, flags and count come first.
    let Some(entry) = stsd.children(file, 8)?.into_iter().next() else { return Ok(None) };
    let (codec, record) = match &entry.kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => (Codec::H264, b"avcC"),
        b"hvc1" | b"hev1" => (Codec::H265, b"hvcC"),
        b"vp08" => (Codec::Vp8, b"vpcC"),
        b"vp09" => (Codec::Vp9, b"vpcC"),
        b"av01" => (Codec::Av1, b"av1C"),
        b"Opus" => (Codec::Opus, b"dOps"),
        b"mp4a" => return Ok(Some(mp4a(file, &entry)?)),
        b"encv" | b"enca" => return Ok(Some((Coding::Other("encrypted".into()), Vec::new()))),
        other => return Ok(Some((Coding::Other(name(other)), Vec::new()))),
    };
    let skip = if codec == Codec::Opus { AUDIO } else { VISUAL };
    let children = entry.children(file, skip)?;
    let found = children.into_iter().find(|child| child.kind == *record);
    let record = match found {
        Some(found) => found.bytes(file, 0, MAX_RECORD)?.to_vec(),
        None => Vec::new(),
    };
    Ok(Some((Coding::Codec(codec), record)))
}

/// AAC and others that MPEG-4 describes (ISO/IEC 14496-14 5.6).
fn mp4a<S: ReadAt>(
    file: &mut Windows<S>,
    entry: &Box,
) -> Result<(Coding, Vec<u8>), ContainerError> {
    let version = Numbers(entry.bytes(file, 8, 2)?).u16();
    let skip = match version {
        Some(1) => AUDIO + AUDIO_1,
        Some(2) => AUDIO + AUDIO_2,
        _ => AUDIO,
    };
    let mut boxes = entry.children(file, skip)?;
    if let Some(wave) = boxes.iter().find(|child| child.kind == *b"wave").copied() {
        boxes.extend(wave.children(file, 0)?);
    }
    let unknown = || (Coding::Other("mp4a".into()), Vec::new());
    let Some(esds) = boxes.iter().find(|child| child.kind == *b"esds") else {
        return Ok(unknown());
    };
    Ok(elementary_stream(esds.bytes(file, 4, MAX_RECORD)?).unwrap_or_else(unknown))
}

/// A descriptor (ISO/IEC 14496-1 7.2.6.5): its tag, what is in it, and what comes after it.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let mut size = 0usize;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (body, after) = rest.split_at(size.min(rest.len()));
    Some((tag, body, after))
}

fn elementary_stream(bytes: &[u8]) -> Option<(Coding, Vec<u8>)> {
    const STREAM: u8 = 3;
    const DECODER: u8 = 4;
    const SPECIFIC: u8 = 5;
    /// MPEG-4 audio, and AAC as MPEG-2 has it: Main, LC, SSR.
    const AAC: [u8; 4] = [0x40, 0x66, 0x67, 0x68];
    let (tag, body, _) = descriptor(bytes)?;
    if tag != STREAM {
        return None;
    }
    let (&flags, mut rest) = body.get(2..)?.split_first()?;
    rest = rest.get(if flags & 0x80 != 0 { 2 } else { 0 }..)?;
    if flags & 0x40 != 0 {
        let (&len, after) = rest.split_first()?;
        rest = after.get(usize::from(len)..)?;
    }
    rest = rest.get(if flags & 0x20 != 0 { 2 } else { 0 }..)?;
    while !rest.is_empty() {
        let (tag, body, after) = descriptor(rest)?;
        rest = after;
        if tag != DECODER {
            continue;
        }
        let (&kind, _) = body.split_first()?;
        if !AAC.contains(&kind) {
            return Some((Coding::Other(format!("mp4a.{kind:02x}")), Vec::new()));
        }
        let (tag, specific, _) = descriptor(body.get(13..)?)?;
        return (tag == SPECIFIC).then(|| (Coding::Aac, specific.to_vec()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aac_tells_its_configuration_and_mp3_its_number() {
        let stream = |kind: u8| {
            let mut decoder = vec![kind, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            decoder.extend([SPECIFIC_TAG, 0x80, 0x80, 0x80, 2, 0x11, 0x90]);
            let mut body = vec![0, 1, 0, 4, decoder.len() as u8];
            body.extend(&decoder);
            body.extend([6, 1, 2]);
            let mut stream = vec![3, body.len() as u8];
            stream.extend(body);
            stream
        };
        const SPECIFIC_TAG: u8 = 5;
        assert_eq!(elementary_stream(&stream(0x40)), Some((Coding::Aac, vec![0x11, 0x90])));
        let mp3 = elementary_stream(&stream(0x6b));
        assert_eq!(mp3, Some((Coding::Other("mp4a.6b".into()), Vec::new())));
        let whole = stream(0x40);
        for cut in 0..whole.len() {
            let _ = elementary_stream(&whole[..cut]);
        }
    }
}
