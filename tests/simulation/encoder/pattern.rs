//! The order of temporal layers that the synthetic encoders use, and what is predicted from what.

/// Pictures until the pattern begins again.
pub const PERIOD: u64 = 4;

/// A place in the pattern L1T3: T0, T2, T1, T2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The first after a keyframe request.
    Key,
    Base,
    FirstTop,
    Middle,
    SecondTop,
}

impl Place {
    /// The place of the picture that comes so many after a key picture.
    pub fn after_key(pictures: u64) -> Self {
        match pictures % PERIOD {
            _ if pictures == 0 => Self::Key,
            0 => Self::Base,
            1 => Self::FirstTop,
            2 => Self::Middle,
            _ => Self::SecondTop,
        }
    }

    pub fn temporal(self) -> u8 {
        match self {
            Self::Key | Self::Base => 0,
            Self::Middle => 1,
            Self::FirstTop | Self::SecondTop => 2,
        }
    }

    /// How many pictures back the one is that this is predicted from.
    pub fn reference(self) -> Option<u32> {
        match self {
            Self::Key => None,
            Self::Base => Some(4),
            Self::FirstTop | Self::SecondTop => Some(1),
            Self::Middle => Some(2),
        }
    }

    /// Predicted from the base layer only (VP8's Y bit).
    pub fn syncs(self) -> bool {
        matches!(self, Self::FirstTop | Self::Middle)
    }

    /// How large a picture of this place is against the mean of its stream: the base layer takes
    /// 40 % of the rate, the second 20 %, the third 40 %, as libwebrtc divides it.
    pub fn weight(self) -> f64 {
        match self {
            Self::Key => 5.0,
            Self::Base => 1.6,
            _ => 0.8,
        }
    }
}
