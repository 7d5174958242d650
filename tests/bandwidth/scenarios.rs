//! Networks with their seeds.

use crate::path::{Jitter, Losses, Path};
use crate::random::Random;
use crate::simulation::{Goal, Scenario};

const K: f64 = 1e3;
const M: f64 = 1e6;
/// Up to what a 10 Mbit/s link is worth.
const HIGH: [f64; 5] = [150.0 * K, 500.0 * K, 1500.0 * K, 4.0 * M, 8.0 * M];

/// Temporal and spatial layers.
const FINE: [f64; 9] =
    [100.0 * K, 150.0 * K, 220.0 * K, 320.0 * K, 500.0 * K, 700.0 * K, M, 1500.0 * K, 2200.0 * K];

/// A mobile link: every two seconds a step up or down by up to a third.
fn walk() -> Scenario {
    let mut random = Random::new(7);
    let mut rate = 1.5 * M;
    let capacity = (0..30).map(|n| {
        rate = (rate * (0.7 + 0.6 * random.share())).clamp(0.4 * M, 3.0 * M);
        (f64::from(n) * 2.0, rate)
    });
    let path = Path { capacity: capacity.collect(), ..Path::default() };
    let goal = Goal { utilisation: 0.7, down: f64::INFINITY, up: f64::INFINITY, queue_p95: 200.0 };
    Scenario { goal, ..on("mobile link", path) }
}

