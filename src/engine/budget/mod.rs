//! A budget of CPU for each peer of a thread: whoever takes far more than is ordinary while the
//! thread is busy waits behind the others, and is closed if it does not give way.
//!
//! Nothing is measured on a thread with time to spare. On a busy one a clock is read where the peer
//! that is worked for changes, and every few datagrams of a long run. What counts is the time
//! beyond what a datagram of media may take, so that neither much media nor many viewers count.
//! Forwarding is not measured at all: it is for others, and the application asked for it.

mod account;
mod leftover;
mod waiter;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use work::Work;

use super::occupancy::{LONG_TURN, ThreadLoad};
use crate::control::flow::Flow;
use crate::control::ids::{IdMap, TransportId};
use account::{Account, Allowance};
use leftover::Leftover;
use waiter::Waiter;

/// What the work of a shard is measured with, from whoever drives it.
#[derive(Clone)]
pub struct Clock {
    /// Never goes back.
    pub now: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// How many times as long as optimised code takes the code does that is measured.
    pub slowness: u32,
}

/// A thread that works for this share of its time is busy.
const BUSY: f32 = 0.6;
/// It is measured for so long after it was.
const LINGER: Duration = Duration::from_secs(2);
/// Datagrams of a run between two looks at the clock.
const LOOK: u32 = 8;
/// What peers may take beyond what is ordinary, as a share of the thread: all together, each when
/// there are few that do, each when there are many.
const ALL: f64 = 0.25;
const MOST: f64 = 0.1;
const LEAST: f64 = 0.005;
/// Who takes so much in a second is one of them.
const TAKING: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);
/// Seconds without giving way that end a peer.
const STRIKES: u32 = 5;

/// What the time of a thread went to, and who has to wait.
pub struct Budget {
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    allowance: Allowance,
    /// Until when time is measured, if it is.
    measured_until: Option<Instant>,
    accounts: IdMap<TransportId, Account>,
    run: Option<Run>,
    /// Credit that an account gets a second.
    rate: f64,
    waiters: IdMap<TransportId, Waiter>,
    /// Those of them with datagrams, in turn.
    queue: VecDeque<TransportId>,
    leftover: Leftover,
    judged: Instant,
    excesses: VecDeque<Excess>,
    dropped: u64,
}

/// A peer that does not give way, and what it did.
#[derive(Debug)]
pub struct Excess {
    pub transport: TransportId,
    pub text: String,
}

/// The same work for the same peer.
struct Run {
    peer: Option<TransportId>,
    work: Work,
    began: Instant,
    count: u32,
}

