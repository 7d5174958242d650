//! Packets that wait until the link to a peer has room for them, so that a keyframe does not
//! fill the queues on its way in one go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tracks::OutgoingTracks;
use super::workspace::{Planned, Workspace};
use crate::bandwidth::Pacer;
use crate::codec::Kind;
use crate::codec::format::Carriage;
use crate::control::ids::OutgoingTrackId;
use crate::sfu::{Forward, SourcePacket};

/// Packets that may wait. When there are more, the rest leaves at once: the source sends much more
/// than the link was thought to carry, and nothing gets better by waiting.
const MAX_WAITING: usize = 2048;

/// The longest wait on a link that was not seen to be full. An estimate that only was not seen to be
/// too low, as the first one of a link is, is no reason to be late.
const LONGEST_WAIT: Duration = Duration::from_millis(30);

/// Of what has waited so long, the bytes that leave at once, and the pause until the next ones do: a
/// receiver's socket holds some hundred packets, and a group of pictures may have more.
const PORTION: usize = 40_000;
const PORTION_PAUSE: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(super) struct Pacing {
    pacer: Pacer,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// More than the estimate was seen not to get through.
    full: bool,
    /// A portion of what had waited long enough has just left.
    portion_until: Option<Instant>,
    /// Tracks with packets to repeat, and when to look at them again.
    repairs: Vec<OutgoingTrackId>,
    repairs_at: Option<Instant>,
    repair_budget: RepairBudget,
}

/// How much may be repeated. Without a limit of their own repetitions would keep a full link full:
/// what they push out is asked for again.
#[derive(Default)]
struct RepairBudget {
    /// Bytes, less than nothing after the last packet that fitted.
    bytes: f64,
    refilled: Option<Instant>,
}

/// Repetitions get what media leaves of the estimate, and at least this share of it.
const REPAIR_SHARE: f64 = 0.2;
/// How often what has to wait is looked at.
const REPAIR_PAUSE: Duration = Duration::from_millis(10);
/// They may use what they did not use for so long, in seconds.
const REPAIR_BURST: f64 = 0.3;

/// A packet whose number is taken already.
pub(super) struct Waiting {
    pub(super) track: OutgoingTrackId,
    pub(super) packet: Arc<SourcePacket>,
    pub(super) forward: Forward,
    pub(super) carriage: Carriage,
    /// Of its datagram, in bytes.
    pub(super) size: usize,
    since: Instant,
}

impl Pacing {
    /// The link is estimated to carry so much, in bit/s. `full`: more was seen not to get through.
    pub(super) fn set_rate(&mut self, now: Instant, estimate: u64, full: bool) {
        self.full = full;
        self.pacer.set_rate(now, estimate);
    }

