//! What a keyframe of VP9 says of its pictures.

use crate::codec::bits::BitReader;

/// Size of the pictures, and the body of `vpcC` ("VP Codec ISO Media File Format Binding" 1.0, 2.2)
/// without version and flags.
pub(super) struct Header {
    pub(super) size: (u16, u16),
    pub(super) vpcc: [u8; 8],
}

const SYNC_CODE: u32 = 0x49_8342;
const RGB: u32 = 7;
/// Most pixels of a picture of each level (VP9 levels, 1 to 6.2; those that differ by rate alone
/// are one).
const LEVELS: [(u32, u8); 9] = [
    (36_864, 10),
    (73_728, 11),
    (122_880, 20),
    (245_760, 21),
    (552_960, 30),
    (983_040, 31),
    (2_228_224, 40),
    (8_912_896, 50),
    (35_651_584, 60),
];

/// VP9 6.2, uncompressed_header(). `None` of what is no keyframe.
pub(super) fn header(frame: &[u8]) -> Option<Header> {
    let mut r = BitReader::new(frame);
    r.skip(2)?; // frame_marker
    let profile = r.bits(1)? | r.bits(1)? << 1;
    r.skip(if profile == 3 { 1 } else { 0 })?;
    let (shows_existing, inter) = (r.bit()?, r.bit()?);
    r.skip(2)?; // show_frame, error_resilient_mode
    if shows_existing || inter || r.bits(24)? != SYNC_CODE {
        return None;
    }
    let depth = match profile {
        0 | 1 => 8,
        _ if r.bit()? => 12,
        _ => 10,
    };
    let subsampled = profile & 1 == 1;
    let space = r.bits(3)?;
    let (full_range, chroma) = if space != RGB {
        let full_range = r.bits(1)?;
        // subsampling_x, subsampling_y: 4:2:0, 4:2:2, 4:4:4; then a reserved bit.
        let chroma = match subsampled {
            false => 1,
            true => match (r.bit()?, r.bit()?) {
                (true, true) => 1,
                (true, false) => 2,
                _ => 3,
            },
        };
        r.skip(if subsampled { 1 } else { 0 })?;
        (full_range, chroma)
    } else {
        r.skip(if subsampled { 1 } else { 0 })?;
        (1, 3)
    };
    let side = |minus_one: u32| u16::try_from(minus_one + 1).ok();
    let size = (side(r.bits(16)?)?, side(r.bits(16)?)?);
    let colours = (depth << 4 | chroma << 1 | full_range) as u8;
    let [primaries, transfer, matrix] = colour_codes(space);
    let vpcc = [profile as u8, level(size), colours, primaries, transfer, matrix, 0, 0];
    Some(Header { size, vpcc })
}

/// The smallest level with room for such pictures; levels also bound their rate, which no frame says.
pub(super) fn level((width, height): (u16, u16)) -> u8 {
    let pixels = u32::from(width).saturating_mul(height.into());
    LEVELS.iter().find(|(most, _)| pixels <= *most).map_or(62, |(_, level)| *level)
}

/// Colour primaries, transfer characteristics and matrix coefficients (ISO/IEC 23091-2) of a
/// `color_space` (VP9 7.2.2). 2 is unspecified.
fn colour_codes(space: u32) -> [u8; 3] {
    match space {
        1 => [5, 6, 5],
        2 => [1, 1, 1],
        3 => [6, 6, 6],
        4 => [7, 7, 7],
        5 => [9, 14, 9],
        RGB => [1, 13, 0],
        _ => [2, 2, 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_tells_profile_depth_and_colours() {
        // Profile 0, keyframe, shown; BT.601, 320x180.
        let header = header(&[0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30]).unwrap();
        assert_eq!(header.size, (320, 180));
        assert_eq!(header.vpcc, [0, 11, 0x82, 5, 6, 5, 0, 0]);
    }

    #[test]
    fn levels_grow_with_the_picture() {
        for (size, expected) in [((320, 240), 20), ((1280, 720), 31), ((1920, 1080), 40)] {
            assert_eq!(level(size), expected, "{size:?}");
        }
        assert_eq!(level((u16::MAX, u16::MAX)), 62);
    }
}
