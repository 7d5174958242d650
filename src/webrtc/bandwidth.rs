//! How much the link to this peer carries: what its feedback says goes into the estimator, what
//! comes out decides over layers and pace, and what is not known is probed for.

use std::time::{Duration, Instant};

use super::{Session, SessionEvent};
use crate::bandwidth::{
    Change, Estimator, EstimatorStatistics, Limits, PacketResult, Probe, SendSideEstimator,
    Sending, Usage,
};
use crate::codec::Kind;
use crate::codec::rtcp::TransportFeedback;
use crate::control::event::Event;
use crate::control::layers::BandwidthReport;

/// How often layers are chosen anew while the estimate moves.
const ALLOCATION_INTERVAL: Duration = Duration::from_millis(100);
/// Feedback comes more often than this; without it time has to pass for the estimator as well.
const TICK_INTERVAL: Duration = Duration::from_millis(150);
/// How often JavaScript hears of it.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// A peer that has got media for so long without feedback gives none.
const NO_FEEDBACK: Duration = Duration::from_secs(3);
/// What a link is taken to carry before it is known. A probe goes out with the first packets, so
/// a better one is known as such in a quarter of a second.
const START: u64 = 300_000;
/// An estimate this much below the one that layers were chosen by is acted on at once.
const FALL: f64 = 0.95;

#[derive(Default)]
pub(super) struct Bandwidth {
    /// There since feedback came.
    estimator: Option<Box<dyn Estimator>>,
    /// What one feedback said; reused.
    results: Vec<PacketResult>,
    /// The most to send, as the application says.
    max_bitrate: Option<u64>,
    /// The link was seen to be full, not only not seen to carry more.
    full: bool,
    /// The peer takes what feedback needs.
    promised: bool,
    /// Since when media is sent without any coming back.
    waiting: Option<Instant>,
    /// Datagram bytes sent, and how many of them the estimator knows of.
    pub(super) sent: u64,
    told: u64,
    tick_at: Option<Instant>,
    allocated: Option<(Instant, u64)>,
    probing: Option<Probing>,
    pub(super) probe_packets: u64,
    pub(super) probe_bytes: u64,
    /// When JavaScript is told next, while it listens.
    report_at: Option<Instant>,
    /// What the chosen layers and the sound need.
    pub(super) target: u64,
    /// What the next better layers would need.
    pub(super) wanted: Option<u64>,
    /// What all that is wanted would need.
    pub(super) best: u64,
}

/// Packets on their way to show whether the link carries a rate.
struct Probing {
    probe: Probe,
    began: Instant,
    packets: usize,
    bytes: usize,
}

impl Probing {
    fn done(&self) -> bool {
        self.packets >= self.probe.packets && self.bytes >= self.probe.bytes
    }

    /// When the next packet is due.
    fn next(&self) -> Instant {
        let seconds = self.bytes as f64 * 8.0 / self.probe.rate.max(1) as f64;
        self.began + Duration::from_secs_f64(seconds.min(1.0))
    }
}

impl Bandwidth {
    pub(super) fn set_max_bitrate(&mut self, bitrate: Option<u64>) {
        self.max_bitrate = bitrate;
    }

    pub(super) fn listen(&mut self, now: Instant, listen: bool) {
        self.report_at = listen.then_some(now);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        let probe = self.probing.as_ref().map(Probing::next);
        [self.report_at, self.tick_at, probe].into_iter().flatten().min()
    }

    /// Bit/s that the link carries, when there is an estimate.
    pub(super) fn estimate(&self) -> Option<u64> {
        self.estimator.as_ref().map(|estimator| estimator.estimate())
    }

    /// Bit/s to send at most, when that is known.
    pub(super) fn available(&self) -> Option<u64> {
        let start = self.promised.then_some(START);
        [self.estimate().or(start), self.max_bitrate].into_iter().flatten().min()
    }

    /// Whether the link was seen to be full. Before that, and while nothing is heard of it, nothing
    /// has to stop for it.
    pub(super) fn is_certain(&self) -> bool {
        self.max_bitrate.is_some() || self.full
    }

