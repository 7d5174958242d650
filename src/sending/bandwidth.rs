//! How much the link to a peer carries: what its feedback says goes into the estimator, what comes
//! out decides over layers and pace, and what is not known is probed for.

use std::time::{Duration, Instant};

use super::allotting::Allotted;
use super::probing::Probing;
use crate::bandwidth::{
    self, Change, Estimator, EstimatorStatistics, Limits, PacketResult, SendSideEstimator, Usage,
};
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
/// Over a round trip of this length and more a picture that waits for a repetition is seen to stand: a
/// freeze is 150 ms longer than the time between two pictures (W3C webrtc-stats, `freezeCount`).
const FAR: Duration = Duration::from_millis(60);
/// Loss at which repetitions are sent twice, near and far.
const MUCH_LOSS: f32 = 0.02;
const FAR_LOSS: f32 = 0.005;
/// The most that is left for repetitions, as a share of the link.
const MOST_RESERVED: f64 = 0.25;
/// What a stream begins with at once, beyond its first picture, is what the link is thought to carry
/// in this time. Until it is through whatever comes behind waits, and a queue of a third of a second,
/// of which the first picture takes its part as well, holds no more on a link that carries half.
const OPENING: Duration = Duration::from_millis(150);
/// An estimate this much below the one that layers were chosen by is acted on at once.
const FALL: f64 = 0.95;

/// What is known of a link, in bit/s unless said otherwise.
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
    sent: u64,
    told: u64,
    tick_at: Option<Instant>,
    allotted: Option<(Instant, u64)>,
    pub(super) probing: Probing,
    /// When JavaScript is told next, while it listens.
    report_at: Option<Instant>,
    /// What the chosen layers and the sound need.
    target: u64,
    /// What the next better layers would need.
    wanted: Option<u64>,
    /// What all that is wanted would need.
    best: u64,
}

/// What is to be done after time passed for the estimator.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Ticked {
    /// The estimate, when there is one.
    pub(super) estimate: Option<u64>,
    /// A probe begins.
    pub(super) probe: bool,
    /// Layers are to be chosen anew.
    pub(super) allot: bool,
}

impl Bandwidth {
    pub(super) fn set_max_bitrate(&mut self, bitrate: Option<u64>) {
        self.max_bitrate = bitrate;
    }

    /// JavaScript wants to be told, or not any more.
    pub(super) fn listen(&mut self, now: Instant, listen: bool) {
        self.report_at = listen.then_some(now);
    }

    /// When something of it is due.
    pub(super) fn next(&self) -> Option<Instant> {
        [self.report_at, self.tick_at, self.probing.next()].into_iter().flatten().min()
    }

    /// What the link carries, when there is an estimate.
    pub(super) fn estimate(&self) -> Option<u64> {
        self.estimator.as_ref().map(|estimator| estimator.estimate())
    }

    /// What to send at most, when that is known.
    pub(super) fn available(&self) -> Option<u64> {
        let start = self.promised.then_some(START);
        [self.estimate().or(start), self.max_bitrate].into_iter().flatten().min()
    }

    /// Whether the link was seen to be full. Before that, and while nothing is heard of it, nothing
    /// has to stop for it.
    pub(super) fn is_certain(&self) -> bool {
        self.max_bitrate.is_some() || self.full
    }

    /// Bytes that a stream may begin with at once, beyond its first picture. One that `takes` more than
    /// the link is thought to carry, in bit/s, is of use on better links alone, and these hold more.
    pub(super) fn room_to_begin(&self, takes: Option<u64>) -> usize {
        let Some(available) = self.available() else { return usize::MAX };
        if !self.is_certain() && takes.is_some_and(|takes| takes > available) {
            return usize::MAX;
        }
        (available as f64 / 8.0 * OPENING.as_secs_f64()) as usize
    }

    /// Whether so much is lost that a packet which is repeated once is likely to be asked for
    /// again: at 2 % one in fifty is, and each of those is a picture that is late by two round
    /// trips. Where these are long, so few stand out. Not while the link is full, where more of
    /// everything makes more of it get lost.
    pub(super) fn loses_much(&self, round_trip: Option<Duration>) -> bool {
        let statistics = self.statistics();
        let least = if is_far(round_trip) { FAR_LOSS } else { MUCH_LOSS };
        statistics.loss > least && statistics.usage == Usage::Normal
    }

    /// Whether what feedback tells to be lost is repeated before it is asked for: where that takes long,
    /// and requests are likely to get lost as well.
    pub(super) fn repeats_unasked(&self, round_trip: Option<Duration>) -> bool {
        is_far(round_trip) && self.loses_much(round_trip)
    }

