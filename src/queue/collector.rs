//! Gathers one share each of many threads.

use std::sync::{Mutex, MutexGuard};

/// Gathers shares and hands them on when the last one came, on the thread that brought it.
pub struct Collector<T> {
    gathered: Mutex<Gathered<T>>,
    done: Box<dyn Fn(Vec<T>) + Send + Sync>,
}

struct Gathered<T> {
    missing: usize,
    shares: Vec<T>,
}

impl<T> std::fmt::Debug for Collector<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl<T> Collector<T> {
    /// `shares` is how many will come. `done` is called once, without a lock held.
    pub fn new(shares: usize, done: impl Fn(Vec<T>) + Send + Sync + 'static) -> Self {
        let gathered = Gathered { missing: shares, shares: Vec::with_capacity(shares) };
        Self { gathered: Mutex::new(gathered), done: Box::new(done) }
    }

    /// One more will come than was known. To be called while some are missing.
    pub fn expect_another(&self) {
        self.lock().missing += 1;
    }

    /// Adds one share. More than were expected are ignored.
    pub fn add(&self, share: T) {
        let mut gathered = self.lock();
        if gathered.missing == 0 {
            return;
        }
        gathered.shares.push(share);
        gathered.missing -= 1;
        if gathered.missing == 0 {
            let shares = std::mem::take(&mut gathered.shares);
            drop(gathered);
            (self.done)(shares);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gathered<T>> {
        // Nothing panics while the lock is held.
        self.gathered.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn all_shares_are_handed_on_with_the_last_one_and_once() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let collector = Collector::new(1, {
            let seen = Arc::clone(&seen);
            move |shares: Vec<u32>| seen.lock().unwrap().push(shares)
        });
        collector.expect_another();
        collector.add(1);
        assert!(seen.lock().unwrap().is_empty(), "one is missing");
        collector.add(2);
        collector.add(3);
        assert_eq!(*seen.lock().unwrap(), [[1, 2]]);
    }
}
