//! What the first bytes of an Opus packet say (RFC 6716 3).

/// Samples at 48 kHz of the longest packet (RFC 6716 3.2.5, R5).
const LONGEST: u32 = 48_000 * 120 / 1000;

/// Samples at 48 kHz that a packet lasts; `None` when it is damaged.
pub fn samples(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    // Table 2: SILK frames of 10 to 60 ms, hybrid ones of 10 or 20, CELT of 2.5 to 20.
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    Some(frame * count).filter(|samples| (1..=LONGEST).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_told_by_the_first_bytes() {
        for (packet, expected) in [
            (&[0x78, 1, 2][..], Some(960)), // CELT, one frame of 20 ms
            (&[0x80], Some(120)),
            (&[0x18], Some(2880)),
            (&[0x09], Some(1920)),
            (&[0x63, 0x03], Some(1440)),
            (&[0x1b, 0x03], None), // 180 ms
            (&[0x03], None),
            (&[0x03, 0], None),
            (&[], None),
        ] {
            assert_eq!(samples(packet), expected, "{packet:02x?}");
        }
    }
}
