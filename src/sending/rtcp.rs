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
                    track.want_keyframe(now, &mut self.events);
                }
            }
            Packet::Fir { entries, .. } => {
                for (ssrc, number) in entries.clone() {
                    if let Some(place) = self.place_of(ssrc) {
                        let track = &mut self.tracks[place];
                        let stream = track.rtp.as_mut();
                        if stream.is_some_and(|stream| stream.full_intra_request(number)) {
                            track.want_keyframe(now, &mut self.events);
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
        let (clock, acknowledged) = (*self.egress.clock(), self.egress.acknowledged());
        for block in reports {
            let Some(place) = self.place_of(block.ssrc) else { continue };
            let track = &mut self.tracks[place];
            if let Some(stream) = &mut track.rtp {
                stream.feedback_mut().acknowledge(acknowledged);
                stream.report(now, &clock, &block);
                track.tell_loss(&mut self.events);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sending::testing::{Rig, receiver_report};
    use crate::sfu::testing::Source;

    fn keyframes(rig: &mut Rig) -> usize {
        let events = rig.events();
        events.iter().filter(|e| matches!(e, SendingEvent::KeyframeWanted { .. })).count()
    }

    fn forwarding() -> Rig {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        rig.forward(track, Source::new(Codec::Vp8).frame(true, 1));
        rig.events();
        rig
    }

    #[test]
    fn a_lost_picture_asks_the_source_for_a_keyframe() {
        let mut rig = forwarding();
        let pli = |media: u32| {
            let mut bytes = vec![0; 12];
            rtcp::write_pli(&mut bytes, 1, media).unwrap();
            bytes
        };
        rig.receive(&pli(1000));
        assert_eq!(keyframes(&mut rig), 1);
        rig.receive(&pli(4711));
        assert_eq!(keyframes(&mut rig), 0);
        let fir = |number: u8| {
            let mut bytes = vec![0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0];
            bytes.extend(1000u32.to_be_bytes());
            bytes.extend([number, 0, 0, 0]);
            bytes
        };
        for (number, expected) in [(5, 1), (5, 0), (6, 1)] {
            rig.receive(&fir(number));
            assert_eq!(keyframes(&mut rig), expected, "FIR {number} (RFC 5104 4.3.1.1)");
        }
        let stats = rig.sending.stats(rig.now);
        assert_eq!((stats.tracks[0].pli_count, stats.tracks[0].fir_count), (1, 3));
    }

    #[test]
    fn a_report_is_of_the_stream_that_it_names() {
        let mut rig = forwarding();
        rig.receive(&receiver_report(4711, 128));
        assert_eq!(rig.sending.stats(rig.now).tracks[0].fraction_lost, None);
        rig.receive(&receiver_report(1000, 64));
        let track = &rig.sending.stats(rig.now).tracks[0];
        assert_eq!((track.fraction_lost, track.packets_lost), (Some(0.25), Some(3)));
    }

    #[test]
    fn a_stream_is_reported_on_at_once_and_then_every_second_in_which_it_sends() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        let mut reports = Vec::new();
        for frame in 0..90 {
            rig.forward(track, camera.frame(frame == 0, 1));
            rig.run(33);
            for datagram in rig.datagrams() {
                let plain = rig.open(&datagram);
                if let Some(Packet::SenderReport { ssrc: 1000, packets, .. }) =
                    rtcp::packets(&plain).next()
                {
                    reports.push((frame, packets));
                }
            }
        }
        assert_eq!(reports, [(0, 1), (30, 31), (60, 61)]);
        rig.run(5_000);
        rig.datagrams();
        rig.run(10_000);
        assert_eq!(rig.datagrams().len(), 0, "there is nothing to tell");
    }

    #[test]
    fn goodbyes_name_every_stream() {
        let mut rig = forwarding();
        rig.video(2, &[1]);
        rig.datagrams();
        rig.sending.say_goodbye();
        let datagrams = rig.datagrams();
        let plain = rig.open(&datagrams[0]);
        let left = rtcp::packets(&plain).find_map(|packet| match packet {
            Packet::Goodbye(ssrcs) => Some(ssrcs.collect::<Vec<u32>>()),
            _ => None,
        });
        assert_eq!(left, Some(vec![1000, 2000]));
    }
}
