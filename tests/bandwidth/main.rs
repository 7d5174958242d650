//! The bandwidth estimator against networks.

mod application;
mod path;
mod random;
mod scenarios;
mod simulation;

use medialoom::bandwidth::{Limits, SendSideEstimator};
use simulation::{Figures, Scenario, run};

fn own(scenario: &Scenario) -> Figures {
    run(scenario, |origin| Box::new(SendSideEstimator::new(origin, Limits::default())))
}

/// The comparison plays more of them (docs/bandwidth.md).
const SEEDS: [u64; 2] = [1, 2];

/// Prints what was reached; gives what was not.
fn missed(seed: u64) -> Vec<String> {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut missed = Vec::new();
    for scenario in scenarios::all().into_iter().filter(|scenario| scenario.name.contains(&only)) {
        let scenario = scenario.seeded(seed);
        let (goal, figures) = (scenario.goal, own(&scenario));
        let line = format!("{}, seed {seed}: {figures}", scenario.name);
        println!("{line}");
        let reached = figures.utilisation >= goal.utilisation
            && figures.down.is_none_or(|took| took <= goal.down)
            && figures.up.is_none_or(|took| took <= goal.up)
            && figures.queue_p95 <= goal.queue_p95;
        if !reached {
            missed.push(line);
        }
    }
    missed
}

#[test]
fn every_network_is_used_without_filling_its_queue() {
    let missed: Vec<_> = std::thread::scope(|scope| {
        let threads = SEEDS.map(|seed| scope.spawn(move || missed(seed)));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
