//! Places in the layers of a scalable encoding.

/// A spatial and a temporal layer; with those below it, something that a receiver can be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Layer {
    /// 0 is the smallest picture.
    pub spatial: u8,
    /// 0 is the lowest frame rate.
    pub temporal: u8,
}

impl Layer {
    /// Spatial and temporal layers that are told apart, each. WebRTC's scalability modes end at
    /// three and three.
    pub const MAX: usize = 4;

    /// All there is.
    pub const HIGHEST: Layer =
        Layer { spatial: Self::MAX as u8 - 1, temporal: Self::MAX as u8 - 1 };

    /// Both count from 0. From [`Layer::MAX`] on there is no [`Layer::index`].
    pub fn new(spatial: u8, temporal: u8) -> Self {
        Self { spatial, temporal }
    }

    /// Its place in a table of all layers, if it has one.
    pub fn index(self) -> Option<usize> {
        let (spatial, temporal) = (usize::from(self.spatial), usize::from(self.temporal));
        (spatial < Self::MAX && temporal < Self::MAX).then_some(spatial * Self::MAX + temporal)
    }

    /// All layers, the temporal ones of a spatial layer together.
    pub fn all() -> impl Iterator<Item = Layer> {
        (0..Self::MAX as u8).flat_map(|s| (0..Self::MAX as u8).map(move |t| Layer::new(s, t)))
    }

    /// Whether this is all of `other` or less.
    pub fn within(self, other: Layer) -> bool {
        self.spatial <= other.spatial && self.temporal <= other.temporal
    }
}
