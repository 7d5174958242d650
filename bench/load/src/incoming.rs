//! What a client keeps of each stream that it receives: loss, jitter and sender reports for its own
//! reports (RFC 3550 6.4), and what it has to ask for again (RFC 4585 6.2.1).

use std::time::{Duration, Instant};

use crate::rtcp::ReportBlock;

/// Packets that are asked for at once, and how often each is.
const MAX_MISSING: usize = 500;
const MAX_REQUESTS: u8 = 10;
/// libwebrtc repeats a request after a round trip, of which it assumes this until it knows better.
const REPEAT: Duration = Duration::from_millis(100);
const WINDOW: u64 = 128;

pub struct Incoming {
    pub ssrc: u32,
    pub video: bool,
    /// The stream this one repairs (RFC 4588), as the description says.
    pub repairs: Option<u32>,
    clock: f64,
    first: Option<u64>,
    /// Packet index of the newest packet; RFC 3711 3.3.1.
    highest: u64,
    /// Which of the packets up to the newest have come, for replay and reordering.
    seen: u128,
    pub received: u64,
    pub bytes: u64,
    missing: Vec<Missing>,
    jitter: f64,
    last_transit: Option<f64>,
    sender_report: Option<(u32, Instant)>,
    /// Expected and received packets at the last report.
    reported: (u64, u64),
    pub report_due: Instant,
}

struct Missing {
    index: u64,
    requests: u8,
    due: Instant,
}

