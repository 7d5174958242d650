//! Whether packets are lost because too many are sent, or lost whatever is sent.
//!
//! A radio link loses packets at any rate, and sending less does not help; a queue that is too
//! short for its delay to show loses what is too much. So loss is compared with what was lost
//! before at lower rates. When in doubt less is sent, and if as much is lost then, it was not that.

/// Of sending time, in ms.
const BUCKET: f64 = 100.0;
const BUCKETS: usize = 24;
/// A judgement needs so many packets.
const ENOUGH: u32 = 40;
/// More loss than usual that shows congestion when the rate went up or a queue is there.
const SUSPICIOUS: f64 = 0.05;
/// The same when nothing else hints at it.
const ALARMING: f64 = 0.10;
/// Time constant of what is usual, in packets.
const MEMORY: f64 = 1000.0;
/// A rate that grew by this much did go up.
const HIGHER: f64 = 1.15;
/// How long a queue may take to empty, in ms.
const PATIENCE: f64 = 3000.0;
/// Share of the loss that has to remain at a lower rate to be independent of it.
const REMAINS: f64 = 0.6;

#[derive(Clone, Copy, Default, Debug)]
struct Bucket {
    index: i64,
    total: u32,
    lost: u32,
    /// Losses one after the other are one event.
    runs: u32,
    bytes: u64,
}

#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Window {
    total: u32,
    lost: u32,
    runs: u32,
    /// Bits a second.
    pub(super) sent: f64,
}

impl Window {
    pub(super) fn ratio(&self) -> f64 {
        f64::from(self.lost) / f64::from(self.total.max(1))
    }

    /// Two standard deviations of the ratio; losses in bursts are fewer events and vary more.
    fn uncertainty(&self) -> f64 {
        let ratio = self.ratio();
        let burst = f64::from(self.lost) / f64::from(self.runs.max(1));
        2.0 * (ratio * (1.0 - ratio) / f64::from(self.total.max(1)) * burst.max(1.0)).sqrt()
    }
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    /// Sending times from which on less was to be sent, and from which on that shows, in ms.
    began: f64,
    since: f64,
    loss: f64,
    rate: f64,
    /// What arrived of it.
    carried: f64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Verdict {
    Nothing,
    Congestion,
    /// What was blamed on the rate did not go away at a lower one.
    Independent,
}

#[derive(Debug, Default)]
pub(super) struct Loss {
    buckets: [Bucket; BUCKETS],
    newest: i64,
    last_lost: bool,
    /// Share of packets that gets lost anyway, and packets and rate that is known from.
    usual: f64,
    known: f64,
    usual_rate: f64,
    trial: Option<Trial>,
    evaluated: f64,
}

impl Loss {
    pub(super) fn told(&mut self, sent: f64, size: usize, lost: bool, late: bool) {
        let index = (sent / BUCKET) as i64;
        if index <= self.newest - BUCKETS as i64 {
            return;
        }
        let bucket = &mut self.buckets[index.rem_euclid(BUCKETS as i64) as usize];
        if bucket.index != index {
            *bucket = Bucket { index, ..Bucket::default() };
        }
        self.newest = self.newest.max(index);
        if late && !lost {
            bucket.lost = bucket.lost.saturating_sub(1);
            return;
        }
        bucket.total += 1;
        bucket.bytes += size as u64;
        if lost {
            bucket.lost += 1;
            bucket.runs += u32::from(!self.last_lost);
        }
        self.last_lost = lost;
    }

    /// What was sent between two times in ms, except for the newest bucket: what is told to be lost
    /// at first may have been overtaken.
    fn between(&self, from: f64, to: f64) -> Window {
        let range = (from / BUCKET).ceil() as i64..(to / BUCKET) as i64;
        let mut window = Window::default();
        let mut bytes = 0;
        for bucket in &self.buckets {
            if bucket.total > 0 && range.contains(&bucket.index) {
                window.total += bucket.total;
                window.lost += bucket.lost;
                window.runs += bucket.runs;
                bytes += bucket.bytes;
            }
        }
        let span = (range.end - range.start).max(1) as f64 * BUCKET;
        window.sent = bytes as f64 * 8000.0 / span;
        window
    }

