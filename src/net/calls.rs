//! System calls of a socket, until the thread that owns it takes them into its counters.

use std::cell::Cell;

use crate::queue::counters::ThreadCounters;

/// Counts without a way to the thread's counters, which a socket does not know.
#[derive(Default, Debug)]
pub(crate) struct Calls {
    receives: Cell<u64>,
    sends: Cell<u64>,
}

impl Calls {
    /// One that read.
    pub fn receive(&self) {
        self.receives.set(self.receives.get() + 1);
    }

    /// One that wrote.
    pub fn send(&self) {
        self.sends.set(self.sends.get() + 1);
    }

    /// Adds them to the counters of the thread.
    pub fn take_over(&self, counters: &ThreadCounters) {
        counters.receive_calls.add(self.receives.take());
        counters.send_calls.add(self.sends.take());
    }
}
