//! What a run showed of one viewer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ledger::Set;
use super::run::Run;
use super::traces;
use super::viewer::Arrived;
use super::viewer::screen::{Freeze, freezes};

/// Layers are left when nothing of them was captured for this long, in microseconds. On a link that
/// drops most of what it is given, shorter gaps show nothing.
const LEFT: u64 = 1_000_000;

/// What is lost in the last moments of a run has no time to come again.
const REPAIRED: Duration = Duration::from_secs(1);

/// How finely the ideal is added up.
const SLICE: Duration = Duration::from_millis(20);

pub struct Figures {
    pub scenario: String,
    pub coding: &'static str,
    pub viewer: usize,
    /// Bits a second of the link, over the measured time; `None`: no bottleneck.
    pub capacity: Option<f64>,
    /// Bits a second of the best fitting sets of layers.
    pub ideal: f64,
    /// Bits a second of the pictures that were shown.
    pub shown: f64,
    pub pictures_per_second: f64,
    /// Mean height of what was shown.
    pub height: f64,
    /// From the start of media to the first picture.
    pub first_picture: Option<Duration>,
    /// From the start of media to the first picture of the best fitting size.
    pub best_picture: Option<Duration>,
    /// For each step of the link to another best set: how long until the layers followed, `None`
    /// when they did not.
    pub steps_down: Vec<Option<Duration>>,
    pub steps_up: Vec<Option<Duration>>,
    pub freezes: Vec<Freeze>,
    pub lost: u64,
    pub recovered: u64,
    pub queue_mean: Duration,
    pub queue_p95: Duration,
    pub keyframes_requested: usize,
    /// Of all viewers together, as they reached the publisher.
    pub requests_at_publisher: usize,
    pub wrong: u64,
    pub first_wrong: Option<String>,
    pub unreadable: u64,
    pub goals: Vec<Goal>,
}

pub struct Goal {
    pub name: &'static str,
    pub goal: f64,
    /// `None`: never.
    pub measured: Option<f64>,
    pub met: bool,
}

impl Figures {
    pub fn of(run: &Run, index: usize) -> Self {
        let viewer = &run.watching[index].viewer;
        let plan = &run.scenario.links[index];
        let log = &run.link(index).to_peer.log;
        let (from, end) = (run.start + run.scenario.settled, run.start + run.scenario.length);
        let seconds = (end - from).as_secs_f64();
        let epoch = |at: Instant| (at - run.world.start).as_micros() as u64;

        let sets = run.ledger.borrow().sets(alone(run));
        let best = |capacity: Option<u64>| {
            let fits = |(_, rate): &&(Set, f64)| capacity.is_none_or(|c| *rate <= c as f64);
            sets.iter().rev().find(fits).copied()
        };
        let slices = (seconds / SLICE.as_secs_f64()) as u32;
        let ideal = (0..slices)
            .map(|n| traces::at(&plan.capacities, run.scenario.settled + n * SLICE))
            .map(|capacity| best(capacity).map_or(0.0, |(_, rate)| rate))
            .sum::<f64>()
            / f64::from(slices);
        let capacity = (!plan.capacities.is_empty()).then(|| {
            let at = |n| traces::at(&plan.capacities, run.scenario.settled + n * SLICE);
            (0..slices).filter_map(at).sum::<u64>() as f64 / f64::from(slices)
        });

        let captured = epoch(from)..epoch(end);
        let shown: Vec<_> =
            viewer.shown().iter().filter(|s| captured.contains(&s.captured)).collect();
        let bytes: usize = shown.iter().map(|s| s.bytes).sum();
        let heights: f64 = shown.iter().map(|s| f64::from(s.height)).sum();

        let (mut steps_down, mut steps_up) = (Vec::new(), Vec::new());
        if plan.capacities.len() < 10 {
            for pair in plan.capacities.windows(2) {
                let (Some((before, _)), Some((after, _))) = (best(pair[0].1), best(pair[1].1))
                else {
                    continue;
                };
                let at = epoch(run.start + pair[1].0);
                let next = plan.capacities.iter().map(|(at, _)| *at).find(|at| *at > pair[1].0);
                let until = epoch(run.start + next.unwrap_or(run.scenario.length));
                if after < before {
                    steps_down.push(stepped_down(&viewer.arrived, after, at, until));
                } else if after > before {
                    steps_up.push(stepped_up(&viewer.arrived, after, at, until));
                }
            }
        }

        let mut waits: Vec<Duration> =
            log.waits.iter().filter(|(at, _)| *at >= from).map(|(_, wait)| *wait).collect();
        waits.sort();
        let in_time = log.lost_packets.partition_point(|lost| lost.at < end - REPAIRED);
        let (lost, recovered) = viewer.recovered(&log.lost_packets[..in_time]);
        let mut figures = Self {
            scenario: run.scenario.name.clone(),
            coding: run.scenario.coding.name(),
            viewer: index,
            capacity,
            ideal,
            shown: bytes as f64 * 8.0 / seconds,
            pictures_per_second: shown.len() as f64 / seconds,
            height: heights / shown.len().max(1) as f64,
            first_picture: viewer.shown().first().map(|s| s.at - run.start),
            best_picture: best(traces::at(&plan.capacities, Duration::ZERO)).and_then(
                |((spatial, _), _)| {
                    let best = viewer.shown().iter().find(|s| s.spatial >= spatial);
                    best.map(|s| s.at - run.start)
                },
            ),
            steps_down,
            steps_up,
            freezes: freezes(viewer.shown(), from, end),
            lost,
            recovered,
            queue_mean: waits.iter().sum::<Duration>() / waits.len().max(1) as u32,
            queue_p95: waits.get(waits.len() * 95 / 100).copied().unwrap_or_default(),
            keyframes_requested: viewer.keyframe_requests.len(),
            requests_at_publisher: run.world.clients[run.publisher].keyframe_requests.len(),
            wrong: viewer.wrong(),
            first_wrong: viewer.first_wrong().map(str::to_owned),
            unreadable: viewer.unreadable,
            goals: Vec::new(),
        };
        figures.goals = figures.judge(run);
        figures
    }

