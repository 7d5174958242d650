//! Samples of sound as files hold them.

/// How samples stand beside each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Samples {
    pub format: SampleFormat,
    /// A second, of each channel.
    pub rate: u32,
    pub channels: u16,
}

/// How one sample is written, the last byte counting most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SampleFormat {
    U8,
    I16,
    I24,
    I32,
    F32,
}

impl SampleFormat {
    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
        }
    }

    /// Full scale is 1. What is no number is silent, what is louder is clipped.
    fn value(self, bytes: &[u8]) -> f32 {
        /// A number of so many bytes as the upper ones of one of four.
        fn upper(bytes: &[u8]) -> i32 {
            let mut four = [0; 4];
            for (to, from) in four.iter_mut().rev().zip(bytes.iter().rev()) {
                *to = *from;
            }
            i32::from_le_bytes(four)
        }
        const SCALE: f32 = 1.0 / 2_147_483_648.0;
        match (self, bytes) {
            (Self::U8, [byte, ..]) => (f32::from(*byte) - 128.0) / 128.0,
            (Self::F32, &[a, b, c, d]) => {
                let value = f32::from_le_bytes([a, b, c, d]);
                if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) }
            }
            _ => upper(bytes) as f32 * SCALE,
        }
    }
}

impl Samples {
    /// Bytes of one sample of all channels.
    pub fn frame_bytes(&self) -> usize {
        self.format.bytes().saturating_mul(self.channels.into())
    }

    /// Appends samples of one or two channels: of more, those on the left and on the right as they
    /// come by turns.
    pub fn decode(&self, bytes: &[u8], out: &mut Vec<f32>) {
        let (width, channels) = (self.format.bytes(), usize::from(self.channels).max(1));
        for frame in bytes.chunks_exact(width * channels) {
            let mut values = frame.chunks_exact(width).map(|bytes| self.format.value(bytes));
            if channels <= 2 {
                out.extend(values);
                continue;
            }
            let (mut left, mut right) = (0.0, 0.0);
            while let Some(value) = values.next() {
                left += value;
                right += values.next().unwrap_or(value);
            }
            let scale = 1.0 / channels.div_ceil(2) as f32;
            out.extend([left * scale, right * scale]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(format: SampleFormat, channels: u16, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        Samples { format, rate: 48_000, channels }.decode(bytes, &mut out);
        out
    }

    #[test]
    fn half_of_full_scale_is_half_in_every_format() {
        assert_eq!(decoded(SampleFormat::U8, 1, &[192, 64]), [0.5, -0.5]);
        assert_eq!(decoded(SampleFormat::I16, 1, &[0, 0x40, 0, 0xc0]), [0.5, -0.5]);
        assert_eq!(decoded(SampleFormat::I24, 1, &[0, 0, 0x40, 0, 0, 0xc0]), [0.5, -0.5]);
        assert_eq!(decoded(SampleFormat::I32, 1, &[0, 0, 0, 0x40]), [0.5]);
        assert_eq!(decoded(SampleFormat::F32, 1, &0.5f32.to_le_bytes()), [0.5]);
        assert_eq!(decoded(SampleFormat::F32, 1, &f32::NAN.to_le_bytes()), [0.0]);
        assert_eq!(decoded(SampleFormat::F32, 1, &9e9f32.to_le_bytes()), [1.0]);
    }

    #[test]
    fn two_channels_stay_and_more_become_two() {
        assert_eq!(decoded(SampleFormat::U8, 2, &[192, 64, 7]), [0.5, -0.5], "the rest is none");
        assert_eq!(decoded(SampleFormat::U8, 4, &[192, 64, 192, 64]), [0.5, -0.5]);
        assert_eq!(decoded(SampleFormat::U8, 3, &[192, 64, 192]).len(), 2);
    }
}
