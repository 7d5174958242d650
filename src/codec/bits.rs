//! Reading bits from bytes a peer controls. Every read says whether there was enough.

/// Reads bits, most significant first.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// `count` is at most 32.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.position = self.position.checked_add(count)?;
        (self.position <= self.bytes.len() * 8).then_some(())
    }

    /// Exp-Golomb code, ue(v) of H.264 9.1 and H.265 9.2. AV1's uvlc() of 4.10.3 is the same code.
    pub(super) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.bits(zeros)?;
        Some((1 << zeros) - 1 + rest)
    }

    /// se(v): signed, in the order 0, 1, -1, 2, -2.
    pub(super) fn signed_exp_golomb(&mut self) -> Option<i32> {
        let code = i64::from(self.exp_golomb()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

/// The first bytes of a NAL unit without its emulation prevention (H.264 7.4.1.1, H.265 7.4.2.3).
/// Parameter sets tell the picture's size within so many bytes.
pub(super) struct Rbsp {
    bytes: [u8; Rbsp::CAPACITY],
    len: usize,
}

impl Rbsp {
    const CAPACITY: usize = 256;

    pub(super) fn new(nal: &[u8]) -> Self {
        let mut rbsp = Self { bytes: [0; Self::CAPACITY], len: 0 };
        let mut zeros = 0;
        for &byte in nal {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            if rbsp.len == Self::CAPACITY {
                break;
            }
            rbsp.bytes[rbsp.len] = byte;
            rbsp.len += 1;
        }
        rbsp
    }

    pub(super) fn reader(&self) -> BitReader<'_> {
        BitReader::new(&self.bytes[..self.len])
    }
}

/// Builds what the readers of parameter sets are tested with.
#[cfg(test)]
#[derive(Default)]
pub(super) struct BitWriter {
    bits: Vec<bool>,
}

#[cfg(test)]
impl BitWriter {
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    pub(super) fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let len = 64 - code.leading_zeros();
        self.put(0, len - 1);
        self.bits.extend((0..len).rev().map(|bit| code >> bit & 1 == 1));
    }

    pub(super) fn se(&mut self, value: i32) {
        self.ue(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit) << (7 - i))
        };
        self.bits.chunks(8).map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_follow_the_table_of_the_standard() {
        // 1 | 010 | 011 | 00100 | 00111
        let bytes = [0b1010_0110, 0b0100_0011, 0b1000_0000];
        let mut reader = BitReader::new(&bytes);
        let codes: Vec<_> = (0..5).map(|_| reader.exp_golomb()).collect();
        assert_eq!(codes, [Some(0), Some(1), Some(2), Some(3), Some(6)]);
        let mut reader = BitReader::new(&bytes);
        let signed: Vec<_> = (0..5).map(|_| reader.signed_exp_golomb()).collect();
        assert_eq!(signed, [Some(0), Some(1), Some(-1), Some(2), Some(-3)]);
    }

    #[test]
    fn the_largest_exp_golomb_code_fits_and_a_longer_one_is_refused() {
        let largest = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(BitReader::new(&largest).exp_golomb(), Some(u32::MAX - 1));
        assert_eq!(BitReader::new(&[0; 16]).exp_golomb(), None);
    }

    #[test]
    fn reading_past_the_end_fails() {
        let mut reader = BitReader::new(&[0xff]);
        assert_eq!(reader.bits(8), Some(255));
        assert_eq!(reader.bit(), None);
        assert_eq!(BitReader::new(&[0xff]).skip(9), None);
        assert_eq!(BitReader::new(&[0xff]).skip(usize::MAX), None);
    }

    #[test]
    fn emulation_prevention_bytes_are_left_out() {
        let rbsp = Rbsp::new(&[1, 0, 0, 3, 1, 0, 0, 3, 3, 9]);
        assert_eq!(&rbsp.bytes[..rbsp.len], [1, 0, 0, 1, 0, 0, 3, 9]);
    }

    #[test]
    fn a_huge_nal_unit_is_cut() {
        assert_eq!(Rbsp::new(&[7; 5000]).len, Rbsp::CAPACITY);
    }
}
