//! What panics on the engine's threads goes into the log, where whoever runs the process looks, and
//! not to standard error. Panics elsewhere are somebody else's and go where they went before: other
//! native modules have a hook of their own, and this one has what was installed before it.

use std::any::Any;
use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::thread;
use std::time::Instant;

use super::limit::Limit;

/// How the names of all threads of the engine begin.
const THREADS: &str = "medialoom-";

static PANICS: Limit = Limit::new();

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// A panic is being told: one within is not.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Takes panics of the engine's threads, and those [`watched`], into the log. Once for the process;
/// calling it again does nothing.
pub fn catch_panics() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(
            move |panic| if is_ours() { tell(panic) } else { before(panic) },
        ));
    });
}

/// Runs something whose panics are the engine's on a thread that is not.
pub fn watched<T>(action: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WATCHED.set(self.0);
        }
    }
    let _restore = Restore(WATCHED.replace(true));
    action()
}

fn is_ours() -> bool {
    WATCHED.get() || thread::current().name().is_some_and(|name| name.starts_with(THREADS))
}

fn tell(panic: &PanicHookInfo<'_>) {
    let Some(left_out) = PANICS.admit(Instant::now()) else { return };
    if TELLING.replace(true) {
        return;
    }
    let thread = thread::current();
    let thread = thread.name().unwrap_or("JavaScript");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(thread, location, left_out, "panic: {}", text(panic.payload()));
    TELLING.set(false);
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
