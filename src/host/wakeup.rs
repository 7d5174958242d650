//! Waking a thread that may be asleep, without a system call when it is not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::Waker;

use crate::queue::counters::count_wakeup;

/// Shared by one thread that sleeps and all that hand it something.
///
/// The two sides agree as in Dekker's algorithm: the sleeper says that it is going to sleep and
/// then looks at its queues once more; the others put something into a queue and then look
/// whether it sleeps. The fences make sure that one of them sees the other.
#[derive(Default, Debug)]
pub(super) struct Wakeup {
    sleeping: AtomicBool,
    /// Something was put into a queue since the thread last asked.
    posted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Wakeup {
    /// For those that have just put something into a queue.
    pub fn wake(&self) {
        self.posted.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.sleeping.swap(false, Ordering::AcqRel) {
            // A copy, so that the sleeper does not find the lock taken when it wakes.
            let waker = self.waker.lock().unwrap_or_else(|e| e.into_inner()).clone();
            if let Some(waker) = waker {
                count_wakeup();
                waker.wake();
            }
        }
    }

    /// By what the thread is woken from now on. Before this it does not sleep.
    pub fn set_waker(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(|e| e.into_inner()) = Some(waker.clone());
    }

    /// The thread is going to sleep, and has to look at its queues after this.
    pub fn fall_asleep(&self) {
        self.sleeping.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Whether [`Wakeup::take_posted`] would say so.
    pub fn is_posted(&self) -> bool {
        self.posted.load(Ordering::Acquire)
    }

    /// Whether anything was put into a queue since this was asked last: looking at queues that are
    /// empty costs more.
    pub fn take_posted(&self) -> bool {
        self.posted.load(Ordering::Relaxed) && self.posted.swap(false, Ordering::Acquire)
    }

    /// Something was left in a queue.
    pub fn leave(&self) {
        self.posted.store(true, Ordering::Relaxed);
    }

    /// The thread has ended. Its waker keeps a descriptor open.
    pub fn forget(&self) {
        self.rise();
        *self.waker.lock().unwrap_or_else(|e| e.into_inner()) = None;
    }

    /// The thread is awake and will look at its queues before it sleeps again.
    pub fn rise(&self) {
        self.sleeping.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_was_posted_is_told_once_unless_some_of_it_is_left() {
        let wakeup = Wakeup::default();
        assert!(!wakeup.take_posted());
        wakeup.wake();
        wakeup.wake();
        assert!(wakeup.take_posted());
        assert!(!wakeup.take_posted());
        wakeup.leave();
        assert!(wakeup.take_posted());
    }

    #[test]
    fn only_the_first_wake_of_a_sleeper_costs_something() {
        let count = Arc::new(Count::default());
        let wakeup = Wakeup::default();
        wakeup.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 0, "awake");
        wakeup.set_waker(&Arc::clone(&count).into());
        wakeup.fall_asleep();
        wakeup.wake();
        wakeup.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        wakeup.fall_asleep();
        wakeup.rise();
        wakeup.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
