//! What viewers see over bad networks: the scenarios of `npm run bench:network`, held to their
//! goals.

use std::time::{Duration, Instant};

use crate::simulation::encoder::Coding;
use crate::simulation::figures::Figures;
use crate::simulation::run::run;
use crate::simulation::scenario::{Scenario, ViewerLink};
use crate::simulation::scenarios;
use crate::simulation::seeds::{REGRESSIONS, Regression};
use crate::simulation::traces;
use crate::support::link::{Link, LinkConditions, Loss, Queue};

const MS: Duration = Duration::from_millis(1);

fn scenario(name: &str) -> Scenario {
    scenarios::named(name).unwrap_or_else(|| panic!("a scenario {name}"))
}

/// The first seconds of a scenario.
fn short(name: &str, seconds: u64) -> Scenario {
    let scenario = scenario(name);
    Scenario { length: Duration::from_secs(seconds), settled: Duration::from_secs(5), ..scenario }
}

fn assert_goals(figures: &[Figures], seed: u64) {
    for figures in figures {
        for goal in &figures.goals {
            let Figures { scenario, viewer, .. } = figures;
            let (name, measured) = (goal.name, goal.measured);
            assert!(
                goal.met,
                "{scenario} with seed {seed}, viewer {viewer}: {name} {measured:?}, not {}; {:?}",
                goal.goal, figures.first_wrong
            );
        }
    }
}

fn meets_its_goals(name: &str, seconds: u64) {
    assert_goals(&run(&short(name, seconds), 1), 1);
}

/// A scenario that no goal but sound pictures is asked of, in all codecs.
#[test]
fn every_coding_is_watched_whole_over_a_good_link() {
    for coding in
        ["vp8", "h264", "vp9", "vp9-flexible", "vp9-key", "vp9-key-flexible", "av1", "av1-key"]
    {
        for figures in run(&short(&format!("steps-{coding}"), 10), 1) {
            assert_eq!((figures.wrong, figures.unreadable), (0, 0), "{coding}");
            assert!(figures.utilisation() > 0.95, "{coding}: {}", figures.utilisation());
            assert!(figures.pictures_per_second > 29.0, "{coding}");
            assert_eq!(figures.height, 720.0, "{coding}");
            assert!(figures.freezes.is_empty(), "{coding}: {:?}", figures.freezes);
        }
    }
}

/// Keys and SSRCs are drawn anew each time, and with them the lengths of some packets; what a
/// picture or two make of it is all that may differ.
#[test]
fn the_same_seed_gives_the_same_network() {
    let figures = |seed| run(&short("mobile-vp8", 12), seed).remove(0);
    let (one, again, other) = (figures(3), figures(3), figures(4));
    assert_eq!((one.capacity, one.ideal), (again.capacity, again.ideal));
    assert!((one.utilisation() - again.utilisation()).abs() < 0.03);
    assert_ne!(one.ideal, other.ideal);
}

#[test]
fn a_wide_link_is_used() {
    meets_its_goals("steady-4000k-vp8", 15);
}

#[test]
fn jitter_freezes_nothing() {
    // How well the link is used with so much jitter is in docs/bandwidth.md.
    for figures in run(&short("jitter-vp8", 20), 1) {
        assert!(figures.freezes.is_empty(), "{:?}", figures.freezes);
        assert_eq!((figures.wrong, figures.unreadable), (0, 0));
    }
}

#[test]
fn reordering_freezes_nothing() {
    meets_its_goals("reordering-vp8", 20);
    meets_its_goals("reordering-h264", 20);
}

#[test]
fn duplicates_freeze_nothing() {
    meets_its_goals("duplication-vp8", 20);
}

#[test]
fn bursts_of_loss_are_repaired() {
    meets_its_goals("bursty-loss-vp8", 30);
}

#[test]
fn what_a_thin_link_far_away_loses_comes_again_before_it_is_missed() {
    meets_its_goals("thin-and-lossy-vp8", 30);
}

#[test]
fn an_ice_restart_freezes_nothing() {
    meets_its_goals("ice-restart-vp8", 25);
}

#[test]
fn lost_packets_are_repeated() {
    for name in ["loss-5-vp8", "loss-10-vp8"] {
        for figures in run(&short(name, 20), 1) {
            assert!(figures.lost > 100, "{name}: {} lost", figures.lost);
            let share = figures.recovered as f64 / figures.lost as f64;
            assert!(share > 0.98, "{name}: {share} recovered");
        }
    }
}

