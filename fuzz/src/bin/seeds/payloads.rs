//! Payloads of RTP as RFC 7741, RFC 9628, RFC 6184, RFC 7798 and the AV1 RTP specification have them.

use super::keep;

/// A VP8 keyframe of 320 by 180 with everything its descriptor may have.
const VP8: [u8; 16] =
    [0x90, 0xf0, 0x81, 0x02, 9, 0x61, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0];
/// A VP9 keyframe of three spatial layers with their sizes and a group of two pictures.
const VP9: [u8; 25] = [
    0xaa, 0x81, 0x02, 0x00, 9, 0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x05, 0x00,
    0x02, 0xd0, 2, 0x00, 0x24, 0x01, 0x82, 0x49, 0x83,
];
const H264_SPS: [u8; 11] = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80];
const H264_PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];
const H264_IDR: [u8; 5] = [0x65, 0x88, 0x84, 0x21, 0xa0];
const H265_SPS: [u8; 24] = [
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16,
];
const H265_IDR: [u8; 6] = [0x26, 0x01, 0xaf, 0x06, 0xb8, 0x63];
/// A sequence header of 320 by 180 behind an aggregation header that begins a coded sequence.
const AV1: [u8; 14] =
    [0x18, 0x0b, 0x08, 0x00, 0x00, 0x00, 0x04, 0x3c, 0xff, 0xbc, 0xda, 0xc4, 0x32, 0x10];
/// A dependency descriptor with a structure of one spatial and three temporal layers, and two
/// without.
const DESCRIPTORS: [&[u8]; 3] = [
    &[
        0x80, 0x00, 0x01, 0x80, 0x02, 0x2c, 0x0e, 0x88, 0x30, 0x1f, 0xf0, 0x03, 0xf8, 0x01, 0xf8,
        0x80, 0x40, 0x20, 0x13, 0xf0, 0x0b, 0x40,
    ],
    &[0xc2, 0x00, 0x02],
    &[0x83, 0x00, 0x03],
];

pub fn write() -> std::io::Result<()> {
    keep("vp8", "keyframe", &VP8)?;
    keep("vp9", "keyframe-with-layers", &VP9)?;
    keep("h264", "aggregate", &aggregate(&[0x78], &[&H264_SPS, &H264_PPS, &H264_IDR]))?;
    keep("h264", "fragment", &[&[0x7c, 0x85][..], &H264_IDR[1..]].concat())?;
    keep("h265", "aggregate", &aggregate(&[48 << 1, 1], &[&H265_SPS, &H265_IDR]))?;
    keep("h265", "fragment", &[&[49 << 1, 1, 0x93][..], &H265_IDR[2..]].concat())?;
    keep("av1", "sequence-header", &AV1)?;
    keep("dependency_descriptor", "three-temporal-layers", &lengths(&DESCRIPTORS))?;
    // The codec and the length of payloads, then one payload after the other.
    for (codec, payload) in [(0, &VP8[..]), (1, &VP9), (2, &H264_IDR), (3, &AV1), (4, &H265_IDR)] {
        let input = [&[codec, payload.len() as u8][..], payload, payload, payload, payload];
        keep("frames", &format!("four-of-{codec}"), &input.concat())?;
    }
    keep("red", "two-blocks", &red())
}

/// NAL units in one payload (RFC 6184 5.7.1, RFC 7798 4.4.2).
fn aggregate(header: &[u8], units: &[&[u8]]) -> Vec<u8> {
    let mut payload = header.to_vec();
    for unit in units {
        payload.extend((unit.len() as u16).to_be_bytes());
        payload.extend(*unit);
    }
    payload
}

fn lengths(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| [&[piece.len() as u8][..], piece].concat()).collect()
}

/// Packets that repeat the one before them (RFC 2198), one number and 20 ms on each time; the third
/// comes after a gap.
fn red() -> Vec<u8> {
    let payload = [0x80 | 111, 0x0f, 0x00, 3, 111, 1, 2, 3, 4, 5, 6];
    let packet = |step: u8| [&[step, 8 * step, payload.len() as u8][..], &payload].concat();
    [1, 1, 2].map(packet).concat()
}
