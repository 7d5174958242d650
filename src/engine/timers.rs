//! When each peer wants to be called: a timing wheel, so that arming a timer costs the same however
//! many peers there are, and only those that are due are touched.

use std::time::{Duration, Instant};

use crate::control::ids::TransportId;

/// Slots of the near wheel a second: timers fire up to a millisecond late.
const TICKS: u64 = 1_000;
const TICK_NANOS: u32 = 1_000_000;
/// A timer that is further away than this many times a step may be late by a step, so that those of
/// many peers fire together.
const STEPS_AHEAD: u64 = 4;
/// The longest such step, in ticks.
const LONGEST_STEP: u64 = 16;
/// Slots of the near wheel: a little more than a second.
const NEAR: u64 = 1024;
const WORDS: usize = (NEAR / 64) as usize;
/// Slots of the far wheel, each as long as the near wheel: a little more than a minute. What is
/// further away waits in the last slot and is put off when that comes.
const FAR: u64 = 64;

/// A timer is named by its peer and its tick. A peer whose timer moved forward leaves the old one
/// behind; whoever takes due timers knows which of them counts.
pub struct Timers {
    origin: Instant,
    /// The first tick that was not looked at yet.
    cursor: u64,
    /// Timers of all slots, each slot a chain of them: a list for each slot would keep the room that
    /// its fullest tick took.
    links: Vec<Link>,
    /// The links that are in no slot.
    free: Chain,
    near: Box<[Chain]>,
    /// Slots of `near` with something in them.
    occupied: [u64; WORDS],
    far: Box<[Chain]>,
    waiting_far: usize,
}

/// The place of the first link, where there is one; the newest is the first.
type Chain = Option<u32>;

#[derive(Clone, Copy)]
struct Link {
    timer: Timer,
    next: Chain,
}

/// When a timer fires, in ticks since the wheel began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tick(u64);

/// What a peer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// When its timer fires.
    pub tick: Tick,
    /// When it wants that, which is up to a step earlier, or later by now.
    pub wanted: Tick,
}

type Timer = (Tick, TransportId);

