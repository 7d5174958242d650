//! The byte stream format of H.264 and H.265 (Annex B of both).

pub(super) const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units between start codes, without the zeros that may follow them.
pub fn nal_units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = find(data).map(|(_, after)| &data[after..]);
    std::iter::from_fn(move || {
        let current = rest?;
        let (mut nal, next) = match find(current) {
            Some((start, after)) => (&current[..start], Some(&current[after..])),
            None => (current, None),
        };
        while let Some((0, shorter)) = nal.split_last() {
            nal = shorter;
        }
        rest = next;
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

/// Where the first start code begins and ends.
fn find(data: &[u8]) -> Option<(usize, usize)> {
    let start = data.windows(3).position(|bytes| bytes == [0, 0, 1])?;
    Some((start, start + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_split_at_short_and_long_start_codes() {
        let data = [9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 0, 0, 1, 0, 0, 1, 0x65, 2, 3];
        let units: Vec<_> = nal_units(&data).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68], &[0x65, 2, 3]]);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
    }
}
