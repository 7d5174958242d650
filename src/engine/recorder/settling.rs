//! When the first frames of a line were captured: the first report of their sender comes after them.

use std::time::{Duration, Instant};

use crate::codec::frame::EncodedFrame;
use crate::codec::packet::TakenPacket;

/// How long the first report is waited for. RFC 3550 6.2 lets it come after 2.5 s; browsers send it
/// within a second.
const WAIT: Duration = Duration::from_millis(1_500);

/// Puts frames where reports say, from the first one on: what was captured does not leap for those who
/// watch it, so it nears that slowly.
#[derive(Default, Debug)]
pub(super) struct Settling {
    /// When its first packet came.
    begun: Option<Instant>,
    settled: Option<Settled>,
}

#[derive(Debug)]
struct Settled {
    /// The packet that came when it was known, if it ever was.
    first: Option<First>,
    /// What times of capture lack, in microseconds. It only shrinks: later reports are followed slowly
    /// here as well.
    rest: i32,
}

#[derive(Clone, Copy, Debug)]
struct First {
    arrival: Instant,
    timestamp: u32,
    captured: Instant,
}

impl Settling {
    /// Takes what is known with a packet. Gives when it was captured, if that is settled.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        packet: &TakenPacket,
        to_reported: Option<i32>,
    ) -> Option<Instant> {
        self.begun.get_or_insert(now);
        if self.settled.is_none() && self.is_settled(now) {
            self.give_up();
        }
        match (&mut self.settled, to_reported) {
            (None, None) => None,
            (None, Some(rest)) => {
                let captured = shifted(packet.captured, rest);
                let (arrival, timestamp) = (packet.arrival, packet.timestamp);
                let first = Some(First { arrival, timestamp, captured });
                self.settled = Some(Settled { first, rest });
                Some(captured)
            }
            (Some(settled), to_reported) => {
                let rest = to_reported.unwrap_or(0);
                settled.rest = rest.clamp(settled.rest.min(0), settled.rest.max(0));
                Some(shifted(packet.captured, settled.rest))
            }
        }
    }

    /// Whether frames need not wait: it is known, or it took too long, or there are none.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let waits = |begun| now.saturating_duration_since(begun) < WAIT;
        self.settled.is_some() || !self.begun.is_some_and(waits)
    }

    /// What was not heard by now is not waited for.
    pub(super) fn give_up(&mut self) {
        if self.begun.is_some() {
            self.settled.get_or_insert(Settled { first: None, rest: 0 });
        }
    }

    /// When a frame was captured: one that came before that was known, by its RTP time.
    pub(super) fn captured(&self, frame: &EncodedFrame) -> Instant {
        let first = self.settled.as_ref().and_then(|settled| settled.first);
        let Some(first) = first.filter(|first| frame.arrival < first.arrival) else {
            return frame.captured;
        };
        let ticks = i64::from(frame.timestamp.wrapping_sub(first.timestamp) as i32);
        let micros = ticks * 1_000_000 / i64::from(frame.codec.clock_rate().max(1));
        shifted(first.captured, micros.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
}

fn shifted(at: Instant, micros: i32) -> Instant {
    let distance = Duration::from_micros(micros.unsigned_abs().into());
    let moved = if micros < 0 { at.checked_sub(distance) } else { at.checked_add(distance) };
    moved.unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::frame::Assembler;

    const MS: Duration = Duration::from_millis(1);

    /// The packet of a number, 20 ms of sound each, whose way takes 100 ms.
    fn packet(begun: Instant, number: u32, captured: Instant) -> TakenPacket {
        TakenPacket {
            sequence: number.into(),
            timestamp: number * 960,
            marker: false,
            codec: Codec::Opus,
            red: false,
            payload: [0xfc, 0xff, 0xfe].into(),
            arrival: begun + 20 * MS * number + 100 * MS,
            captured,
            audio_level: None,
            rotation: 0,
        }
    }

    /// What each of so many packets is behind the one before it, in the file, when the first report
    /// comes with that of a number and what it says is neared by 1 ms a packet.
    fn steps(count: u32, reported: u32) -> (Vec<Duration>, Vec<bool>) {
        let begun = Instant::now();
        let mut settling = Settling::default();
        let mut assembler = Assembler::new(MS);
        let (mut captures, mut settled) = (Vec::new(), Vec::new());
        for number in 0..count {
            let since = number.saturating_sub(reported).min(100);
            let captured = begun + 20 * MS * number + 100 * MS - MS * since;
            let rest = (number >= reported).then(|| -1_000 * (100 - since as i32));
            let packet = packet(begun, number, captured);
            let now = packet.arrival;
            let captured = settling.receive(now, &packet, rest).unwrap_or(captured);
            assembler.insert(&TakenPacket { captured, ..packet });
            settled.push(settling.is_settled(now));
            while settling.is_settled(now)
                && let Some(frame) = assembler.poll(now)
            {
                captures.push(settling.captured(&frame));
            }
        }
        (captures.windows(2).map(|pair| pair[1] - pair[0]).collect(), settled)
    }

    #[test]
    fn frames_wait_for_the_first_report_and_are_where_it_says_from_the_first_on() {
        let (steps, settled) = steps(300, 40);
        assert_eq!(settled.iter().position(|settled| *settled), Some(40));
        assert_eq!(steps.len(), 299);
        assert!(steps.iter().all(|step| *step == 20 * MS), "{steps:?}");
    }

    #[test]
    fn what_is_known_from_the_first_packet_on_holds_nothing_up() {
        let (_, settled) = steps(5, 0);
        assert_eq!(settled, [true; 5]);
    }

    #[test]
    fn a_report_that_does_not_come_is_not_waited_for_and_moves_nothing_when_it_comes_late() {
        let (steps, settled) = steps(300, 100);
        assert_eq!(settled.iter().position(|settled| *settled), Some(75));
        let leap = steps.iter().map(|step| step.abs_diff(20 * MS)).max();
        assert!(leap <= Some(MS), "{leap:?}");
    }
}
