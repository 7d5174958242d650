//! What has to be known of a frame before a decoder sees it: that its pictures are not larger than
//! what is decoded, so that nobody makes a decoder allocate gigabytes; and how many they are, so that
//! nobody makes it work for hours.

use super::DecodeError;
use super::vp9_header::frame_size;
use crate::codec::frame::{is_foreign, nal_units};
use crate::codec::{av1, h264};
use crate::mcu::video::options::{MAX_CANVAS_PIXELS, MAX_SIDE};

/// Most pixels of a picture that is decoded. Few when fuzzed: that is quick, and whatever a decoder
/// gives beyond them came past the inspection.
const MAX_PIXELS: u32 = if cfg!(fuzzing) { 256 * 256 } else { 2 * MAX_CANVAS_PIXELS };
/// Most pictures of an H.264 frame. Two: of an interlaced picture each field counts. An empty one
/// takes a dozen bytes, so that a frame would hold hundreds of thousands.
const MAX_PICTURES: u32 = 2;
/// Most frames of a VP9 superframe (VP9 bitstream specification, Annex B).
const MAX_FRAMES: usize = 8;

/// What a decoder has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Work {
    /// Of the largest picture that tells its size; 0 when none does.
    pub pixels: u32,
    /// As many as there may be.
    pub pictures: u32,
}

fn check_size(width: u32, height: u32) -> Result<u32, DecodeError> {
    let side = 1..=u32::from(MAX_SIDE);
    if side.contains(&width) && side.contains(&height) && width * height <= MAX_PIXELS {
        return Ok(width * height);
    }
    Err(DecodeError::TooLarge)
}

/// Keyframes of VP8 tell their size (RFC 6386 9.1); all others have that of the keyframe.
pub(super) fn check_vp8(data: &[u8]) -> Result<Work, DecodeError> {
    let first = *data.first().ok_or(DecodeError::Corrupt)?;
    if first & 1 != 0 {
        return Ok(Work { pixels: 0, pictures: 1 });
    }
    let header = data.get(..10).ok_or(DecodeError::Corrupt)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    let pixels = check_size(side(header[6], header[7]), side(header[8], header[9]))?;
    Ok(Work { pixels, pictures: 1 })
}

/// Looks at every sequence parameter set of an access unit in the byte stream format. What was left
/// out when it was put together is refused: it was hidden behind a start code inside a payload, and
/// the sets of scalable coding tell sizes too.
///
/// Pictures are told by their first slices. The decoder makes up nothing for what is missing, so
/// that it gives up at a picture without one.
pub(super) fn check_h264(data: &[u8]) -> Result<Work, DecodeError> {
    const SLICES: [u8; 3] = [1, 2, 5];
    const SPS: u8 = 7;
    let mut work = Work { pixels: 0, pictures: 0 };
    for nal in nal_units(data) {
        let (kind, body) = (nal[0] & 0x1f, &nal[1..]);
        if is_foreign(nal) {
            return Err(DecodeError::Corrupt);
        }
        if kind == SPS {
            let (width, height) = h264::coded_size(body).ok_or(DecodeError::Corrupt)?;
            work.pixels = work.pixels.max(check_size(width, height)?);
        }
        // first_mb_in_slice is ue(v): a leading 1 means 0.
        if SLICES.contains(&kind) && body.first().is_some_and(|byte| byte & 0x80 != 0) {
            work.pictures += 1;
            if work.pictures > MAX_PICTURES {
                return Err(DecodeError::Corrupt);
            }
        }
    }
    Ok(work)
}

/// Looks at every sequence header of OBUs with sizes: no frame is larger than that says (AV1 6.8.4).
pub(super) fn check_av1(mut data: &[u8]) -> Result<Work, DecodeError> {
    let mut work = Work { pixels: 0, pictures: 0 };
    while !data.is_empty() {
        let (obu, rest) = av1::split_obu(data).ok_or(DecodeError::Corrupt)?;
        if obu.kind == av1::SEQUENCE_HEADER {
            let (width, height) = av1::sequence_size(obu.body).ok_or(DecodeError::Corrupt)?;
            work.pixels = work.pixels.max(check_size(width, height)?);
        }
        work.pictures += u32::from([av1::FRAME_HEADER, av1::FRAME].contains(&obu.kind));
        data = rest;
    }
    Ok(work)
}

