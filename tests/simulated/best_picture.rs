//! How soon a viewer has the best picture that its link carries: ten seeds for each kind of link.

use std::time::Duration;

use crate::simulation::run::run;
use crate::simulation::scenario::{Scenario, ViewerLink};
use crate::simulation::scenarios::VP8;
use crate::simulation::traces;
use crate::support::link::{LinkConditions, Loss};

const MS: Duration = Duration::from_millis(1);
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

/// When the first and the best picture came with each seed, in milliseconds.
fn pictures(link: &ViewerLink) -> Vec<(u128, u128)> {
    let seeds = SEEDS.map(|seed| {
        let scenario = Scenario::new("the start", VP8, 8).watched_over(link.clone());
        // At another moment between two frames and since the last keyframe.
        let head_start = Duration::from_secs(5) + 37 * MS * seed as u32;
        let scenario = Scenario { head_start, ..scenario };
        let figures = run(&scenario, seed).remove(0);
        assert_eq!((figures.wrong, figures.unreadable), (0, 0));
        let [first, best] = [figures.first_picture, figures.best_picture];
        [first, best].map(|at| at.map_or(u128::MAX, |at| at.as_millis())).into()
    });
    seeds.collect()
}

/// The best picture is there so many milliseconds after the first one in nine of ten runs.
fn is_best_within(milliseconds: u128, link: &ViewerLink) {
    let pictures = pictures(link);
    let soon =
        pictures.iter().filter(|(first, best)| *best <= first.saturating_add(milliseconds)).count();
    assert!(soon >= 9, "{soon} of 10: {pictures:?}");
}

fn is_soon_best(change: impl Fn(&mut LinkConditions)) {
    is_best_within(1_000, &ViewerLink::with_round_trip(40).with(change));
}

#[test]
fn on_a_clean_link() {
    is_soon_best(|_| {});
}

#[test]
fn with_a_twentieth_lost() {
    is_soon_best(|way| way.loss = Loss::Random(0.05));
}

#[test]
fn with_losses_in_bursts() {
    let loss = Loss::Bursty { enter: 0.006, leave: 0.16, good: 0.001, bad: 0.9 };
    is_soon_best(|way| way.loss = loss);
}

#[test]
fn with_a_jitter_of_a_hundred_milliseconds() {
    let link = ViewerLink::with_round_trip(40).with(|way| way.jitter = 100 * MS);
    is_best_within(1_000, &link);
}

#[test]
fn with_a_jitter_that_lets_packets_overtake() {
    let way = |way: &mut LinkConditions| (way.jitter, way.overtaking) = (100 * MS, true);
    // Nothing shorter than an eighth of a second shows a rate there.
    is_best_within(1_500, &ViewerLink::with_round_trip(40).with(way));
}

#[test]
fn on_a_link_that_carries_little_more() {
    let link = ViewerLink::with_round_trip(40).with_capacities(traces::steady(2_500));
    is_best_within(1_000, &link);
}

#[test]
fn on_a_thin_link_the_first_picture_is_no_later_for_it() {
    let link = ViewerLink::with_round_trip(40).with_capacities(traces::steady(300));
    let pictures = pictures(&link);
    assert!(pictures.iter().all(|(first, _)| *first <= 700), "{pictures:?}");
}
