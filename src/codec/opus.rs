//! Packets of Opus (RFC 6716 3).

/// Samples of each channel at 48 kHz that a packet holds; `None` when it is none.
pub fn samples(packet: &[u8]) -> Option<u32> {
    /// 120 ms (RFC 6716 3.2.5, R5).
    const MAX: u32 = 5_760;
    let (&toc, rest) = packet.split_first()?;
    // Table 2: SILK of 10 to 60 ms, hybrid of 10 and 20, CELT of 2.5 to 20.
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=MAX).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_tell_how_long_they_are() {
        assert_eq!(samples(&[0xfc]), Some(960), "CELT, 20 ms, stereo");
        assert_eq!(samples(&[0x80]), Some(120), "CELT, 2.5 ms");
        assert_eq!(samples(&[0x1b, 2]), Some(5_760), "SILK, two of 60 ms, by a count");
        assert_eq!(samples(&[0x19]), Some(5_760), "two of them");
        assert_eq!(samples(&[0x68]), Some(960), "hybrid, 20 ms");
        assert_eq!(samples(&[0x1b, 3]), None, "more than 120 ms");
        assert_eq!(samples(&[0x03]), None);
        assert_eq!(samples(&[]), None);
    }
}
