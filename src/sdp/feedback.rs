//! RTCP feedback that a format may have (`a=rtcp-fb`, RFC 4585 4.2).

use std::ops::{BitAnd, BitOr};

/// A set of the kinds of feedback that are known here.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Feedback(u8);

impl Feedback {
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01.
    pub const TRANSPORT_CC: Self = Self(1);
    /// draft-alvestrand-rmcat-remb-03.
    pub const REMB: Self = Self(1 << 1);
    /// RFC 5104 7.1.
    pub const FIR: Self = Self(1 << 2);
    /// RFC 4585 6.2.1.
    pub const NACK: Self = Self(1 << 3);
    /// RFC 4585 6.3.1.
    pub const PLI: Self = Self(1 << 4);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::TRANSPORT_CC, "transport-cc"),
        (Self::REMB, "goog-remb"),
        (Self::FIR, "ccm fir"),
        (Self::NACK, "nack"),
        (Self::PLI, "nack pli"),
    ];

    /// What is known of the values of `a=rtcp-fb`, without their payload type.
    pub fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let known = |value: &str| Self::NAMES.into_iter().find(|(_, name)| *name == value);
        values.filter_map(known).fold(Self::default(), |all, (feedback, _)| all | feedback)
    }

    /// As `a=rtcp-fb` names them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(f, _)| self.has(*f)).map(|(_, name)| name)
    }

    /// Whether it has everything that `other` has.
    pub fn has(self, other: Self) -> bool {
        self & other == other
    }
}

impl BitOr for Feedback {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Feedback {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
