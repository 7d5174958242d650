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

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

#[test]
fn every_network_is_used_without_filling_its_queue() {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut missed = Vec::new();
    for scenario in scenarios::all().into_iter().filter(|scenario| scenario.name.contains(&only)) {
        for seed in SEEDS {
            let scenario = scenario.clone().seeded(seed);
            let (goal, figures) = (scenario.goal, own(&scenario));
            let line = format!("{}, seed {seed}: {figures}", scenario.name);
            println!("{line}");
            let reached = (figures.utilisation >= goal.utilisation)
                && figures.down.is_none_or(|took| took <= goal.down)
                && figures.up.is_none_or(|took| took <= goal.up)
                && figures.queue_p95 <= goal.queue_p95;
            if !reached {
                missed.push(line);
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
