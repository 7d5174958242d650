//! Viewers behind one bottleneck, on time that does not pass by itself.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use medialoom::bandwidth::{Estimator, PacketResult, Probe, Sending};

use crate::application::{AUDIO, Application, HEADROOM};
use crate::path::{Bottleneck, Packet, Passage, Path, at};
use crate::random::Random;

/// Seconds: what feedback can tell apart.
pub const STEP: f64 = 0.000_25;
const TICK: f64 = 0.025;
const PACING: f64 = 2.5;
const BURST: f64 = 0.005;

#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub seed: u64,
    pub seconds: f64,
    pub path: Path,
    pub ladder: Vec<f64>,
    pub flows: usize,
    /// Figures count from then on.
    pub from: f64,
    /// Packets take another path, and the estimator is told.
    pub reset: Option<f64>,
    pub goal: Goal,
}

/// What the estimator has to reach, whatever the seed.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub utilisation: f64,
    pub down: f64,
    pub up: f64,
    /// In ms.
    pub queue_p95: f64,
}

impl Default for Goal {
    fn default() -> Self {
        Self { utilisation: 0.85, down: 1.0, up: 5.0, queue_p95: 60.0 }
    }
}

impl Scenario {
    /// The same with other luck. What happens at a time happens a little later, so that it meets
    /// whatever the estimator is about to do.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        let later = Random::new(seed).share();
        let traces = [&mut self.path.capacity, &mut self.path.others, &mut self.path.delay];
        for (time, _) in traces.into_iter().flatten().filter(|(time, _)| *time > 0.0) {
            *time += later;
        }
        self.reset = self.reset.map(|time| time + later);
        self.path.blackout = self.path.blackout.map(|(from, to)| (from + later, to + later));
        self
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "",
            seed: 1,
            seconds: 60.0,
            path: Path::default(),
            ladder: vec![150e3, 500e3, 1500e3],
            flows: 1,
            from: 10.0,
            reset: None,
            goal: Goal::default(),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Of what the best fitting layers would be, in the mean over viewers.
    pub utilisation: f64,
    /// Seconds from a step of the capacity until what is sent fits again; the longest.
    pub down: Option<f64>,
    /// Until the best fitting layer is sent; the longest. Infinite when it never is.
    pub up: Option<f64>,
    /// In ms.
    pub queue_mean: f64,
    pub queue_p95: f64,
    /// Share of packets that the queue dropped.
    pub dropped: f64,
    /// Changes of layer a minute.
    pub changes: f64,
    /// Of the estimate, in bits a second.
    pub estimate: f64,
    /// Bits a second of probes.
    pub probes: f64,
    pub trace: Vec<(f64, u64, f64, medialoom::bandwidth::EstimatorStatistics)>,
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = |time: Option<f64>| time.map_or("-".to_string(), |time| format!("{time:.2} s"));
        write!(
            formatter,
            "used {:.1} %, down {}, up {}, queue {:.0} ms (95 %: {:.0} ms), dropped {:.2} %, \
             {:.1} changes/min, estimate {:.0} kbit/s, probes {:.1} kbit/s",
            self.utilisation * 100.0,
            took(self.down),
            took(self.up),
            self.queue_mean,
            self.queue_p95,
            self.dropped * 100.0,
            self.changes,
            self.estimate / 1e3,
            self.probes / 1e3
        )
    }
}

#[derive(Clone, Copy)]
struct Sent {
    time: f64,
    size: usize,
    probe: Option<u32>,
    told: Option<bool>,
}

#[derive(Clone, Copy)]
struct Running {
    probe: Probe,
    packets: usize,
    bytes: usize,
    began: f64,
}

/// Feedback on its way: when it arrives, and numbers with their times of arrival.
type Report = (f64, Vec<(u64, Option<i64>)>);

struct Flow {
    application: Application,
    estimator: Box<dyn Estimator>,
    media: VecDeque<(usize, f64)>,
    pacing: f64,
    probe: Option<Running>,
    sent: Vec<Sent>,
    bytes: usize,
    probed: usize,
    // The receiver.
    arrived: BTreeMap<u64, i64>,
    reported: u64,
    feedback: VecDeque<Report>,
    next_feedback: f64,
    rungs: Vec<(f64, f64)>,
    changes: usize,
    random: Random,
}

impl Flow {
    /// What is sent during a probe is part of it.
    fn send(&mut self, now: f64, size: usize, index: usize) -> Packet {
        let number = self.sent.len() as u64;
        let probe = self.probe.as_mut().map(|running| {
            running.bytes += size;
            running.packets += 1;
            running.probe.id
        });
        self.sent.push(Sent { time: now, size, probe, told: None });
        self.bytes += size;
        Packet { flow: Some(index), number, size, queued: now }
    }

