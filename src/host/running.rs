//! Actors of the engine as the pool of tasks runs them.

use std::time::Instant;

use super::tasks::{Next, Task};

/// An actor that is told the time and says when it wants to be called again.
pub(super) trait Actor: Send {
    /// What the log calls it.
    const NAME: &'static str;

    /// Does what is due, which was to be done at `due`, and gives when to be called next; `None` when
    /// woken.
    fn run(&mut self, now: Instant, due: Instant) -> Option<Instant>;
    /// Whether it need not run again.
    fn is_over(&self) -> bool;
    /// It panicked.
    fn fail(&mut self);
    /// The endpoint closes; its JavaScript side has told everybody already.
    fn abandon(&mut self, now: Instant);
}

/// An actor in the pool.
pub(super) struct Running<A: Actor>(pub(super) A);

impl<A: Actor> Task for Running<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn run(&mut self, due: Instant) -> Next {
        match self.0.run(Instant::now(), due) {
            _ if self.0.is_over() => Next::Never,
            Some(at) => Next::At(at),
            None => Next::WhenWoken,
        }
    }

    fn fail(&mut self) {
        self.0.fail();
    }
}

impl<A: Actor> Drop for Running<A> {
    fn drop(&mut self) {
        if !self.0.is_over() && !std::thread::panicking() {
            self.0.abandon(Instant::now());
        }
    }
}
