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
        let link = Link {
            available: self.bandwidth.available().map_or(u64::MAX, |all| all.saturating_sub(audio)),
            certain: self.bandwidth.is_certain(),
        };
        let (tracks, events) = (&mut self.tracks, &mut self.events);
        let allotted = self.allotting.allot(now, link, self.reach.at(now), tracks, events);
        self.bandwidth.set_allotted(allotted, audio);
    }

    /// Takes transport-wide feedback.
    pub(super) fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let (origin, round_trip) = (self.egress.origin(), self.round_trip());
        self.bandwidth.on_feedback(now, origin, round_trip, |results| {
            self.egress.transport_feedback(feedback, |result| results.push(result));
        });
        self.tick(now);
    }

    /// Takes the receiver's own estimate.
    pub(super) fn on_remb(&mut self, now: Instant, bitrate: u64) {
        self.bandwidth.on_remb(now, self.egress.origin(), bitrate);
        self.tick(now);
    }

    fn round_trip(&self) -> Option<Duration> {
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
            self.pacing.set_rate(now, estimate);
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
