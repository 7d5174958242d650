//! What is counted between the beginning and the end of a measurement.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::client::Arrival;
use crate::clock;
use crate::plan::{Distribution, Measured};

/// Packets of the window may come so much after its end.
const GRACE: Duration = Duration::from_millis(500);

pub struct Window {
    started: Instant,
    from: u64,
    until: u64,
    used: Duration,
    sent: u64,
    expected: u64,
    /// Receiver, stream and number.
    seen: HashSet<(u32, u32, u32)>,
    latencies: Vec<u64>,
    load: Option<f64>,
}

impl Window {
    pub fn open(milliseconds: u64) -> Window {
        let from = clock::wall_nanoseconds();
        Window {
            started: Instant::now(),
            from,
            until: from + milliseconds * 1_000_000,
            used: clock::process_time(),
            sent: 0,
            expected: 0,
            seen: HashSet::new(),
            latencies: Vec::new(),
            load: None,
        }
    }

    pub fn sent(&mut self, packets: u32, receivers: usize) {
        if clock::wall_nanoseconds() < self.until {
            self.sent += u64::from(packets);
            self.expected += u64::from(packets) * receivers as u64;
        }
    }

    pub fn received(&mut self, receiver: usize, arrival: &Arrival) {
        let stamp = &arrival.stamp;
        if (self.from..self.until).contains(&stamp.sent)
            && self.seen.insert((receiver as u32, stamp.stream, stamp.number))
        {
            self.latencies.push(arrival.latency);
        }
    }

    /// The result, once the window has closed and the stragglers came.
    pub fn close(&mut self) -> Option<Measured> {
        let now = clock::wall_nanoseconds();
        if now < self.until {
            return None;
        }
        let load = *self.load.get_or_insert_with(|| {
            let used = clock::process_time() - self.used;
            used.as_secs_f64() / self.started.elapsed().as_secs_f64()
        });
        if now < self.until + GRACE.as_nanos() as u64 {
            return None;
        }
        Some(Measured {
            sent: self.sent,
            expected: self.expected,
            received: self.seen.len() as u64,
            latency: Distribution::of(std::mem::take(&mut self.latencies)),
            load,
        })
    }
}
