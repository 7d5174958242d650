//! Shares what a transport's link carries over its video tracks.
//!
//! Every track gets its lowest rung first, the more important ones before the others. Then tracks
//! go up step by step: of all next steps that fit, the one that costs least for its weight, which
//! is priority times the side of the picture. A step that does not fit leaves the rest to others.
//! So with more bandwidth the whole never gets less, but a track may, in favour of one that comes
//! first and could not be served before.
//!
//! Rungs that are held only have to fit. Going up needs some headroom as well, and patience after
//! attempts that failed (`backoff.rs`); or the picture would change with every move of an estimate.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::backoff::Backoff;
use super::track::{Pass, Track};

/// What has to be free after a step up, as a share of everything sent.
const HEADROOM: f64 = 0.12;
/// Likewise, up to what the track was sent before for some time.
const PROVEN_HEADROOM: f64 = 0.05;
/// Steps that are held come before others that are up to this much better: rates are measured and
/// differ from one moment to the next.
const HELD_FIRST: f64 = 0.6;
/// What an allocation comes to, in bits a second of video.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Allocation {
    /// What is going to be sent.
    pub used: u64,
    /// What has to be available for the next step up; what to probe for. `None`: every track has
    /// the best that is allowed.
    pub wanted: Option<u64>,
    /// What has to be available for the best of every track.
    pub best: u64,
    /// Some track's target or desired layer has changed.
    pub changed: bool,
    /// When to allocate again even if nothing changes.
    pub next: Option<Instant>,
}

/// Shares bandwidth over the tracks of one transport.
#[derive(Debug, Default)]
pub struct Allocator {
    backoff: Backoff,
    /// A place for each track in each pass.
    places: Vec<Place>,
    desires: Vec<Place>,
    order: Vec<u32>,
    steps: BinaryHeap<Step>,
}

/// A step that may come next: its key and its track, the cheapest first, of equals the earlier.
type Step = Reverse<(u64, u32)>;

/// Where a track stands within a pass. Indices are those of rungs.
#[derive(Clone, Copy, Debug)]
struct Place {
    chosen: Option<usize>,
    next: Option<usize>,
    /// What the track was given last time; `None` when that was nothing.
    held: Option<usize>,
    /// Average over measured bitrate.
    scale: f64,
    /// Bits a second of the next step, and those for its weight, as bits that compare alike.
    cost: f64,
    key: u64,
    weight: f64,
}

/// The state that one pass goes on.
struct Limits<'a> {
    now: Instant,
    available: f64,
    backoff: &'a Backoff,
}

impl Allocator {
    /// Nothing has been decided yet, and no track backs off from a layer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides for all tracks. `available` is what the link carries, in bits a second, less audio
    /// and what is reserved for repetitions. Of tracks with the same priority earlier ones come
    /// first. Call it when the estimate or a ladder has changed, and at [`Allocation::next`].
    pub fn allocate(&mut self, now: Instant, available: u64, tracks: &mut [Track]) -> Allocation {
        if self.backoff.settle(now) {
            tracks.iter_mut().for_each(Track::prove);
        }
        self.order.clear();
        self.order.extend(0..tracks.len() as u32);
        self.places.clear();
        for track in tracks.iter_mut() {
            let scale = track.average(now);
            self.places.push(place(track, Pass::Targets, scale));
        }
        let limits = Limits { now, available: available as f64, backoff: &self.backoff };
        let used = share(
            &limits,
            Pass::Targets,
            tracks,
            &mut self.places,
            &mut self.order,
            &mut self.steps,
        );
        // With every layer coming both passes are the same.
        let whole = |track: &Track| {
            track.ladder.rungs().iter().all(|rung| rung.active && !rung.stopgap)
                && track.target == track.desired
        };
        self.desires.clear();
        let planned = if tracks.iter().all(whole) {
            self.desires.extend_from_slice(&self.places);
            used
        } else {
            for (track, targets) in tracks.iter().zip(&self.places) {
                self.desires.push(place(track, Pass::Desires, targets.scale));
            }
            share(
                &limits,
                Pass::Desires,
                tracks,
                &mut self.desires,
                &mut self.order,
                &mut self.steps,
            )
        };
        let (wanted, waits) = wanted(&limits, tracks, &self.desires, planned);
        self.watch(now, limits.available, tracks);
        let mut allocation = Allocation {
            used: used as u64,
            wanted: wanted.map(|wanted| wanted.ceil() as u64),
            ..Allocation::default()
        };
        for (index, track) in tracks.iter_mut().enumerate() {
            let (target, desire) = (&self.places[index], &self.desires[index]);
            let given = cost(track, target, target.chosen);
            if track.decide(target.chosen, desire.chosen) {
                allocation.changed = true;
                (track.average, track.averaged) = (given, Some(now));
            }
            let best = track.ladder.rungs().iter().rfind(|rung| !rung.stopgap);
            allocation.best += best.map_or(0, |rung| (rung.bitrate as f64 * target.scale) as u64);
        }
        allocation.best = (allocation.best as f64 * (1.0 + HEADROOM)).ceil() as u64;
        allocation.next = self.backoff.next(now, waits);
        allocation
    }

    /// Learns from what went up and what had to go down.
    fn watch(&mut self, now: Instant, available: f64, tracks: &mut [Track]) {
        let (mut up, mut down, mut held) = (false, false, 0.0f64);
        for places in [&self.places, &self.desires] {
            up |= places.iter().any(|place| place.chosen > place.held);
            down |= places.iter().any(|place| place.chosen < place.held);
            held = held.max(held_total(tracks, places));
        }
        if up {
            self.backoff.up(now);
            return;
        }
        // Room made for a new track says nothing about the link.
        if down && held > available && self.backoff.down(now, held) {
            for (track, place) in tracks.iter_mut().zip(&self.places) {
                let value = place.chosen.map_or(0.0, |rung| track.ladder.rungs()[rung].value);
                track.proven = track.proven.min(value);
            }
        }
    }
}

