//! The video layers allocation header extension (libwebrtc's
//! `docs/native-code/rtp-hdrext/video-layers-allocation00`): which sizes a sender's simulcast has.

/// RTP streams, and spatial layers of each: both have two bits.
const MAX: usize = 4;
/// A number of up to 32 bits in groups of seven.
const MAX_LEB128: usize = 5;

/// Width and height of the highest spatial layer of each RTP stream that is being sent, in order
/// of announcement; `None` for those that are not. `None` as a whole when sizes are not told or
/// the extension is cut short.
pub(super) fn sizes(extension: &[u8]) -> Option<[Option<(u16, u16)>; MAX]> {
    let (&first, mut rest) = extension.split_first()?;
    let streams = usize::from(first >> 4 & 3) + 1;
    let mut masks = [first & 0x0f; MAX];
    if first & 0x0f == 0 {
        // Each stream has a mask of its own, two to a byte.
        let (bytes, after) = rest.split_at_checked(streams.div_ceil(2))?;
        for (stream, mask) in masks.iter_mut().enumerate().take(streams) {
            *mask = bytes[stream / 2] >> (4 * (1 - stream % 2)) & 0x0f;
        }
        rest = after;
    }
    masks[streams..].fill(0);
    let layers: usize = masks.iter().map(|mask| mask.count_ones() as usize).sum();

    // Temporal layers, two bits each, then the target bitrate of every one.
    let (counts, after) = rest.split_at_checked(layers.div_ceil(4))?;
    rest = after;
    for layer in 0..layers {
        let temporal = counts[layer / 4] >> (2 * (3 - layer % 4)) & 3;
        for _ in 0..=temporal {
            rest = skip_leb128(rest)?;
        }
    }

    let mut sizes = [None; MAX];
    for (size, mask) in sizes.iter_mut().zip(masks) {
        for _ in 0..mask.count_ones() {
            let (&[w0, w1, h0, h1, _frames_per_second], after) = rest.split_first_chunk()?;
            // One less than the size is what is written.
            let side = |high, low| u16::from_be_bytes([high, low]).saturating_add(1);
            *size = Some((side(w0, w1), side(h0, h1)));
            rest = after;
        }
    }
    Some(sizes)
}

fn skip_leb128(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().take(MAX_LEB128).position(|byte| byte & 0x80 == 0)?;
    bytes.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three streams of one spatial and two temporal layers each.
    fn simulcast() -> Vec<u8> {
        let mut bytes = vec![0x21, 0b01_01_01_00];
        for rate in [&[100][..], &[0x96, 1], &[0xac, 2], &[0xf4, 3], &[0xe8, 7], &[0xc4, 0x13]] {
            bytes.extend(rate);
        }
        for (width, height) in [(160_u16, 90_u16), (320, 180), (640, 360)] {
            bytes.extend((width - 1).to_be_bytes());
            bytes.extend((height - 1).to_be_bytes());
            bytes.push(30);
        }
        bytes
    }

    #[test]
    fn every_stream_has_its_size() {
        let expected = [Some((160, 90)), Some((320, 180)), Some((640, 360)), None];
        assert_eq!(sizes(&simulcast()), Some(expected));
    }

    #[test]
    fn streams_may_have_masks_of_their_own_and_the_highest_layer_counts() {
        // The first stream sends nothing, the second two spatial layers.
        let mut bytes = vec![0x10, 0x03, 0x00, 5, 6];
        bytes.extend([0, 99, 0, 49, 15, 0, 199, 0, 99, 30]);
        assert_eq!(sizes(&bytes), Some([None, Some((200, 100)), None, None]));
    }

    #[test]
    fn without_sizes_or_cut_short_it_says_nothing() {
        assert_eq!(sizes(&[]), None);
        let whole = simulcast();
        for length in 1..whole.len() {
            assert_eq!(sizes(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(sizes(&[0x01, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), None, "a long number");
    }

    #[test]
    fn nothing_is_sent_any_more() {
        assert_eq!(sizes(&[0x00, 0x00]), Some([None; 4]));
        assert_eq!(sizes(&[0x00]), None);
    }
}
