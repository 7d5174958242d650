//! A probe on its way: packets at a higher rate than media has, to show whether the link carries it.

use std::time::{Duration, Instant};

use crate::bandwidth::Probe;

#[derive(Default)]
pub(super) struct Probing {
    running: Option<Running>,
    packets: u64,
    bytes: u64,
}

struct Running {
    probe: Probe,
    began: Instant,
    packets: usize,
    bytes: usize,
}

impl Running {
    fn done(&self) -> bool {
        self.packets >= self.probe.packets && self.bytes >= self.probe.bytes
    }

    /// When the next packet is due.
    fn next(&self) -> Instant {
        let seconds = self.bytes as f64 * 8.0 / self.probe.rate.max(1) as f64;
        self.began + Duration::from_secs_f64(seconds.min(1.0))
    }
}

impl Probing {
    pub(super) fn begin(&mut self, now: Instant, probe: Probe) {
        self.running = Some(Running { probe, began: now, packets: 0, bytes: 0 });
    }

    /// There is nothing to probe with; the estimator finds out.
    pub(super) fn give_up(&mut self) {
        self.running = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// When a packet of it is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.running.as_ref().map(Running::next)
    }

    /// The number of the probe of which a packet is due.
    pub(super) fn due(&self, now: Instant) -> Option<u32> {
        let running = self.running.as_ref()?;
        (!running.done() && running.next() <= now).then_some(running.probe.id)
    }

    /// A packet of so many bytes was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        let Some(running) = &mut self.running else { return };
        running.packets += 1;
        running.bytes += bytes;
        self.packets += 1;
        self.bytes += bytes as u64;
        if running.done() {
            self.running = None;
        }
    }

    /// Packets and bytes of all probes so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.packets, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_due_at_the_rate_of_the_probe_until_there_were_enough() {
        let start = Instant::now();
        let mut probing = Probing::default();
        assert_eq!((probing.next(), probing.due(start)), (None, None));
        probing.begin(start, Probe { id: 7, rate: 800_000, packets: 3, bytes: 2500 });
        assert_eq!(probing.due(start), Some(7));
        probing.sent(1000);
        // 1,000 bytes are 10 ms of 800 kbit/s.
        assert_eq!(probing.next(), Some(start + Duration::from_millis(10)));
        assert_eq!(probing.due(start + Duration::from_millis(9)), None);
        assert_eq!(probing.due(start + Duration::from_millis(10)), Some(7));
        probing.sent(1000);
        assert!(probing.is_running());
        probing.sent(1000);
        assert!(!probing.is_running(), "three packets and 2,500 bytes were asked for");
        assert_eq!(probing.totals(), (3, 3000));
    }

    #[test]
    fn what_was_given_up_is_due_no_more() {
        let start = Instant::now();
        let mut probing = Probing::default();
        probing.begin(start, Probe { id: 1, rate: 1, packets: 1, bytes: 1 });
        probing.give_up();
        assert_eq!((probing.next(), probing.due(start)), (None, None));
        probing.sent(500);
        assert_eq!(probing.totals(), (0, 0));
    }
}
