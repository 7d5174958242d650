//! Which of many sockets became ready, without asking each of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

/// Keys whose wakers were woken since the list was last taken.
#[derive(Debug)]
pub(super) struct ReadyList<K> {
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    ready: Vec<Arc<KeyWaker<K>>>,
    /// Whoever waits for the list to be not empty.
    waiting: Option<Waker>,
}

#[derive(Debug)]
struct KeyWaker<K> {
    key: K,
    list: Arc<ReadyList<K>>,
    listed: AtomicBool,
}

impl<K: Copy + Send + Sync + 'static> ReadyList<K> {
    /// Nothing is ready and nobody waits.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { ready: Vec::new(), waiting: None }) })
    }

    /// A waker that puts `key` on the list.
    pub fn waker(self: &Arc<Self>, key: K) -> Waker {
        let listed = AtomicBool::new(false);
        Arc::new(KeyWaker { key, list: Arc::clone(self), listed }).into()
    }

    /// Ready while the list is not empty. Of several that wait only the last is woken.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.ready.is_empty() {
            return Poll::Ready(());
        }
        if !state.waiting.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            state.waiting = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Takes all keys, each of them once.
    pub fn take(&self) -> Vec<K> {
        let ready = std::mem::take(&mut self.lock().ready);
        let unlist = |waker: Arc<KeyWaker<K>>| {
            waker.listed.store(false, Ordering::Release);
            waker.key
        };
        ready.into_iter().map(unlist).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<K: Copy + Send + Sync + 'static> Wake for KeyWaker<K> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            let mut state = self.list.lock();
            state.ready.push(Arc::clone(self));
            if let Some(waker) = &state.waiting {
                waker.wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_listed_once_until_taken() {
        let list = ReadyList::new();
        let first = list.waker(1);
        let second = list.waker(2);
        let mut context = Context::from_waker(Waker::noop());
        assert!(list.poll(&mut context).is_pending());
        first.wake_by_ref();
        first.wake_by_ref();
        second.wake_by_ref();
        assert!(list.poll(&mut context).is_ready());
        assert_eq!(list.take(), [1, 2]);
        assert!(list.poll(&mut context).is_pending());
        first.wake();
        assert_eq!(list.take(), [1]);
    }
}
