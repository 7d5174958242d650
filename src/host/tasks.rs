//! One pool of threads for what takes longer than a packet may wait: a mixer today, and whatever
//! records, plays or takes in media by other ways. They take turns with tasks that have deadlines:
//! whatever is due first runs first, on whichever thread is free. A task that has nothing to do
//! sleeps until it is woken and costs nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::HostError;

/// What a task wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// To run at this time.
    At(Instant),
    /// When somebody wakes it.
    WhenWoken,
    /// It is over.
    Never,
}

/// Between a fault of a thread of the pool and its next look at the tasks.
const AFTER_FAULT: Duration = Duration::from_millis(10);

/// Work that comes in turns. One turn runs on one thread; two turns of a task never overlap.
pub trait Task: Send {
    /// What the log calls it.
    fn name(&self) -> &'static str;
    /// One turn. `due` is when it was to run, which may be a while ago.
    fn run(&mut self, due: Instant) -> Next;
    /// It panicked and will not run again.
    fn fail(&mut self);
}

/// Gets one task to run.
#[derive(Clone)]
pub struct Waker {
    id: u64,
    pool: Weak<Shared>,
}

/// The threads and what they run. Dropping it ends both.
pub struct TaskPool {
    shared: Arc<Shared>,
    size: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    tasks: AtomicU64,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When which task is due; entries whose time is not the task's own any more are passed over.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    tasks: HashMap<u64, Slot>,
    stop: bool,
    /// How often threads fail with a task in their hands.
    #[cfg(test)]
    faults: usize,
}

/// A task, and where it stands.
struct Slot {
    /// Not there while it runs.
    task: Option<Box<dyn Task>>,
    due: Option<Instant>,
    /// It was woken while it ran.
    woken: bool,
}

impl TaskPool {
    /// `size` threads, which start with the first task.
    pub fn new(size: usize) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new() };
        Self {
            shared: Arc::new(shared),
            size: size.max(1),
            threads: Mutex::default(),
            tasks: AtomicU64::new(0),
        }
    }

    /// For a task that is made next: what it is made of may need waking it already.
    pub fn waker(&self) -> Waker {
        let id = self.tasks.fetch_add(1, Ordering::Relaxed);
        Waker { id, pool: Arc::downgrade(&self.shared) }
    }

    /// Runs the task, and again when it wants.
    ///
    /// Errors: `Io` when the system gives no thread.
    pub fn spawn(&self, waker: &Waker, task: Box<dyn Task>) -> Result<(), HostError> {
        self.start_threads()?;
        let now = Instant::now();
        let mut state = self.shared.lock();
        state.tasks.insert(waker.id, Slot { task: Some(task), due: Some(now), woken: false });
        state.due.push(Reverse((now, waker.id)));
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    fn start_threads(&self) -> Result<(), HostError> {
        let mut threads = self.threads.lock().unwrap_or_else(|e| e.into_inner());
        while threads.len() < self.size {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new()
                .name(format!("medialoom-task-{}", threads.len()))
                .spawn(move || shared.live())
                .map_err(HostError::PoolThread)?;
            threads.push(thread);
        }
        Ok(())
    }

    /// Ends the threads and what is left of the tasks. Calling it again does nothing.
    pub fn shutdown(&self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|e| e.into_inner()));
        for thread in threads {
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        let tasks = std::mem::take(&mut self.shared.lock().tasks);
        drop(tasks);
    }
}

