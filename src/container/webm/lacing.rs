//! Frames of a block (RFC 9559 10): one, or several with their sizes before them.

use crate::container::ebml;

/// Bits of a block's flags that say how it is laced.
pub(super) const LACING: u8 = 0x06;
const NONE: u8 = 0x00;
const XIPH: u8 = 0x02;
const FIXED: u8 = 0x04;

/// The frames of a block's body. `None` when their sizes are more than there is.
pub(super) fn frames(flags: u8, body: &[u8]) -> Option<Vec<&[u8]>> {
    if flags & LACING == NONE {
        return Some(vec![body]);
    }
    let (&more, mut rest) = body.split_first()?;
    let count = usize::from(more) + 1;
    let mut sizes = Vec::with_capacity(count);
    match flags & LACING {
        XIPH => {
            for _ in 1..count {
                let mut size = 0usize;
                loop {
                    let (&byte, after) = rest.split_first()?;
                    rest = after;
                    size += usize::from(byte);
                    if byte != 255 {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
        FIXED => {
            let size = rest.len() / count;
            sizes.resize(count - 1, size);
        }
        _ => {
            let mut size = 0i64;
            for index in 1..count {
                let (number, used) = ebml::number(rest)?;
                rest = rest.get(used..)?;
                size = if index == 1 {
                    i64::try_from(number).ok()?
                } else {
                    // A difference, moved by half of the range that so many bytes have
                    // (RFC 9559 10.3.3).
                    let middle = (1i64 << (7 * used - 1)) - 1;
                    size.checked_add(i64::try_from(number).ok()? - middle)?
                };
                sizes.push(usize::try_from(size).ok()?);
            }
        }
    }
    let mut frames = Vec::with_capacity(count);
    for size in sizes {
        let (frame, after) = rest.split_at_checked(size)?;
        frames.push(frame);
        rest = after;
    }
    frames.push(rest);
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_apart_however_they_are_laced() {
        assert_eq!(frames(0x80, &[1, 2]).unwrap(), [&[1, 2]]);
        let xiph = frames(XIPH, &[2, 1, 2, 9, 8, 8, 7]).unwrap();
        assert_eq!(xiph, [&[9][..], &[8, 8], &[7]]);
        let fixed = frames(FIXED, &[1, 5, 6, 7, 8]).unwrap();
        assert_eq!(fixed, [&[5, 6], &[7, 8]]);
        // 2, then one more than that, then the rest.
        let ebml = frames(0x06, &[2, 0x82, 0xc0, 1, 1, 2, 2, 2, 3]).unwrap();
        assert_eq!(ebml, [&[1, 1][..], &[2, 2, 2], &[3]]);
    }

    #[test]
    fn a_long_frame_has_several_bytes_of_size() {
        let mut body = vec![1, 255, 3];
        body.extend([7; 258]);
        body.push(1);
        let laced = frames(XIPH, &body).unwrap();
        assert_eq!((laced[0].len(), laced[1]), (258, &[1][..]));
    }

    #[test]
    fn sizes_beyond_the_block_are_no_frames() {
        assert_eq!(frames(XIPH, &[]), None);
        assert_eq!(frames(XIPH, &[2, 255]), None);
        assert_eq!(frames(XIPH, &[1, 9, 0]), None);
        assert_eq!(frames(0x06, &[2, 0x81, 0x80, 1]), None, "less than nothing");
        assert_eq!(frames(0x06, &[1, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
