//! The rewritten start of a payload.

/// Bytes that take the place of a payload's first bytes, so that the rest can stay shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    replaces: u8,
    len: u8,
    bytes: [u8; Prefix::CAPACITY],
}

impl Prefix {
    /// The longest start that any codec here needs.
    pub const CAPACITY: usize = 8;

    pub(super) fn new(replaces: usize) -> Self {
        debug_assert!(replaces <= Self::CAPACITY);
        Self { replaces: replaces as u8, len: 0, bytes: [0; Self::CAPACITY] }
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[usize::from(self.len)] = byte;
        self.len += 1;
    }

    /// How many bytes of the payload it stands for.
    pub fn replaces(&self) -> usize {
        usize::from(self.replaces)
    }

    /// What stands in place of the first [`Prefix::replaces`] bytes of the payload.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The rest of `payload`, which follows [`Prefix::bytes`].
    pub fn rest<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        payload.get(self.replaces()..).unwrap_or(&[])
    }

    /// Writes the whole payload as the receiver gets it.
    pub fn write(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes());
        out.extend_from_slice(self.rest(payload));
    }
}
