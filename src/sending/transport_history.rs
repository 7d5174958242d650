//! What was sent to a peer and whether it arrived: transport-wide numbers and the feedback about
//! them (draft-holmer-rmcat-transport-wide-cc-extensions-01). This is what an estimate of the
//! peer's bandwidth is made of.
//!
//! Known as TWCC (transport-wide congestion control), the sending side of it.

use std::time::{Duration, Instant};

use super::reordering::Reordering;
use super::transit::Transit;
use crate::bandwidth::PacketResult;
use crate::codec::rtcp::TransportFeedback;

/// Packets that can wait for feedback: half of what 16 bits can tell apart is the most that makes
/// sense, a tenth of it is more than a second of 30 Mbit/s.
const MAX_WAITING: usize = 4096;
/// Where a history begins. It grows while packets are forgotten sooner than feedback can come.
const FIRST_WAITING: usize = 64;
/// Feedback that is later than this tells nothing any more.
const FEEDBACK_TIME: Duration = Duration::from_secs(1);
/// Packets after a late one that are looked through for the first that overtook it.
const OVERTAKING: u64 = 64;
/// What times of repetitions are counted in, so that a second fits into a byte.
const REPETITION_TICK: Duration = Duration::from_millis(4);
/// How long feedback may take to tell of a packet that came late.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct TransportHistory {
    origin: Instant,
    slots: Vec<Slot>,
    /// Number of the next packet, of which the wire has the low 16 bits.
    next: u64,
    /// When the newest packet was sent, in microseconds since the origin.
    newest: u64,
    /// Count of the newest feedback, and the number after the last that it tells of.
    told: Option<(u8, u64)>,
    totals: Acknowledged,
    reordering: Reordering,
    transit: Transit,
    /// When the newest feedback came.
    told_at: Option<Instant>,
}

#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    /// Since the origin, in microseconds; wraps after an hour.
    sent: u32,
    size: u16,
    fate: Fate,
    /// How long after it was sent it was first sent again under the same number, in
    /// [`REPETITION_TICK`]; 0 is never.
    resent_after: u8,
    /// One more than the number of the probe it is part of; 0 is none.
    probe: u32,
    /// The low bits of when it arrived, as feedback tells it.
    arrived: u32,
    packet: PacketTag,
}

/// Which packet it was, nearly: the same one has the same tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct PacketTag(u32);

impl PacketTag {
    pub(super) fn new(ssrc: u32, index: u64) -> Self {
        Self(ssrc ^ (index as u32).rotate_left(16))
    }

    /// Which packet of a stream it was, if it was one of the last `recent` up to `newest`.
    pub(super) fn index_in(self, ssrc: u32, newest: u64, recent: u32) -> Option<u64> {
        let behind = (newest as u32).wrapping_sub((self.0 ^ ssrc).rotate_right(16));
        if behind < recent { newest.checked_sub(u64::from(behind)) } else { None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Fate {
    /// Nothing of the kind was sent, or it is forgotten.
    #[default]
    Unknown,
    Waiting,
    Lost,
    Arrived,
}

/// What feedback said so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Acknowledged {
    pub packets: u64,
    /// Of datagrams.
    pub bytes: u64,
    /// Not arrived as far as is known; one that comes late is counted as arrived then.
    pub lost: u64,
}

impl TransportHistory {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            slots: Vec::new(),
            next: 0,
            newest: 0,
            told: None,
            totals: Acknowledged::default(),
            reordering: Reordering::default(),
            transit: Transit::default(),
            told_at: None,
        }
    }

    /// When times of sending count from.
    pub(super) fn origin(&self) -> Instant {
        self.origin
    }

    /// What the extension of the next packet says.
    pub(super) fn next_sequence(&self) -> u16 {
        self.next as u16
    }