/// Where a track begins in a pass.
fn place(track: &Track, pass: Pass, scale: f64) -> Place {
    let rungs = track.ladder.rungs();
    let lowest = rungs.iter().position(|rung| pass.takes(rung));
    let (held, paused) = match pass {
        Pass::Targets => (track.target, track.target_paused),
        Pass::Desires => (track.desired, track.desired_paused),
    };
    let held = match held {
        Some(held) => rungs
            .iter()
            .position(|rung| rung.layer == held.layer && pass.takes(rung))
            // Of a ladder that has changed, what looks no better than before.
            .or_else(|| rungs.iter().rposition(|rung| pass.takes(rung) && rung.value <= held.value))
            .or(lowest),
        None if paused => None,
        None => lowest,
    };
    let weight = f64::from(track.priority) * f64::from(track.ladder.visible_pixels()).sqrt();
    Place { chosen: None, next: lowest, held, scale, cost: 0.0, key: 0, weight }
}

/// Bits a second of what is held by those that have been here before.
fn held_total(tracks: &[Track], places: &[Place]) -> f64 {
    let known = tracks.iter().zip(places).filter(|(track, _)| track.known);
    known.map(|(track, place)| cost(track, place, place.held)).sum()
}

fn cost(track: &Track, place: &Place, rung: Option<usize>) -> f64 {
    rung.map_or(0.0, |rung| track.ladder.rungs()[rung].bitrate as f64 * place.scale)
}

/// Chooses a rung for each place. Returns bits a second of all of them.
fn share(
    limits: &Limits<'_>,
    pass: Pass,
    tracks: &[Track],
    places: &mut [Place],
    order: &mut [u32],
    steps: &mut BinaryHeap<Step>,
) -> f64 {
    let mut used = 0.0;
    order.sort_unstable_by_key(|&index| {
        let (track, place) = (&tracks[index as usize], &places[index as usize]);
        (track.pause_allowed, Reverse(track.priority), place.held.is_none(), index)
    });
    for &index in order.iter() {
        let (track, place) = (&tracks[index as usize], &mut places[index as usize]);
        let Some(lowest) = place.next else { continue };
        let total = used + cost(track, place, Some(lowest));
        if track.pause_allowed && !fits(limits, track, place, lowest, total) {
            place.next = None;
        } else {
            used = total;
            place.chosen = Some(lowest);
            advance(pass, track, place);
        }
    }
    steps.clear();
    let open = places.iter().enumerate().filter(|(_, place)| place.next.is_some());
    steps.extend(open.map(|(index, place)| Reverse((place.key, index as u32))));
    // A step that was left out cannot fit later, so it ends a track's way.
    while let Some(Reverse((_, index))) = steps.pop() {
        let (track, place) = (&tracks[index as usize], &mut places[index as usize]);
        let Some(next) = place.next else { continue };
        if fits(limits, track, place, next, used + place.cost) {
            used += place.cost;
            place.chosen = Some(next);
            advance(pass, track, place);
            if place.next.is_some() {
                steps.push(Reverse((place.key, index)));
            }
        }
    }
    used
}

/// Whether a track may take a rung that makes a sum of `total`.
fn fits(limits: &Limits<'_>, track: &Track, place: &Place, rung: usize, total: f64) -> bool {
    if place.held.is_some_and(|held| rung <= held) {
        return total <= limits.available;
    }
    total * (1.0 + headroom(track, rung)) <= limits.available
        && limits.backoff.allows(limits.now, total, limits.available)
}

fn headroom(track: &Track, rung: usize) -> f64 {
    let proven = track.ladder.rungs()[rung].value <= track.proven;
    if proven { PROVEN_HEADROOM } else { HEADROOM }
}

/// Looks at the step after the one that was chosen.
fn advance(pass: Pass, track: &Track, place: &mut Place) {
    let from = place.chosen.map_or(0, |chosen| chosen + 1);
    let rungs = &track.ladder.rungs()[from..];
    place.next = rungs.iter().position(|rung| pass.takes(rung)).map(|offset| from + offset);
    if place.next.is_some() {
        place.cost = cost(track, place, place.next) - cost(track, place, place.chosen);
        let held = place.next <= place.held;
        let key = place.cost / place.weight * if held { HELD_FIRST } else { 1.0 };
        // Numbers that are not negative are in the order of their bits.
        place.key = key.max(0.0).to_bits();
    }
}

/// What the cheapest next step needs in all, and whether one of those that fit has to wait.
fn wanted(
    limits: &Limits<'_>,
    tracks: &[Track],
    places: &[Place],
    used: f64,
) -> (Option<f64>, bool) {
    let mut wanted: Option<f64> = None;
    let mut waits = false;
    for (track, place) in tracks.iter().zip(places) {
        let rungs = track.ladder.rungs();
        let from = place.chosen.map_or(0, |chosen| chosen + 1);
        let next = rungs[from..].iter().position(|rung| Pass::Desires.takes(rung));
        let Some(next) = next.map(|offset| from + offset) else { continue };
        let step = cost(track, place, Some(next)) - cost(track, place, place.chosen);
        let needed = (used + step) * (1.0 + headroom(track, next));
        waits |= needed <= limits.available;
        wanted = Some(wanted.map_or(needed, |wanted| wanted.min(needed)));
    }
    (wanted, waits)
}

#[cfg(test)]
mod tests;