impl Budget {
    /// Nobody has an account yet; time is measured by `clock` once the thread is busy.
    pub fn new(now: Instant, clock: Clock) -> Self {
        Self {
            clock: clock.now,
            allowance: Allowance::new(clock.slowness),
            measured_until: None,
            accounts: IdMap::default(),
            run: None,
            rate: MOST,
            waiters: IdMap::default(),
            queue: VecDeque::new(),
            leftover: Leftover::new(now),
            judged: now,
            excesses: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Whether the thread's time is measured at the moment. Nobody waits when it is not.
    pub fn is_measured(&self) -> bool {
        self.measured_until.is_some()
    }

    /// How busy the thread is. Gives the share that is not for those who wait.
    pub fn handle_load(&mut self, now: Instant, load: ThreadLoad) -> f32 {
        let others = self.leftover.handle_load(now, load.busy);
        if load.lately >= BUSY || load.longest >= LONG_TURN {
            if self.measured_until.is_none() {
                self.judged = now;
            }
            self.measured_until = Some(now + LINGER);
        } else if self.waiters.is_empty() && self.measured_until.is_some_and(|until| now >= until) {
            self.measured_until = None;
            self.accounts.clear();
            self.run = None;
        }
        self.judge(now);
        others
    }

    /// From now on the thread works for `peer`, or for nobody in particular.
    pub fn begin(&mut self, peer: Option<TransportId>, work: Work) {
        if self.measured_until.is_none() {
            return;
        }
        match &mut self.run {
            Some(run) if run.peer == peer && run.work == work && run.count < LOOK => {
                run.count += 1;
            }
            _ => self.switch(Some((peer, work))),
        }
    }

    /// From now on it does something else.
    pub fn end(&mut self) {
        if self.run.is_some() {
            self.switch(None);
        }
    }

    fn switch(&mut self, next: Option<(Option<TransportId>, Work)>) {
        let now = (self.clock)();
        if let Some(Run { peer: Some(peer), work, began, count }) = self.run.take() {
            self.charge(now, peer, work, now.saturating_duration_since(began), count);
        }
        self.run = next.map(|(peer, work)| Run { peer, work, began: now, count: 1 });
    }

    fn charge(&mut self, now: Instant, id: TransportId, work: Work, took: Duration, count: u32) {
        let account = self.accounts.entry(id).or_insert_with(|| Account::new(now, self.allowance));
        account.charge(now, self.rate, work, took, count);
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if work.can_wait() {
                self.leftover.take(took);
            } else {
                self.leftover.note(took);
                waiter.force(took);
            }
        } else if account.grow(now, self.rate) < 0.0 {
            tracing::debug!(transport = %id, "takes more of its media thread than its share");
            if self.waiters.is_empty() {
                self.leftover.begin(now);
                self.judged = now;
            }
            self.waiters.insert(id, Waiter::new(now));
        }
    }

    /// Keeps a datagram of a peer that has to wait, or drops it. `false`: it need not.
    pub fn hold(&mut self, id: TransportId, flow: &Flow, bytes: &[u8]) -> bool {
        let Some(waiter) = self.waiters.get_mut(&id) else { return false };
        let first = waiter.is_empty();
        if !waiter.hold(flow, bytes) {
            self.dropped += 1;
        } else if first {
            self.queue.push_back(id);
        }
        true
    }

    /// A turn has taken everything else: those that waited may take their slice of it.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.waiters.is_empty() {
            return;
        }
        self.leftover.begin_slice(now);
        self.judge(now);
    }

    /// The next datagram of one that waited, if it is time for it.
    pub fn next_held(&mut self) -> Option<(TransportId, Flow, Vec<u8>)> {
        self.end();
        if !self.leftover.is_open() {
            return None;
        }
        let id = self.queue.pop_front()?;
        let waiter = self.waiters.get_mut(&id)?;
        let (flow, bytes) = waiter.take()?;
        if !waiter.is_empty() {
            self.queue.push_back(id);
        }
        Some((id, flow, bytes))
    }

    /// When `handle_timeout` wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.excesses.is_empty() {
            return Some(self.judged);
        }
        if self.waiters.is_empty() {
            return None;
        }
        let judged = self.judged + SECOND;
        if self.queue.is_empty() {
            return Some(judged);
        }
        Some(judged.min(self.leftover.next()))
    }

    /// Looks once a second who gives way and who may go on as before.
    fn judge(&mut self, now: Instant) {
        if self.measured_until.is_none() || now < self.judged + SECOND {
            return;
        }
        self.judged = now;
        let (rate, burst) = (self.rate, self.allowance.burst);
        let Self { waiters, accounts, excesses, .. } = self;
        let takers = accounts.iter_mut().filter_map(|(id, account)| {
            account.grow(now, rate);
            let takes = account.take_taken() >= TAKING || waiters.contains_key(id);
            takes.then_some(())
        });
        self.rate = (ALL / takers.count().max(1) as f64).clamp(LEAST, MOST);
        waiters.retain(|id, waiter| {
            let strikes = waiter.judge();
            let Some(account) = accounts.get_mut(id) else { return false };
            if strikes >= STRIKES {
                let (time, lost) = (now.saturating_duration_since(waiter.since), waiter.lost);
                let (seconds, tally) = (time.as_secs(), &account.tally);
                let text = format!(
                    "handling the peer takes too much: {tally}, and it did not give way in \
                     {seconds} s of waiting behind the others, with {lost} datagrams dropped"
                );
                excesses.push_back(Excess { transport: *id, text });
            }
            let free = waiter.is_empty() && account.grow(now, rate) >= burst / 2.0;
            strikes < STRIKES && !free
        });
        let Self { waiters, queue, .. } = self;
        queue.retain(|id| waiters.contains_key(id));
    }

    /// Who has to be closed, after `handle_timeout`.
    pub fn next_excess(&mut self) -> Option<Excess> {
        self.excesses.pop_front()
    }

    /// A peer is gone.
    pub fn forget(&mut self, id: TransportId) {
        self.accounts.remove(&id);
        if self.waiters.remove(&id).is_some() {
            self.queue.retain(|waiting| *waiting != id);
        }
    }

    /// How many peers wait.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// Datagrams of such peers that were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
