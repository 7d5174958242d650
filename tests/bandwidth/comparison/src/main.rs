//! The engine's estimator and a port of libwebrtc's in the same simulated networks. Prints the
//! table of docs/bandwidth.md.

#[path = "../../application.rs"]
mod application;
mod libwebrtc;
#[path = "../../path.rs"]
mod path;
#[path = "../../random.rs"]
mod random;
#[path = "../../scenarios.rs"]
mod scenarios;
#[allow(dead_code, reason = "the goals are for the tests")]
#[path = "../../simulation.rs"]
mod simulation;

use std::time::{Duration, Instant};

use libwebrtc::Libwebrtc;
use medialoom::bandwidth::{Estimator, Limits, PacketResult, SendSideEstimator, Sending};
use simulation::{Figures, Scenario, run};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

fn own(origin: Instant) -> Box<dyn Estimator> {
    Box::new(SendSideEstimator::new(origin, Limits::default()))
}

fn other(origin: Instant) -> Box<dyn Estimator> {
    Box::new(Libwebrtc::new(origin, Limits::default()))
}

/// Of all seeds: the mean of shares, the worst of times.
fn summary(scenario: &Scenario, estimator: fn(Instant) -> Box<dyn Estimator>) -> Vec<String> {
    let figures: Vec<Figures> =
        SEEDS.map(|seed| run(&scenario.clone().seeded(seed), estimator)).collect();
    let mean = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>() / figures.len() as f64;
    let worst =
        |of: fn(&Figures) -> Option<f64>| match figures.iter().filter_map(of).reduce(f64::max) {
            None => "".to_string(),
            Some(time) if time.is_infinite() => "never".to_string(),
            Some(time) => format!("{time:.1}"),
        };
    vec![
        format!("{:.0}", 100.0 * mean(|figures| figures.utilisation)),
        worst(|figures| figures.down),
        worst(|figures| figures.up),
        format!("{:.0}", mean(|figures| figures.queue_p95)),
        format!("{:.1}", 100.0 * mean(|figures| figures.dropped)),
        format!("{:.1}", mean(|figures| figures.changes)),
    ]
}

/// Of real time, for feedback about ten packets.
fn cost(estimator: fn(Instant) -> Box<dyn Estimator>) -> Duration {
    let origin = Instant::now();
    let mut estimator = estimator(origin);
    let feedbacks = 20_000u64;
    for feedback in 0..feedbacks {
        let first = feedback * 10;
        let results: Vec<_> = (first..first + 10)
            .map(|number| PacketResult {
                number,
                sent: Duration::from_millis(number * 5),
                size: 1200,
                arrived: Some(number as i64 * 20 + 100),
                probe: None,
            })
            .collect();
        let now = origin + Duration::from_millis((first + 10) * 5 + 50);
        estimator.tick(now, Sending { bytes: 12_000, wanted: 0 });
        estimator.feedback(now, &results, Some(Duration::from_millis(50)));
    }
    origin.elapsed() / feedbacks as u32
}

fn main() {
    println!("| network | used % | down s | up s | queue ms | dropped % | changes/min |");
    println!("|---|---|---|---|---|---|---|");
    for scenario in scenarios::all() {
        let (own, other) = (summary(&scenario, own), summary(&scenario, other));
        let cells =
            own.iter().zip(&other).map(|(own, other)| match (own.as_str(), other.as_str()) {
                ("", "") => String::new(),
                (own, other) => format!("{own} / {other}"),
            });
        println!("| {} | {} |", scenario.name, cells.collect::<Vec<_>>().join(" | "));
    }
    println!("\nper feedback about ten packets: {:?} / {:?}", cost(own), cost(other));
}
