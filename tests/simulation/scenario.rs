//! What happens in a run: who watches what over which link, and what is asked of it.

use std::time::Duration;

use super::encoder::Coding;
use super::traces::Capacities;
use crate::support::link::LinkConditions;

#[derive(Clone)]
pub struct Scenario {
    pub name: String,
    pub coding: Coding,
    /// How long media flows.
    pub length: Duration,
    /// Utilisation, freezes and the like are counted from here on.
    pub settled: Duration,
    /// How long the publisher sends before the viewers come.
    pub head_start: Duration,
    /// One for each viewer.
    pub links: Vec<ViewerLink>,
    pub happenings: Vec<(Duration, Happening)>,
    pub goals: Goals,
}

#[derive(Clone)]
pub struct ViewerLink {
    pub to_viewer: LinkConditions,
    pub from_viewer: LinkConditions,
    /// Of the way to the viewer. Empty: no bottleneck.
    pub capacities: Capacities,
}

/// What happens to the first viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happening {
    /// Its NAT gives it another address.
    AddressChange,
    IceRestart,
}

/// What is asked for. `None`: the figure is shown for itself.
#[derive(Clone, Copy, Default)]
pub struct Goals {
    /// Of what the best fitting set of layers would have brought.
    pub utilisation: Option<f64>,
    pub step_down: Option<Duration>,
    pub step_up: Option<Duration>,
    pub longest_freeze: Option<Duration>,
}

impl Scenario {
    pub fn new(name: impl Into<String>, coding: Coding, seconds: u64) -> Self {
        Self {
            name: name.into(),
            coding,
            length: Duration::from_secs(seconds),
            settled: Duration::from_secs(10).min(Duration::from_secs(seconds / 2)),
            head_start: Duration::ZERO,
            links: Vec::new(),
            happenings: Vec::new(),
            goals: Goals::default(),
        }
    }

    pub fn watched_over(mut self, link: ViewerLink) -> Self {
        self.links.push(link);
        self
    }

    pub fn happens(self, second: u64, happening: Happening) -> Self {
        self.happens_at(Duration::from_secs(second), happening)
    }

    pub fn happens_at(mut self, moment: Duration, happening: Happening) -> Self {
        self.happenings.push((moment, happening));
        self
    }

    pub fn with_goals(mut self, goals: Goals) -> Self {
        self.goals = goals;
        self
    }
}

impl ViewerLink {
    /// The same delay in both directions, nothing lost.
    pub fn with_round_trip(ms: u64) -> Self {
        let way = LinkConditions::with_delay(ms / 2);
        Self { to_viewer: way, from_viewer: way, capacities: Capacities::new() }
    }

    pub fn with_capacities(mut self, capacities: Capacities) -> Self {
        self.capacities = capacities;
        self
    }

    /// In both directions.
    pub fn with(mut self, change: impl Fn(&mut LinkConditions)) -> Self {
        change(&mut self.to_viewer);
        change(&mut self.from_viewer);
        self
    }

    pub fn round_trip(&self) -> Duration {
        self.to_viewer.delay + self.from_viewer.delay
    }
}