impl Drop for TaskPool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Waker {
    /// A task that waits for its time anyway is left alone.
    pub fn wake(&self) {
        let Some(pool) = self.pool.upgrade() else { return };
        let mut state = pool.lock();
        let Some(slot) = state.tasks.get_mut(&self.id) else { return };
        if slot.task.is_none() {
            slot.woken = true;
            return;
        }
        if slot.due.is_none() {
            let now = Instant::now();
            slot.due = Some(now);
            state.due.push(Reverse((now, self.id)));
            drop(state);
            pool.changed.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Tasks run without the lock.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Works until the pool ends. Faults of tasks are caught where they run; one of the pool itself
    /// must lose neither the thread nor the task that it had in its hands.
    fn live(&self) {
        let mut held = None;
        while catch_unwind(AssertUnwindSafe(|| self.work(&mut held))).is_err() {
            tracing::error!("a thread of the pool of tasks failed, it goes on");
            std::thread::sleep(AFTER_FAULT);
            let Some((id, task)) = held.take() else { continue };
            // Its own turn did not fail: it goes on, on whichever thread is free.
            let over = self.lock().put_back(id, task, Next::At(Instant::now()));
            self.changed.notify_one();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(over)));
        }
    }

    fn work(&self, held: &mut Option<(u64, Box<dyn Task>)>) {
        let mut state = self.lock();
        while !state.stop {
            let Some((due, id)) = state.next() else {
                state = self.changed.wait(state).unwrap_or_else(|e| e.into_inner());
                continue;
            };
            let now = Instant::now();
            if due > now {
                // Another thread may take what comes up meanwhile; all look again then.
                let waited = self.changed.wait_timeout(state, due - now);
                state = waited.unwrap_or_else(|e| e.into_inner()).0;
                continue;
            }
            let Some(task) = state.take(id) else { continue };
            let task = &mut held.insert((id, task)).1;
            #[cfg(test)]
            state.fail_if_asked();
            let more = state.next().is_some();
            drop(state);
            if more {
                self.changed.notify_one();
            }
            let next = catch_unwind(AssertUnwindSafe(|| task.run(due))).unwrap_or_else(|_| {
                tracing::error!(task = task.name(), "a task failed, it is closed");
                // It may be in any state; what it says of that may fail as well.
                let _ = catch_unwind(AssertUnwindSafe(|| task.fail()));
                Next::Never
            });
            state = self.lock();
            let Some((id, task)) = held.take() else { continue };
            if let Some(over) = state.put_back(id, task, next) {
                drop(state);
                // What is left of a task that panicked may panic again.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(over)));
                state = self.lock();
            }
        }
    }
}

impl State {
    #[cfg(test)]
    fn fail_if_asked(&mut self) {
        if self.faults > 0 {
            self.faults -= 1;
            panic!("as the test wants");
        }
    }

