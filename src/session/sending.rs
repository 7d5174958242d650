//! Where this peer's own sending side sends to, and what it sends besides media.

use std::time::Instant;

use str0m::net::Transmit;

use super::{Session, config};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::Flow;
use crate::control::stats::CandidatePairStats;
use crate::egress;

impl Session {
    /// Checks come from another address than media goes to: ICE may have chosen another pair.
    /// str0m does not tell which one it uses, but a packet that it sends does. This one says
    /// nothing, and receivers pass over it (RFC 4585 6.4: application layer feedback).
    pub(super) fn ask_for_path(&mut self, now: Instant) {
        if !self.egress.has_keys() || self.state == TransportState::Closed {
            return;
        }
        let mut api = self.rtc.direct_api();
        let ssrc = api.new_ssrc();
        api.send_app_specific_feedback(ssrc, ssrc, *b"path");
        self.advance(now);
    }

    /// Queues a datagram of our own sending side.
    pub(super) fn queue(&mut self, flow: &Flow, bytes: Vec<u8>) {
        self.transmits.push_back(Transmit {
            proto: config::to_str0m_protocol(flow.protocol),
            source: flow.local,
            destination: flow.remote,
            contents: bytes.into(),
        });
    }

    /// A datagram of str0m that is not STUN goes over the pair that ICE chose.
    pub(super) fn learn_path(&mut self, flow: &Flow, bytes: &[u8]) {
        let kind = multiplex::classify(bytes);
        if kind == Multiplexed::Stun {
            return;
        }
        // Only when it changes: behind a NAT that gave the peer another address str0m may hold on
        // to the old one, while reports come from the new one.
        if self.chosen_flow.as_ref() != Some(flow) {
            self.chosen_flow = Some(*flow);
            self.egress.set_flow(*flow);
            self.candidate_pair = Some(CandidatePairStats::of(flow));
        }
        // Reports that str0m sends have its own SSRC, or one nonce could come twice under the
        // keys that both senders share (RFC 7714 9.1).
        let sender = bytes.get(4..8).and_then(|bytes| bytes.try_into().ok());
        if kind == Multiplexed::Rtcp
            && sender.is_some_and(|ssrc| self.lines.contains(u32::from_be_bytes(ssrc).into()))
        {
            debug_assert!(false, "str0m reports under an SSRC of ours");
            self.end(CloseReason::Error);
        }
    }

    /// Sends reports about our streams that are due.
    pub(super) fn poll_reports(&mut self, now: Instant) {
        let Some(flow) = self.egress.flow().copied() else { return };
        let streams = self.outgoing.iter_mut().filter_map(|outgoing| outgoing.egress.as_mut());
        for report in self.egress.reports(now, streams) {
            self.send_compound(&flow, report);
        }
    }

    fn send_compound(&mut self, flow: &Flow, compound: Vec<u8>) {
        if let Some(dumping) = &self.dumping {
            dumping.plain(false, flow, &compound);
        }
        if let Some(sealed) = self.egress.seal_compound(compound) {
            self.queue(flow, sealed);
        }
    }

    /// Says that our streams end.
    pub(super) fn say_goodbye(&mut self) {
        let Some(flow) = self.egress.flow().copied() else { return };
        let streams = self.outgoing.iter().filter_map(|outgoing| outgoing.egress.as_ref());
        let ssrcs: Vec<u32> = streams.map(|stream| stream.ssrc()).collect();
        for goodbye in egress::goodbyes(&ssrcs) {
            self.send_compound(&flow, goodbye);
        }
    }
}
