//! The SSRCs that each m-line of ours sends with.
//!
//! str0m makes them and writes them into descriptions, but it does not send with them: our own
//! sending side does (see [`crate::sending`]). A stream that str0m knows would be reported on by
//! it, under the same keys and with counts of its own. So str0m knows our streams only while a
//! description is made or taken in: they are declared right before and removed right after, and
//! it is not asked for output in between.

use std::collections::HashMap;

use str0m::media::Mid;
use str0m::rtp::Ssrc;

use super::Session;

/// SSRC of the media and of its retransmissions.
pub(super) type SsrcPair = (Ssrc, Option<Ssrc>);

#[derive(Default)]
pub(super) struct Lines(HashMap<Mid, SsrcPair>);

impl Lines {
    pub(super) fn get(&self, mid: Mid) -> Option<SsrcPair> {
        self.0.get(&mid).copied()
    }

    pub(super) fn contains(&self, ssrc: Ssrc) -> bool {
        self.0.values().any(|(media, rtx)| *media == ssrc || *rtx == Some(ssrc))
    }
}

impl Session {
    /// Runs a step of negotiation, the only place where SDP goes into str0m or comes out of it.
    pub(super) fn negotiate<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> T {
        let mut api = self.rtc.direct_api();
        for (mid, (ssrc, rtx)) in &self.lines.0 {
            api.declare_stream_tx(*ssrc, *rtx, *mid, None);
        }
        let result = step(self);
        self.withdraw_streams();
        result
    }

    /// Takes every stream from str0m and remembers its SSRCs.
    fn withdraw_streams(&mut self) {
        let lines: Vec<Mid> = self.negotiation.lines().collect();
        self.lines.0.retain(|mid, _| lines.contains(mid) && self.rtc.media(*mid).is_some());
        let mut api = self.rtc.direct_api();
        for mid in lines {
            if let Some(stream) = api.stream_tx_by_mid(mid, None) {
                let (ssrc, rtx) = (stream.ssrc(), stream.rtx());
                api.remove_stream_tx(ssrc);
                self.lines.0.insert(mid, (ssrc, rtx));
            }
        }
    }

    /// Gives a line other SSRCs: whoever gets it next counts packets from the start, and a packet
    /// index must never come twice for one SSRC (RFC 3711 9.1).
    pub(super) fn renew_line(&mut self, mid: Mid) {
        let Some((before, rtx)) = self.lines.get(mid) else { return };
        let ssrc = self.unused_ssrc();
        self.lines.0.insert(mid, (ssrc, None));
        let rtx = rtx.map(|_| self.unused_ssrc());
        self.lines.0.insert(mid, (ssrc, rtx));
        let mut api = self.rtc.direct_api();
        // In the middle of a step of negotiation str0m has it.
        if api.remove_stream_tx(before) {
            api.declare_stream_tx(ssrc, rtx, mid, None);
        }
    }

    pub(super) fn unused_ssrc(&mut self) -> Ssrc {
        loop {
            let ssrc = self.rtc.direct_api().new_ssrc();
            if !self.lines.contains(ssrc) && *ssrc != self.receiving.report_ssrc() {
                return ssrc;
            }
        }
    }
}
