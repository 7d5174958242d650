//! How much the link to this peer carries.

use std::time::{Duration, Instant};

use super::{Session, SessionEvent};
use crate::codec::rtcp::TransportFeedback;
use crate::control::event::Event;
use crate::control::layers::BandwidthReport;

/// How often JavaScript hears of it.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Bandwidth {
    /// The most to send, as the application says.
    max_bitrate: Option<u64>,
    /// When JavaScript is told next, while it listens.
    report_at: Option<Instant>,
    /// What the chosen layers and the sound need.
    pub(super) target: u64,
    /// What the next better layers would need.
    pub(super) wanted: Option<u64>,
}

impl Bandwidth {
    pub(super) fn set_max_bitrate(&mut self, bitrate: Option<u64>) {
        self.max_bitrate = bitrate;
    }

    pub(super) fn listen(&mut self, now: Instant, listen: bool) {
        self.report_at = listen.then_some(now);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.report_at
    }
}

impl Session {
    /// Bit/s that there are for video; `None` when nothing is known.
    pub(super) fn available_for_video(&self, _now: Instant) -> Option<u64> {
        let available = self.bandwidth.max_bitrate?;
        Some(available.saturating_sub(self.audio_bitrate()))
    }

    pub(super) fn on_transport_feedback(
        &mut self,
        _now: Instant,
        feedback: &TransportFeedback<'_>,
    ) {
        self.egress.transport_feedback(feedback, |_| {});
    }

    pub(super) fn on_remb(&mut self, _now: Instant, _bitrate: u64) {}

    pub(super) fn poll_bandwidth(&mut self, now: Instant) {
        if self.allotting.next.is_some_and(|at| at <= now) {
            self.allocate(now);
        }
        if self.bandwidth.report_at.is_some_and(|at| at <= now) {
            self.bandwidth.report_at = Some(now + REPORT_INTERVAL);
            let report = BandwidthReport {
                available: self.bandwidth.max_bitrate.unwrap_or(0),
                target: self.bandwidth.target,
                wanted: self.bandwidth.wanted,
                fraction_lost: 0.0,
                queue_delay: 0.0,
            };
            let event = Event::Bandwidth { transport: self.id, report };
            self.events.push_back(SessionEvent::Event(event));
        }
    }
}
