//! What a thread gives up before it cannot keep up: new peers first, then enhancement layers, step
//! by step; and when it gets them back.

use std::time::{Duration, Instant};

use crate::control::ids::TransportId;

/// A thread that works for this share of its time is near its limit: what comes in a burst waits.
const HIGH: f32 = 0.85;
/// Below this there is room for what was given up last.
const LOW: f32 = 0.65;
/// How long it has to be above before a step is taken: longer than many handshakes at once take. The
/// next one waits for what that changed.
const STEP: Duration = Duration::from_secs(2);
/// How long it has to be below before a step is taken back: at first, and at most when it turned
/// out that there was no room.
const EASE: Duration = Duration::from_secs(3);
const MAX_EASE: Duration = Duration::from_secs(60);
/// The bitrate of a track's layers at each step, as a share of the best that would be sent. At the
/// last there is nothing but the lowest layer.
const SHARES: [f64; 5] = [1.0, 0.6, 0.35, 0.2, 0.0];
/// How often to look while something is given up, even if nothing comes.
const LOOK: Duration = Duration::from_millis(500);

/// What is given up at the moment.
#[derive(Debug)]
pub struct Shedding {
    step: usize,
    busy: f32,
    /// Since when the thread is too busy, or has time to spare.
    high: Option<Instant>,
    low: Option<Instant>,
    ease: Duration,
    /// When a step was last taken back.
    eased: Option<Instant>,
    look: Option<Instant>,
    /// Peers that do not know yet.
    unaware: Vec<TransportId>,
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            step: 0,
            busy: 0.0,
            high: None,
            low: None,
            ease: EASE,
            eased: None,
            look: None,
            unaware: Vec::new(),
        }
    }
}

impl Shedding {
    /// How busy the thread is: in all, and without what can be put off. Gives whether another step
    /// holds from now on.
    pub fn handle_load(&mut self, now: Instant, busy: f32, urgent: f32) -> bool {
        self.busy = busy;
        self.high = (urgent >= HIGH).then(|| self.high.unwrap_or(now));
        self.low = (urgent < LOW).then(|| self.low.unwrap_or(now));
        let lasts = |since: Option<Instant>, time| since.is_some_and(|since| now >= since + time);
        let before = self.step;
        if lasts(self.high, STEP) && self.step + 1 < SHARES.len() {
            // It was given back too early: longer next time.
            if self.eased.is_some_and(|eased| now < eased + self.ease * 2) {
                self.ease = (self.ease * 2).min(MAX_EASE);
            }
            (self.step, self.high) = (self.step + 1, Some(now));
        } else if lasts(self.low, self.ease) && self.step > 0 {
            (self.step, self.low, self.eased) = (self.step - 1, Some(now), Some(now));
        }
        if self.step == 0 && lasts(self.eased, MAX_EASE) {
            self.ease = EASE;
        }
        self.look = self.is_overloaded().then(|| now + LOOK);
        self.step != before
    }

    /// Whether new peers have to go elsewhere.
    pub fn is_overloaded(&self) -> bool {
        self.step > 0
    }

    /// How much of its best bitrate a track may be sent; see [`SHARES`].
    pub fn share(&self) -> f64 {
        SHARES.get(self.step).copied().unwrap_or(0.0)
    }

    /// How busy the thread was when that was last told.
    pub fn busy(&self) -> f32 {
        self.busy
    }

    /// These have to be told of the share.
    pub fn limit(&mut self, now: Instant, peers: impl Iterator<Item = TransportId>) {
        self.unaware.clear();
        self.unaware.extend(peers);
        self.look = Some(now);
    }

    /// A peer that has to be told of the share and counts as told now; `None` when all know.
    pub fn next_to_limit(&mut self) -> Option<TransportId> {
        self.unaware.pop()
    }

    /// A thread without anything to do has to be woken to notice that it is not busy.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.look = self.is_overloaded().then(|| now + LOOK);
        if !self.unaware.is_empty() {
            self.look = Some(now);
        }
    }

    /// When [`Shedding::handle_timeout`] wants to be called next; `None` while nothing is given up.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that is so busy for some seconds; gives the step after each tenth of one.
    fn run(shedding: &mut Shedding, now: &mut Instant, seconds: u32, busy: f32) -> Vec<usize> {
        let tenths = (0..seconds * 10).map(|_| {
            *now += Duration::from_millis(100);
            shedding.handle_load(*now, busy, busy);
            shedding.step
        });
        tenths.collect()
    }

    #[test]
    fn a_busy_moment_changes_nothing() {
        let (mut shedding, mut now) = (Shedding::default(), Instant::now());
        for _ in 0..10 {
            assert!(run(&mut shedding, &mut now, 2, 0.99).iter().all(|step| *step == 0));
            run(&mut shedding, &mut now, 1, 0.7);
        }
        assert!(!shedding.is_overloaded() && shedding.poll_timeout().is_none());
    }

    #[test]
    fn more_is_given_up_step_by_step_and_given_back_when_there_is_room() {
        let (mut shedding, mut now) = (Shedding::default(), Instant::now());
        let steps = run(&mut shedding, &mut now, 5, 0.9);
        assert_eq!(steps.last(), Some(&2));
        assert!(shedding.is_overloaded() && shedding.share() == SHARES[2]);
        assert!(run(&mut shedding, &mut now, 20, 0.75).iter().all(|step| *step == 2), "it holds");
        let steps = run(&mut shedding, &mut now, 8, 0.3);
        assert_eq!(steps.last(), Some(&0));
        assert!(!shedding.is_overloaded() && shedding.share() == 1.0);
    }

    #[test]
    fn what_did_not_fit_is_tried_ever_less_often() {
        let (mut shedding, mut now) = (Shedding::default(), Instant::now());
        let mut changes = 0;
        let mut step = 0;
        for _ in 0..3000 {
            // With all layers it is too much.
            let busy = if shedding.is_overloaded() { 0.6 } else { 0.95 };
            run(&mut shedding, &mut now, 1, busy);
            changes += usize::from(std::mem::replace(&mut step, shedding.step) != shedding.step);
        }
        assert!(changes < 120, "{changes}");
    }

    #[test]
    fn the_last_step_is_the_lowest_layer_alone() {
        let (mut shedding, mut now) = (Shedding::default(), Instant::now());
        run(&mut shedding, &mut now, 60, 1.0);
        assert_eq!(shedding.share(), 0.0);
    }

    #[test]
    fn what_can_be_put_off_is_no_reason() {
        let (mut shedding, mut now) = (Shedding::default(), Instant::now());
        for _ in 0..100 {
            now += Duration::from_millis(100);
            assert!(!shedding.handle_load(now, 0.99, 0.4));
        }
    }

    #[test]
    fn every_peer_is_told_once() {
        let mut shedding = Shedding::default();
        shedding.limit(Instant::now(), [TransportId(1), TransportId(2)].into_iter());
        assert!(shedding.poll_timeout().is_some());
        let told: Vec<_> = std::iter::from_fn(|| shedding.next_to_limit()).collect();
        assert_eq!(told.len(), 2);
        shedding.handle_timeout(Instant::now());
        assert_eq!(shedding.poll_timeout(), None);
    }
}
