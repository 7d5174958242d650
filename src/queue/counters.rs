//! What a media thread's sockets and rings count.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// System calls that read sockets, that wrote to them, and that asked what is ready.
    pub receive_calls: Counter,
    pub send_calls: Counter,
    pub wait_calls: Counter,
    /// Other threads woken, which costs a system call each.
    pub wakeups: Counter,
    #[cfg(feature = "allocation-counter")]
    pub allocations: Counter,
}

impl ThreadCounters {
    /// Takes over what is counted apart for the calling thread. Has to be called on the thread
    /// that these counters belong to.
    pub fn take_over(&self) {
        self.wakeups.add(WAKEUPS.take());
        #[cfg(feature = "allocation-counter")]
        self.allocations.add(super::allocations::take());
    }
}

thread_local! {
    /// Wake-ups since they were last taken over. Whoever rings a bell knows nothing of threads and
    /// their counters.
    static WAKEUPS: Cell<u64> = const { Cell::new(0) };
}

/// To be called by whoever wakes another thread, on the thread that does.
pub fn count_wakeup() {
    WAKEUPS.set(WAKEUPS.get() + 1);
}

/// A count with a single writer, which saves it the price of an atomic addition.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// To be called from one thread only; else additions get lost.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    /// What was counted did not happen after all. From the same thread.
    pub fn take_back(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_sub(amount), Ordering::Relaxed);
    }

    /// What was counted so far. From any thread.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