pub fn all() -> Vec<Scenario> {
    let constant = |name, capacity| Scenario { ladder: HIGH.to_vec(), ..on(name, path(capacity)) };
    let lossy = |name, losses| on(name, Path { losses, ..path(2.0 * M) });
    vec![
        constant("constant 0.1 Mbit/s", 0.1 * M),
        constant("constant 0.3 Mbit/s", 0.3 * M),
        constant("constant 0.7 Mbit/s", 0.7 * M),
        constant("constant 1 Mbit/s", M),
        constant("constant 2 Mbit/s", 2.0 * M),
        constant("constant 5 Mbit/s", 5.0 * M),
        constant("constant 10 Mbit/s", 10.0 * M),
        steps("step down 5 to 1 Mbit/s", &[(0.0, 5.0), (20.0, 1.0)]),
        steps("step up 1 to 5 Mbit/s", &[(0.0, 1.0), (20.0, 5.0)]),
        steps(
            "sawtooth",
            &[
                (0.0, 3.0),
                (15.0, 2.0),
                (20.0, 1.4),
                (25.0, 0.8),
                (30.0, 3.0),
                (40.0, 2.0),
                (45.0, 1.4),
                (50.0, 0.8),
                (55.0, 3.0),
            ],
        ),
        queueing(
            100.0,
            steps("on and off", &[(0.0, 2.5), (15.0, 0.7), (25.0, 2.5), (35.0, 0.7), (45.0, 2.5)]),
        ),
        lossy("random loss 5 %", Losses::Random(0.05)),
        lossy("random loss 10 %", Losses::Random(0.10)),
        lossy("loss in bursts, 5 %", Losses::Bursts { to_bad: 0.007, to_good: 0.1, bad: 0.8 }),
        on(
            "random loss 5 %, 3 to 1 Mbit/s",
            Path { losses: Losses::Random(0.05), ..stepping(3.0, 1.0) },
        ),
        using(
            0.55,
            on(
                "jitter 100 ms, overtaking",
                Path { jitter: Jitter::Overtaking(100.0), ..path(2.0 * M) },
            ),
        ),
        on("jitter 100 ms, pauses", Path { jitter: Jitter::Pauses(100.0), ..path(2.5 * M) }),
        on(
            "round trip 300 ms, 3 to 1 Mbit/s",
            Path { delay: vec![(0.0, 150.0)], ..stepping(3.0, 1.0) },
        ),
        on("short queue 50 ms, 3 to 1 Mbit/s", Path { queue: 50.0, ..stepping(3.0, 1.0) }),
        // A single frame does not fit into this queue.
        using(
            0.65,
            on("very short queue 15 ms, 3 to 1 Mbit/s", Path { queue: 15.0, ..stepping(3.0, 1.0) }),
        ),
        on("long queue 2 s, 3 to 1 Mbit/s", Path { queue: 2000.0, ..stepping(3.0, 1.0) }),
        on(
            "others take 1.5 of 3 Mbit/s",
            Path { others: vec![(0.0, 0.0), (20.0, 1.5 * M), (40.0, 0.0)], ..path(3.0 * M) },
        ),
        on("clocks apart by +300 ppm", Path { drift: 300.0, ..path(2.0 * M) }),
        on("clocks apart by -300 ppm", Path { drift: -300.0, ..path(2.0 * M) }),
        on("nothing arrives for 3 s", Path { blackout: Some((20.0, 23.0)), ..path(2.0 * M) }),
        on("feedback lost 20 %", Path { feedback_loss: 0.2, ..path(2.0 * M) }),
        on(
            "feedback every 250 ms, 3 to 1 Mbit/s",
            Path { feedback_interval: 250.0, ..stepping(3.0, 1.0) },
        ),
        Scenario {
            reset: Some(20.0),
            ..on(
                "another path, 60 ms longer and thinner",
                Path { delay: vec![(0.0, 20.0), (20.0, 80.0)], ..stepping(3.0, 1.0) },
            )
        },
        on(
            "60 ms longer, unannounced",
            Path { delay: vec![(0.0, 20.0), (20.0, 80.0)], ..path(2.0 * M) },
        ),
        lossy("random loss 20 %", Losses::Random(0.2)),
        on(
            "random loss 10 % begins",
            Path { losses: Losses::Random(0.1), lossy_from: 20.0, ..path(2.0 * M) },
        ),
        on(
            "random loss 10 %, 3 to 1 Mbit/s",
            Path { losses: Losses::Random(0.1), ..stepping(3.0, 1.0) },
        ),
        on(
            "random loss 5 %, short queue 50 ms, 3 to 1 Mbit/s",
            Path { losses: Losses::Random(0.05), queue: 50.0, ..stepping(3.0, 1.0) },
        ),
        on(
            "jitter 30 ms, overtaking, 1 to 3 Mbit/s",
            Path { jitter: Jitter::Overtaking(30.0), ..stepping(1.0, 3.0) },
        ),
        Scenario {
            // It takes longer to tell pauses from a thin link.
            goal: Goal { up: 8.0, ..Goal::default() },
            ..on(
                "jitter 100 ms, pauses, 1 to 3 Mbit/s",
                Path { jitter: Jitter::Pauses(100.0), ..stepping(1.0, 3.0) },
            )
        },
        queueing(
            90.0,
            on(
                "jitter 100 ms, pauses, 3 to 1 Mbit/s",
                Path { jitter: Jitter::Pauses(100.0), ..stepping(3.0, 1.0) },
            ),
        ),
        using(
            0.6,
            queueing(
                90.0,
                on(
                    "jitter 100 ms, overtaking, 3 to 1 Mbit/s",
                    Path { jitter: Jitter::Overtaking(100.0), ..stepping(3.0, 1.0) },
                ),
            ),
        ),
        on(
            "feedback every 250 ms, 1 to 3 Mbit/s",
            Path { feedback_interval: 250.0, ..stepping(1.0, 3.0) },
        ),
        on(
            "round trip 300 ms, 1 to 3 Mbit/s",
            Path { delay: vec![(0.0, 150.0)], ..stepping(1.0, 3.0) },
        ),
        on("0.3 to 1 Mbit/s", stepping(0.3, 1.0)),
        on("1 to 0.3 Mbit/s", stepping(1.0, 0.3)),
        Scenario {
            ladder: FINE.to_vec(),
            ..on("fine layers, 1.1 to 2.1 Mbit/s", stepping(1.1, 2.1))
        },
        Scenario {
            ladder: FINE.to_vec(),
            ..on("fine layers, 2.1 to 1.1 Mbit/s", stepping(2.1, 1.1))
        },
        Scenario { ladder: FINE.to_vec(), ..walk() },
        Scenario { ladder: Vec::new(), ..on("sound alone", path(M)) },
        queueing(150.0, Scenario { flows: 3, ..on("three viewers share 3 Mbit/s", path(3.0 * M)) }),
    ]
}

fn path(capacity: f64) -> Path {
    Path { capacity: vec![(0.0, capacity)], ..Path::default() }
}

fn stepping(before: f64, after: f64) -> Path {
    Path { capacity: vec![(0.0, before * M), (20.0, after * M)], ..Path::default() }
}

/// With another bound for the queue, in ms.
fn queueing(queue_p95: f64, scenario: Scenario) -> Scenario {
    Scenario { goal: Goal { queue_p95, ..scenario.goal }, ..scenario }
}

/// With another bound for utilisation.
fn using(utilisation: f64, scenario: Scenario) -> Scenario {
    Scenario { goal: Goal { utilisation, ..scenario.goal }, ..scenario }
}

fn on(name: &'static str, path: Path) -> Scenario {
    Scenario { name, path, ..Scenario::default() }
}

fn steps(name: &'static str, trace: &[(f64, f64)]) -> Scenario {
    let capacity = trace.iter().map(|(time, rate)| (*time, rate * M)).collect();
    on(name, Path { capacity, ..Path::default() })
}
