//! G.711: eight bits a sample, by mu-law (PCMU) or A-law (PCMA), as segments of a logarithm.

/// Which law.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Law {
    Mu,
    A,
}

/// Added before mu-law finds the segment (G.711 table 2).
const BIAS: i32 = 33;
/// Largest magnitude that mu-law has, of 14 bits with the bias.
const MU_MAX: i32 = 0x1fff;

impl Law {
    pub(super) fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_mu(sample),
            Law::A => encode_a(sample),
        }
    }

    pub(super) fn decode(self, byte: u8) -> i16 {
        match self {
            Law::Mu => decode_mu(byte),
            Law::A => decode_a(byte),
        }
    }
}

fn encode_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = ((i32::from(sample).abs() >> 2) + BIAS).min(MU_MAX);
    // The bias makes bit 5 the lowest that can be the highest.
    let segment = (magnitude.ilog2() - 5) as i32;
    let step = (magnitude >> (segment + 1)) & 0x0f;
    !(sign | (segment << 4) as u8 | step as u8)
}

fn decode_mu(byte: u8) -> i16 {
    let byte = !byte;
    let segment = i32::from(byte >> 4 & 7);
    let magnitude = (((i32::from(byte & 0x0f) << 1) + BIAS) << segment) - BIAS;
    let sample = (magnitude << 2) as i16;
    if byte & 0x80 != 0 { -sample } else { sample }
}

/// Even bits are turned over on the line (G.711 table 1a).
const A_MASK: u8 = 0x55;

fn encode_a(sample: i16) -> u8 {
    // The sign bit is set for positive values. One's complement makes both sides alike.
    let (sign, magnitude) =
        if sample < 0 { (0, i32::from(!sample) >> 4) } else { (0x80, i32::from(sample) >> 4) };
    let code = if magnitude < 16 {
        magnitude as u8
    } else {
        let segment = magnitude.ilog2() - 3;
        (segment << 4) as u8 | (magnitude >> (segment - 1) & 0x0f) as u8
    };
    (sign | code) ^ A_MASK
}

fn decode_a(byte: u8) -> i16 {
    let byte = byte ^ A_MASK;
    let (segment, step) = (i32::from(byte >> 4 & 7), i32::from(byte & 0x0f) << 1 | 1);
    // In units of a 12 bit magnitude.
    let magnitude = if segment == 0 { step } else { (step | 32) << (segment - 1) };
    let sample = (magnitude << 3) as i16;
    if byte & 0x80 == 0 { -sample } else { sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_standard() {
        // Silence, full scale and the ends of the first segment (G.711 tables 1 and 2).
        assert_eq!(
            (Law::Mu.encode(0), Law::Mu.encode(32_767), Law::Mu.encode(-32_768)),
            (0xff, 0x80, 0x00)
        );
        assert_eq!(
            (Law::Mu.decode(0xff), Law::Mu.decode(0x80), Law::Mu.decode(0x00)),
            (0, 32_124, -32_124)
        );
        assert_eq!(
            (Law::A.encode(0), Law::A.encode(32_767), Law::A.encode(-32_768)),
            (0xd5, 0xaa, 0x2a)
        );
        assert_eq!(
            (Law::A.decode(0xd5), Law::A.decode(0xaa), Law::A.decode(0x2a)),
            (8, 32_256, -32_256)
        );
    }

    #[test]
    fn every_byte_comes_back() {
        for law in [Law::Mu, Law::A] {
            for byte in 0..=255 {
                let sample = law.decode(byte);
                // Mu-law has two zeros.
                let again = law.decode(law.encode(sample));
                assert_eq!(again, sample, "{law:?} {byte:#x}");
            }
        }
    }

    #[test]
    fn errors_are_small_and_the_order_is_kept() {
        for law in [Law::Mu, Law::A] {
            let mut before = i16::MIN;
            for sample in i16::MIN..=i16::MAX {
                let heard = law.decode(law.encode(sample));
                assert!(heard >= before, "{law:?} {sample}");
                before = heard;
                let error = (i32::from(heard) - i32::from(sample)).abs();
                assert!(error <= 16 + i32::from(sample).abs() / 24, "{law:?} {sample}: {heard}");
            }
        }
    }
}
