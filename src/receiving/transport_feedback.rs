//! What arrived, and when, for the sender's estimate of its link (transport-wide congestion
//! control, twcc; draft-holmer-rmcat-transport-wide-cc-extensions-01), at libwebrtc's rates.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::rtcp::write_transport_feedback;

/// Between two feedbacks.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(250);
/// Bits of one feedback with its IP, UDP and SRTP overhead, as libwebrtc counts.
const FEEDBACK_BITS: u64 = 68 * 8;
/// Feedback takes a twentieth of what arrives at most.
const SHARE: u64 = 20;
/// So long a packet that is told of again, because one before it came late, is still known.
const MEMORY: Duration = Duration::from_millis(500);
/// Numbers that are kept, arrived or missing.
const MAX_NUMBERS: usize = 4096;
/// A feedback stays below this, which leaves room for sealing under any usual MTU.
const MAX_FEEDBACK: usize = 1000;

/// Arrivals by transport-wide sequence number.
#[derive(Default, Debug)]
pub struct TransportFeedback {
    /// The extended number of the first of `arrivals`.
    begin: i64,
    arrivals: VecDeque<Option<Instant>>,
    /// The first number that the next feedback tells of.
    untold: i64,
    /// When arrivals count from.
    origin: Option<Instant>,
    /// Feedbacks that were sent.
    count: u8,
    due: Option<Instant>,
    /// Bits that came since the last feedback, and when that was.
    bits: u64,
    last: Option<Instant>,
    /// The SSRC of the newest packet.
    media: u32,
}

impl TransportFeedback {
    /// A packet with a transport-wide number came, as a datagram of `bytes`.
    pub fn receive(&mut self, now: Instant, number: u16, ssrc: u32, bytes: usize) {
        self.media = ssrc;
        self.bits += 8 * bytes as u64;
        let end = self.begin + self.arrivals.len() as i64;
        let number = if self.arrivals.is_empty() && self.origin.is_none() {
            self.origin = Some(now);
            (self.begin, self.untold) = (number.into(), number.into());
            self.begin
        } else {
            // The nearest to the newest.
            end - 1 + i64::from(number.wrapping_sub((end - 1) as u16) as i16)
        };
        if number >= self.begin + self.arrivals.len() as i64 {
            let gap = (number - (self.begin + self.arrivals.len() as i64)) as usize;
            if gap >= MAX_NUMBERS {
                // The sender counts anew, or everything between got lost.
                self.arrivals.clear();
                (self.begin, self.untold) = (number, number);
            } else {
                self.arrivals.extend(std::iter::repeat_n(None, gap));
            }
            self.arrivals.push_back(Some(now));
            let over = self.arrivals.len().saturating_sub(MAX_NUMBERS);
            self.forget(over);
        } else {
            let place = usize::try_from(number - self.begin);
            let Some(arrival) = place.ok().and_then(|place| self.arrivals.get_mut(place)) else {
                return;
            };
            if arrival.is_some() {
                return;
            }
            *arrival = Some(now);
            self.untold = self.untold.min(number);
        }
        if self.due.is_none() {
            self.due = Some(self.last.map_or(now, |last| last + self.interval(now)).max(now));
        }
    }

    /// How long feedback waits after the one before, by what arrives.
    fn interval(&self, now: Instant) -> Duration {
        let Some(last) = self.last else { return SHORTEST };
        let passed = now.saturating_duration_since(last).as_micros() as u64;
        // The time in which twenty times as much arrives as a feedback has.
        let micros = FEEDBACK_BITS * SHARE * passed.max(1) / self.bits.max(1);
        Duration::from_micros(micros).clamp(SHORTEST, LONGEST)
    }

    /// When [`TransportFeedback::poll`] is due.
    pub fn next(&self) -> Option<Instant> {
        self.due
    }

