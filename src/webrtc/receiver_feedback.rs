//! What the peer says of the streams it receives (RFC 3550 6.4, RFC 4585, RFC 5104). It is opened
//! here, because str0m does not know those streams; what concerns the streams that the peer sends
//! goes on to str0m.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::forwarding::outgoing_packet;
use super::outgoing::Nacked;
use super::{Session, SessionEvent};
use crate::codec::Kind;
use crate::codec::multiplex::Multiplexed;
use crate::codec::rtcp::{self, Packet};
use crate::control::flow::Flow;
use crate::control::ids::OutgoingTrackId;
use crate::egress::Purpose;
use crate::sfu::SourcePacket;

/// Packets one track is asked to repeat in one turn; more is a receiver that lost its network.
const MAX_NACKED: usize = 512;
/// A receiver has asked again, or does not need it any more, after this time.
const REPAIR_TIME: Duration = Duration::from_millis(400);
/// Between keyframes that are asked for because repetitions were given up.
const KEYFRAME_PAUSE: Duration = Duration::from_secs(1);
/// The last packets of a track that are looked at for a probe.
const MAX_PROBED: u64 = 64;

impl Session {
    /// Takes an RTCP compound. Gives whether str0m has to see it as well.
    pub(super) fn on_rtcp(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        plain: &mut Vec<u8>,
    ) -> bool {
        if !self.egress.has_keys() {
            return true;
        }
        if !self.egress.open(bytes, plain) {
            return false;
        }
        self.authentic_received += 1;
        self.consent(now);
        if let Some(dumping) = &self.dumping {
            dumping.plain(true, flow, plain);
        }
        self.follow(now, flow, Multiplexed::Rtcp, true);
        let mut for_str0m = false;
        for packet in rtcp::packets(plain) {
            match packet {
                Packet::SenderReport { reports, .. } => {
                    for_str0m = true;
                    self.on_report_blocks(now, reports);
                }
                Packet::ReceiverReport { reports, .. } => self.on_report_blocks(now, reports),
                Packet::Nack { media, lost, .. } => self.on_nack(now, media, lost),
                Packet::Pli { media, .. } => {
                    if let Some(index) = self.outgoing_by_ssrc(media) {
                        let stream = self.outgoing[index].egress.as_mut();
                        stream.into_iter().for_each(|stream| stream.feedback_mut().plis += 1);
                        self.on_keyframe_request(index);
                    }
                }
                Packet::Fir { entries, .. } => {
                    for (ssrc, number) in entries {
                        if let Some(index) = self.outgoing_by_ssrc(ssrc) {
                            let stream = self.outgoing[index].egress.as_mut();
                            if stream.is_some_and(|stream| stream.full_intra_request(number)) {
                                self.on_keyframe_request(index);
                            }
                        }
                    }
                }
                Packet::Goodbye(_) | Packet::ExtendedReport { .. } | Packet::Other { .. } => {
                    for_str0m = true;
                }
                Packet::TransportFeedback(feedback) => self.on_transport_feedback(now, &feedback),
                Packet::Remb { bitrate, .. } => self.on_remb(now, bitrate),
                Packet::SourceDescription => {}
            }
        }
        for_str0m
    }

    fn outgoing_by_ssrc(&self, ssrc: u32) -> Option<usize> {
        self.outgoing.iter().position(|o| o.egress.as_ref().is_some_and(|s| s.ssrc() == ssrc))
    }

    fn on_report_blocks(&mut self, now: Instant, reports: rtcp::ReportBlocks<'_>) {
        let clock = *self.egress.clock();
        for block in reports {
            let stream = self
                .outgoing
                .iter_mut()
                .filter_map(|outgoing| outgoing.egress.as_mut())
                .find(|stream| stream.ssrc() == block.ssrc);
            if let Some(stream) = stream {
                stream.report(now, &clock, &block);
            }
        }
    }

    fn on_nack(&mut self, now: Instant, media: u32, lost: rtcp::Lost<'_>) {
        let Some(index) = self.outgoing_by_ssrc(media) else { return };
        let outgoing = &mut self.outgoing[index];
        if let Some(stream) = &mut outgoing.egress {
            stream.feedback_mut().nacks += 1;
        }
        let before = outgoing.nacked.len();
        for sequence in lost.take(MAX_NACKED) {
            let Some(index) = outgoing.transponder.index_of(sequence) else { continue };
            // In the order in which they are played.
            let place = outgoing.nacked.partition_point(|nacked| nacked.index < index);
            if let Some(waiting) = outgoing.nacked.get_mut(place).filter(|n| n.index == index) {
                // It waits still, and is needed still.
                waiting.asked = now;
            } else if outgoing.nacked.len() >= MAX_NACKED {
                break;
            } else if let Some((origin, sequence)) = outgoing.transponder.origin_of(index) {
                outgoing.nacked.insert(place, Nacked { index, origin, sequence, asked: now });
            }
        }
        if before == 0 && !outgoing.nacked.is_empty() {
            let id = outgoing.id;
            self.events.push_back(SessionEvent::RetransmissionWanted { id });
        }
    }

    /// The receiver lost the picture (PLI or FIR): ask whoever feeds the track.
    fn on_keyframe_request(&mut self, index: usize) {
        let outgoing = &self.outgoing[index];
        let (Some(source), Some(encoding)) = (&outgoing.source, outgoing.transponder.current())
        else {
            return;
        };
        self.events.push_back(SessionEvent::KeyframeWanted { source: source.id, encoding });
    }

