//! Counts that wrap, made to go on.

#[derive(Clone, Copy, Debug)]
pub struct Unwrap {
    bits: u32,
    last: Option<i64>,
}

impl Unwrap {
    pub fn new(bits: u32) -> Self {
        Self { bits, last: None }
    }

    /// The value nearest to the one before.
    pub fn next(&mut self, value: u64) -> i64 {
        let modulus = 1i64 << self.bits;
        let value = value as i64 & (modulus - 1);
        let next = match self.last {
            None => value + modulus,
            Some(last) => {
                let ahead = (value - last).rem_euclid(modulus);
                last + if ahead > modulus / 2 { ahead - modulus } else { ahead }
            }
        };
        self.last = Some(self.last.map_or(next, |last| last.max(next)));
        next
    }
}
