//! The engine's estimator and a port of libwebrtc's in the same simulated networks. Prints the
//! table of docs/bandwidth.md.

#[path = "../../../tests/bandwidth/application.rs"]
mod application;
mod libwebrtc;
#[path = "../../../tests/bandwidth/path.rs"]
mod path;
#[path = "../../../tests/bandwidth/random.rs"]
mod random;
#[path = "../../../tests/bandwidth/scenarios.rs"]
mod scenarios;
#[path = "../../../tests/bandwidth/simulation.rs"]
mod simulation;

use medialoom::bandwidth::{Limits, SendSideEstimator};
use simulation::{Figures, run};

fn main() {
    for s in scenarios::all() {
        let own = run(&s, |origin| Box::new(SendSideEstimator::new(origin, Limits::default())));
        let other =
            run(&s, |origin| Box::new(libwebrtc::Libwebrtc::new(origin, Limits::default())));
        for f in [own, other] {
            println!(
                "{:42} util {:5.1}% down {:?} up {:?} queue {:.0}/{:.0} drop {:.2}% ch {:.1} est {:.0}k probes {:.1}k",
                s.name,
                f.utilisation * 100.0,
                f.down,
                f.up,
                f.queue_mean,
                f.queue_p95,
                f.dropped * 100.0,
                f.changes,
                f.estimate / 1e3,
                f.probes / 1e3
            );
        }
    }
}
