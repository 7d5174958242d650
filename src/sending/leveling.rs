//! Makes packets of nearly one size exactly one size, so that the kernel takes them in one call.
//!
//! Browsers split a frame into parts whose sizes differ by a byte or two, and the first part has a
//! longer header extension. Segmentation offload wants equal sizes, of which the last may be
//! shorter. RTP padding (RFC 3550 5.1) makes up the difference for less than a system call costs.

/// Most padding a packet gets. It is less than one percent of a full packet.
const MAX_PADDING: usize = 12;

/// Gives `pad(i, bytes)` for the packets of one burst that need padding. `size(i)` is the size of
/// packet `i` without any.
pub fn level(count: usize, size: impl Fn(usize) -> usize, mut pad: impl FnMut(usize, usize)) {
    let mut start = 0;
    while start < count {
        let (mut smallest, mut largest) = (size(start), size(start));
        let mut end = start + 1;
        while end < count {
            let next = size(end);
            if next.max(largest) - smallest.min(next) > MAX_PADDING {
                break;
            }
            smallest = smallest.min(next);
            largest = largest.max(next);
            end += 1;
        }
        // A shorter packet ends a run, but what follows it begins one anyway.
        for index in start..end {
            let missing = largest - size(index);
            if missing > 0 && index + 1 < end {
                pad(index, missing);
            }
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leveled(sizes: &[usize]) -> Vec<usize> {
        let mut result = sizes.to_vec();
        level(sizes.len(), |i| sizes[i], |i, bytes| result[i] += bytes);
        result
    }

    #[test]
    fn a_frame_in_parts_a_byte_apart_becomes_equal() {
        assert_eq!(leveled(&[1100, 1100, 1101, 1101]), [1101, 1101, 1101, 1101]);
        assert_eq!(leveled(&[1108, 1100, 1100]), [1108, 1108, 1100], "the last may be shorter");
    }

    #[test]
    fn sizes_far_apart_stay_as_they_are() {
        assert_eq!(leveled(&[1100, 300, 1100]), [1100, 300, 1100]);
        assert_eq!(leveled(&[90]), [90]);
        assert_eq!(leveled(&[]), Vec::<usize>::new());
    }

    #[test]
    fn no_packet_grows_by_more_than_the_limit() {
        let sizes: Vec<usize> = (0..100).map(|i| 1000 + (i * 7919) % 40).collect();
        let after = leveled(&sizes);
        assert!(
            sizes
                .iter()
                .zip(&after)
                .all(|(before, after)| { after >= before && after - before <= MAX_PADDING })
        );
    }
}
