//! Of whoever is not heard, most silent packets go no further: in a large room that is nearly all
//! that comes.

use crate::sfu::SourcePacket;

/// One in so many is taken all the same, so that its taker knows the sender's clock and says
/// whether it needs the others again: of who sends all the time, three a second.
const TAKEN: u64 = 16;

/// Which packets of one source may be left out. At first none.
#[derive(Debug)]
pub struct Doze {
    /// Packets of this level and above are of use, in dBov.
    from: i8,
    skipped: u64,
}

impl Default for Doze {
    fn default() -> Self {
        Self { from: i8::MIN, skipped: 0 }
    }
}

impl Doze {
    /// Whether a packet is of no use.
    pub(super) fn skips(&mut self, packet: &SourcePacket) -> bool {
        let level = packet.extensions.audio_level.map_or(0, |(level, _)| level);
        let skips = level < self.from && !packet.sequence.is_multiple_of(TAKEN);
        self.skipped += u64::from(skips);
        skips
    }

    /// Which packets are of use from now on.
    pub fn takes_from(&mut self, level: i8) {
        self.from = level;
    }

    /// Packets that went no further.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}