    /// A receiver's feedback tells about everything up to the latest, and of what was overtaken.
    fn report(&mut self, now: f64, path: &Path) {
        let Some((&last, _)) = self.arrived.last_key_value() else { return };
        let mut results: Vec<_> =
            self.arrived.range(..self.reported).map(|(n, time)| (*n, Some(*time))).collect();
        results.extend((self.reported..=last).map(|n| (n, self.arrived.get(&n).copied())));
        self.arrived.clear();
        self.reported = self.reported.max(last + 1);
        if !self.random.chance(path.feedback_loss) {
            self.feedback.push_back((now + at(&path.delay, now) / 1000.0, results));
        }
    }

    fn take_feedback(&mut self, now: f64, instant: Instant, path: &Path) {
        while self.feedback.front().is_some_and(|(due, _)| *due <= now) {
            let (_, told) = self.feedback.pop_front().unwrap();
            let mut results = Vec::new();
            for (number, arrived) in told {
                let sent = &mut self.sent[number as usize];
                let news = match sent.told {
                    None => true,
                    Some(before) => !before && arrived.is_some(),
                };
                if !news {
                    continue;
                }
                sent.told = Some(arrived.is_some());
                results.push(PacketResult {
                    number,
                    sent: Duration::from_secs_f64(sent.time),
                    size: sent.size,
                    arrived,
                    probe: sent.probe,
                });
            }
            let round_trip = Duration::from_secs_f64(2.0 * at(&path.delay, now) / 1000.0);
            self.estimator.feedback(instant, &results, Some(round_trip));
        }
    }
}

pub fn best_fitting(ladder: &[f64], capacity: f64) -> f64 {
    let fits = |rate: &&f64| (**rate + AUDIO) * HEADROOM <= capacity * 0.98;
    ladder.iter().rev().find(fits).copied().unwrap_or(0.0)
}

pub fn run(
    scenario: &Scenario,
    mut estimator: impl FnMut(Instant) -> Box<dyn Estimator>,
) -> Figures {
    let origin = Instant::now();
    let path = &scenario.path;
    let mut bottleneck = Bottleneck::new(scenario.seed);
    let mut flows: Vec<Flow> = (0..scenario.flows)
        .map(|index| Flow {
            application: Application::new(&scenario.ladder, scenario.seed * 100 + index as u64),
            estimator: estimator(origin),
            media: VecDeque::new(),
            pacing: 0.0,
            probe: None,
            sent: Vec::new(),
            bytes: 0,
            probed: 0,
            arrived: BTreeMap::new(),
            reported: 0,
            feedback: VecDeque::new(),
            next_feedback: 0.013 * index as f64,
            rungs: Vec::new(),
            changes: 0,
            random: Random::new(scenario.seed * 1000 + index as u64),
        })
        .collect();
    let mut air: Vec<(f64, usize, u64)> = Vec::new();
    let (mut waits, mut dropped, mut through) = (Vec::new(), 0usize, 0usize);
    let mut figures = Figures::default();
    let mut reset = scenario.reset;
    let steps = (scenario.seconds / STEP) as u64;
    let every = |seconds: f64| (seconds / STEP) as u64;

    for step in 0..steps {
        let now = step as f64 * STEP;
        let instant = origin + Duration::from_secs_f64(now);
        let counted = now >= scenario.from;
        let mut passages = Vec::new();
        for (index, flow) in flows.iter_mut().enumerate() {
            flow.take_feedback(now, instant, path);
            if reset.is_some_and(|time| now >= time) {
                flow.estimator.reset_path(instant);
            }
            if step % every(TICK) == 0 {
                let estimate = flow.estimator.estimate() as f64;
                let before = flow.application.rung;
                flow.application.choose(now, estimate);
                flow.changes += usize::from(counted && before != flow.application.rung);
                let wanted = flow.application.wanted() as u64;
                let bytes = std::mem::take(&mut flow.bytes);
                flow.estimator.tick(instant, Sending { bytes, wanted });
                if flow.probe.is_none()
                    && let Some(probe) = flow.estimator.next_probe(instant)
                {
                    flow.probe = Some(Running { probe, packets: 0, bytes: 0, began: now });
                }
                flow.rungs.push((now, flow.application.rate() - AUDIO));
                if index == 0 {
                    figures.trace.push((
                        now,
                        flow.estimator.estimate(),
                        flow.application.rate(),
                        flow.estimator.statistics(),
                    ));
                }
            }
            let mut due = Vec::new();
            flow.application.packets(now, |size, audio| due.push((size, audio)));
            for (size, audio) in due {
                if audio {
                    let packet = flow.send(now, size, index);
                    bottleneck.put(path, packet, &mut |passage| passages.push(passage));
                } else {
                    flow.media.push_back((size, now));
                }
            }
            // Media first; a probe is padding in what is left of its own pace.
            let rate = (flow.estimator.estimate() as f64).max(20_000.0) * PACING / 8.0;
            flow.pacing = (flow.pacing + rate * STEP).min(rate * BURST * 4.0);
            if step % every(BURST) == 0 {
                while let Some((size, _)) = flow.media.front().copied()
                    && flow.pacing > 0.0
                {
                    flow.media.pop_front();
                    flow.pacing -= size as f64;
                    let packet = flow.send(now, size, index);
                    bottleneck.put(path, packet, &mut |passage| passages.push(passage));
                }
            }
            while let Some(running) = flow.probe {
                let Running { probe, packets, bytes, began } = running;
                if bytes >= probe.bytes && packets >= probe.packets {
                    flow.probe = None;
                } else if bytes as f64 <= (now - began) * probe.rate as f64 / 8.0 {
                    let size = probe.bytes.div_ceil(probe.packets);
                    let packet = flow.send(now, size, index);
                    bottleneck.put(path, packet, &mut |passage| passages.push(passage));
                    flow.probed += if counted { size } else { 0 };
                } else {
                    break;
                }
            }
        }
        if reset.is_some_and(|time| now >= time) {
            reset = None;
        }
        bottleneck.step(path, now, STEP, &mut |passage| passages.push(passage));
        for passage in passages {
            match passage {
                Passage::Dropped(packet) => {
                    dropped += usize::from(counted && packet.flow.is_some());
                }
                Passage::Through { packet, waited, arrives } => {
                    let Some(flow) = packet.flow else { continue };
                    if counted {
                        waits.push(waited * 1000.0);
                        through += 1;
                    }
                    if let Some(arrives) = arrives {
                        air.push((arrives, flow, packet.number));
                    }
                }
            }
        }
        air.retain(|(arrives, flow, number)| {
            if *arrives > now {
                return true;
            }
            let clock = (*arrives + 1000.0) * (1.0 + path.drift / 1e6);
            flows[*flow].arrived.insert(*number, (clock / STEP) as i64);
            false
        });
        for flow in &mut flows {
            if now >= flow.next_feedback {
                flow.next_feedback += path.feedback_interval / 1000.0;
                flow.report(now, path);
            }
        }
    }

    measure(scenario, &flows, &mut figures);
    waits.sort_by(f64::total_cmp);
    figures.queue_mean = waits.iter().sum::<f64>() / waits.len().max(1) as f64;
    figures.queue_p95 = waits.get(waits.len() * 95 / 100).copied().unwrap_or(0.0);
    figures.dropped = dropped as f64 / (dropped + through).max(1) as f64;
    figures
}

