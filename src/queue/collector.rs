//! Gathers one share each of many threads.

use std::sync::{Mutex, PoisonError};

/// Gathers shares and hands them on when nobody has it any more. Everybody who is asked for a share
/// gets one `Arc` of it, adds the share and lets go. One that dies with it in its hands lets go as
/// well, so that nobody waits for what never comes.
pub struct Collector<T> {
    shares: Mutex<Vec<T>>,
    done: Box<dyn Fn(Vec<T>) + Send + Sync>,
}

impl<T> std::fmt::Debug for Collector<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl<T> Collector<T> {
    /// `done` is called once, on the thread that lets go last, and must not panic.
    pub fn new(done: impl Fn(Vec<T>) + Send + Sync + 'static) -> Self {
        Self { shares: Mutex::default(), done: Box::new(done) }
    }

    /// Adds one share.
    pub fn add(&self, share: T) {
        // Nothing panics while the lock is held.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner).push(share);
    }
}

impl<T> Drop for Collector<T> {
    fn drop(&mut self) {
        let shares = self.shares.get_mut().unwrap_or_else(PoisonError::into_inner);
        (self.done)(std::mem::take(shares));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn all_shares_are_handed_on_once_when_the_last_holder_lets_go_or_dies() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let collector = Arc::new(Collector::new({
            let seen = Arc::clone(&seen);
            move |shares: Vec<u32>| seen.lock().unwrap().push(shares)
        }));
        let (one, other) = (Arc::clone(&collector), Arc::clone(&collector));
        collector.add(1);
        drop(collector);
        one.add(2);
        drop(one);
        assert!(seen.lock().unwrap().is_empty(), "one has it still");
        let died = std::thread::spawn(move || {
            let _held = other;
            panic!("as the test wants");
        });
        assert!(died.join().is_err());
        assert_eq!(*seen.lock().unwrap(), [[1, 2]]);
    }
}
