//! The scenarios, by name.

use std::time::Duration;

use super::encoder::Coding;
use super::scenario::{Goals, Happening, Scenario, ViewerLink};
use super::traces;
use crate::support::link::Loss;

pub const VP8: Coding = Coding::Vp8Simulcast;
const H264: Coding = Coding::H264Simulcast;
const VP9: Coding = Coding::Vp9Svc { key_only: false, flexible: false };
const VP9_FLEXIBLE: Coding = Coding::Vp9Svc { key_only: false, flexible: true };
const VP9_KEY: Coding = Coding::Vp9Svc { key_only: true, flexible: false };
const VP9_KEY_FLEXIBLE: Coding = Coding::Vp9Svc { key_only: true, flexible: true };
const AV1: Coding = Coding::Av1Svc { key_only: false };
const AV1_KEY: Coding = Coding::Av1Svc { key_only: true };

/// kbit/s. None lies close above what a set of layers takes, where a few per cent decide.
const CAPACITIES: [u64; 10] = [130, 230, 300, 450, 700, 900, 1_300, 2_100, 4_000, 10_000];

const ROUND_TRIP: u64 = 40;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

const UTILISED: Goals =
    Goals { utilisation: Some(0.85), step_down: None, step_up: None, longest_freeze: None };
const STEPS: Goals = Goals {
    utilisation: None,
    step_down: Some(SECOND),
    step_up: Some(Duration::from_secs(5)),
    longest_freeze: None,
};

fn no_freeze_over(limit: Duration) -> Goals {
    Goals { longest_freeze: Some(limit), ..Goals::default() }
}

/// Everything there is, in the order in which it is shown.
pub fn all() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = CAPACITIES.iter().map(|kilobits| steady(VP8, *kilobits)).collect();
    for coding in [VP9, VP9_KEY, AV1, AV1_KEY, H264] {
        all.extend([450, 2_100].map(|kilobits| steady(coding, kilobits)));
    }
    for coding in [VP8, H264, VP9, VP9_FLEXIBLE, VP9_KEY, VP9_KEY_FLEXIBLE, AV1, AV1_KEY] {
        all.push(steps(coding));
    }
    all.extend([sawtooth(VP8), mobile(VP8), mobile(AV1)]);
    for coding in [VP8, H264, VP9, AV1] {
        all.extend([loss(coding, 5), loss(coding, 10)]);
    }
    all.extend([bursty_loss(VP8), bursty_loss(AV1), thin_and_lossy(VP8)]);
    all.extend([jitter(VP8), overtaking(VP8), reordering(VP8), duplication(VP8), reordering(H264)]);
    all.extend([ten_links(VP8), ten_links(AV1)]);
    all.extend([address_change(VP8), ice_restart(VP8), address_change_and_restart(VP8)]);
    all
}

pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

fn called(what: &str, coding: Coding) -> String {
    let coding = match coding {
        VP8 => "vp8",
        H264 => "h264",
        VP9 => "vp9",
        VP9_FLEXIBLE => "vp9-flexible",
        VP9_KEY => "vp9-key",
        VP9_KEY_FLEXIBLE => "vp9-key-flexible",
        AV1 => "av1",
        AV1_KEY => "av1-key",
    };
    format!("{what}-{coding}")
}

pub fn steady(coding: Coding, kilobits: u64) -> Scenario {
    let link = ViewerLink::with_round_trip(ROUND_TRIP).with_capacities(traces::steady(kilobits));
    Scenario::new(called(&format!("steady-{kilobits}k"), coding), coding, 40)
        .watched_over(link)
        .with_goals(UTILISED)
}

pub fn steps(coding: Coding) -> Scenario {
    let trace = traces::steps(&[(0, 5_000), (20, 600), (40, 5_000)]);
    let link = ViewerLink::with_round_trip(ROUND_TRIP).with_capacities(trace);
    Scenario::new(called("steps", coding), coding, 60).watched_over(link).with_goals(STEPS)
}

pub fn sawtooth(coding: Coding) -> Scenario {
    let trace = traces::sawtooth(3_000, 300, 20, 80);
    let link = ViewerLink::with_round_trip(ROUND_TRIP).with_capacities(trace);
    Scenario::new(called("sawtooth", coding), coding, 80).watched_over(link)
}

pub fn mobile(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(60).with_capacities(traces::mobile(4, 120));
    let link = link.with(|way| way.jitter = 10 * MS);
    Scenario::new(called("mobile", coding), coding, 120).watched_over(link)
}

