//! The checksum of SCTP packets (RFC 9260 6.8).

/// Where it stands (RFC 9260 3.1).
const CHECKSUM: std::ops::Range<usize> = 8..12;

/// Castagnoli's polynomial, bits reversed (RFC 9260 appendix A).
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// Writes that of a whole packet into it.
pub(super) fn set(packet: &mut [u8]) {
    if let Some(place) = packet.get_mut(CHECKSUM) {
        place.fill(0);
        let checksum = crc32c(packet).to_le_bytes();
        packet[CHECKSUM].copy_from_slice(&checksum);
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| TABLE[usize::from((sum as u8) ^ byte)] ^ (sum >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        // RFC 3720 B.4.
        assert_eq!(crc32c(&[0; 32]).to_le_bytes(), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
