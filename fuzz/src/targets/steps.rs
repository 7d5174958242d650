//! What an input says to do, step by step.

/// Four bytes, the length of what is behind them, and that.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub kind: u8,
    pub detail: u8,
    pub number: u16,
    pub body: &'a [u8],
}

/// Reads all steps; of the last one there may be less than it says.
pub fn steps(mut rest: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || {
        let (&[kind, detail, n0, n1, l0, l1], after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([l0, l1])).min(after.len());
        let (body, after) = after.split_at(length);
        rest = after;
        Some(Step { kind, detail, number: u16::from_be_bytes([n0, n1]), body })
    })
}

impl Step<'_> {
    /// Turns bits where the body says so: two bytes of where, one of which.
    pub fn turn_bits(&self, bytes: &mut [u8]) {
        for pair in self.body.chunks_exact(3) {
            let at = usize::from(u16::from_be_bytes([pair[0], pair[1]]));
            if let Some(place) = at.checked_rem(bytes.len()) {
                bytes[place] ^= pair[2];
            }
        }
    }
}
