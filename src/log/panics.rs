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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::Builder;

    use tracing::level_filters::LevelFilter;

    use super::super::{Sink, add_sink, remove_sink};
    use super::*;

    fn panic_on(name: &str, text: &'static str) {
        let died = Builder::new().name(name.into()).spawn(move || panic!("{text}")).unwrap();
        assert!(died.join().is_err());
    }

    /// All in one test: a process has one hook.
    #[test]
    fn the_engines_panics_are_told_in_the_log_once_a_second_and_others_where_they_were_before() {
        let foreign = Arc::<AtomicUsize>::default();
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new({
            let foreign = Arc::clone(&foreign);
            move |panic| {
                if thread::current().name() == Some("somebody-else") {
                    foreign.fetch_add(1, Ordering::SeqCst);
                } else {
                    default(panic);
                }
            }
        }));
        catch_panics();
        catch_panics();
        let sink = Arc::new(Sink::new(LevelFilter::ERROR, || ()));
        add_sink(Arc::clone(&sink));
        panic_on("medialoom-7", "the first");
        panic_on("somebody-else", "not ours");
        for _ in 0..3 {
            panic_on("medialoom-7", "left out");
        }
        thread::sleep(std::time::Duration::from_millis(1_050));
        let caught = watched(|| std::panic::catch_unwind(|| panic!("the {}", "last")));
        assert!(caught.is_err());
        remove_sink(&sink);

        assert_eq!(foreign.load(Ordering::SeqCst), 1);
        let records: Vec<_> = sink
            .drain()
            .into_iter()
            .filter(|r| r.target == module_path!().trim_end_matches("::tests"))
            .collect();
        let field = |index: usize, name: &str| {
            records[index].fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone())
        };
        let messages: Vec<_> = records.iter().map(|record| record.message.as_str()).collect();
        assert_eq!(messages, ["panic: the first", "panic: the last"]);
        assert_eq!(field(0, "thread").as_deref(), Some("medialoom-7"));
        assert_eq!(field(0, "left_out").as_deref(), Some("0"));
        assert!(field(0, "location").is_some_and(|at| at.starts_with(file!())));
        assert_eq!(field(1, "left_out").as_deref(), Some("3"));
    }
}
