//! The handshake (RTMP 5.2), from the side that is connected to. The plain one: the one with digests is
//! asked for by Flash alone.

use super::error::RtmpError;

const VERSION: u8 = 3;
/// Bytes of C1, S1, C2 and S2.
pub(super) const SIZE: usize = 1536;

/// What came of C0, C1 and C2.
#[derive(Default, Debug)]
pub(super) struct Handshake {
    /// C0 and C1 until they are whole.
    begin: Vec<u8>,
    /// Bytes of C2 that came; nothing in them is looked at.
    echoed: usize,
    answered: bool,
}

impl Handshake {
    /// Takes bytes off `input` and appends answers to `out`. Whether it is over.
    ///
    /// # Errors
    /// `Version`.
    pub(super) fn read(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, RtmpError> {
        if !self.answered {
            let more = (1 + SIZE - self.begin.len()).min(input.len());
            self.begin.extend_from_slice(&input[..more]);
            *input = &input[more..];
            // 5.2.2: other versions are answered with ours; what is no version is somebody lost.
            if let Some(&version) = self.begin.first().filter(|version| **version != VERSION) {
                return Err(RtmpError::Version(version));
            }
            if self.begin.len() < 1 + SIZE {
                return Ok(false);
            }
            out.push(VERSION);
            // Time and zero, then bytes that have to tell this connection from another one: the peer
            // echoes them, and nobody compares.
            out.extend_from_slice(&[0; 8]);
            out.extend((8..SIZE).map(|at| (at as u8).wrapping_mul(167) ^ 0x5a));
            out.extend_from_slice(&self.begin[1..]);
            self.answered = true;
            self.begin = Vec::new();
        }
        let more = (SIZE - self.echoed).min(input.len());
        *input = &input[more..];
        self.echoed += more;
        Ok(self.echoed == SIZE)
    }
}