    /// Whether a queue grows before the link: what is sent now waits for all of it.
    pub(super) fn is_congested(&self) -> bool {
        self.statistics().usage == Usage::Overuse
    }

    /// Whether repetitions go before media that waits for the pace of the link: a picture that lacks
    /// one is late already. Not while the link is full, where they would keep it so.
    pub(super) fn hurries(&self, round_trip: Option<Duration>) -> bool {
        is_far(round_trip) && self.statistics().usage == Usage::Normal
    }

    /// The share of a link that is left for repetitions, of all that is lost on it whatever is sent,
    /// twice. Without it they and what they delay fill a link that media fits just so.
    pub(super) fn reserve(&self, round_trip: Option<Duration>) -> f64 {
        let statistics = self.statistics();
        // What a queue dropped before the link was known is taken for usual, but happens no more.
        let lost = f64::from(statistics.usual_loss.min(statistics.loss));
        if is_far(round_trip) { (2.0 * lost).min(MOST_RESERVED) } else { 0.0 }
    }

    /// What the chosen layers and the sound need.
    pub(super) fn target(&self) -> u64 {
        self.target
    }

    /// What the next better layers would need.
    pub(super) fn wanted(&self) -> Option<u64> {
        self.wanted
    }

    /// Takes what was chosen for video, beside so much `audio`, when media had this `share` of the
    /// link.
    pub(super) fn set_allotted(&mut self, video: Allotted, audio: u64, share: f64) {
        let link = |media: u64| ((media + audio) as f64 / share) as u64;
        self.target = video.used + audio;
        self.wanted = video.wanted.map(link);
        self.best = link(video.best);
    }

    /// Whether the peer takes what feedback needs. Gives the rate to begin with, while there is no
    /// estimate.
    pub(super) fn promise_feedback(&mut self, promised: bool) -> Option<u64> {
        self.promised = promised;
        (promised && self.estimator.is_none()).then_some(START)
    }

    /// Gives back the room that the longest feedback so far took.
    pub(super) fn trim(&mut self) {
        self.results = Vec::new();
    }

    /// Takes transport-wide feedback: `read` adds what it says of each packet. `origin` is when
    /// its times of sending count from.
    pub(super) fn on_feedback(
        &mut self,
        now: Instant,
        origin: Instant,
        round_trip: Option<Duration>,
        read: impl FnOnce(&mut Vec<PacketResult>),
    ) {
        self.results.clear();
        read(&mut self.results);
        let estimator = self.estimator.get_or_insert_with(|| new_estimator(origin));
        estimator.feedback(now, &self.results, round_trip);
    }

    /// Takes the receiver's own estimate (REMB).
    pub(super) fn on_remb(&mut self, now: Instant, origin: Instant, bitrate: u64) {
        let estimator = self.estimator.get_or_insert_with(|| new_estimator(origin));
        estimator.remb(now, bitrate);
    }

    /// Packets go another way from now on.
    pub(super) fn on_new_path(&mut self, now: Instant) {
        if let Some(estimator) = &mut self.estimator {
            estimator.reset_path(now);
        }
    }