impl Timers {
    /// Nothing is armed; ticks are counted from `now` on.
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            cursor: 0,
            links: Vec::new(),
            free: None,
            near: vec![None; NEAR as usize].into(),
            occupied: [0; WORDS],
            far: vec![None; FAR as usize].into(),
            waiting_far: 0,
        }
    }

    /// The tick at or after a moment.
    pub fn tick(&self, at: Instant) -> Tick {
        // Each turn asks this many times, and a division of 128 bits is a long one.
        let passed = at.saturating_duration_since(self.origin);
        let begun = u64::from(passed.subsec_nanos().div_ceil(TICK_NANOS));
        Tick(passed.as_secs().saturating_mul(TICKS).saturating_add(begun))
    }

    /// When to fire for something that may be late by a quarter of the time until then, and by
    /// [`LONGEST_STEP`] at most: at a tick that others wait for as well. What is soon is exact, as
    /// packets that wait for their turn have to be.
    pub fn deadline(&self, now: Instant, at: Instant) -> Deadline {
        let wanted @ Tick(exact) = self.tick(at);
        let ahead = exact.saturating_sub(self.tick(now).0);
        let step = (ahead / STEPS_AHEAD).clamp(1, LONGEST_STEP);
        // A power of two, so that longer steps fall on shorter ones.
        let step = 1 << step.ilog2();
        Deadline { tick: Tick(exact.next_multiple_of(step)), wanted }
    }

    /// Takes one of the timers that fire next, if that is within `ahead` ticks of now: the one that was
    /// armed last.
    pub fn take_next(&mut self, now: Instant, ahead: u64) -> Option<Timer> {
        let from = self.cursor % NEAR;
        let index = self.next_occupied(from as usize)?;
        let tick = self.cursor - from + index as u64;
        if tick > self.tick(now).0 + ahead {
            return None;
        }
        let (timer, rest) = self.unlink(self.near[index])?;
        self.near[index] = rest;
        if rest.is_none() {
            self.occupied[index / 64] &= !(1 << (index % 64));
        }
        Some(timer)
    }

    /// Puts a timer before those of a slot, whose chain it gives.
    fn link(&mut self, timer: Timer, next: Chain) -> Chain {
        let link = Link { timer, next };
        if let Some(place) = self.free {
            self.free = self.links[place as usize].next;
            self.links[place as usize] = link;
            return Some(place);
        }
        self.links.push(link);
        Some((self.links.len() - 1) as u32)
    }

    /// Takes the first timer of a chain, and gives the rest.
    fn unlink(&mut self, chain: Chain) -> Option<(Timer, Chain)> {
        let link = self.links.get_mut(chain? as usize)?;
        let (timer, rest) = (link.timer, link.next);
        link.next = self.free;
        self.free = chain;
        Some((timer, rest))
    }

    /// Fires for `id` at this tick. One that has passed fires at the next.
    pub fn arm(&mut self, id: TransportId, tick: Tick) {
        // What is due already fires with the next tick that is looked at.
        let slot = tick.0.max(self.cursor);
        if slot / NEAR == self.cursor / NEAR {
            let index = (slot % NEAR) as usize;
            self.near[index] = self.link((tick, id), self.near[index]);
            self.occupied[index / 64] |= 1 << (index % 64);
        } else {
            let rotations = (slot / NEAR - self.cursor / NEAR).min(FAR - 1);
            let index = ((self.cursor / NEAR + rotations) % FAR) as usize;
            self.far[index] = self.link((tick, id), self.far[index]);
            self.waiting_far += 1;
        }
    }

    /// When [`Timers::take_due`] has something to do.
    pub fn next(&self) -> Option<Instant> {
        let within = self.next_occupied((self.cursor % NEAR) as usize);
        let tick = match within {
            Some(index) => self.cursor / NEAR * NEAR + index as u64,
            // The next rotation in which something waits.
            None if self.waiting_far > 0 => {
                let rotation = self.cursor / NEAR;
                let ahead =
                    (1..=FAR).find(|ahead| self.far[((rotation + ahead) % FAR) as usize].is_some());
                (rotation + ahead?) * NEAR
            }
            None => return None,
        };
        Some(self.origin + Duration::from_millis(tick))
    }

    fn next_occupied(&self, from: usize) -> Option<usize> {
        let (word, bit) = (from / 64, from % 64);
        let first = self.occupied[word] & (!0 << bit);
        if first != 0 {
            return Some(word * 64 + first.trailing_zeros() as usize);
        }
        let next = (word + 1..WORDS).find(|word| self.occupied[*word] != 0)?;
        Some(next * 64 + self.occupied[next].trailing_zeros() as usize)
    }

    /// Takes all timers that are due.
    pub fn take_due(&mut self, now: Instant, due: &mut Vec<Timer>) {
        let end = now.saturating_duration_since(self.origin).as_millis() as u64 + 1;
        while self.cursor < end {
            let from = (self.cursor % NEAR) as usize;
            let rotation_end = (self.cursor / NEAR + 1) * NEAR;
            match self.next_occupied(from) {
                Some(index) if self.cursor - from as u64 + (index as u64) < end => {
                    self.cursor += (index - from) as u64;
                    let mut chain = self.near[index].take();
                    let first = due.len();
                    while let Some((timer, rest)) = self.unlink(chain) {
                        due.push(timer);
                        chain = rest;
                    }
                    // The oldest first.
                    due[first..].reverse();
                    self.occupied[index / 64] &= !(1 << (index % 64));
                    self.advance_to(self.cursor + 1);
                }
                _ => self.advance_to(end.min(rotation_end)),
            }
        }
    }

    /// Moves the cursor, at most to the start of the next rotation.
    fn advance_to(&mut self, cursor: u64) {
        let rotation = self.cursor / NEAR;
        self.cursor = cursor;
        if cursor / NEAR == rotation {
            return;
        }
        let mut chain = self.far[(cursor / NEAR % FAR) as usize].take();
        while let Some(((tick, id), rest)) = self.unlink(chain) {
            self.waiting_far -= 1;
            self.arm(id, tick);
            chain = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn due(timers: &mut Timers, now: Instant) -> Vec<u64> {
        let mut due = Vec::new();
        timers.take_due(now, &mut due);
        due.into_iter().map(|(_, id)| id.0).collect()
    }

    #[test]
    fn a_timer_fires_when_it_is_due_and_not_before() {
        let start = Instant::now();
        for after in [0, 1, 5, 1023, 1024, 1025, 5_000, 65_000, 70_000, 600_000] {
            let mut timers = Timers::new(start);
            let at = start + MS * after;
            timers.arm(TransportId(7), timers.tick(at));
            let mut now = start;
            let mut wakes = 0;
            loop {
                let next = timers.next().expect("it waits");
                assert!(next <= at, "{after}: asked for too late");
                now = now.max(next);
                wakes += 1;
                let fired = due(&mut timers, now);
                assert_eq!(fired.is_empty(), now < at, "{after}");
                if !fired.is_empty() {
                    break;
                }
            }
            assert!(wakes <= 2 + after / 60_000, "{after}: {wakes} wakes");
            assert_eq!(timers.next(), None);
        }
    }

    #[test]
    fn many_timers_fire_in_time_whatever_the_steps() {
        let mut random = SmallRng::seed_from_u64(5);
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let mut armed: HashMap<u64, Instant> = HashMap::new();
        let mut now = start;
        for id in 0..5_000 {
            let at = now + MS * random.random_range(0..200_000) / 10;
            timers.arm(TransportId(id), timers.tick(at));
            armed.insert(id, at);
            now += MS * random.random_range(0..40) / 10;
            for fired in due(&mut timers, now) {
                let at = armed.remove(&fired).expect("it fires once");
                assert!(at <= now);
            }
            assert!(armed.values().all(|at| *at + MS > now), "all that were due fired");
            if let Some(soonest) = armed.values().min() {
                assert!(timers.next().unwrap() <= *soonest + MS);
            }
        }
        let rest = due(&mut timers, now + MS * 30_000).len();
        assert_eq!(rest, armed.len());
    }

    #[test]
    fn timers_that_may_be_late_fire_together() {
        let start = Instant::now();
        let timers = Timers::new(start);
        let mut ticks = std::collections::HashSet::new();
        for after in 1_000..2_000 {
            let at = start + MS * after;
            let Tick(shared) = timers.deadline(start, at).tick;
            let late = shared - timers.tick(at).0;
            assert!(late < LONGEST_STEP, "{after}: {late}");
            ticks.insert(shared);
        }
        assert!(ticks.len() <= 1_000 / LONGEST_STEP as usize + 2, "{}", ticks.len());
    }

    #[test]
    fn what_is_soon_is_not_late() {
        let start = Instant::now();
        let timers = Timers::new(start);
        for now in (0..50).map(|n| start + MS * n) {
            for after in 0..8 {
                let at = now + MS * after;
                assert_eq!(timers.deadline(now, at).tick, timers.tick(at));
            }
            for after in 8..300 {
                let at = now + MS * after;
                let late = timers.deadline(now, at).tick.0 - timers.tick(at).0;
                assert!(late < u64::from(after) / STEPS_AHEAD, "{after}: {late}");
            }
        }
    }

    #[test]
    fn the_timers_that_fire_next_can_be_taken_back() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let tick = |timers: &Timers, ms: u32| timers.tick(start + MS * ms);
        for (id, ms) in [(1, 5), (2, 5), (3, 9)] {
            timers.arm(TransportId(id), tick(&timers, ms));
        }
        assert_eq!(timers.take_next(start, 4), None, "further away");
        let mut next = || timers.take_next(start, 5).map(|(_, id)| id.0);
        assert_eq!([next(), next(), next()], [Some(2), Some(1), None]);
        assert_eq!(timers.next(), Some(start + MS * 9));
    }

    #[test]
    fn the_room_it_takes_is_that_of_the_timers_that_wait() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        for ms in 0..100_000 {
            due(&mut timers, start + MS * ms);
            timers.arm(TransportId(1), timers.tick(start + MS * (ms + 7)));
            timers.arm(TransportId(2), timers.tick(start + MS * (ms + 3_000)));
        }
        assert!(timers.links.len() < 3_100, "{}", timers.links.len());
    }

    #[test]
    fn what_is_due_already_fires_at_once() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        assert!(due(&mut timers, start + MS * 3000).is_empty());
        timers.arm(TransportId(1), timers.tick(start + MS * 10));
        assert!(timers.next().unwrap() <= start + MS * 3001);
        assert_eq!(due(&mut timers, start + MS * 3001), [1]);
    }
}
