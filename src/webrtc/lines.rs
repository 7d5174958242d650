//! The SSRCs that each m-line of ours sends with.

use std::collections::{HashMap, HashSet};

use super::Session;
use crate::codec::names::Mid;

/// SSRC of the media and of its retransmissions.
type SsrcPair = (u32, u32);

#[derive(Default)]
pub(super) struct Lines {
    current: HashMap<Mid, SsrcPair>,
    /// What the peer sends with, by its description.
    theirs: HashSet<u32>,
    /// Where the next one is looked for, and how far from the one before. The distance is odd, so
    /// that none comes twice in four thousand million, without a memory of all that there were.
    next: u32,
    distance: u32,
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

    /// Forgets what was known of lines that are gone.
    pub(super) fn retain_lines(&mut self) {
        let usable = self.negotiation.lines.iter().filter(|line| line.usable());
        let known: HashSet<&Mid> = usable.map(|line| &line.mid).collect();
        self.lines.current.retain(|mid, _| known.contains(mid));
        self.negotiation.own_lines.retain(|mid| known.contains(mid));
        self.refused.retain(|mid| known.contains(mid));
        self.refused_tracks.retain(|(mid, _)| known.contains(mid));
    }

    /// Learns what the peer sends with from what was just agreed on.
    pub(super) fn learn_ssrcs(&mut self) {
        let sources = self.negotiation.lines.iter().flat_map(|line| &line.remote.sources);
        self.lines.theirs =
            sources.flat_map(|source| [Some(source.ssrc), source.rtx]).flatten().collect();
    }

    /// One that nobody has: not a line of ours, now or before, and not the peer.
    pub(super) fn unused_ssrc(&mut self) -> u32 {
        if self.lines.distance == 0 {
            let api = self.rtc.direct_api();
            self.lines.next = *api.new_ssrc();
            self.lines.distance = *api.new_ssrc() | 1;
        }
        loop {
            let ssrc = self.lines.next;
            self.lines.next = ssrc.wrapping_add(self.lines.distance);
            let reported = ssrc == self.receiving.report_ssrc();
            if ssrc != 0 && !reported && !self.lines.theirs.contains(&ssrc) {
                return ssrc;
            }
        }
    }
}
