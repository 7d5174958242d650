//! A layer of a source (simulcast or SVC), as measured.

/// A layer by its place: everything up to this temporal and spatial layer of one encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LayerId {
    pub encoding: u8,
    pub spatial: u8,
    pub temporal: u8,
}

/// A layer of the source, as measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Layer {
    pub encoding: u8,
    pub spatial: u8,
    pub temporal: u8,
    /// Bits a second of everything that has to be sent for it, over about a second. A layer that
    /// was never measured (0) is left out: nobody knows what it costs.
    pub bitrate: u64,
    /// 0: unknown.
    pub width: u16,
    /// 0: unknown.
    pub height: u16,
    /// Frames a second as measured; 0: unknown.
    pub frame_rate: f32,
    /// Packets come now. Otherwise the sender has switched it off, and `bitrate` is the last known.
    pub active: bool,
}

impl Layer {
    /// Its place.
    pub fn id(&self) -> LayerId {
        LayerId { encoding: self.encoding, spatial: self.spatial, temporal: self.temporal }
    }
}