fn measure(scenario: &Scenario, flows: &[Flow], figures: &mut Figures) {
    let path = &scenario.path;
    let free = |time| (at(&path.capacity, time) - at(&path.others, time)) / flows.len() as f64;
    let dark = |time: f64| path.blackout.is_some_and(|(from, to)| (from..to).contains(&time));
    let span = scenario.seconds - scenario.from;
    let (mut used, mut possible) = (0.0, 0.0);
    for flow in flows {
        for (time, rate) in
            flow.rungs.iter().filter(|(time, _)| *time >= scenario.from && !dark(*time))
        {
            let best = best_fitting(&scenario.ladder, free(*time));
            // What one viewer has more than its share, another may have less.
            used += if flows.len() == 1 { rate.min(best) } else { *rate };
            possible += best;
        }
        figures.changes += flow.changes as f64 / flows.len() as f64 * 60.0 / span;
        figures.probes += flow.probed as f64 * 8.0 / span / flows.len() as f64;
    }
    figures.utilisation = if possible > 0.0 { used / possible } else { 1.0 };
    let late = figures.trace.iter().filter(|(time, ..)| *time >= scenario.from);
    let (sum, count) =
        late.fold((0.0, 0), |(sum, count), (_, rate, ..)| (sum + *rate as f64, count + 1));
    figures.estimate = sum / f64::from(count.max(1));
    if flows.len() > 1 {
        return;
    }
    for pair in path.capacity.windows(2) {
        let ((_, before), (begin, after)) = (pair[0], pair[1]);
        let end = path.capacity.iter().map(|(time, _)| *time).find(|time| *time > begin);
        let end = end.unwrap_or(scenario.seconds);
        let first = |fits: &dyn Fn(f64) -> bool| {
            let mut later = flows[0].rungs.iter().filter(|(time, _)| (begin..end).contains(time));
            later.find(|(_, rate)| fits(*rate)).map_or(f64::INFINITY, |(time, _)| time - begin)
        };
        if after < before {
            let took = first(&|rate| rate == 0.0 || rate + AUDIO <= after);
            figures.down = Some(figures.down.unwrap_or(0.0).max(took));
        } else {
            let best = best_fitting(&scenario.ladder, free(begin));
            let took = first(&|rate| rate >= best);
            figures.up = Some(figures.up.unwrap_or(0.0).max(took));
        }
    }
}