#[test]
fn ten_viewers_get_what_fits_their_links() {
    meets_its_goals("ten-links-vp8", 30);
    meets_its_goals("ten-links-av1", 30);
}

#[test]
fn layers_follow_steps_of_the_link() {
    // The others are in `npm run bench:network`; this takes a while without optimisation.
    for coding in ["vp8", "vp9-key", "av1"] {
        assert_goals(&run(&scenario(&format!("steps-{coding}")), 1), 1);
    }
}

/// A queue on a full link differs from moment to moment as jitter does, and was once taken for it for
/// 400 ms: until then the link had a queue that dropped what did not fit.
#[test]
fn a_capacity_that_swings_like_a_saw_freezes_little() {
    let runs = [1, 2, 3].map(|seed| run(&short("sawtooth-vp8", 45), seed).remove(0).freezes);
    let count: usize = runs.iter().map(Vec::len).sum();
    assert!(count <= 7, "{runs:?}");
}

#[test]
fn a_link_that_got_better_is_found_to_be_so_within_two_seconds() {
    for coding in ["vp9", "av1"] {
        let figures = run(&scenario(&format!("steps-{coding}")), 2).remove(0);
        let up = figures.steps_up[0].expect("it went up");
        assert!(up <= 2_000 * MS, "{coding}: {up:?}");
    }
}

/// Nothing at all is sent to a viewer without sound while its link has no room for its only
/// picture. It has to come back by itself.
#[test]
fn a_picture_that_paused_comes_back_with_the_link() {
    let trace = traces::steps(&[(0, 2_000), (8, 30), (20, 2_000)]);
    let link = ViewerLink::with_round_trip(40).with_capacities(trace);
    let scenario = Scenario::new("pause".to_owned(), Coding::Vp8Simulcast, 32).watched_over(link);
    let figures = run(&scenario, 1).remove(0);
    let longest = figures.freezes.iter().map(|freeze| freeze.length).max().unwrap_or_default();
    assert!(longest > 8_000 * MS, "it paused: {longest:?}");
    assert!(longest < 18_000 * MS, "it came back: {longest:?}");
}

/// The estimator once took the full queue and what it dropped for the path's own: it believed in
/// several times of what the link carried, and the picture stood most of the time.
#[test]
fn a_fall_to_a_fiftieth_is_over_in_a_few_seconds() {
    for (kilobits, seed) in [(170, 2), (170, 3), (200, 1), (200, 2)] {
        let trace = traces::steps(&[(0, 10_000), (8, kilobits)]);
        let link = ViewerLink::with_round_trip(30).with_capacities(trace);
        let scenario = Scenario::new("fall".to_owned(), Coding::Vp8Simulcast, 32);
        let scenario = Scenario { settled: 5_000 * MS, ..scenario.watched_over(link) };
        for figures in run(&scenario, seed) {
            let frozen: Duration = figures.freezes.iter().map(|freeze| freeze.length).sum();
            let name = format!("{kilobits} kbit/s with seed {seed}");
            assert!(frozen < 4_500 * MS, "{name}: {frozen:?} in all, {:?}", figures.freezes);
            assert_eq!((figures.wrong, figures.unreadable), (0, 0), "{name}");
        }
    }
}

/// The goals are 200 and 500 ms, which a request that gets lost itself goes beyond: a str0m viewer
/// asks again after 132 ms. `npm run bench:network` holds every run to the goals. Keys and SSRCs are
/// no matter of the seed, and what they make of one run is luck.
#[test]
fn loss_freezes_nothing_for_long() {
    let five = ["loss-5-vp8", "loss-5-h264", "loss-5-vp9"].map(|name| (name, 500, 1..=1));
    let ten = ["loss-10-vp8", "loss-10-av1"].map(|name| (name, 500, 1..=5));
    for (name, limit, seeds) in five.into_iter().chain(ten) {
        let mut longest = Vec::new();
        for figures in seeds.flat_map(|seed| run(&short(name, 20), seed)) {
            let freezes = figures.freezes.iter().map(|freeze| freeze.length);
            longest.push(freezes.max().unwrap_or_default());
            assert_eq!((figures.wrong, figures.unreadable), (0, 0), "{name}");
        }
        longest.sort_unstable();
        let [usually, worst] = [longest[longest.len() / 2], longest[longest.len() - 1]];
        assert!(usually <= limit * MS && worst <= 2 * limit * MS, "{name}: {longest:?}");
    }
}