    /// Counts what was sent, in bytes of datagrams. `shared`: some track has a share of the link.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: usize, shared: bool) {
        self.sent += bytes as u64;
        if bytes > 0 && self.tick_at.is_none() && shared {
            self.tick_at = Some(now + TICK_INTERVAL);
            if self.estimator.is_none() && self.promised {
                self.waiting.get_or_insert(now);
            }
        }
    }

    /// Whether time has to pass for the estimator.
    pub(super) fn is_tick_due(&self, now: Instant) -> bool {
        self.tick_at.is_some_and(|at| at <= now)
    }

    /// Lets time pass. `paused`: something is not sent because the link has no room for it.
    pub(super) fn tick(&mut self, now: Instant, paused: bool) -> Ticked {
        let bytes = self.sent - std::mem::replace(&mut self.told, self.sent);
        // Who is sent nothing needs no estimate, unless that is because of it.
        let needed = bytes > 0 || paused;
        self.tick_at = needed.then(|| now + TICK_INTERVAL);
        let Some(estimator) = &mut self.estimator else {
            let none_comes = self.waiting.is_some_and(|since| now > since + NO_FEEDBACK);
            if none_comes {
                (self.waiting, self.promised) = (None, false);
            }
            return Ticked { allot: none_comes, ..Ticked::default() };
        };
        self.waiting = None;
        let most = self.max_bitrate.unwrap_or(u64::MAX);
        let wanted = self.best.min(most);
        estimator.tick(now, bandwidth::Sending { bytes: bytes as usize, wanted });
        let estimate = estimator.estimate();
        match estimator.statistics().change {
            Change::Overuse | Change::Loss | Change::Remb => self.full = true,
            Change::Start | Change::Timeout | Change::Path => self.full = false,
            Change::Probe | Change::Increase => {}
        }
        let probe = if self.probing.is_running() { None } else { estimator.next_probe(now) };
        if let Some(probe) = probe {
            self.probing.begin(now, probe);
        }
        let allot = self.allotted.is_none_or(|(at, by)| {
            now >= at + ALLOCATION_INTERVAL || (estimate as f64) < by as f64 * FALL
        });
        if allot {
            self.allotted = Some((now, estimate));
        }
        Ticked { estimate: Some(estimate), probe: probe.is_some(), allot }
    }

    /// What JavaScript is to be told, when that is due.
    pub(super) fn poll_report(&mut self, now: Instant) -> Option<BandwidthReport> {
        self.report_at.filter(|at| *at <= now)?;
        self.report_at = Some(now + REPORT_INTERVAL);
        // Before there is an estimate there is nothing to tell.
        let available = self.available()?;
        let statistics = self.statistics();
        Some(BandwidthReport {
            available,
            target: self.target,
            wanted: self.wanted,
            fraction_lost: f64::from(statistics.loss),
            queue_delay: statistics.queue.as_secs_f64() * 1000.0,
        })
    }

    fn statistics(&self) -> EstimatorStatistics {
        self.estimator.as_ref().map(|estimator| estimator.statistics()).unwrap_or_default()
    }
}

fn is_far(round_trip: Option<Duration>) -> bool {
    round_trip.is_some_and(|round_trip| round_trip >= FAR)
}