    /// A packet with that number was sealed.
    pub(super) fn sent(
        &mut self,
        now: Instant,
        size: usize,
        probe: Option<u32>,
        packet: PacketTag,
    ) {
        self.newest = now.saturating_duration_since(self.origin).as_micros() as u64;
        let sent = self.newest as u32;
        if self.slots.is_empty() {
            self.slots.resize(FIRST_WAITING, Slot::default());
        }
        let place = self.place(self.next);
        let before = self.slots[place];
        let young = u128::from(sent.wrapping_sub(before.sent)) < FEEDBACK_TIME.as_micros();
        if before.fate == Fate::Waiting && young && self.slots.len() < MAX_WAITING {
            self.grow();
        }
        let place = self.place(self.next);
        let size = u16::try_from(size).unwrap_or(u16::MAX);
        let probe = probe.map_or(0, |id| id.wrapping_add(1));
        let fate = Fate::Waiting;
        self.slots[place] = Slot { sent, size, fate, resent_after: 0, probe, arrived: 0, packet };
        self.next += 1;
    }

    /// The number of the last packet.
    pub(super) fn last(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// A packet is sent again under the number that it had.
    pub(super) fn resent(&mut self, now: Instant, number: u64) {
        if number >= self.next || self.next - number > self.slots.len() as u64 {
            return;
        }
        let now = now.saturating_duration_since(self.origin).as_micros() as u32;
        let place = self.place(number);
        let slot = &mut self.slots[place];
        if slot.resent_after == 0 {
            let after = u128::from(now.wrapping_sub(slot.sent)) / REPETITION_TICK.as_micros();
            slot.resent_after = u8::try_from(after).unwrap_or(u8::MAX).max(1);
        }
    }

    fn place(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let length = self.slots.len();
        let before = std::mem::replace(&mut self.slots, vec![Slot::default(); 2 * length]);
        for number in self.next.saturating_sub(length as u64)..self.next {
            let place = self.place(number);
            self.slots[place] = before[number as usize & (length - 1)];
        }
    }

    /// Takes feedback; gives every packet that it tells something new about.
    pub(super) fn apply(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
        mut each: impl FnMut(PacketResult, PacketTag),
    ) {
        let reference = i64::from(feedback.reference_time) * 256;
        let behind = u64::from((self.next as u16).wrapping_sub(feedback.base_sequence));
        let Some(base) = self.next.checked_sub(behind) else { return };
        // Some receivers tell of lost packets only between those that came within one feedback.
        // When no feedback is missing, what lies between two is lost as well.
        if let Some((count, after)) = self.told
            && feedback.feedback_count == count.wrapping_add(1)
        {
            let oldest = self.next.saturating_sub(self.slots.len() as u64);
            for number in after.max(oldest)..base {
                self.tell(number, None, &mut each);
            }
        }
        for (offset, (_, delta)) in (0..).zip(feedback.arrivals()) {
            self.tell(base + offset, delta.map(|delta| reference + i64::from(delta)), &mut each);
        }
        let after = base + u64::from(feedback.status_count);
        self.told = Some((feedback.feedback_count, after.min(self.next)));
        self.told_at = Some(now);
    }

    fn tell(
        &mut self,
        number: u64,
        arrived: Option<i64>,
        each: &mut impl FnMut(PacketResult, PacketTag),
    ) {
        if number >= self.next || self.next - number > self.slots.len() as u64 {
            return;
        }
        let place = self.place(number);
        let slot = &mut self.slots[place];
        let sent = self.newest - u64::from((self.newest as u32).wrapping_sub(slot.sent));
        let arrived = arrived.filter(|arrived| {
            let transit = Transit::of(sent, *arrived);
            if slot.resent_after == 0 {
                self.transit.note(*arrived, transit);
                return true;
            }
            // What came may be the repetition, if that can have come by then; then the packet itself
            // got lost, as what is asked for mostly is.
            let later = REPETITION_TICK.as_micros() as i64 * i64::from(slot.resent_after);
            self.transit.least().is_some_and(|least| transit < least + later)
        });
        let fate = if arrived.is_some() { Fate::Arrived } else { Fate::Lost };
        let was_lost = slot.fate == Fate::Lost;
        match (slot.fate, fate) {
            (Fate::Waiting, Fate::Lost) => self.totals.lost += 1,
            (Fate::Lost, Fate::Arrived) => self.totals.lost -= 1,
            (Fate::Waiting, Fate::Arrived) => {}
            _ => return,
        }
        slot.fate = fate;
        if let Some(arrived) = arrived {
            self.totals.packets += 1;
            self.totals.bytes += u64::from(slot.size);
            slot.arrived = arrived as u32;
        }
        let slot = *slot;
        if let Some(arrived) = arrived {
            let overtaken = if was_lost { self.overtaken_at(number, arrived) } else { None };
            self.reordering.arrived(number, arrived, overtaken);
        }
        let result = PacketResult {
            number,
            sent: Duration::from_micros(sent),
            size: usize::from(slot.size),
            arrived,
            probe: slot.probe.checked_sub(1),
        };
        each(result, slot.packet);
    }

    /// When the first packet after this one arrived, if that was before `arrived`.
    fn overtaken_at(&self, number: u64, arrived: i64) -> Option<i64> {
        let after = number + 1..self.next.min(number + OVERTAKING);
        let slots = after.map(|number| self.slots[self.place(number)]);
        let by = slots
            .filter(|slot| slot.fate == Fate::Arrived)
            .map(|slot| i64::from((arrived as u32).wrapping_sub(slot.arrived) as i32))
            .max()?;
        (by > 0).then(|| arrived - by)
    }

    /// Whether a packet that feedback did not tell of and that was asked for at `asked` is lost: on
    /// this path it would have come by now, and feedback would have told.
    pub(super) fn is_lost(&self, now: Instant, asked: Instant) -> bool {
        let came = asked + self.reordering.patience();
        came <= asked || self.told_at.is_some_and(|at| at >= came) || now >= self.lost_at(asked)
    }

    /// When it is at the latest.
    pub(super) fn lost_at(&self, asked: Instant) -> Instant {
        match self.reordering.patience() {
            Duration::ZERO => asked,
            patience => asked + patience + FEEDBACK_INTERVAL,
        }
    }

    pub(super) fn acknowledged(&self) -> Acknowledged {
        self.totals
    }

    /// Whether packets come in the order in which they are sent: what is told to be missing is lost.
    pub(super) fn keeps_order(&self) -> bool {
        self.reordering.patience().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rtcp::{self, Packet};

    /// Feedback by run-length chunks and small deltas (section 3.1).
    fn feedback(base: u16, runs: &[(bool, u16)]) -> Vec<u8> {
        let count: u16 = runs.iter().map(|(_, length)| length).sum();
        let mut body = [0; 8].to_vec();
        body.extend(base.to_be_bytes());
        body.extend(count.to_be_bytes());
        body.extend([0, 0, 1, 0]);
        for (arrived, length) in runs {
            body.extend((u16::from(*arrived) << 13 | length).to_be_bytes());
        }
        body.extend(
            runs.iter().filter(|(arrived, _)| *arrived).flat_map(|(_, n)| vec![4; usize::from(*n)]),
        );
        body.resize(body.len().next_multiple_of(4), 0);
        let words = (body.len() / 4) as u16;
        [&[0x8f, 205][..], &words.to_be_bytes(), &body].concat()
    }

    fn apply(history: &mut TransportHistory, bytes: &[u8]) -> Vec<PacketResult> {
        let mut results = Vec::new();
        match rtcp::packets(bytes).next() {
            Some(Packet::TransportFeedback(feedback)) => {
                history.apply(Instant::now(), &feedback, |result, _| results.push(result));
            }
            other => panic!("{other:?}"),
        }
        results
    }

    #[test]
    fn feedback_tells_what_arrived_and_what_did_not() {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        for number in 0..10 {
            assert_eq!(history.next_sequence(), number);
            history.sent(
                start + Duration::from_millis(u64::from(number)),
                1000,
                None,
                PacketTag::default(),
            );
        }
        let results = apply(&mut history, &feedback(2, &[(true, 3), (false, 2), (true, 1)]));
        assert_eq!(results.len(), 6);
        assert_eq!(results[0].sent, Duration::from_millis(2));
        assert_eq!(results[0].arrived, Some(256 + 4));
        assert_eq!(results[1].arrived, Some(256 + 8));
        assert_eq!(results[3].arrived, None);
        let totals = history.acknowledged();
        assert_eq!((totals.packets, totals.bytes, totals.lost), (4, 4000, 2));
    }

    #[test]
    fn what_was_told_before_counts_once_and_late_packets_are_not_lost() {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        (0..4).for_each(|_| history.sent(start, 500, None, PacketTag::default()));
        apply(&mut history, &feedback(0, &[(true, 2), (false, 2)]));
        assert!(apply(&mut history, &feedback(0, &[(true, 2), (false, 2)])).is_empty());
        assert_eq!(apply(&mut history, &feedback(2, &[(true, 1)])).len(), 1);
        let totals = history.acknowledged();
        assert_eq!((totals.packets, totals.lost), (3, 1));
    }

    #[test]
    fn feedback_about_packets_that_were_never_sent_says_nothing() {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        assert!(apply(&mut history, &feedback(0, &[(true, 5)])).is_empty());
        (0..3).for_each(|_| history.sent(start, 500, None, PacketTag::default()));
        assert!(apply(&mut history, &feedback(3, &[(true, 5)])).is_empty());
        assert!(apply(&mut history, &feedback(60_000, &[(true, 5)])).is_empty());
    }

    #[test]
    fn numbers_wrap_and_the_history_grows_with_the_rate() {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        for number in 0..70_000u64 {
            // Ten packets a millisecond, told of half a second later.
            history.sent(
                start + Duration::from_micros(number * 100),
                1200,
                None,
                PacketTag::default(),
            );
        }
        assert_eq!(history.slots.len(), MAX_WAITING);
        let base = (70_000u64 - 3000) as u16;
        assert_eq!(apply(&mut history, &feedback(base, &[(true, 2000)])).len(), 2000);
    }

    #[test]
    fn what_comes_under_a_number_that_was_sent_again_is_the_packet_only_if_the_repetition_cannot_be_there_yet()
     {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        let ticks = |milliseconds: u64| Some(4 * milliseconds as i64);
        for number in 0..10 {
            history.sent(at(20 * number), 100, None, PacketTag::default());
        }
        history.resent(at(20 * 5 + 80), 5);
        history.resent(at(20 * 7 + 80), 7);
        history.resent(at(0), 4711);
        let mut told = Vec::new();
        let mut each =
            |result: PacketResult, _| told.push((result.number, result.arrived.is_some()));
        // Each takes 30 ms.
        for number in [0, 1, 2, 3, 4, 6, 8, 9] {
            history.tell(number, ticks(20 * number + 30), &mut each);
        }
        history.tell(5, ticks(20 * 5 + 80 + 30), &mut each);
        history.tell(7, ticks(20 * 7 + 30 + 45), &mut each);
        assert_eq!(told[8..], [(5, false), (7, true)]);
        assert_eq!(history.acknowledged().lost, 1);
    }

    #[test]
    fn a_tag_tells_which_of_the_last_packets_of_a_stream_it_was() {
        for newest in [1u64 << 33, 70_000, 5] {
            let tag = PacketTag::new(0xdead_beef, newest - 3);
            assert_eq!(tag.index_in(0xdead_beef, newest, 512), Some(newest - 3));
            assert_eq!(tag.index_in(0xdead_beef, newest, 3), None, "too long ago");
            assert_eq!(tag.index_in(0xdead_beef, newest - 4, 512), None, "not sent yet");
            assert_eq!(tag.index_in(0xbeef_dead, newest, 512), None);
        }
    }

    #[test]
    fn what_lies_between_two_feedbacks_is_lost_unless_one_of_them_is() {
        for (count, expected) in [(1, 3), (2, 0)] {
            let start = Instant::now();
            let mut history = TransportHistory::new(start);
            (0..8).for_each(|_| history.sent(start, 500, None, PacketTag::default()));
            assert_eq!(apply(&mut history, &feedback(0, &[(true, 2)])).len(), 2);
            let mut later = feedback(5, &[(true, 1)]);
            later[19] = count;
            let results = apply(&mut history, &later);
            let lost: Vec<u64> =
                results.iter().filter(|r| r.arrived.is_none()).map(|r| r.number).collect();
            assert_eq!(lost.len(), expected, "feedback {count}: {lost:?}");
            assert_eq!(history.acknowledged().lost, expected as u64);
        }
    }

    #[test]
    fn a_slow_sender_keeps_little() {
        let start = Instant::now();
        let mut history = TransportHistory::new(start);
        for number in 0..2000u64 {
            history.sent(
                start + Duration::from_millis(number * 20),
                100,
                None,
                PacketTag::default(),
            );
        }
        assert_eq!(history.slots.len(), FIRST_WAITING);
    }
}
