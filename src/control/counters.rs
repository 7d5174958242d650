//! What a media thread's sockets and rings count.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stats::ThreadStats;

/// What one thread's sockets and rings counted since it started. Only that thread counts;
/// anybody may read.
#[derive(Default, Debug)]
pub struct ThreadCounters {
    pub packets_received: Counter,
    pub bytes_received: Counter,
    pub packets_sent: Counter,
    pub bytes_sent: Counter,
    /// Datagrams the socket would not take.
    pub discarded_on_send: Counter,
    /// Messages to other shards that found the ring full.
    pub discarded_between_threads: Counter,
}

impl ThreadCounters {
    /// Puts the counts into a thread's statistics.
    pub fn fill(&self, stats: &mut ThreadStats) {
        stats.packets_received = self.packets_received.get();
        stats.bytes_received = self.bytes_received.get();
        stats.packets_sent = self.packets_sent.get();
        stats.bytes_sent = self.bytes_sent.get();
        stats.packets_discarded_on_send = self.discarded_on_send.get();
        stats.packets_discarded_between_threads = self.discarded_between_threads.get();
    }
}

/// A count with a single writer, which saves it the price of an atomic addition.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// To be called from one thread only; else additions get lost.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