    pub(super) fn lately(&self) -> Window {
        let newest = self.newest as f64 * BUCKET;
        let second = self.between(newest - 1000.0, newest);
        if second.total >= ENOUGH { second } else { self.between(newest - 2000.0, newest) }
    }

    /// Whether much more than usual got lost just now. Only means something where a queue is.
    pub(super) fn is_sudden(&self) -> bool {
        let newest = self.newest as f64 * BUCKET;
        let window = self.between(newest - 300.0, newest);
        window.lost >= 5 && window.ratio() - self.usual - window.uncertainty() > SUSPICIOUS
    }

    /// Whether more than usual got lost lately.
    pub(super) fn is_unusual(&self) -> bool {
        let window = self.lately();
        window.ratio() - self.usual - window.uncertainty() > 0.0
    }

    /// Bits a second that were sent from a time in ms on, as far as feedback tells. `None`: it does
    /// not.
    pub(super) fn sent_since(&self, since: f64) -> Option<f64> {
        let window = self.between(since, self.newest as f64 * BUCKET);
        (window.total > 0).then_some(window.sent)
    }

    /// `queue`: whether delay hints at a queue.
    pub(super) fn judge(&mut self, sent: f64, queue: bool) -> Verdict {
        if sent - self.evaluated < BUCKET {
            return Verdict::Nothing;
        }
        self.evaluated = sent;
        if let Some(mut trial) = self.trial {
            // A long queue that was full loses packets until it is empty.
            if queue && sent - trial.began < PATIENCE {
                trial.since = sent;
                self.trial = Some(trial);
                return Verdict::Nothing;
            }
            return self.conclude(trial, queue);
        }
        let window = self.lately();
        if window.total < ENOUGH {
            return Verdict::Nothing;
        }
        let higher = self.known > 0.0 && window.sent > self.usual_rate * HIGHER;
        let excess = window.ratio() - self.usual - window.uncertainty();
        if excess > ALARMING || (excess > SUSPICIOUS && (higher || queue)) {
            return Verdict::Congestion;
        }
        if !queue {
            // Judged ten times a second.
            let news = f64::from(window.total) / 10.0;
            self.known = (self.known + news).min(MEMORY);
            let weight = (news / self.known).min(1.0);
            self.usual += (window.ratio() - self.usual) * weight;
            self.usual_rate += (window.sent - self.usual_rate) * weight;
        }
        Verdict::Nothing
    }

    /// Less is to be sent from a time in ms on, because of what was judged: no more than the path
    /// carried, in bits a second.
    pub(super) fn blamed(&mut self, now: f64, carried: f64) {
        let window = self.lately();
        let (loss, rate) = (window.ratio(), window.sent);
        self.trial = Some(Trial { began: now, since: now, loss, rate, carried });
    }

    fn conclude(&mut self, trial: Trial, queue: bool) -> Verdict {
        let newest = self.newest as f64 * BUCKET;
        // The first moments still show what had been sent before.
        let window = self.between(trial.since + 200.0, newest);
        let waited = newest - trial.since;
        if waited < 1000.0 || (window.total < ENOUGH && waited < 2000.0) {
            return Verdict::Nothing;
        }
        self.trial = None;
        // Layers do not give way at once. As long as more is sent than the path carried, a full
        // queue loses as much as before.
        let less = window.sent <= (0.95 * trial.rate).min(trial.carried);
        if window.total < ENOUGH / 2 || !less || queue {
            return Verdict::Nothing;
        }
        if window.ratio() < REMAINS * trial.loss {
            return Verdict::Nothing;
        }
        self.usual = self.usual.max((window.ratio() + trial.loss) / 2.0);
        self.known = self.known.max(MEMORY / 2.0);
        self.usual_rate = self.usual_rate.max(trial.rate);
        Verdict::Independent
    }

