//! The SSRCs that each m-line of ours sends with.

use std::collections::{HashMap, HashSet};

use super::Session;
use crate::codec::names::Mid;

/// SSRC of the media and of its retransmissions.
type SsrcPair = (u32, u32);

#[derive(Default)]
pub(super) struct Lines {
    current: HashMap<Mid, SsrcPair>,
    /// All that there ever were.
    used: HashSet<u32>,
}

impl Lines {
    pub(super) fn contains(&self, ssrc: u32) -> bool {
        self.current.values().any(|(media, rtx)| *media == ssrc || *rtx == ssrc)
    }
}

impl Session {
    /// The SSRCs of a line. It has some from the first time it is asked for.
    pub(super) fn ssrcs_of(&mut self, mid: &Mid) -> SsrcPair {
        if let Some(pair) = self.lines.current.get(mid) {
            return *pair;
        }
        let pair = (self.unused_ssrc(), self.unused_ssrc());
        self.lines.current.insert(mid.clone(), pair);
        pair
    }

    /// Gives a line other SSRCs: whoever gets it next counts packets from the start, and a packet
    /// index must never come twice for one SSRC (RFC 3711 9.1).
    pub(super) fn renew_line(&mut self, mid: &Mid) {
        self.lines.current.remove(mid);
    }

    /// Forgets the SSRCs of lines that are gone.
    pub(super) fn retain_lines(&mut self) {
        let known: HashSet<&Mid> = self
            .negotiation
            .lines
            .iter()
            .filter(|line| line.usable())
            .map(|line| &line.mid)
            .collect();
        self.lines.current.retain(|mid, _| known.contains(mid));
    }

    /// One that nobody has: not a line of ours, now or before, and not the peer.
    pub(super) fn unused_ssrc(&mut self) -> u32 {
        loop {
            let ssrc = *self.rtc.direct_api().new_ssrc();
            let remote = self.negotiation.lines.iter().flat_map(|line| &line.remote.sources);
            let theirs = remote.into_iter().any(|s| s.ssrc == ssrc || s.rtx == Some(ssrc));
            if !theirs && self.lines.used.insert(ssrc) {
                return ssrc;
            }
        }
    }
}