    /// Counts what was sent, in bytes of datagrams, whether it waited or not.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: usize) {
        self.pacer.sent(now, bytes);
    }

    pub(super) fn trim(&mut self) {
        self.waiting.shrink_to_fit();
        self.repairs.shrink_to_fit();
    }

    /// When there is something that may leave.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        let media = self.waiting.front().map(|first| {
            let paced = self.pacer.next(now).unwrap_or(now);
            let at = if self.full { paced } else { paced.min(first.since + LONGEST_WAIT) };
            self.portion_until.map_or(at, |until| at.max(until))
        });
        media.into_iter().chain(self.repairs_at).min()
    }

    /// Whether there is something that may leave now.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        self.next(now).is_some_and(|at| at <= now)
    }

    /// Packets of a track wait to be repeated, until `at` or for room if that is sooner; or none do.
    pub(super) fn set_repairs(
        &mut self,
        now: Instant,
        track: OutgoingTrackId,
        at: Option<Instant>,
    ) {
        self.repairs.retain(|known| *known != track);
        if let Some(at) = at {
            self.repairs.push(track);
            let at = at.max(now + REPAIR_PAUSE);
            self.repairs_at = Some(self.repairs_at.map_or(at, |known| known.min(at)));
        } else if self.repairs.is_empty() {
            self.repairs_at = None;
        }
    }

    /// Whether a packet may be repeated now. `spare` is what media leaves of the estimate, bit/s. In a
    /// `hurry` it goes before what waits, which waits longer then.
    pub(super) fn may_repeat(
        &mut self,
        now: Instant,
        estimate: u64,
        spare: u64,
        hurry: bool,
    ) -> bool {
        let rate = (spare as f64).max(estimate as f64 * REPAIR_SHARE) / 8.0;
        let budget = &mut self.repair_budget;
        let before = budget.refilled.replace(now);
        let elapsed = before
            .map_or(REPAIR_BURST, |before| now.saturating_duration_since(before).as_secs_f64());
        budget.bytes = (budget.bytes + elapsed * rate).min(rate * REPAIR_BURST);
        budget.bytes > 0.0 && (hurry || self.pacer.budget(now) > 0)
    }

    /// Counts a repetition, in bytes of its datagram.
    pub(super) fn repeated(&mut self, bytes: usize) {
        self.repair_budget.bytes -= bytes as f64;
    }

    pub(super) fn take_repairs(&mut self) -> Vec<OutgoingTrackId> {
        self.repairs_at = None;
        std::mem::take(&mut self.repairs)
    }

    /// Packets of a track that wait.
    pub(super) fn waiting_of(&self, track: OutgoingTrackId) -> usize {
        self.waiting.iter().filter(|waiting| waiting.track == track).count()
    }

    /// A burst begins: gives the bytes that may leave with it. What [`Pacing::take_waiting`] gives
    /// goes first.
    pub(super) fn begin(&mut self, now: Instant) -> usize {
        self.pacer.set_queue(now, self.waiting_bytes);
        let (budget, overdue) = (self.pacer.budget(now), self.overdue(now));
        if overdue <= budget {
            return budget;
        }
        if self.portion_until.is_some_and(|until| now < until) {
            return 0;
        }
        self.portion_until = (overdue > PORTION).then(|| now + PORTION_PAUSE);
        overdue.min(PORTION)
    }

    /// Bytes of the packets that have waited as long as they may.
    fn overdue(&self, now: Instant) -> usize {
        if self.full {
            return 0;
        }
        let overdue = self.waiting.iter().take_while(|first| now >= first.since + LONGEST_WAIT);
        overdue.map(|waiting| waiting.size).sum()
    }

    /// The packet that has waited longest.
    pub(super) fn take_waiting(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.waiting_bytes -= waiting.size;
        Some(waiting)
    }

    /// Takes out of a burst what has to wait: video for which there is no room left in `budget`.
    /// Sound never waits. `already` packets of the burst have waited before. `packets` are those of
    /// the turn.
    pub(super) fn hold_back(
        &mut self,
        now: Instant,
        mut budget: usize,
        already: usize,
        tracks: &OutgoingTracks,
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
    ) {
        let Workspace { planned, kept, .. } = workspace;
        let mut place = 0;
        planned.retain(|planned| {
            let before = place < already;
            place += 1;
            let track = &tracks[planned.outgoing];
            let size = planned.size;
            let waits = track.kind == Kind::Video
                && !before
                && (budget == 0 || !self.waiting.is_empty())
                && self.waiting.len() < MAX_WAITING;
            if !waits {
                budget = budget.saturating_sub(if before { 0 } else { size });
                return true;
            }
            let number = planned.packet as usize;
            let packet = packets.get(number).or_else(|| kept.get(number - packets.len()));
            if let Some(packet) = packet {
                let &Planned { forward, carriage, .. } = planned;
                let packet = Arc::clone(packet);
                self.waiting_bytes += size;
                self.waiting.push_back(Waiting {
                    track: track.id,
                    packet,
                    forward,
                    carriage,
                    size,
                    since: now,
                });
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn without_an_estimate_nothing_waits() {
        let now = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.begin(now), usize::MAX);
        pacing.on_sent(now, 1_000_000);
        assert_eq!(pacing.begin(now), usize::MAX);
        assert_eq!(pacing.next(now), None);
        assert!(!pacing.is_due(now));
    }

    #[test]
    fn a_full_burst_is_followed_by_a_pause() {
        let now = Instant::now();
        let mut pacing = Pacing::default();
        pacing.set_rate(now, 1_000_000, true);
        let budget = pacing.begin(now);
        assert!(budget > 0 && budget < 100_000);
        pacing.on_sent(now, budget);
        assert_eq!(pacing.begin(now), 0);
        assert!(pacing.begin(now + 50 * MS) > 0);
    }

    #[test]
    fn repetitions_get_what_media_leaves_and_at_least_a_fifth() {
        let start = Instant::now();
        let repeated = |spare: u64| {
            let mut pacing = Pacing::default();
            // The bytes of 10 s, a packet of 1,000 every 10 ms as far as it may go.
            (0..1000)
                .filter(|step| {
                    let may = pacing.may_repeat(start + 10 * MS * *step, 400_000, spare, false);
                    if may {
                        pacing.repeated(1000);
                    }
                    may
                })
                .count() as u64
        };
        // 80 kbit/s of 400 are 10 packets a second, and 0.3 s of them at once.
        assert!((100..=106).contains(&repeated(0)), "{}", repeated(0));
        assert!((250..=262).contains(&repeated(200_000)), "{}", repeated(200_000));
    }

    #[test]
    fn a_repetition_in_a_hurry_does_not_wait_for_the_pace_of_media() {
        let now = Instant::now();
        let mut pacing = Pacing::default();
        pacing.set_rate(now, 1_000_000, true);
        pacing.on_sent(now, 50_000);
        assert!(!pacing.may_repeat(now, 1_000_000, 100_000, false));
        let mut repeated = 0;
        while pacing.may_repeat(now, 1_000_000, 100_000, true) {
            pacing.repeated(1_000);
            repeated += 1;
        }
        assert_eq!(repeated, 8, "but for its own share of the link");
    }

    #[test]
    fn tracks_with_repairs_are_looked_at_again_soon_each_once() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        pacing.set_repairs(start, OutgoingTrackId(1), Some(start));
        pacing.set_repairs(start, OutgoingTrackId(1), Some(start + 30 * MS));
        pacing.set_repairs(start, OutgoingTrackId(2), Some(start));
        pacing.set_repairs(start, OutgoingTrackId(2), None);
        assert_eq!(pacing.next(start), Some(start + REPAIR_PAUSE));
        assert!(pacing.is_due(start + REPAIR_PAUSE));
        assert_eq!(pacing.take_repairs(), [OutgoingTrackId(1)]);
        assert_eq!(pacing.next(start), None);
    }
}
