//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01): which packets of the connection came, and
//! when.

use std::time::{Duration, Instant};

/// How often libwebrtc sends it until it knows the bit rate of the way back.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Beyond that a packet reports only the newest numbers.
const MAX_NUMBERS: usize = 2_000;
/// Nanoseconds of a delta.
const TICK: i64 = 250_000;
/// Nanoseconds of the reference time.
const REFERENCE: i64 = 64_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Status {
    NotReceived = 0,
    SmallDelta = 1,
    LargeDelta = 2,
}

#[derive(Default)]
pub struct TransportFeedback {
    /// Unwrapped number and arrival in nanoseconds, since the last feedback.
    arrivals: Vec<(u64, i64)>,
    highest: Option<u64>,
    /// The first number of the next feedback: what is missing before it was reported.
    next: Option<u64>,
    count: u8,
    pub due: Option<Instant>,
}

impl TransportFeedback {
    /// Notes an arrival; gives when feedback is due.
    pub fn received(&mut self, number: u16, arrived: u64, now: Instant) -> Instant {
        let highest = *self.highest.get_or_insert(u64::from(number) + (1 << 16));
        let unwrapped =
            highest.wrapping_add_signed(i64::from(number.wrapping_sub(highest as u16) as i16));
        self.highest = Some(highest.max(unwrapped));
        self.arrivals.push((unwrapped, arrived as i64));
        *self.due.get_or_insert(now + INTERVAL)
    }

    /// Writes what follows the SSRCs of a feedback packet; false when there is nothing to say.
    pub fn write(&mut self, out: &mut Vec<u8>) -> bool {
        self.due = None;
        self.arrivals.sort_unstable();
        self.arrivals.dedup_by_key(|(number, _)| *number);
        let (Some(&(first, arrived)), Some(&(last, _))) =
            (self.arrivals.first(), self.arrivals.last())
        else {
            return false;
        };
        // What came late is before what the last feedback ended with, and is said once more.
        let base = self.next.map_or(first, |next| next.min(first));
        let base = base.max((last + 1).saturating_sub(MAX_NUMBERS as u64));
        self.arrivals.retain(|(number, _)| *number >= base);

        let reference = arrived.div_euclid(REFERENCE);
        let mut time = reference * REFERENCE;
        let mut statuses = vec![Status::NotReceived; (last - base + 1) as usize];
        let mut deltas = Vec::with_capacity(2 * self.arrivals.len());
        for (number, arrived) in self.arrivals.drain(..) {
            let ticks = (arrived - time).div_euclid(TICK);
            time += ticks * TICK;
            statuses[(number - base) as usize] = if let Ok(small) = u8::try_from(ticks) {
                deltas.push(small);
                Status::SmallDelta
            } else {
                let large = ticks.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                deltas.extend_from_slice(&large.to_be_bytes());
                Status::LargeDelta
            };
        }

        out.extend_from_slice(&(base as u16).to_be_bytes());
        out.extend_from_slice(&(statuses.len() as u16).to_be_bytes());
        out.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
        out.push(self.count);
        self.count = self.count.wrapping_add(1);
        write_statuses(out, &statuses);
        out.extend_from_slice(&deltas);
        self.next = Some(last + 1);
        true
    }
}

/// Run lengths where they are longer than the seven statuses that fit a vector.
fn write_statuses(out: &mut Vec<u8>, mut statuses: &[Status]) {
    const IN_VECTOR: usize = 7;
    const LONGEST_RUN: usize = 0x1fff;
    while let Some(&first) = statuses.first() {
        let run = statuses.iter().take(LONGEST_RUN).take_while(|status| **status == first).count();
        let (chunk, taken) = if run >= IN_VECTOR || run == statuses.len() {
            ((first as u16) << 13 | run as u16, run)
        } else {
            let taken = statuses.len().min(IN_VECTOR);
            let symbols = statuses[..taken]
                .iter()
                .enumerate()
                .fold(0, |bits, (index, status)| bits | (*status as u16) << (12 - 2 * index));
            (0xc000 | symbols, taken)
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        statuses = &statuses[taken..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feedback(arrivals: &[(u16, u64)]) -> Vec<u8> {
        let mut feedback = TransportFeedback::default();
        for (number, milliseconds) in arrivals {
            feedback.received(*number, milliseconds * 1_000_000, Instant::now());
        }
        let mut out = Vec::new();
        assert!(feedback.write(&mut out));
        assert!(!feedback.write(&mut Vec::new()), "said once");
        out
    }

    #[test]
    fn a_run_without_loss_is_one_chunk() {
        let out = feedback(&[(65_535, 640), (0, 641), (1, 642)]);
        let expected = [&[0xff, 0xff, 0, 3, 0, 0, 10, 0][..], &[0x20, 3], &[0, 4, 4]];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn what_is_missing_and_what_came_long_after_is_told_in_a_vector() {
        let out = feedback(&[(10, 640), (12, 840)]);
        // Small delta, missing, large delta.
        assert_eq!(out[8..10], (0xc000_u16 | 1 << 12 | 2 << 8).to_be_bytes());
        assert_eq!(out[10..], [0, 3, 32]);
    }

    #[test]
    fn the_next_feedback_begins_where_the_last_ended() {
        let mut feedback = TransportFeedback::default();
        feedback.received(5, 0, Instant::now());
        feedback.write(&mut Vec::new());
        feedback.received(8, 0, Instant::now());
        let mut out = Vec::new();
        feedback.write(&mut out);
        assert_eq!(out[..4], [0, 6, 0, 3]);
        assert_eq!(out[7], 1, "the second feedback");
    }
}