/// Checks every frame of a VP9 picture and ends it with a superframe index (Annex B) of these
/// frames, so that the decoder looks for no others between them. `starts` are where the frames of
/// the spatial layers begin; each may be a superframe itself.
pub(super) fn seal_vp9(data: &mut Vec<u8>, starts: &[usize]) -> Result<Work, DecodeError> {
    let mut pixels = 0;
    let mut sizes = [0u32; MAX_FRAMES];
    let mut count = 0;
    let mut sealed = 0;
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(data.len());
        let mut at = start;
        let (frames, found) = superframe(data.get(start..end).ok_or(DecodeError::Corrupt)?)?;
        for size in frames[..found].iter().copied() {
            let frame = data.get(at..at + size).ok_or(DecodeError::Corrupt)?;
            if let Some((width, height)) = frame_size(frame).ok_or(DecodeError::Corrupt)? {
                pixels = pixels.max(check_size(width, height)?);
            }
            *sizes.get_mut(count).ok_or(DecodeError::Corrupt)? = size as u32;
            count += 1;
            // Closes the gaps that indices leave.
            data.copy_within(at..at + size, sealed);
            sealed += size;
            at += size;
        }
    }
    data.truncate(sealed);
    if count == 0 {
        return Err(DecodeError::Corrupt);
    }
    // Four bytes for each size.
    let marker = 0b1101_1000 | (count as u8 - 1);
    data.push(marker);
    data.extend(sizes[..count].iter().flat_map(|size| size.to_le_bytes()));
    data.push(marker);
    Ok(Work { pixels, pictures: count as u32 })
}

/// Sizes of the frames of a superframe and how many there are; of a frame without an index, its own.
/// A frame of no bytes stands for one that was left out.
fn superframe(data: &[u8]) -> Result<([usize; MAX_FRAMES], usize), DecodeError> {
    let mut sizes = [0; MAX_FRAMES];
    let Some((count, bytes, index)) = superframe_index(data) else {
        sizes[0] = data.len();
        return Ok((sizes, usize::from(!data.is_empty())));
    };
    let (payload, index) = data.split_at(data.len() - index);
    let mut left = payload.len();
    let mut found = 0;
    for size in index[1..].chunks_exact(bytes).take(count) {
        let size = size.iter().rev().fold(0, |size, b| size << 8 | usize::from(*b));
        left = left.checked_sub(size).ok_or(DecodeError::Corrupt)?;
        if size > 0 {
            sizes[found] = size;
            found += 1;
        }
    }
    Ok((sizes, found))
}

