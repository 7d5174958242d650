//! What is done with the estimate of the link: layers, pace and probes follow it.

use std::time::{Duration, Instant};

use super::Sending;
use super::allotting::Link;
use super::bandwidth::Ticked;
use super::event::SendingEvent;
use crate::codec::Kind;
use crate::codec::rtcp::TransportFeedback;
use crate::control::event::Event;

impl Sending {
    /// Shares what the link carries among the tracks.
    pub(super) fn allot(&mut self, now: Instant) {
        let sound = self.tracks.iter().filter(|track| track.kind == Kind::Audio);
        let audio: u64 = sound.map(|track| track.sent.bitrate()).sum();
        let media = 1.0 - self.bandwidth.reserve(self.round_trip());
        let available = self.bandwidth.available().map(|all| (all as f64 * media) as u64);
        let link = Link {
            available: available.map_or(u64::MAX, |all| all.saturating_sub(audio)),
            certain: self.bandwidth.is_certain(),
        };
        let (tracks, events) = (&mut self.tracks, &mut self.events);
        let allotted = self.allotting.allot(now, link, self.reach.at(now), tracks, events);
        self.bandwidth.set_allotted(allotted, audio, media);
    }

    /// Takes transport-wide feedback.
    pub(super) fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let (origin, round_trip) = (self.egress.origin(), self.round_trip());
        let unasked = self.bandwidth.repeats_unasked(round_trip);
        let asked_for = unasked || self.tracks.iter().any(|track| !track.nacked.is_empty());
        let (mut arrived, mut lost) = (Vec::new(), Vec::new());
        let before = self.egress.acknowledged().lost;
        self.bandwidth.on_feedback(now, origin, round_trip, |results| {
            self.egress.transport_feedback(now, feedback, |result, packet| {
                match result.arrived {
                    Some(_) if asked_for => arrived.push(packet),
                    None if unasked => lost.push(packet),
                    _ => {}
                }
                results.push(result);
            });
        });
        if !lost.is_empty() {
            self.tracks.iter_mut().for_each(|track| track.note_missing(now, &lost));
        }
        let acknowledged = self.egress.acknowledged();
        if acknowledged.lost > before && self.egress.keeps_order() {
            for track in self.tracks.iter_mut().filter(|track| track.kind == Kind::Audio) {
                track.note_acknowledged(acknowledged, &mut self.events);
            }
        }
        if asked_for {
            arrived.sort_unstable();
            for track in self.tracks.iter_mut().filter(|track| !track.nacked.is_empty()) {
                track.note_arrived(&arrived);
                self.events.push_back(SendingEvent::RetransmissionWanted { id: track.id });
            }
        }
        self.tick(now);
    }

    /// Takes the receiver's own estimate.
    pub(super) fn on_remb(&mut self, now: Instant, bitrate: u64) {
        self.bandwidth.on_remb(now, self.egress.origin(), bitrate);
        self.tick(now);
    }

    /// The shortest that any stream's reports tell: they share the way.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        let streams = self.tracks.iter().filter_map(|track| track.rtp.as_ref());
        streams.filter_map(|stream| stream.feedback().round_trip_time()).min()
    }

    /// So many bytes of datagrams were sent.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: usize) {
        self.pacing.on_sent(now, bytes);
        self.bandwidth.on_sent(now, bytes, self.allotting.has_tracks());
    }

    /// Sees to everything of the link that is due.
    pub(super) fn poll_link(&mut self, now: Instant) {
        if self.pacing.is_due(now) {
            let repairs = self.pacing.take_repairs().into_iter();
            self.events.extend(repairs.map(|id| SendingEvent::RetransmissionWanted { id }));
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.bandwidth.is_tick_due(now) {
            self.tick(now);
        } else if due(self.allotting.next()) {
            self.allot(now);
        }
        if due(self.bandwidth.probing.next()) {
            self.want_probe_packets();
        }
        if let Some(report) = self.bandwidth.poll_report(now) {
            let event = Event::Bandwidth { transport: self.transport, report };
            self.events.push_back(SendingEvent::Event(event));
        }
    }

    fn tick(&mut self, now: Instant) {
        let Ticked { estimate, probe, allot } =
            self.bandwidth.tick(now, self.allotting.has_paused());
        if let Some(estimate) = estimate {
            self.pacing.set_rate(now, estimate, self.bandwidth.is_certain());
        }
        if probe {
            self.want_probe_packets();
        }
        if allot {
            self.allot(now);
        }
    }

    /// Asks for packets to repeat as a probe. The track with the most to repeat is the one that
    /// sends the most.
    fn want_probe_packets(&mut self) {
        let able = self.tracks.iter().filter(|track| track.can_probe());
        match able.max_by_key(|track| track.sent.bitrate()).map(|track| track.id) {
            Some(id) => self.events.push_back(SendingEvent::RetransmissionWanted { id }),
            None => self.bandwidth.probing.give_up(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::control::event::Event;
    use crate::control::ids::OutgoingTrackId;
    use crate::sending::testing::{OPUS_PT, Rig, description, format, remb, seen};
    use crate::sfu::testing::Source;

    /// Feedback that all packets from `base` on arrived as they were sent, 1 ms apart.
    fn feedback(count: u8, base: u16, packets: u16, reference: u32) -> Vec<u8> {
        let mut body = [[0, 0, 0, 1], [0; 4]].concat();
        body.extend(base.to_be_bytes());
        body.extend(packets.to_be_bytes());
        body.extend(&reference.to_be_bytes()[1..]);
        body.push(count);
        body.extend((1 << 13 | packets).to_be_bytes());
        body.extend(vec![4; usize::from(packets)]);
        body.resize(body.len().next_multiple_of(4), 0);
        [&[0x8f, 205][..], &((body.len() / 4) as u16).to_be_bytes(), &body].concat()
    }

    /// Half a second of video, with feedback every 50 ms.
    fn play(rig: &mut Rig, track: OutgoingTrackId) -> Vec<Vec<u8>> {
        let mut camera = Source::new(Codec::Vp8);
        let (mut told, mut others) = (0, Vec::new());
        for turn in 0..10u8 {
            for frame in 0..2 {
                rig.forward(track, camera.frame(turn + frame == 0, 2));
                rig.run(25);
            }
            let next = rig.sending.egress.next_transport_sequence();
            let reference = 10 + u32::from(turn) * 50 / 64;
            rig.receive(&feedback(turn, told, next - told, reference));
            told = next;
            others.extend(rig.datagrams());
        }
        others
    }

    #[test]
    fn feedback_begins_an_estimate_and_a_probe_on_the_retransmission_stream() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000, 2_000_000]);
        let datagrams = play(&mut rig, track);
        assert!(rig.sending.bandwidth.estimate().is_some());
        let (packets, bytes) = rig.sending.bandwidth.probing.totals();
        let probes: Vec<_> = datagrams.iter().map(|d| seen(d)).filter(|d| d.ssrc == 1001).collect();
        assert!(packets > 0);
        assert_eq!(probes.len() as u64, packets);
        assert_eq!(probes.iter().map(|probe| probe.length as u64).sum::<u64>(), bytes);
        assert_eq!(rig.sending.stats(rig.now).tracks[0].retransmitted_packets_sent, 0);
    }

    /// Feedback on so many tens of packets from `base` on, the last of each of which got lost.
    fn tenth_lost(count: u8, base: u16, tens: u16, reference: u32) -> Vec<u8> {
        let mut body = [[0, 0, 0, 1], [0; 4]].concat();
        body.extend(base.to_be_bytes());
        body.extend((10 * tens).to_be_bytes());
        body.extend(&reference.to_be_bytes()[1..]);
        body.push(count);
        (0..tens).for_each(|_| body.extend([1 << 5, 9, 0, 1]));
        body.extend(vec![4; 9 * usize::from(tens)]);
        body.resize(body.len().next_multiple_of(4), 0);
        [&[0x8f, 205][..], &((body.len() / 4) as u16).to_be_bytes(), &body].concat()
    }

    #[test]
    fn a_source_of_sound_hears_of_loss_that_feedback_tells_before_anything_is_asked_for() {
        let mut rig = Rig::connected();
        let track = rig.track(1, format(Codec::Opus, OPUS_PT));
        rig.feed(track, description(Codec::Opus, &[0]));
        let mut microphone = Source::new(Codec::Opus);
        let (mut base, mut heard) = (0, Vec::new());
        for turn in 0..25 {
            for _ in 0..10 {
                rig.forward(track, [microphone.packet()]);
                rig.run(20);
            }
            rig.receive(&tenth_lost(turn, base, 1, 10 + u32::from(turn) * 200 / 64));
            base += 10;
            heard.extend(rig.events().into_iter().filter_map(|event| match event {
                SendingEvent::LossChanged { loss, .. } => Some((turn, loss)),
                _ => None,
            }));
        }
        // In steps of 200 ms, and 26 of 256 are lost.
        assert!(heard.first().is_some_and(|(turn, loss)| *turn <= 11 && *loss > 5), "{heard:?}");
        assert!(heard.last().is_some_and(|(_, loss)| (12..=26).contains(loss)), "{heard:?}");
    }

    #[test]
    fn on_a_full_link_nothing_before_a_keyframe_goes_again() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        let mut sequences = Vec::new();
        let mut base = 0;
        for turn in 0..20u8 {
            for frame in 0..2 {
                let keyframe = frame == 0 && turn % 18 == 0;
                let sent = rig.forward(track, camera.frame(keyframe, 2));
                sequences.extend(sent.iter().map(|datagram| seen(datagram).sequence));
                rig.run(25);
            }
            // What leaves in 50 ms takes 128 to come.
            let next = rig.sending.egress.next_transport_sequence();
            rig.receive(&feedback(turn, base, next - base, 10 + 2 * u32::from(turn)));
            base = next;
            rig.datagrams();
        }
        assert!(rig.sending.bandwidth.is_congested());
        let behind = sequences.len() - 8;
        rig.nack(1000, &[sequences[behind - 2], sequences[behind + 1]]);
        rig.wait(20);
        rig.retransmit(track);
        assert_eq!(rig.datagrams().iter().filter(|d| seen(d).ssrc == 1001).count(), 1);
    }

    #[test]
    fn what_the_receiver_says_it_can_take_decides_over_layers() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000, 2_000_000]);
        play(&mut rig, track);
        rig.wait(200);
        rig.receive(&remb(150_000));
        assert_eq!(rig.sending.tracks[0].transponder.target().map(|index| index.0), Some(0));
        assert_eq!(rig.sending.stats(rig.now).target, 100_000);
    }

    #[test]
    fn another_address_is_measured_anew() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000, 2_000_000]);
        rig.receive(&remb(150_000));
        assert!(rig.sending.bandwidth.is_certain());
        rig.sending.set_flow(rig.now, crate::sending::testing::flow(2));
        rig.forward(track, [Source::new(Codec::Vp8).keyframe()]);
        rig.run(200);
        assert!(!rig.sending.bandwidth.is_certain());
    }

    #[test]
    fn who_listens_hears_of_the_link() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        rig.sending.listen_bandwidth(rig.now, true);
        play(&mut rig, track);
        let told =
            |event: &SendingEvent| matches!(event, SendingEvent::Event(Event::Bandwidth { .. }));
        assert_eq!(rig.events().iter().filter(|event| told(event)).count(), 2);
    }
}