/// Of a hundred packets in each direction.
pub fn loss(coding: Coding, percent: u32) -> Scenario {
    let share = Loss::Random(f64::from(percent) / 100.0);
    let link = ViewerLink::with_round_trip(100).with(|way| way.loss = share);
    let limit = if percent <= 5 { 200 * MS } else { 500 * MS };
    Scenario::new(called(&format!("loss-{percent}"), coding), coding, 60)
        .watched_over(link)
        .with_goals(no_freeze_over(limit))
}

/// A bit of everything: a link that carries hardly the best picture, loses some of it, and is far away.
pub fn thin_and_lossy(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(160).with_capacities(traces::steady(1_500));
    let link = link.with(|way| way.loss = Loss::Random(0.02));
    Scenario::new(called("thin-and-lossy", coding), coding, 60)
        .watched_over(link)
        .with_goals(no_freeze_over(500 * MS))
}

/// Some three packets in a hundred, six in a row.
pub fn bursty_loss(coding: Coding) -> Scenario {
    let loss = Loss::Bursty { enter: 0.006, leave: 0.16, good: 0.001, bad: 0.9 };
    let link = ViewerLink::with_round_trip(100).with(|way| way.loss = loss);
    Scenario::new(called("bursty-loss", coding), coding, 60)
        .watched_over(link)
        .with_goals(no_freeze_over(500 * MS))
}

pub fn jitter(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(60).with(|way| way.jitter = 100 * MS);
    Scenario::new(called("jitter", coding), coding, 60)
        .watched_over(link)
        .with_goals(Goals { utilisation: Some(0.85), ..no_freeze_over(SECOND) })
}

pub fn overtaking(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(60).with(|way| {
        way.jitter = 30 * MS;
        way.overtaking = true;
    });
    Scenario::new(called("jitter-overtaking", coding), coding, 60)
        .watched_over(link)
        .with_goals(no_freeze_over(SECOND))
}

pub fn reordering(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(60).with(|way| way.reordering = 0.05);
    Scenario::new(called("reordering", coding), coding, 40)
        .watched_over(link)
        .with_goals(Goals { utilisation: Some(0.85), ..no_freeze_over(SECOND) })
}

pub fn duplication(coding: Coding) -> Scenario {
    let link = ViewerLink::with_round_trip(60).with(|way| way.duplication = 0.1);
    Scenario::new(called("duplication", coding), coding, 40)
        .watched_over(link)
        .with_goals(Goals { utilisation: Some(0.85), ..no_freeze_over(SECOND) })
}

/// Ten viewers at once, each with another capacity.
pub fn ten_links(coding: Coding) -> Scenario {
    let link = |kilobits: &u64| {
        ViewerLink::with_round_trip(ROUND_TRIP).with_capacities(traces::steady(*kilobits))
    };
    let scenario = Scenario::new(called("ten-links", coding), coding, 40).with_goals(UTILISED);
    CAPACITIES.iter().map(link).fold(scenario, Scenario::watched_over)
}

/// A viewer that moved is found by what it sends next. One that gets nothing any more has nothing
/// but its report to send, once a second (RFC 4585 3.4); then come the time in which the old address
/// has to be silent, and a round trip.
const FOUND_AFTER: Duration = Duration::from_millis(1_200);

pub fn address_change(coding: Coding) -> Scenario {
    address_change_at(coding, Duration::from_secs(20))
}

/// At another moment between two reports of the viewer.
pub fn address_change_at(coding: Coding, moment: Duration) -> Scenario {
    Scenario::new(called("address-change", coding), coding, 40)
        .watched_over(ViewerLink::with_round_trip(ROUND_TRIP))
        .happens_at(moment, Happening::AddressChange)
        .with_goals(no_freeze_over(FOUND_AFTER))
}

pub fn ice_restart(coding: Coding) -> Scenario {
    Scenario::new(called("ice-restart", coding), coding, 40)
        .watched_over(ViewerLink::with_round_trip(ROUND_TRIP))
        .happens(20, Happening::IceRestart)
        .with_goals(no_freeze_over(SECOND))
}

/// As a phone does that leaves the house: the address is another, and the application notices.
pub fn address_change_and_restart(coding: Coding) -> Scenario {
    Scenario::new(called("address-change-restart", coding), coding, 40)
        .watched_over(ViewerLink::with_round_trip(ROUND_TRIP))
        .happens(20, Happening::AddressChange)
        .happens(21, Happening::IceRestart)
        .with_goals(no_freeze_over(FOUND_AFTER))
}