    /// Repeats what the receiver of a track asked for. `find` looks a packet up in the history of
    /// its source.
    pub fn retransmit(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) {
        let limits = self
            .bandwidth
            .estimate()
            .map(|estimate| (estimate, estimate.saturating_sub(self.bandwidth.target)));
        // Where much gets lost a packet is repeated twice: at a loss of 5 % one packet in 20 is asked
        // for, and of those one in 400 does not come by two repetitions.
        let insured = self.bandwidth.loses_much();
        let Some(outgoing) = self.outgoing.find_mut(id) else { return };
        let mut nacked = std::mem::take(&mut outgoing.nacked);
        let (mut done, mut given_up) = (0, false);
        let mut repeated: Vec<(Arc<SourcePacket>, u64)> = Vec::new();
        for nacked in &nacked {
            if let Some((estimate, spare)) = limits
                && !self.pacing.may_repeat(now, estimate, spare)
            {
                break;
            }
            done += 1;
            let fresh = now.saturating_duration_since(nacked.asked) < REPAIR_TIME;
            given_up |= !fresh;
            if let Some(packet) = find(nacked).filter(|_| fresh)
                && let Some(bytes) = self.repeat(now, id, &packet, nacked.index, Purpose::Repair)
            {
                self.pacing.repeated(bytes);
                if insured {
                    repeated.push((packet, nacked.index));
                }
            }
        }
        // Only what is left: a second copy of one packet is worth less than the first of another.
        for (packet, index) in &repeated {
            if let Some((estimate, spare)) = limits
                && !self.pacing.may_repeat(now, estimate, spare)
            {
                break;
            }
            let again = self.repeat(now, id, packet, *index, Purpose::Insurance);
            self.pacing.repeated(again.unwrap_or(0));
        }
        nacked.drain(..done);
        if let Some(index) = self.outgoing.position(id) {
            self.pacing.set_repairs(id, !nacked.is_empty());
            let outgoing = &mut self.outgoing[index];
            outgoing.nacked = nacked;
            // A browser that waits for what does not come again asks for a keyframe after three
            // seconds, in which its picture stands.
            let again = |at: Instant| now >= at + KEYFRAME_PAUSE;
            if given_up && outgoing.kind == Kind::Video && outgoing.gave_up.is_none_or(again) {
                outgoing.gave_up = Some(now);
                self.on_keyframe_request(index);
            }
        }
        self.probe(now, id, find);
    }

    /// Repeats the last packets once more, as a probe: the receiver has them and passes over them.
    /// Where there are none padding does, in smaller packets.
    fn probe(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) {
        // What still waits to be sent is not there to be repeated.
        let mut behind = self.pacing.waiting_of(id) as u64;
        let last = behind + MAX_PROBED;
        while let Some(probe) = self.probe_due(now) {
            let repeated =
                (behind < last).then(|| self.repeat_for_probe(now, id, behind, probe, &find));
            behind += 1;
            let sent = match repeated {
                Some(None) => continue,
                Some(Some(bytes)) => Some(bytes),
                None => self.pad(now, id, probe),
            };
            self.probe_sent(sent);
        }
    }

    /// Repeats the packet that was sent so many before the newest.
    fn repeat_for_probe(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        behind: u64,
        probe: u32,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) -> Option<usize> {
        let transponder = &self.outgoing.find_mut(id)?.transponder;
        let index = transponder.newest_sent()?.checked_sub(behind)?;
        let (origin, sequence) = transponder.origin_of(index)?;
        let packet = find(&Nacked { index, origin, sequence, asked: now })?;
        self.repeat(now, id, &packet, index, Purpose::Probe(probe))
    }

    /// Sends a packet of nothing but padding.
    fn pad(&mut self, now: Instant, id: OutgoingTrackId, probe: u32) -> Option<usize> {
        let outgoing = self.outgoing.find_mut(id)?;
        let flow = *self.egress.flow()?;
        let pt = outgoing.formats.iter().find_map(|format| format.rtx)?;
        let newest = outgoing.transponder.newest_sent()? as u16;
        let bytes = self.egress.pad(now, outgoing.egress.as_mut()?, pt, newest, probe)?;
        let length = bytes.len();
        self.queue(&flow, bytes);
        self.on_sent(now, length);
        Some(length)
    }

    /// Repeats the last packet before a pause: nothing behind it shows the receiver that it is
    /// missing.
    pub fn repeat_tail(&mut self, now: Instant, id: OutgoingTrackId, packet: &SourcePacket) {
        let Some(outgoing) = self.outgoing.find_mut(id) else { return };
        if let Some(index) = outgoing.transponder.sent_as(packet) {
            self.repeat(now, id, packet, index, Purpose::Repair);
        }
    }

    /// Gives the length of the datagram, if one is sent.
    fn repeat(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        packet: &SourcePacket,
        index: u64,
        purpose: Purpose,
    ) -> Option<usize> {
        let outgoing = self.outgoing.find_mut(id)?;
        let flow = *self.egress.flow()?;
        let carriage = outgoing.carriage(packet)?;
        let forward = outgoing.transponder.repeat(packet, index)?;
        let out = outgoing_packet(packet, &forward, carriage, None)?;
        let media_bytes = outgoing.sent.bytes;
        let stream = outgoing.egress.as_mut()?;
        let bytes = self.egress.repeat(now, stream, &out, carriage.rtx?, media_bytes, purpose)?;
        if let Some(dumping) = &self.dumping {
            dumping.repeated(&flow, &bytes, &out);
        }
        let length = bytes.len();
        self.queue(&flow, bytes);
        self.on_sent(now, length);
        Some(length)
    }
}
