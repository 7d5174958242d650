//! Where the far end of a port is: given, or learnt from the first packet that may come there, which
//! is what gets through NATs that signaling knows nothing of (RFC 7362 4). Once it is known nothing
//! moves it, unless that was asked for: whoever can guess a port could take the call over otherwise.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::control::rtp::RtpNetwork;

/// Without keys another address is followed only when the one before has been silent for so long.
const SILENCE: Duration = Duration::from_secs(2);

/// What is to be done with a packet by where it is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// From where packets come.
    Known,
    /// From where they may come, if it is one at all: [`Latch::learn`] is called then.
    Possible,
    /// From elsewhere.
    Refused,
}

/// Where packets of one port come from, and where they go.
#[derive(Clone, Debug)]
pub(super) struct Latch {
    /// Where to send, as it was told.
    given: Option<SocketAddr>,
    allowed: Vec<RtpNetwork>,
    /// The far end may move.
    comedia: bool,
    /// Its packets are authentic.
    protected: bool,
    learnt: Option<SocketAddr>,
    heard: Option<Instant>,
}

impl Latch {
    pub(super) fn new(
        given: Option<SocketAddr>,
        allowed: Vec<RtpNetwork>,
        comedia: bool,
        protected: bool,
    ) -> Self {
        Self { given, allowed, comedia, protected, learnt: None, heard: None }
    }

    /// The far end is said to be somewhere else: whoever was learnt before is not it any more.
    pub(super) fn update(
        &mut self,
        given: Option<SocketAddr>,
        allowed: &[RtpNetwork],
        protected: bool,
    ) {
        if self.given != given {
            (self.given, self.learnt, self.heard) = (given, None, None);
        }
        self.allowed = allowed.to_vec();
        self.protected = protected;
    }

    /// What a packet from there is.
    pub(super) fn judge(&self, now: Instant, from: SocketAddr) -> Verdict {
        let Some(learnt) = self.learnt else { return self.possible(from) };
        if learnt == from {
            return Verdict::Known;
        }
        let silent = self.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= SILENCE);
        let may_move = self.comedia && (self.protected || silent);
        if may_move { self.possible(from) } else { Verdict::Refused }
    }

    fn possible(&self, from: SocketAddr) -> Verdict {
        // Who was named sends from that host, though from what port it likes (RFC 4961 is not
        // everywhere), unless it may be anywhere.
        let at_home = self.comedia || self.given.is_none_or(|given| same_host(given, from));
        let allowed =
            self.allowed.is_empty() || self.allowed.iter().any(|network| network.has(from.ip()));
        if at_home && allowed { Verdict::Possible } else { Verdict::Refused }
    }

    /// A packet from there turned out to be one. Gives whether that is news.
    pub(super) fn learn(&mut self, now: Instant, from: SocketAddr) -> bool {
        self.heard = Some(now);
        self.learnt.replace(from) != Some(from)
    }

    /// Where to send; `None` when that is not known yet.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        if self.comedia { self.learnt.or(self.given) } else { self.given.or(self.learnt) }
    }

    /// Where packets come from, once one came.
    pub(super) fn learnt(&self) -> Option<SocketAddr> {
        self.learnt
    }
}

fn same_host(one: SocketAddr, other: SocketAddr) -> bool {
    // Whoever is sent to at a group answers from an address of its own.
    one.ip().is_multicast() || one.ip().to_canonical() == other.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn elsewhere() -> SocketAddr {
        SocketAddr::from(([203, 0, 113, 9], 5004))
    }

    #[test]
    fn the_first_packet_decides_and_no_other_moves_it() {
        let (now, mut latch) = (Instant::now(), Latch::new(None, Vec::new(), false, false));
        assert_eq!(latch.target(), None);
        assert_eq!(latch.judge(now, at(5004)), Verdict::Possible);
        assert!(latch.learn(now, at(5004)));
        assert!(!latch.learn(now, at(5004)));
        assert_eq!(latch.judge(now, at(5004)), Verdict::Known);
        for hours in [0, 1, 100] {
            let later = now + Duration::from_secs(3600 * hours);
            assert_eq!(latch.judge(later, at(5005)), Verdict::Refused);
            assert_eq!(latch.judge(later, elsewhere()), Verdict::Refused);
        }
        assert_eq!(latch.target(), Some(at(5004)));
    }

    #[test]
    fn who_is_named_sends_from_that_host_and_gets_what_is_sent_where_it_said() {
        let (now, mut latch) =
            (Instant::now(), Latch::new(Some(at(5004)), Vec::new(), false, false));
        assert_eq!(latch.judge(now, elsewhere()), Verdict::Refused);
        assert_eq!(latch.judge(now, at(40_000)), Verdict::Possible);
        latch.learn(now, at(40_000));
        assert_eq!(latch.judge(now, at(40_001)), Verdict::Refused, "once it sends from one port");
        assert_eq!(latch.target(), Some(at(5004)));
    }

    #[test]
    fn only_networks_that_are_named_may_begin() {
        let network = RtpNetwork { address: [203, 0, 113, 0].into(), prefix: 24 };
        let latch = Latch::new(None, vec![network], false, false);
        assert_eq!(latch.judge(Instant::now(), at(5004)), Verdict::Refused);
        assert_eq!(latch.judge(Instant::now(), elsewhere()), Verdict::Possible);
    }

    #[test]
    fn who_may_move_is_followed_when_it_fell_silent_where_it_was() {
        let (now, mut latch) = (Instant::now(), Latch::new(None, Vec::new(), true, false));
        latch.learn(now, at(5004));
        assert_eq!(latch.judge(now + SILENCE / 2, elsewhere()), Verdict::Refused);
        assert_eq!(latch.judge(now + SILENCE, elsewhere()), Verdict::Possible);
        latch.learn(now + SILENCE, elsewhere());
        assert_eq!(latch.target(), Some(elsewhere()));
    }

    #[test]
    fn who_may_move_and_has_keys_is_followed_at_once() {
        let (now, mut latch) = (Instant::now(), Latch::new(Some(at(9)), Vec::new(), true, true));
        latch.learn(now, at(5004));
        assert_eq!(latch.judge(now, elsewhere()), Verdict::Possible);
        assert_eq!(latch.target(), Some(at(5004)), "where it is, not where it was said to be");
    }
}
