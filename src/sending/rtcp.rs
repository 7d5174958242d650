//! RTCP about what is sent: what the peer says of it (RFC 3550 6.4, RFC 4585, RFC 5104), and the
//! reports and goodbyes that it gets.

use std::time::Instant;

use super::Sending;
use super::event::SendingEvent;
use super::report;
use crate::codec::rtcp::{self, Packet};
use crate::control::flow::Flow;

impl Sending {
    /// Authenticates and decrypts a received RTCP compound into `plain`, which is cleared first.
    /// False: it is not the peer's, or was there before.
    pub fn open_rtcp(&mut self, datagram: &[u8], plain: &mut Vec<u8>) -> bool {
        self.egress.open(datagram, plain)
    }

    /// Takes what an opened packet says of what is sent. Everything else in it is passed over.
    pub fn on_rtcp(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => {
                self.on_report_blocks(now, reports.clone());
            }
            Packet::Nack { media, lost, .. } => self.on_nack(now, *media, lost.clone()),
            Packet::Pli { media, .. } => {
                if let Some(place) = self.place_of(*media) {
                    let track = &mut self.tracks[place];
                    track.rtp.iter_mut().for_each(|stream| stream.feedback_mut().plis += 1);
                    track.want_keyframe(&mut self.events);
                }
            }
            Packet::Fir { entries, .. } => {
                for (ssrc, number) in entries.clone() {
                    if let Some(place) = self.place_of(ssrc) {
                        let track = &mut self.tracks[place];
                        let stream = track.rtp.as_mut();
                        if stream.is_some_and(|stream| stream.full_intra_request(number)) {
                            track.want_keyframe(&mut self.events);
                        }
                    }
                }
            }
            Packet::TransportFeedback(feedback) => self.on_transport_feedback(now, feedback),
            Packet::Remb { bitrate, .. } => self.on_remb(now, *bitrate),
            Packet::SourceDescription
            | Packet::Goodbye(_)
            | Packet::ExtendedReport { .. }
            | Packet::Other { .. } => {}
        }
    }

    fn place_of(&self, ssrc: u32) -> Option<usize> {
        self.tracks.iter().position(|track| track.rtp.as_ref().is_some_and(|s| s.ssrc() == ssrc))
    }

    fn on_report_blocks(&mut self, now: Instant, reports: rtcp::ReportBlocks<'_>) {
        let clock = *self.egress.clock();
        for block in reports {
            let mut streams = self.tracks.iter_mut().filter_map(|track| track.rtp.as_mut());
            if let Some(stream) = streams.find(|stream| stream.ssrc() == block.ssrc) {
                stream.report(now, &clock, &block);
            }
        }
    }

    fn on_nack(&mut self, now: Instant, media: u32, lost: rtcp::Lost<'_>) {
        let Some(place) = self.place_of(media) else { return };
        let track = &mut self.tracks[place];
        if let Some(stream) = &mut track.rtp {
            stream.feedback_mut().nacks += 1;
        }
        if track.note_lost(now, lost) {
            self.events.push_back(SendingEvent::RetransmissionWanted { id: track.id });
        }
    }

    /// Sends sender reports that are due.
    pub(super) fn poll_reports(&mut self, now: Instant) {
        let Some(flow) = self.flow else { return };
        let streams = self.tracks.iter_mut().filter_map(|track| track.rtp.as_mut());
        for compound in self.egress.reports(now, streams) {
            self.send_compound(&flow, compound);
        }
    }

    /// Says that all streams end.
    pub fn say_goodbye(&mut self) {
        let Some(flow) = self.flow else { return };
        let streams = self.tracks.iter().filter_map(|track| track.rtp.as_ref());
        let ssrcs: Vec<u32> = streams.map(|stream| stream.ssrc()).collect();
        for compound in report::goodbyes(&ssrcs) {
            self.send_compound(&flow, compound);
        }
    }

    /// Sends an RTCP compound about what is received. Its sender has to have an SSRC that nothing
    /// is sent with: the same keys protect all (RFC 3711 9.1).
    pub fn send_rtcp(&mut self, compound: Vec<u8>) {
        if let Some(flow) = self.flow {
            self.send_compound(&flow, compound);
        }
    }

    fn send_compound(&mut self, flow: &Flow, compound: Vec<u8>) {
        if let Some(observer) = &self.observer {
            observer.rtcp(flow, &compound);
        }
        if let Some(sealed) = self.egress.seal_compound(compound) {
            self.outbox.push(*flow, sealed);
        }
    }
}