/// Frames, bytes of each size, and bytes of the index.
fn superframe_index(data: &[u8]) -> Option<(usize, usize, usize)> {
    let marker = *data.last()?;
    if marker >> 5 != 0b110 {
        return None;
    }
    let count = usize::from(marker & 7) + 1;
    let bytes = usize::from(marker >> 3 & 3) + 1;
    let len = 2 + count * bytes;
    let first = *data.get(data.len().checked_sub(len)?)?;
    (first == marker).then_some((count, bytes, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_keyframe_of_16383_pixels_is_refused() {
        let mut frame = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
        assert_eq!(check_vp8(&frame), Ok(Work { pixels: 640 * 480, pictures: 1 }));
        frame[7] = 0x3f;
        assert_eq!(check_vp8(&frame), Err(DecodeError::TooLarge));
        assert_eq!(check_vp8(&frame[..9]), Err(DecodeError::Corrupt));
        assert_eq!(check_vp8(&[]), Err(DecodeError::Corrupt));
    }

    #[test]
    fn an_av1_sequence_of_65536_pixels_a_side_is_refused() {
        // A reduced still picture header (AV1 5.5.1): 16 bits for each side, less one.
        let sequence = |side: u16| {
            let sides = u64::from(side) << 16 | u64::from(side);
            let bits = 0b00_0110_0000_1111_1111_u64 << 46 | sides << 14;
            [&[0x0a, 8][..], &bits.to_be_bytes()].concat()
        };
        assert_eq!(check_av1(&sequence(639)), Ok(Work { pixels: 640 * 640, pictures: 0 }));
        let frames = [&[0x32, 0][..]; 3].concat();
        assert_eq!(check_av1(&frames), Ok(Work { pixels: 0, pictures: 3 }));
        assert_eq!(check_av1(&sequence(0xffff)), Err(DecodeError::TooLarge));
        assert_eq!(check_av1(&sequence(639)[..6]), Err(DecodeError::Corrupt));
        assert_eq!(check_av1(&[0x0a, 2, 0, 0]), Err(DecodeError::Corrupt), "a header cut off");
        assert_eq!(check_av1(&[0x08, 0]), Err(DecodeError::Corrupt), "no size");
    }

    #[test]
    fn an_h264_set_of_scalable_coding_does_not_hide_in_a_payload() {
        assert!(check_h264(&[0, 0, 0, 1, 0x65, 1, 2]).is_ok());
        let hidden = [0, 0, 0, 1, 0x65, 1, 0, 0, 1, 0x6f, 0x42, 0xc0, 0x1e];
        assert_eq!(check_h264(&hidden), Err(DecodeError::Corrupt));
    }

    #[test]
    fn pixels_count_too() {
        assert!(check_size(4096, 4050).is_ok());
        assert_eq!(check_size(4096, 4096), Err(DecodeError::TooLarge));
        assert_eq!(check_size(0, 10), Err(DecodeError::TooLarge));
    }

    /// A VP9 frame that shows an existing one, and so has no size.
    const SHOW_EXISTING: u8 = 0b1000_1000;

    #[test]
    fn frames_of_layers_and_of_a_superframe_become_one_superframe() {
        // A superframe of two frames of 1 and 2 bytes, then a frame of 3 bytes.
        let mut data = vec![SHOW_EXISTING, SHOW_EXISTING, 7, 0xc1, 1, 2, 0xc1, SHOW_EXISTING, 8, 9];
        seal_vp9(&mut data, &[0, 7]).unwrap();
        let marker = 0b1101_1010;
        let mut expected = vec![SHOW_EXISTING, SHOW_EXISTING, 7, SHOW_EXISTING, 8, 9, marker];
        for size in [1u32, 2, 3] {
            expected.extend(size.to_le_bytes());
        }
        expected.push(marker);
        assert_eq!(data, expected);
    }

    #[test]
    fn an_h264_frame_is_not_many() {
        // The first slice of a picture, and another one of it.
        let (first, other) = ([0, 0, 1, 0x61, 0xe0], [0, 0, 1, 0x61, 0x60]);
        let slices = [&first[..], &other.repeat(100)].concat();
        assert_eq!(check_h264(&slices).map(|work| work.pictures), Ok(1));
        assert_eq!(check_h264(&first.repeat(2)).map(|work| work.pictures), Ok(2));
        assert_eq!(check_h264(&first.repeat(3)), Err(DecodeError::Corrupt));
    }

    #[test]
    fn vp9_is_decoded_in_profile_0_only() {
        // A keyframe of 16x16.
        let frame = [0x82, 0x49, 0x83, 0x42, 0x20, 0x00, 0xf0, 0x00, 0xf0];
        let work = seal_vp9(&mut frame.to_vec(), &[0]);
        assert_eq!(work, Ok(Work { pixels: 16 * 16, pictures: 1 }));
        for profile in [0x10, 0x20, 0x30] {
            let mut frame = frame;
            frame[0] |= profile;
            assert_eq!(seal_vp9(&mut frame.to_vec(), &[0]), Err(DecodeError::Corrupt));
        }
    }

    #[test]
    fn sizes_that_reach_past_the_end_are_refused() {
        let mut data = vec![SHOW_EXISTING, 0xc0, 2, 0xc0];
        assert_eq!(seal_vp9(&mut data, &[0]), Err(DecodeError::Corrupt));
        assert_eq!(seal_vp9(&mut vec![1, 2], &[5]), Err(DecodeError::Corrupt));
        assert_eq!(seal_vp9(&mut vec![], &[]), Err(DecodeError::Corrupt));
        assert_eq!(
            seal_vp9(&mut vec![SHOW_EXISTING; 9], &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
            Err(DecodeError::Corrupt)
        );
    }
}