    /// Whether so much is lost that a packet which is repeated once is likely to be asked for
    /// again: at 2 % one in fifty is, and each of those is a picture that is late by two round
    /// trips. Not while the link is full, where more of everything makes more of it get lost.
    pub(super) fn loses_much(&self) -> bool {
        let statistics = self.statistics();
        statistics.loss > 0.02 && statistics.usage == Usage::Normal
    }

    fn statistics(&self) -> EstimatorStatistics {
        self.estimator.as_ref().map(|estimator| estimator.statistics()).unwrap_or_default()
    }
}

impl Session {
    /// Bit/s that there are for video; `None` when nothing is known.
    pub(super) fn available_for_video(&self) -> Option<u64> {
        Some(self.bandwidth.available()?.saturating_sub(self.audio_bitrate()))
    }

    /// Another description was agreed on.
    pub(super) fn expect_feedback(&mut self, now: Instant) {
        self.bandwidth.promised = self.outgoing.iter().any(wants_feedback);
        if self.bandwidth.promised && self.bandwidth.estimator.is_none() {
            self.pacing.pacer.set_rate(now, START);
        }
    }

    /// Takes transport-wide feedback.
    pub(super) fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let bandwidth = &mut self.bandwidth;
        bandwidth.results.clear();
        self.egress.transport_feedback(feedback, |result| bandwidth.results.push(result));
        let round_trip = self.round_trip();
        let bandwidth = &mut self.bandwidth;
        let origin = self.egress.origin();
        let estimator = bandwidth.estimator.get_or_insert_with(|| new_estimator(origin));
        estimator.feedback(now, &bandwidth.results, round_trip);
        self.tick_bandwidth(now);
    }

    /// Takes the receiver's own estimate.
    pub(super) fn on_remb(&mut self, now: Instant, bitrate: u64) {
        let origin = self.egress.origin();
        let estimator = self.bandwidth.estimator.get_or_insert_with(|| new_estimator(origin));
        estimator.remb(now, bitrate);
        self.tick_bandwidth(now);
    }

    /// Packets go to another address from now on.
    pub(super) fn estimate_anew(&mut self, now: Instant) {
        if let Some(estimator) = &mut self.bandwidth.estimator {
            estimator.reset_path(now);
        }
    }

    fn round_trip(&self) -> Option<Duration> {
        let streams = self.outgoing.iter().filter_map(|outgoing| outgoing.egress.as_ref());
        streams.filter_map(|stream| stream.feedback().round_trip_time()).min()
    }

    /// A burst was sent.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: usize) {
        self.pacing.pacer.sent(now, bytes);
        let bandwidth = &mut self.bandwidth;
        bandwidth.sent += bytes as u64;
        if bytes > 0 && bandwidth.tick_at.is_none() && self.allotting.has_tracks() {
            bandwidth.tick_at = Some(now + TICK_INTERVAL);
            if bandwidth.estimator.is_none() && bandwidth.promised {
                bandwidth.waiting.get_or_insert(now);
            }
        }
    }

    pub(super) fn poll_bandwidth(&mut self, now: Instant) {
        if self.pacing.next(now).is_some_and(|at| at <= now) {
            for id in self.pacing.take_repairs() {
                self.events.push_back(SessionEvent::RetransmissionWanted { id });
            }
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.bandwidth.tick_at) {
            self.tick_bandwidth(now);
        } else if due(self.allotting.next) {
            self.allocate(now);
        }
        if due(self.bandwidth.probing.as_ref().map(Probing::next)) {
            self.want_probe_packets();
        }
        if due(self.bandwidth.report_at) {
            self.report_bandwidth(now);
        }
    }

    fn tick_bandwidth(&mut self, now: Instant) {
        let bandwidth = &mut self.bandwidth;
        let bytes = bandwidth.sent - std::mem::replace(&mut bandwidth.told, bandwidth.sent);
        // Who is sent nothing needs no estimate, unless that is because of it.
        let needed = bytes > 0 || self.allotting.has_paused();
        bandwidth.tick_at = needed.then(|| now + TICK_INTERVAL);
        let Some(estimator) = &mut bandwidth.estimator else {
            if bandwidth.waiting.is_some_and(|since| now > since + NO_FEEDBACK) {
                (bandwidth.waiting, bandwidth.promised) = (None, false);
                self.allocate(now);
            }
            return;
        };
        bandwidth.waiting = None;
        let most = bandwidth.max_bitrate.unwrap_or(u64::MAX);
        let wanted = bandwidth.best.min(most);
        estimator.tick(now, Sending { bytes: bytes as usize, wanted });
        let estimate = estimator.estimate();
        match estimator.statistics().change {
            Change::Overuse | Change::Loss | Change::Remb => bandwidth.full = true,
            Change::Start | Change::Timeout | Change::Path => bandwidth.full = false,
            Change::Probe | Change::Increase => {}
        }
        self.pacing.pacer.set_rate(now, estimate);
        if bandwidth.probing.is_none()
            && let Some(probe) = estimator.next_probe(now)
        {
            bandwidth.probing = Some(Probing { probe, began: now, packets: 0, bytes: 0 });
            self.want_probe_packets();
        }
        let due = self.bandwidth.allocated.is_none_or(|(at, by)| {
            now >= at + ALLOCATION_INTERVAL || (estimate as f64) < by as f64 * FALL
        });
        if due {
            self.bandwidth.allocated = Some((now, estimate));
            self.allocate(now);
        }
    }

    /// Asks for packets to repeat as a probe. The track with the most to repeat is the one that
    /// sends the most.
    fn want_probe_packets(&mut self) {
        let able = self.outgoing.iter().filter(|outgoing| outgoing.can_probe());
        let best = able.max_by_key(|outgoing| outgoing.sent.bitrate());
        let Some(id) = best.map(|outgoing| outgoing.id) else {
            // Nothing to probe with; the estimator finds out.
            self.bandwidth.probing = None;
            return;
        };
        self.events.push_back(SessionEvent::RetransmissionWanted { id });
    }

    /// The number of the probe of which a packet is due.
    pub(super) fn probe_due(&self, now: Instant) -> Option<u32> {
        let probing = self.bandwidth.probing.as_ref()?;
        (!probing.done() && probing.next() <= now).then_some(probing.probe.id)
    }

    /// A packet of the probe was sent; `None`: there was none to send.
    pub(super) fn probe_sent(&mut self, bytes: Option<usize>) {
        let bandwidth = &mut self.bandwidth;
        let (Some(probing), Some(bytes)) = (&mut bandwidth.probing, bytes) else {
            bandwidth.probing = None;
            return;
        };
        probing.packets += 1;
        probing.bytes += bytes;
        bandwidth.probe_packets += 1;
        bandwidth.probe_bytes += bytes as u64;
        if probing.done() {
            bandwidth.probing = None;
        }
    }

    fn report_bandwidth(&mut self, now: Instant) {
        self.bandwidth.report_at = Some(now + REPORT_INTERVAL);
        // Before there is an estimate there is nothing to tell.
        let Some(available) = self.bandwidth.available() else { return };
        let statistics = self.bandwidth.statistics();
        let report = BandwidthReport {
            available,
            target: self.bandwidth.target,
            wanted: self.bandwidth.wanted,
            fraction_lost: f64::from(statistics.loss),
            queue_delay: statistics.queue.as_secs_f64() * 1000.0,
        };
        let event = Event::Bandwidth { transport: self.id, report };
        self.events.push_back(SessionEvent::Event(event));
    }
}

fn new_estimator(origin: Instant) -> Box<dyn Estimator> {
    Box::new(SendSideEstimator::new(origin, Limits { start: START, ..Limits::default() }))
}

fn wants_feedback(outgoing: &super::outgoing::Outgoing) -> bool {
    outgoing.kind == Kind::Video
        && outgoing
            .egress
            .as_ref()
            .is_some_and(|stream| stream.parameters().extensions.transport_sequence.is_some())
}
