//! What is counted between the beginning and the end of a measurement.

use std::time::{Duration, Instant};

use crate::client::Arrival;
use crate::clock;
use crate::plan::{Distribution, Measured, Totals};
use crate::stamp::Stamp;

/// Packets of the window may come so much after its end.
const GRACE: Duration = Duration::from_millis(500);

pub struct Window {
    started: Instant,
    from: u64,
    until: u64,
    used: Duration,
    totals: Totals,
    sent: u64,
    expected: u64,
    received: u64,
    /// By receiver.
    seen: Vec<Vec<Stream>>,
    latencies: Vec<u64>,
    /// What is known when the window has closed, but the stragglers have not come.
    closed: Option<(f64, Totals)>,
}

/// What one receiver had of one stream.
struct Stream {
    name: u32,
    /// The first number seen, rounded down; numbers before it came late and are not told apart.
    first: u32,
    /// A bit for each number from there.
    numbers: Vec<u64>,
}

impl Window {
    /// `totals` is what all clients received so far.
    pub fn open(milliseconds: u64, clients: usize, totals: Totals) -> Window {
        let from = clock::wall_nanoseconds();
        Window {
            started: Instant::now(),
            from,
            until: from + milliseconds * 1_000_000,
            used: clock::process_time(),
            totals,
            sent: 0,
            expected: 0,
            received: 0,
            seen: std::iter::repeat_with(Vec::new).take(clients).collect(),
            latencies: Vec::new(),
            closed: None,
        }
    }

    pub fn sent(&mut self, stamp: &Stamp, receivers: usize) {
        if (self.from..self.until).contains(&stamp.sent) {
            self.sent += 1;
            self.expected += receivers as u64;
        }
    }

    pub fn received(&mut self, receiver: usize, arrival: &Arrival) {
        let stamp = &arrival.stamp;
        if !(self.from..self.until).contains(&stamp.sent) {
            return;
        }
        let streams = &mut self.seen[receiver];
        let at = streams.iter().position(|stream| stream.name == stamp.stream);
        let at = at.unwrap_or_else(|| {
            let first = stamp.number.saturating_sub(64);
            streams.push(Stream { name: stamp.stream, first, numbers: Vec::new() });
            streams.len() - 1
        });
        if streams[at].add(stamp.number) {
            self.received += 1;
            self.latencies.push(arrival.latency);
        }
    }

    /// The result, once the window has closed and the stragglers came.
    pub fn close(&mut self, totals: impl FnOnce() -> Totals) -> Option<Measured> {
        let now = clock::wall_nanoseconds();
        if now < self.until {
            return None;
        }
        let (load, totals) = match &self.closed {
            Some((load, totals)) => (*load, totals.since(&self.totals)),
            None => {
                let used = clock::process_time() - self.used;
                let load = used.as_secs_f64() / self.started.elapsed().as_secs_f64();
                self.closed = Some((load, totals()));
                return None;
            }
        };
        if now < self.until + GRACE.as_nanos() as u64 {
            return None;
        }
        Some(Measured {
            sent: self.sent,
            expected: self.expected,
            received: self.received,
            latency: Distribution::of(std::mem::take(&mut self.latencies)),
            first_seconds: Distribution::default(),
            load,
            totals,
        })
    }
}

impl Stream {
    /// False when the number came before.
    fn add(&mut self, number: u32) -> bool {
        let Some(distance) = number.checked_sub(self.first) else { return false };
        let (word, bit) = (distance as usize / 64, distance % 64);
        if word >= self.numbers.len() {
            self.numbers.resize(word + 1, 0);
        }
        let new = self.numbers[word] >> bit & 1 == 0;
        self.numbers[word] |= 1 << bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_counts_once() {
        let mut stream = Stream { name: 1, first: 100, numbers: Vec::new() };
        assert!(stream.add(100) && stream.add(163) && stream.add(164) && stream.add(700));
        assert!(!stream.add(164) && !stream.add(99));
    }
}