    /// Gives the feedback that is due: RTCP packets of one SSRC, `sender`.
    pub fn poll(&mut self, now: Instant, sender: u32, mut each: impl FnMut(&[u8])) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = None;
        (self.last, self.bits) = (Some(now), 0);
        let Some(origin) = self.origin else { return };
        let mut out = [0; MAX_FEEDBACK];
        loop {
            let start = (self.untold - self.begin).max(0) as usize;
            let first = self.begin + start as i64;
            let since = |at: &Instant| at.saturating_duration_since(origin).as_micros() as i64;
            let arrivals = self.arrivals.iter().skip(start).map(|at| at.as_ref().map(since));
            let (base, media) = (first as u16, self.media);
            let Some((length, told)) =
                write_transport_feedback(&mut out, sender, media, base, self.count, arrivals)
            else {
                break;
            };
            self.count = self.count.wrapping_add(1);
            self.untold = first + i64::from(told);
            each(&out[..length]);
        }
        let old =
            |at: &Option<Instant>| at.is_none_or(|at| now.saturating_duration_since(at) > MEMORY);
        let told = (self.untold - self.begin).max(0) as usize;
        // The newest stays, because numbers are extended by it.
        let most = told.min(self.arrivals.len().saturating_sub(1));
        let forgotten = self.arrivals.iter().take(most).take_while(|at| old(at)).count();
        self.forget(forgotten);
    }

    fn forget(&mut self, count: usize) {
        self.arrivals.drain(..count);
        self.begin += count as i64;
        self.untold = self.untold.max(self.begin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rtcp::{Packet, packets};

    const MS: Duration = Duration::from_millis(1);

    /// What is due at `now`: numbers that came, and those that did not.
    fn told(feedback: &mut TransportFeedback, now: Instant) -> Vec<(u16, bool)> {
        let mut told = Vec::new();
        feedback.poll(now, 1, |bytes| match packets(bytes).next() {
            Some(Packet::TransportFeedback(feedback)) => {
                told.extend(feedback.arrivals().map(|(number, at)| (number, at.is_some())));
            }
            other => panic!("{other:?}"),
        });
        told
    }

    fn received(numbers: &[u16]) -> (TransportFeedback, Instant) {
        let now = Instant::now();
        let mut feedback = TransportFeedback::default();
        numbers.iter().for_each(|number| feedback.receive(now, *number, 7, 1000));
        (feedback, now)
    }

    #[test]
    fn every_packet_is_told_of_once() {
        let (mut feedback, now) = received(&[65_535, 0, 2]);
        assert_eq!(feedback.next(), Some(now), "the first at once");
        let expected = [(65_535, true), (0, true), (1, false), (2, true)];
        assert_eq!(told(&mut feedback, now), expected);
        assert_eq!((feedback.next(), told(&mut feedback, now)), (None, vec![]));
        feedback.receive(now + MS * 60, 3, 7, 1000);
        assert_eq!(told(&mut feedback, now + MS * 120), [(3, true)]);
    }

    #[test]
    fn a_gap_between_two_feedbacks_is_told_of() {
        let (mut feedback, now) = received(&[1]);
        told(&mut feedback, now);
        feedback.receive(now + MS * 60, 4, 7, 1000);
        let expected = [(2, false), (3, false), (4, true)];
        assert_eq!(told(&mut feedback, now + MS * 400), expected);
    }

    #[test]
    fn a_late_packet_is_told_of_with_what_followed_it() {
        let (mut feedback, now) = received(&[1, 3, 4]);
        told(&mut feedback, now);
        feedback.receive(now + MS * 60, 2, 7, 1000);
        assert_eq!(told(&mut feedback, now + MS * 120), [(2, true), (3, true), (4, true)]);
        feedback.receive(now + MS * 130, 2, 7, 1000);
        assert_eq!(told(&mut feedback, now + MS * 500), [], "it came twice");
    }

    #[test]
    fn feedback_comes_every_50_to_250_ms_by_what_arrives() {
        for (bytes, expected) in [(2500, 50), (300, 72), (20, 250)] {
            let (mut feedback, now) = received(&[0]);
            told(&mut feedback, now);
            let mut at = Vec::new();
            for number in 1..200_u16 {
                let now = now + MS * 10 * u32::from(number);
                feedback.receive(now, number, 7, bytes);
                if feedback.next().is_some_and(|due| due <= now) {
                    told(&mut feedback, now);
                    at.push(now);
                }
            }
            let span = at[at.len() - 1] - at[0];
            let mean = span.as_millis() / (at.len() as u128 - 1);
            assert!(mean.abs_diff(expected) <= expected / 2, "{bytes} bytes: {mean} ms");
        }
    }

    #[test]
    fn a_peer_that_sends_nothing_costs_nothing() {
        let (mut feedback, now) = received(&[1]);
        told(&mut feedback, now);
        assert_eq!(feedback.next(), None);
    }

    #[test]
    fn numbers_are_kept_for_a_while_and_bounded() {
        let now = Instant::now();
        let mut feedback = TransportFeedback::default();
        for number in 0..60_000_u32 {
            feedback.receive(now + MS * number / 10, number as u16, 7, 1000);
            if number % 500 == 0 {
                told(&mut feedback, now + MS * number / 10 + MS * 300);
            }
            assert!(feedback.arrivals.len() <= 7_000);
        }
        let (mut feedback, now) = received(&[0, 30_000]);
        assert_eq!(told(&mut feedback, now), [(30_000, true)], "a leap");
        (0..10_000).for_each(|number| feedback.receive(now, 30_001 + number, 7, 1000));
        assert!(feedback.arrivals.len() <= MAX_NUMBERS);
    }

    #[test]
    fn many_packets_take_several_feedbacks() {
        let now = Instant::now();
        let mut feedback = TransportFeedback::default();
        (0..3000).for_each(|number| feedback.receive(now + MS * number / 10, number as u16, 7, 9));
        let all = told(&mut feedback, now + MS * 400);
        assert_eq!(all.len(), 3000);
        assert!(
            all.iter().enumerate().all(|(n, (number, came))| n == usize::from(*number) && *came)
        );
    }
}