/// Whenever it comes: what the viewer sends last before it, and so what it sends next, differ by
/// that.
#[test]
fn another_address_freezes_for_no_longer_than_a_report_takes() {
    for moment in (0..10).map(|tenth| Duration::from_secs(20) + tenth * 105 * MS) {
        let scenario = scenarios::address_change_at(scenarios::VP8, moment);
        let scenario = Scenario { length: Duration::from_secs(25), ..scenario };
        assert_goals(&run(&scenario, 1), 1);
    }
    meets_its_goals("address-change-restart-vp8", 30);
}

#[test]
fn what_went_wrong_once_goes_right() {
    for Regression { scenario: name, seed, why } in REGRESSIONS {
        for figures in run(&scenario(name), *seed) {
            let (wrong, what) = (figures.wrong + figures.unreadable, &figures.first_wrong);
            assert_eq!(wrong, 0, "{name} with seed {seed}, once because {why}: {what:?}");
            assert!(figures.utilisation() > 0.85, "{name} with seed {seed}, once because {why}");
        }
    }
}

fn arrivals(link: &mut Link, start: Instant, count: u32, every: Duration) -> Vec<Option<Duration>> {
    let send = |n| {
        let now = start + every * n;
        link.carry(now, &[0; 972])[0].map(|arrival| arrival - now)
    };
    (0..count).map(send).collect()
}

#[test]
fn a_link_sends_as_fast_as_it_can_and_drops_what_its_queue_cannot_hold() {
    // A datagram takes 8 ms with its headers, so that ten wait for 80 ms.
    let conditions = LinkConditions {
        capacity: Some(1_000_000),
        queue: Queue::Time(40 * MS),
        ..LinkConditions::with_delay(10)
    };
    let mut link = Link::new(1, conditions);
    let arrivals = arrivals(&mut link, Instant::now(), 10, Duration::ZERO);
    let expected = (1..=6).map(|n| Some(10 * MS + 8 * MS * n));
    assert_eq!(arrivals[..6], expected.collect::<Vec<_>>());
    assert!(arrivals[6..].iter().all(Option::is_none));
    assert_eq!(link.log.queue_drops, 4);
}

#[test]
fn a_packet_that_a_change_of_capacity_overtakes_is_sent_at_both_rates() {
    let start = Instant::now();
    let slow = LinkConditions { capacity: Some(1_000_000), ..LinkConditions::with_delay(0) };
    let mut link = Link::new(1, slow);
    link.follow(start, &[(4 * MS, LinkConditions { capacity: Some(500_000), ..slow })]);
    // Half of it in 4 ms, the other half in 8.
    assert_eq!(link.carry(start, &[0; 972])[0], Some(start + 12 * MS));
}

#[test]
fn bursts_of_loss_are_as_long_and_as_many_as_was_said() {
    let loss = Loss::Bursty { enter: 0.01, leave: 0.2, good: 0.0, bad: 1.0 };
    let mut link = Link::new(7, LinkConditions { loss, ..LinkConditions::with_delay(0) });
    let arrivals = arrivals(&mut link, Instant::now(), 100_000, MS);
    let lost = arrivals.iter().filter(|arrival| arrival.is_none()).count();
    let bursts = arrivals.windows(2).filter(|w| w[0].is_some() && w[1].is_none()).count();
    // One in twenty-one packets, five at a time.
    assert!((4_300..5_300).contains(&lost), "{lost}");
    let length = lost as f64 / bursts as f64;
    assert!((4.5..5.5).contains(&length), "{length}");
}

#[test]
fn jitter_keeps_the_order_unless_packets_may_overtake() {
    for overtaking in [false, true] {
        let conditions =
            LinkConditions { jitter: 50 * MS, overtaking, ..LinkConditions::with_delay(20) };
        let mut link = Link::new(3, conditions);
        let start = Instant::now();
        let arrivals = arrivals(&mut link, start, 1000, 5 * MS);
        let at: Vec<Duration> =
            (0..).zip(&arrivals).map(|(n, late)| 5 * MS * n + late.expect("none lost")).collect();
        assert_eq!(at.windows(2).all(|pair| pair[0] <= pair[1]), !overtaking);
        assert!(arrivals.iter().flatten().all(|late| (20 * MS..=70 * MS).contains(late)));
        let spread = arrivals
            .iter()
            .flatten()
            .max()
            .unwrap()
            .saturating_sub(*arrivals.iter().flatten().min().unwrap());
        assert!(spread > 30 * MS, "{spread:?}");
    }
}
