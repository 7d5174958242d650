//! What the first bytes of an Opus packet say (RFC 6716 3).

/// Samples a second of each channel, whatever was encoded.
pub const RATE: u32 = 48_000;
/// Samples of a packet at most, at 48 kHz: 120 ms (RFC 6716 3.2.5).
const MAX_SAMPLES: u32 = 5_760;

/// Samples of each channel at 48 kHz; `None` of what is no packet.
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    let samples = frames * frame_samples(toc);
    (1..=MAX_SAMPLES).contains(&samples).then_some(samples)
}

/// Of one frame (RFC 6716 3.1, table 2).
fn frame_samples(toc: u8) -> u32 {
    let (config, size) = (toc >> 3, u32::from(toc >> 3 & 3));
    match config {
        // SILK: 10, 20, 40, 60 ms.
        0..12 if size == 3 => 2_880,
        0..12 => 480 << size,
        // Hybrid: 10, 20 ms.
        12..16 => 480 << (size & 1),
        // CELT: 2.5, 5, 10, 20 ms.
        _ => 120 << size,
    }
}

/// A packet of one frame that says nothing, as long as a frame of that packet: a decoder makes up what
/// it would have heard (RFC 6716 3.2.2, RFC 7845 4.1).
pub fn nothing_like(packet: &[u8]) -> [u8; 1] {
    [packet.first().map_or(0xf8, |toc| toc & !3)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_how_long_a_packet_is() {
        for (packet, samples) in [
            (&[0xf8, 0xff, 0xfe][..], Some(960)),
            (&[0x78, 1], Some(960)),
            (&[0x19, 1], Some(5_760)),
            (&[0xe3, 0x04], Some(480)),
            (&[0x1b, 0x03], None),
            (&[0xe3], None),
            (&[], None),
        ] {
            assert_eq!(packet_samples(packet), samples, "{packet:x?}");
        }
        assert_eq!(packet_samples(&nothing_like(&[0xfb, 7])), Some(960));
    }
}
