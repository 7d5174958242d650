//! The check of sections (ISO/IEC 13818-1 Annex A).

const POLYNOMIAL: u32 = 0x04c1_1db7;

/// 0 of a section with its check behind it.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            let shifted = crc << 1;
            if crc >> 31 == 1 { shifted ^ POLYNOMIAL } else { shifted }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0x0376_e6e7);
        let with = [&b"123456789"[..], &0x0376_e6e7u32.to_be_bytes()].concat();
        assert_eq!(crc32(&with), 0);
    }
}
