//! What every payload carries at its end, whatever the forwarder does to its beginning.

use crate::clock;

const MAGIC: u32 = 0x6d6c_6d6c;

/// Bytes of a stamp on the wire.
pub const LENGTH: usize = 20;

#[derive(Clone, Copy)]
pub struct Stamp {
    /// Index of the client that sent it; the highest bit says video.
    pub stream: u32,
    /// Counts the packets of the stream.
    pub number: u32,
    /// When it was sent, in nanoseconds of [`clock::wall_nanoseconds`].
    pub sent: u64,
}

impl Stamp {
    pub fn now(client: usize, video: bool, number: u32) -> Stamp {
        let stream = client as u32 | u32::from(video) << 31;
        Stamp { stream, number, sent: clock::wall_nanoseconds() }
    }

    pub fn is_video(&self) -> bool {
        self.stream >> 31 == 1
    }

    pub fn write(&self, payload: &mut [u8]) {
        let at = payload.len() - LENGTH;
        payload[at..at + 4].copy_from_slice(&MAGIC.to_be_bytes());
        payload[at + 4..at + 8].copy_from_slice(&self.stream.to_be_bytes());
        payload[at + 8..at + 12].copy_from_slice(&self.number.to_be_bytes());
        payload[at + 12..].copy_from_slice(&self.sent.to_be_bytes());
    }

    /// `None` for padding and anything else that is not a payload of ours.
    pub fn read(payload: &[u8]) -> Option<Stamp> {
        let stamp: &[u8; LENGTH] = payload.last_chunk()?;
        let word = |at: usize| {
            u32::from_be_bytes([stamp[at], stamp[at + 1], stamp[at + 2], stamp[at + 3]])
        };
        (word(0) == MAGIC).then(|| Stamp {
            stream: word(4),
            number: word(8),
            sent: u64::from(word(12)) << 32 | u64::from(word(16)),
        })
    }
}
