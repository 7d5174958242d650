//! What the peer says of the streams it receives (RFC 3550 6.4, RFC 4585, RFC 5104). It is opened
//! for our sending half, because str0m does not know those streams; what concerns the streams that
//! the peer sends goes on to str0m.

use std::time::Instant;

use super::Session;
use crate::codec::multiplex::Multiplexed;
use crate::codec::rtcp::{self, Packet};
use crate::control::flow::Flow;

impl Session {
    /// Takes an RTCP compound. Gives whether str0m has to see it as well.
    pub(super) fn on_rtcp(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        plain: &mut Vec<u8>,
    ) -> bool {
        if !self.sending.has_keys() {
            return true;
        }
        if !self.sending.open_rtcp(bytes, plain) {
            return false;
        }
        self.authentic_received += 1;
        self.consent(now);
        if let Some(dumping) = &self.dumping {
            dumping.plain(true, flow, plain);
        }
        self.follow(now, flow, Multiplexed::Rtcp, true);
        let mut for_str0m = false;
        self.with_sending(|sending| {
            for packet in rtcp::packets(plain) {
                for_str0m |= matches!(
                    packet,
                    Packet::SenderReport { .. }
                        | Packet::Goodbye(_)
                        | Packet::ExtendedReport { .. }
                        | Packet::Other { .. }
                );
                sending.on_rtcp(now, &packet);
            }
        });
        for_str0m
    }
}