    /// What was lost lately says nothing: nothing arrived at all.
    pub(super) fn forget_lately(&mut self) {
        self.buckets = Default::default();
        self.trial = None;
    }

    /// Share of packets that gets lost whatever is sent.
    pub(super) fn usual(&self) -> f64 {
        self.usual.min(0.3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet every 10 ms, of which one in so many is lost; verdicts that were not nothing.
    fn send(loss: &mut Loss, from: u32, to: u32, size: usize, one_in: u32) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for n in from * 100..to * 100 {
            let sent = f64::from(n) * 10.0;
            loss.told(sent, size, n % one_in == 0, false);
            match loss.judge(sent, false) {
                Verdict::Nothing => {}
                verdict => {
                    if verdict == Verdict::Congestion {
                        let rate = loss.lately();
                        loss.blamed(sent, rate.sent * (1.0 - rate.ratio()));
                    }
                    verdicts.push(verdict);
                }
            }
        }
        verdicts
    }

    #[test]
    fn loss_that_was_always_there_is_not_congestion() {
        let mut loss = Loss::default();
        assert_eq!(send(&mut loss, 0, 20, 1000, 10), []);
        assert!((loss.usual() - 0.1).abs() < 0.02);
    }

    #[test]
    fn loss_that_comes_with_a_higher_rate_is_congestion() {
        let mut loss = Loss::default();
        assert_eq!(send(&mut loss, 0, 10, 500, 50), []);
        assert_eq!(send(&mut loss, 10, 11, 1000, 4), [Verdict::Congestion]);
        // Less is sent, and less gets lost.
        assert_eq!(send(&mut loss, 11, 30, 500, 50), []);
        assert!(loss.usual() < 0.05);
    }

    #[test]
    fn loss_that_stays_at_a_lower_rate_is_independent_of_it() {
        let mut loss = Loss::default();
        send(&mut loss, 0, 10, 1000, 1000);
        assert_eq!(send(&mut loss, 10, 11, 1000, 4), [Verdict::Congestion]);
        assert_eq!(send(&mut loss, 11, 30, 600, 4), [Verdict::Independent]);
        assert!(loss.usual() > 0.2);
        // And going up again is no reason to suspect it.
        assert_eq!(send(&mut loss, 30, 40, 1000, 4), []);
    }

    #[test]
    fn loss_of_a_queue_that_has_not_emptied_is_not_independent_of_the_rate() {
        let mut loss = Loss::default();
        send(&mut loss, 0, 10, 1000, 1000);
        assert_eq!(send(&mut loss, 10, 11, 1000, 4), [Verdict::Congestion]);
        for n in 1100..1300 {
            let sent = f64::from(n) * 10.0;
            loss.told(sent, 600, n % 4 == 0, false);
            assert_eq!(loss.judge(sent, true), Verdict::Nothing);
        }
        assert_eq!(send(&mut loss, 13, 30, 600, 100), []);
        assert!(loss.usual() < 0.05);
    }

    #[test]
    fn what_was_overtaken_is_not_lost() {
        let mut loss = Loss::default();
        for n in 0..200 {
            loss.told(f64::from(n) * 10.0, 1000, true, false);
        }
        for n in 0..200 {
            loss.told(f64::from(n) * 10.0, 1000, false, true);
        }
        assert_eq!(loss.lately().ratio(), 0.0);
    }

    #[test]
    fn a_few_packets_show_nothing() {
        let mut loss = Loss::default();
        for n in 0..30 {
            loss.told(f64::from(n) * 100.0, 1000, n % 2 == 0, false);
            assert_eq!(loss.judge(f64::from(n) * 100.0, true), Verdict::Nothing);
        }
    }
}
