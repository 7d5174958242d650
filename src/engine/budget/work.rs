//! What the time of a thread goes to.

use std::fmt;
use std::time::Duration;

use crate::codec::multiplex::{self, Multiplexed};

/// What is done for a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    Stun,
    /// Handshakes, and SCTP with the data channels above it.
    Dtls,
    Rtp,
    Rtcp,
    /// Descriptions and candidates that the application hands over.
    Negotiation,
    Timers,
    Other,
}

const KINDS: usize = 7;

impl Work {
    /// That of a datagram.
    pub fn of(bytes: &[u8]) -> Self {
        match multiplex::classify(bytes) {
            Multiplexed::Stun => Self::Stun,
            Multiplexed::Dtls => Self::Dtls,
            Multiplexed::Rtp => Self::Rtp,
            Multiplexed::Rtcp => Self::Rtcp,
            Multiplexed::Unknown => Self::Other,
        }
    }

    /// Whether it comes in datagrams, which can wait or be dropped.
    pub(super) fn can_wait(self) -> bool {
        !matches!(self, Self::Negotiation | Self::Timers)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Stun => "STUN",
            Self::Dtls => "DTLS and SCTP",
            Self::Rtp => "RTP",
            Self::Rtcp => "RTCP",
            Self::Negotiation => "negotiation",
            Self::Timers => "timers",
            Self::Other => "other datagrams",
        }
    }
}

/// What the time that went to one peer went to.
#[derive(Clone, Default, Debug)]
pub(super) struct Tally([(Duration, u64); KINDS]);

impl Tally {
    pub(super) fn add(&mut self, work: Work, took: Duration, count: u32) {
        if let Some((time, times)) = self.0.get_mut(work as usize) {
            *time += took;
            *times += u64::from(count);
        }
    }
}

/// The kind that took most, and how much of all that is.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Work::{Dtls, Negotiation, Other, Rtcp, Rtp, Stun, Timers};
        let kinds = [Stun, Dtls, Rtp, Rtcp, Negotiation, Timers, Other];
        let all: Duration = self.0.iter().map(|(time, _)| *time).sum();
        let most = kinds.iter().zip(&self.0).max_by_key(|(_, (time, _))| *time);
        let Some((work, (time, times))) = most else { return Ok(()) };
        let (all, time) = (all.as_millis(), time.as_millis());
        write!(f, "{all} ms of its media thread, {time} ms of it for {times} of {}", work.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_what_took_most() {
        let mut tally = Tally::default();
        tally.add(Work::Rtp, Duration::from_millis(10), 500);
        tally.add(Work::Dtls, Duration::from_millis(90), 30);
        let text = "100 ms of its media thread, 90 ms of it for 30 of DTLS and SCTP";
        assert_eq!(tally.to_string(), text);
    }

    #[test]
    fn datagrams_can_wait_and_what_the_application_asks_for_cannot() {
        assert_eq!(Work::of(&[0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Work::Rtp);
        assert_eq!(Work::of(&[]), Work::Other);
        assert!(Work::Dtls.can_wait() && !Work::Negotiation.can_wait());
    }
}