impl Incoming {
    pub fn new(ssrc: u32, video: bool, repairs: Option<u32>, now: Instant) -> Incoming {
        let clock = if video { 90_000.0 } else { 48_000.0 };
        let mut incoming = Incoming {
            ssrc,
            video,
            repairs,
            clock,
            first: None,
            highest: 0,
            seen: 0,
            received: 0,
            bytes: 0,
            missing: Vec::new(),
            jitter: 0.0,
            last_transit: None,
            sender_report: None,
            reported: (0, 0),
            report_due: now,
        };
        // Not in step with others that began at the same time.
        let phase = f64::from(ssrc.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
        incoming.report_due = now + incoming.interval().mul_f64(0.5 + phase / 2.0);
        incoming
    }

    /// As libwebrtc's receivers report, each stream in a packet of its own.
    fn interval(&self) -> Duration {
        if self.video { Duration::from_secs(1) } else { Duration::from_secs(5) }
    }

    /// Which packet of the stream the one with that sequence number is, if it did not come before.
    pub fn index(&self, sequence: u16) -> Option<u64> {
        if self.first.is_none() {
            return Some(u64::from(sequence));
        }
        let distance = sequence.wrapping_sub(self.highest as u16) as i16;
        let index = self.highest.checked_add_signed(distance.into())?;
        let age = self.highest.saturating_sub(index);
        let known = index <= self.highest && (age >= WINDOW || self.seen >> age & 1 == 1);
        (!known).then_some(index)
    }

    /// Notes a packet that was authentic.
    pub fn received(
        &mut self,
        index: u64,
        timestamp: u32,
        bytes: usize,
        arrived: u64,
        now: Instant,
    ) {
        self.received += 1;
        self.bytes += bytes as u64;
        if self.first.is_none() {
            self.first = Some(index);
            self.highest = index;
            self.seen = 1;
        } else if index > self.highest {
            let step = index - self.highest;
            self.seen = if step < WINDOW { self.seen << step } else { 0 } | 1;
            // Sound is not repaired, and repairs are not either.
            if self.video && self.repairs.is_none() {
                let gap = (self.highest + 1).max(index.saturating_sub(MAX_MISSING as u64))..index;
                self.missing.extend(gap.map(|index| Missing { index, requests: 0, due: now }));
            }
            let excess = self.missing.len().saturating_sub(MAX_MISSING);
            self.missing.drain(..excess);
            self.highest = index;
        } else {
            self.seen |= 1 << (self.highest - index);
            self.repaired(index as u16);
        }
        // RFC 3550 6.4.1, by the time the kernel took the packet.
        let transit = arrived as f64 / 1e9 * self.clock - f64::from(timestamp);
        if let Some(last) = self.last_transit.replace(transit) {
            let difference = (transit - last).abs();
            if difference < self.clock {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
    }

    /// A missing packet came after all, by retransmission or late.
    pub fn repaired(&mut self, sequence: u16) {
        self.missing.retain(|missing| missing.index as u16 != sequence);
    }

    pub fn sender_reported(&mut self, time: u32, now: Instant) {
        self.sender_report = Some((time, now));
    }

    pub fn misses_something(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Sequence numbers to ask for now.
    pub fn requests(&mut self, now: Instant, out: &mut Vec<u16>) {
        out.clear();
        for missing in self.missing.iter_mut().filter(|missing| missing.due <= now) {
            missing.requests += 1;
            missing.due = now + REPEAT;
            out.push(missing.index as u16);
        }
        self.missing.retain(|missing| missing.requests < MAX_REQUESTS);
    }

    /// When there is something to ask for or to report.
    pub fn due(&self) -> Instant {
        self.missing.iter().map(|missing| missing.due).fold(self.report_due, Instant::min)
    }

    /// Packets that there should have been.
    pub fn expected(&self) -> u64 {
        self.first.map_or(0, |first| self.highest - first + 1)
    }

    pub fn report(&mut self, now: Instant) -> ReportBlock {
        self.report_due = now + self.interval();
        let (expected, received) = (self.expected(), self.received);
        let interval = (expected - self.reported.0, received - self.reported.1);
        self.reported = (expected, received);
        let lost = interval.0.saturating_sub(interval.1);
        let (last_sender_report, delay) = self
            .sender_report
            .map_or((0, 0), |(time, came)| (time, ((now - came).as_secs_f64() * 65_536.0) as u32));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: (lost * 256).checked_div(interval.0).unwrap_or(0).min(255) as u8,
            packets_lost: expected.saturating_sub(received) as u32,
            highest: self.highest as u32,
            jitter: self.jitter as u32,
            last_sender_report,
            delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(sequences: &[u16]) -> (Incoming, Instant) {
        let now = Instant::now();
        let mut incoming = Incoming::new(1, true, None, now);
        for &sequence in sequences {
            let index = incoming.index(sequence).expect("not seen before");
            incoming.received(index, 0, 100, 0, now);
        }
        (incoming, now)
    }

    #[test]
    fn sequence_numbers_go_on_after_they_wrap() {
        let (incoming, _) = with(&[65_534, 65_535, 0, 1]);
        assert_eq!(incoming.highest, 65_537);
        assert_eq!(incoming.index(65_535), None, "it came");
        assert_eq!(incoming.expected(), 4);
    }

    #[test]
    fn gaps_are_asked_for_until_they_are_filled() {
        let (mut incoming, now) = with(&[1, 4]);
        let mut asked = Vec::new();
        incoming.requests(now, &mut asked);
        assert_eq!(asked, [2, 3]);
        incoming.requests(now, &mut asked);
        assert!(asked.is_empty());
        incoming.repaired(2);
        incoming.requests(now + REPEAT, &mut asked);
        assert_eq!(asked, [3]);
        let index = incoming.index(3).unwrap();
        incoming.received(index, 0, 100, 0, now);
        incoming.requests(now + 2 * REPEAT, &mut asked);
        assert!(asked.is_empty());
    }

    #[test]
    fn a_report_tells_what_was_lost_since_the_last_and_in_all() {
        let (mut incoming, now) = with(&[1, 2, 4, 5]);
        incoming.sender_reported(7, now);
        let report = incoming.report(now + Duration::from_secs(1));
        assert_eq!((report.packets_lost, report.fraction_lost), (1, 51));
        assert_eq!((report.last_sender_report, report.delay), (7, 65_536));
        assert_eq!(incoming.report(now).fraction_lost, 0);
    }
}
