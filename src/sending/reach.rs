//! Whether the peer is there to get anything.

use std::time::Instant;

/// What the owner knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reach {
    /// Nobody is there yet, or not any more.
    #[default]
    No,
    Yes,
    /// It was heard lately, and is taken to be gone when this moment comes without a word.
    Until(Instant),
}

impl Reach {
    /// Whether media may be sent now.
    pub(super) fn at(self, now: Instant) -> bool {
        match self {
            Reach::No => false,
            Reach::Yes => true,
            Reach::Until(end) => now < end,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn silence_ends_it() {
        let end = Instant::now() + Duration::from_secs(1);
        assert!(!Reach::No.at(end) && Reach::Yes.at(end));
        assert!(Reach::Until(end).at(end - Duration::from_millis(1)));
        assert!(!Reach::Until(end).at(end));
    }
}