    /// What is due first.
    fn next(&mut self) -> Option<(Instant, u64)> {
        while let Some(Reverse((due, id))) = self.due.peek().copied() {
            let slot = self.tasks.get(&id);
            if slot.is_some_and(|slot| slot.task.is_some() && slot.due == Some(due)) {
                return Some((due, id));
            }
            self.due.pop();
        }
        None
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Task>> {
        let slot = self.tasks.get_mut(&id)?;
        (slot.due, slot.woken) = (None, false);
        slot.task.take()
    }

    /// Gives the task back when it is over.
    fn put_back(&mut self, id: u64, task: Box<dyn Task>, next: Next) -> Option<Box<dyn Task>> {
        let Some(slot) = self.tasks.get_mut(&id) else { return Some(task) };
        let due = match next {
            Next::Never => {
                self.tasks.remove(&id);
                return Some(task);
            }
            Next::At(at) => Some(at),
            Next::WhenWoken => slot.woken.then(Instant::now),
        };
        slot.task = Some(task);
        slot.due = due;
        if let Some(due) = due {
            self.due.push(Reverse((due, id)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    struct Counted(mpsc::Sender<&'static str>, Vec<Next>);

    impl Task for Counted {
        fn name(&self) -> &'static str {
            "test"
        }

        fn run(&mut self, _: Instant) -> Next {
            let _ = self.0.send("ran");
            match self.1.pop() {
                Some(next) => next,
                None => panic!("as the test wants"),
            }
        }

        fn fail(&mut self) {
            let _ = self.0.send("failed");
        }
    }

    const SOON: Duration = Duration::from_secs(10);
    const WHILE: Duration = Duration::from_millis(50);

    #[test]
    fn a_task_runs_when_it_is_due_and_when_it_is_woken_and_fails_alone() {
        let pool = TaskPool::new(2);
        let (sender, ran) = mpsc::channel();
        let (waker, other) = (pool.waker(), pool.waker());
        let later = Next::At(Instant::now() + Duration::from_millis(20));
        pool.spawn(&waker, Box::new(Counted(sender.clone(), vec![Next::WhenWoken, later])))
            .unwrap();
        assert_eq!(ran.recv_timeout(SOON), Ok("ran"));
        assert_eq!(ran.recv_timeout(SOON), Ok("ran"), "at its time");
        assert!(ran.recv_timeout(WHILE).is_err(), "it sleeps");
        waker.wake();
        assert_eq!(ran.recv_timeout(SOON), Ok("ran"), "woken");
        assert_eq!(ran.recv_timeout(SOON), Ok("failed"));
        waker.wake();
        assert!(ran.recv_timeout(WHILE).is_err(), "it is gone");
        pool.spawn(&other, Box::new(Counted(sender, vec![Next::Never]))).unwrap();
        assert_eq!(ran.recv_timeout(SOON), Ok("ran"), "the thread lives on");
    }

    #[test]
    fn a_task_that_panics_to_the_end_takes_no_thread_with_it() {
        struct Cursed;
        impl Task for Cursed {
            fn name(&self) -> &'static str {
                "test"
            }

            fn run(&mut self, _: Instant) -> Next {
                panic!("as the test wants")
            }
            fn fail(&mut self) {
                panic!("as the test wants")
            }
        }
        impl Drop for Cursed {
            fn drop(&mut self) {
                panic!("as the test wants")
            }
        }
        let pool = TaskPool::new(1);
        pool.spawn(&pool.waker(), Box::new(Cursed)).unwrap();
        let (sender, ran) = mpsc::channel();
        std::thread::sleep(WHILE);
        pool.spawn(&pool.waker(), Box::new(Counted(sender, vec![Next::Never]))).unwrap();
        assert_eq!(ran.recv_timeout(SOON), Ok("ran"));
    }

    #[test]
    fn a_thread_that_fails_outside_of_tasks_loses_neither_itself_nor_the_task_it_had() {
        for threads in [1, 2] {
            let pool = TaskPool::new(threads);
            let (sender, ran) = mpsc::channel();
            let waker = pool.waker();
            let turns = vec![Next::WhenWoken; 4];
            pool.spawn(&waker, Box::new(Counted(sender, turns))).unwrap();
            assert_eq!(ran.recv_timeout(SOON), Ok("ran"));
            for faults in [1, 3, 1] {
                pool.shared.lock().faults = faults;
                waker.wake();
                assert_eq!(ran.recv_timeout(SOON), Ok("ran"), "after so many faults: {faults}");
            }
            assert!(ran.recv_timeout(WHILE).is_err(), "once each");
        }
    }

    #[test]
    fn waking_a_task_while_it_runs_is_not_lost() {
        struct Slow(mpsc::Sender<()>, mpsc::Receiver<()>);
        impl Task for Slow {
            fn name(&self) -> &'static str {
                "test"
            }

            fn run(&mut self, _: Instant) -> Next {
                let _ = self.0.send(());
                let _ = self.1.recv_timeout(SOON);
                Next::WhenWoken
            }
            fn fail(&mut self) {}
        }
        let pool = TaskPool::new(1);
        let (started, runs) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let waker = pool.waker();
        pool.spawn(&waker, Box::new(Slow(started, wait))).unwrap();
        runs.recv_timeout(SOON).unwrap();
        waker.wake();
        go.send(()).unwrap();
        runs.recv_timeout(SOON).expect("it runs once more");
        go.send(()).unwrap();
    }
}