    pub fn utilisation(&self) -> f64 {
        self.shown / self.ideal
    }

    pub fn longest_freeze(&self) -> Duration {
        self.freezes.iter().map(|freeze| freeze.length).max().unwrap_or_default()
    }

    fn judge(&self, run: &Run) -> Vec<Goal> {
        let asked = &run.scenario.goals;
        let mut goals = Vec::new();
        let mut at_most = |name, goal: f64, measured: Option<f64>| {
            let met = measured.is_some_and(|measured| measured <= goal);
            goals.push(Goal { name, goal, measured, met });
        };
        let slowest = |steps: &[Option<Duration>]| {
            let seconds = steps.iter().map(|step| step.map(|s| s.as_secs_f64()));
            seconds.collect::<Option<Vec<_>>>().map(|s| s.into_iter().fold(0.0, f64::max))
        };
        if let Some(goal) = asked.step_down.filter(|_| !self.steps_down.is_empty()) {
            at_most("stepDown", goal.as_secs_f64(), slowest(&self.steps_down));
        }
        if let Some(goal) = asked.step_up.filter(|_| !self.steps_up.is_empty()) {
            at_most("stepUp", goal.as_secs_f64(), slowest(&self.steps_up));
        }
        if let Some(goal) = asked.longest_freeze {
            at_most("longestFreeze", goal.as_secs_f64(), Some(self.longest_freeze().as_secs_f64()));
        }
        at_most("wrongPictures", 0.0, Some((self.wrong + self.unreadable) as f64));
        if let Some(goal) = asked.utilisation {
            let measured = self.utilisation();
            let met = measured >= goal;
            goals.push(Goal { name: "utilisation", goal, measured: Some(measured), met });
        }
        goals
    }

    pub fn json(&self) -> Value {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let steps =
            |steps: &[Option<Duration>]| steps.iter().map(|step| step.map(ms)).collect::<Vec<_>>();
        let freezes: Vec<f64> = self.freezes.iter().map(|freeze| ms(freeze.length)).collect();
        let goals: Vec<Value> = self
            .goals
            .iter()
            .map(
                |g| json!({ "name": g.name, "goal": g.goal, "measured": g.measured, "met": g.met }),
            )
            .collect();
        json!({
            "scenario": self.scenario,
            "coding": self.coding,
            "viewer": self.viewer,
            "capacity": self.capacity,
            "ideal": self.ideal,
            "shown": self.shown,
            "utilisation": self.utilisation(),
            "picturesPerSecond": self.pictures_per_second,
            "height": self.height,
            "firstPictureMs": self.first_picture.map(ms),
            "bestPictureMs": self.best_picture.map(ms),
            "stepDownMs": steps(&self.steps_down),
            "stepUpMs": steps(&self.steps_up),
            "freezesMs": freezes,
            "lost": self.lost,
            "recovered": self.recovered,
            "queueMeanMs": ms(self.queue_mean),
            "queueP95Ms": ms(self.queue_p95),
            "keyframesRequested": self.keyframes_requested,
            "requestsAtPublisher": self.requests_at_publisher,
            "wrongPictures": self.wrong,
            "firstWrong": self.first_wrong,
            "unreadablePackets": self.unreadable,
            "goals": goals,
        })
    }
}

/// Whether a spatial layer is sent without those below it.
fn alone(run: &Run) -> bool {
    use super::encoder::Coding::{Av1Svc, H264Simulcast, Vp8Simulcast, Vp9Svc};
    match run.scenario.coding {
        Vp8Simulcast | H264Simulcast => true,
        Vp9Svc { key_only, .. } | Av1Svc { key_only } => key_only,
    }
}

/// How long until nothing above `set` was captured for a while, of what arrived. Times are
/// microseconds of capture.
fn stepped_down(arrived: &[Arrived], set: Set, at: u64, until: u64) -> Option<Duration> {
    let of_step: Vec<&Arrived> =
        arrived.iter().filter(|a| (at..until).contains(&a.captured)).collect();
    let above = |a: &&Arrived| (a.spatial, a.temporal) > set;
    let mut captured: Vec<u64> = of_step.iter().map(|a| a.captured).collect();
    captured.sort();
    captured.into_iter().find_map(|from| {
        let after = from + LEFT;
        let quiet = !of_step.iter().any(|a| above(a) && (from..after).contains(&a.captured));
        (quiet && after <= until).then(|| Duration::from_micros(from - at))
    })
}

/// How long until something of `set` or above was captured.
fn stepped_up(arrived: &[Arrived], set: Set, at: u64, until: u64) -> Option<Duration> {
    let reaches =
        |a: &&Arrived| (at..until).contains(&a.captured) && (a.spatial, a.temporal) >= set;
    let first = arrived.iter().filter(reaches).map(|a| a.captured).min()?;
    Some(Duration::from_micros(first - at))
}