fn new_estimator(origin: Instant) -> Box<dyn Estimator> {
    Box::new(SendSideEstimator::new(origin, Limits { start: START, ..Limits::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A link that the receiver says carries `bitrate`.
    fn known(now: Instant, bitrate: u64) -> Bandwidth {
        let mut bandwidth = Bandwidth::default();
        bandwidth.on_remb(now, now, bitrate);
        bandwidth.on_sent(now, 10_000, true);
        bandwidth.tick(now + 150 * MS, false);
        bandwidth
    }

    #[test]
    fn a_link_is_taken_to_carry_a_little_while_feedback_is_promised() {
        let mut bandwidth = Bandwidth::default();
        assert_eq!((bandwidth.available(), bandwidth.is_certain()), (None, false));
        assert_eq!(bandwidth.promise_feedback(true), Some(START));
        assert_eq!((bandwidth.available(), bandwidth.is_certain()), (Some(START), false));
        bandwidth.set_max_bitrate(Some(100_000));
        assert_eq!((bandwidth.available(), bandwidth.is_certain()), (Some(100_000), true));
    }

    #[test]
    fn a_stream_begins_with_as_much_as_its_link_takes_in_a_moment_unless_it_needs_a_better_one() {
        let mut bandwidth = Bandwidth::default();
        assert_eq!(bandwidth.room_to_begin(Some(100_000)), usize::MAX, "nothing is known");
        bandwidth.promise_feedback(true);
        assert_eq!(bandwidth.room_to_begin(Some(START)), 5_625);
        assert_eq!(bandwidth.room_to_begin(None), 5_625);
        assert_eq!(bandwidth.room_to_begin(Some(START + 1)), usize::MAX);
        let full = known(Instant::now(), 100_000);
        assert_eq!(full.room_to_begin(Some(200_000)), 1_875, "it was seen to carry no more");
    }

    #[test]
    fn a_promise_that_is_not_kept_for_three_seconds_is_forgotten() {
        let start = Instant::now();
        let mut bandwidth = Bandwidth::default();
        bandwidth.promise_feedback(true);
        for step in 0..=20 {
            let now = start + 150 * MS * step;
            bandwidth.on_sent(now, 1000, true);
            assert!(!bandwidth.tick(now, false).allot, "{step}");
        }
        let now = start + 3150 * MS;
        bandwidth.on_sent(now, 1000, true);
        assert!(bandwidth.tick(now, false).allot);
        assert_eq!(bandwidth.available(), None);
    }

    #[test]
    fn time_passes_while_something_is_sent_or_paused_and_rests_otherwise() {
        let start = Instant::now();
        let mut bandwidth = Bandwidth::default();
        bandwidth.on_sent(start, 1000, false);
        assert_eq!(bandwidth.next(), None, "nobody shares the link");
        bandwidth.on_sent(start, 1000, true);
        assert_eq!(bandwidth.next(), Some(start + TICK_INTERVAL));
        assert!(
            !bandwidth.is_tick_due(start + 149 * MS) && bandwidth.is_tick_due(start + 150 * MS)
        );
        bandwidth.tick(start + 150 * MS, false);
        assert_eq!(bandwidth.next(), Some(start + 300 * MS));
        bandwidth.tick(start + 300 * MS, true);
        assert_eq!(bandwidth.next(), Some(start + 450 * MS));
        bandwidth.tick(start + 450 * MS, false);
        assert_eq!(bandwidth.next(), None);
    }

    #[test]
    fn the_receivers_own_estimate_is_the_most_that_is_sent() {
        let now = Instant::now();
        let bandwidth = known(now, 200_000);
        assert!(bandwidth.estimate().unwrap() <= 200_000);
        assert!(bandwidth.is_certain());
        assert!(!bandwidth.loses_much(None));
    }

    /// An estimator that knows of this loss.
    #[derive(Debug)]
    struct Lossy(f32, Usage);

    impl Estimator for Lossy {
        fn feedback(&mut self, _: Instant, _: &[PacketResult], _: Option<Duration>) {}
        fn tick(&mut self, _: Instant, _: bandwidth::Sending) {}
        fn estimate(&self) -> u64 {
            1_000_000
        }
        fn next_probe(&mut self, _: Instant) -> Option<bandwidth::Probe> {
            None
        }
        fn remb(&mut self, _: Instant, _: u64) {}
        fn reset_path(&mut self, _: Instant) {}
        fn statistics(&self) -> EstimatorStatistics {
            let Self(loss, usage) = *self;
            EstimatorStatistics { loss, usual_loss: loss, usage, ..Default::default() }
        }
    }

    #[test]
    fn the_further_the_receiver_the_more_is_done_for_repetitions() {
        let at = |loss, usage, round_trip: u32| {
            let estimator: Box<dyn Estimator> = Box::new(Lossy(loss, usage));
            let bandwidth = Bandwidth { estimator: Some(estimator), ..Default::default() };
            let round_trip = Some(MS * round_trip);
            let reserved = (100.0 * bandwidth.reserve(round_trip)).round() as u32;
            (bandwidth.loses_much(round_trip), bandwidth.hurries(round_trip), reserved)
        };
        assert_eq!(at(0.01, Usage::Normal, 20), (false, false, 0));
        assert_eq!(at(0.03, Usage::Normal, 20), (true, false, 0));
        assert_eq!(at(0.0, Usage::Normal, 160), (false, true, 0));
        assert_eq!(at(0.01, Usage::Normal, 160), (true, true, 2));
        assert_eq!(at(0.01, Usage::Overuse, 160), (false, false, 2));
        assert_eq!(at(0.4, Usage::Normal, 160), (true, true, 25));
    }

    #[test]
    fn another_way_makes_what_was_known_uncertain() {
        let now = Instant::now();
        let mut bandwidth = known(now, 200_000);
        bandwidth.on_new_path(now + 200 * MS);
        bandwidth.tick(now + 300 * MS, false);
        assert!(!bandwidth.is_certain());
    }

    #[test]
    fn layers_are_chosen_anew_ten_times_a_second_at_most() {
        let start = Instant::now();
        let mut bandwidth = known(start, 2_000_000);
        let mut at = |milliseconds: u32| {
            bandwidth.on_sent(start + MS * milliseconds, 1000, true);
            bandwidth.tick(start + MS * milliseconds, false).allot
        };
        assert!(!at(200));
        assert!(at(250));
        assert!(!at(300));
    }

    #[test]
    fn who_listens_is_told_twice_a_second_once_something_is_known() {
        let start = Instant::now();
        let mut bandwidth = Bandwidth::default();
        assert!(bandwidth.poll_report(start).is_none());
        bandwidth.listen(start, true);
        assert!(bandwidth.poll_report(start).is_none(), "nothing is known");
        bandwidth.set_max_bitrate(Some(400_000));
        let video = Allotted { used: 200_000, wanted: Some(300_000), best: 900_000 };
        bandwidth.set_allotted(video, 32_000, 1.0);
        assert!(bandwidth.poll_report(start + 499 * MS).is_none());
        let report = bandwidth.poll_report(start + 500 * MS).unwrap();
        assert_eq!(
            (report.available, report.target, report.wanted),
            (400_000, 232_000, Some(332_000))
        );
        bandwidth.listen(start, false);
        assert!(bandwidth.poll_report(start + 5000 * MS).is_none());
    }
}
