//! What every synthetic packet carries at the end of its payload: which frame it belongs to and
//! what that frame is predicted from. A receiver checks by it what descriptors told.

const MAGIC: u32 = 0x6c6f_6f6d;

/// Bytes at the end of each payload.
pub const LENGTH: usize = 46;

/// Reference frames of one frame, at most.
pub const MAX_REFERENCES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Which RTP stream of the encoder.
    pub stream: u8,
    pub spatial: u8,
    pub temporal: u8,
    pub height: u16,
    /// Unlike any other of this stream, growing.
    pub frame: u32,
    /// Microseconds since the start of the world.
    pub captured: u64,
    /// Frames of this stream it is predicted from; `NO_REFERENCE` where there are fewer.
    pub references: [u32; MAX_REFERENCES],
    /// Which packet of the frame this is, of how many.
    pub packet: u16,
    pub packets: u16,
    /// Bytes of the whole frame.
    pub bytes: u32,
}

pub const NO_REFERENCE: u32 = u32::MAX;

impl Stamp {
    pub fn write(&self, payload: &mut Vec<u8>) {
        let start = payload.len();
        payload.extend(MAGIC.to_be_bytes());
        payload.extend([self.stream, self.spatial, self.temporal, 0]);
        payload.extend(self.height.to_be_bytes());
        payload.extend(self.frame.to_be_bytes());
        payload.extend(self.captured.to_be_bytes());
        self.references.iter().for_each(|frame| payload.extend(frame.to_be_bytes()));
        payload.extend(self.packet.to_be_bytes());
        payload.extend(self.packets.to_be_bytes());
        payload.extend(self.bytes.to_be_bytes());
        payload.resize(start + LENGTH, 0);
    }

    /// `None` when the payload is not one of ours.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let at = payload.len().checked_sub(LENGTH)?;
        let stamp = &payload[at..];
        let u16_at = |at: usize| u16::from_be_bytes([stamp[at], stamp[at + 1]]);
        let u32_at = |at: usize| u32::from_be_bytes(stamp[at..at + 4].try_into().expect("four"));
        (u32_at(0) == MAGIC).then(|| Self {
            stream: stamp[4],
            spatial: stamp[5],
            temporal: stamp[6],
            height: u16_at(8),
            frame: u32_at(10),
            captured: u64::from_be_bytes(stamp[14..22].try_into().expect("eight")),
            references: [u32_at(22), u32_at(26), u32_at(30)],
            packet: u16_at(34),
            packets: u16_at(36),
            bytes: u32_at(38),
        })
    }

    pub fn references(&self) -> impl Iterator<Item = u32> + '_ {
        self.references.iter().copied().filter(|frame| *frame != NO_REFERENCE)
    }
}
